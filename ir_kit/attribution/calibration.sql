-- How often is reasoning right where both logs tell whose a request was?
-- Grain: two rows, for grade C and grade D.
-- Each request that both logs hold, over baseline and window, is taken as if its bucket had no data events at all.
-- Cannot see: whether requests that only the access log holds are like these.
with tried as (
    select row_number() over () as id, q.principal_arn, l.remote_ip as source_ip_address, l.user_agent, l.bucket, e.access_key_id, s.candidates,
           s.complete, count(*) as number
    from access_log_lines l
    join possible_requesters q on q.requester = l.requester
    join operation_names o on o.operation = l.operation
    join events e on e.bucket = l.bucket and e.request_id = l.request_id and e.host_id = l.host_id
    left join candidate_spans s
        on s.principal_arn = q.principal_arn and not s.by_service
       and s.day = date_trunc('day', l.event_time) and l.event_time >= s.start_time and l.event_time < s.end_time
    where e.event_source = 's3.amazonaws.com' and e.record_class in ('data_read', 'data_write') and e.access_key_id is not null
      and o.half = 'whole' and l.presigned_access_key_id is null and l.remote_ip is not null
      and l.event_time >= :baseline_start and l.event_time < :window_end
    group by all
),
-- candidates that would be known without that bucket's data events
fitting as (
    select t.id, list(distinct t.access_key_id) as keys
    from (select id, principal_arn, bucket, unnest(candidates) as access_key_id from tried) t
    where t.access_key_id in (select access_key_id from compromised_credentials)
       or exists (from credential_validity v where v.principal_arn = t.principal_arn and v.access_key_id = t.access_key_id and v.explained)
       or exists (from credential_uses u where u.access_key_id = t.access_key_id and not u.for_service and u.data_bucket is distinct from t.bucket)
    group by t.id
),
by_source as (
    select t.id, list(distinct k.access_key_id) as keys
    from tried t
    join source_keys k using (principal_arn, source_ip_address, user_agent)
    where k.data_bucket is distinct from t.bucket
    group by t.id
),
reasoned as (
    select t.number, t.access_key_id, coalesce(f.keys, []) as candidates,
           case when t.complete and len(f.keys) = 1 then f.keys
                when len(s.keys) = 1 and (f.keys is null or list_contains(f.keys, s.keys[1])) then s.keys end as settled
    from tried t
    left join fitting f using (id)
    left join by_source s using (id)
)
select attribution, coalesce(sum(number), 0)::bigint as requests,
       coalesce(sum(number) filter (list_contains(coalesce(settled, candidates), access_key_id)), 0)::bigint as "right",
       "right" / nullif(requests, 0) as share, attribution = 'D' or requests < 200 or share >= 0.98 as used
from (values ('C'), ('D')) grades (attribution)
left join reasoned on attribution = if(settled is null, 'D', 'C')
group by attribution
order by attribution
