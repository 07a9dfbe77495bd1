-- When was each reached credential in use in the window, from which address and with which user agent, without a pause of 30 minutes?
-- Grain: one row per session; requests that access logs alone show are part of the session that they touch, or sessions of their own.
-- Cannot see: requests whose credential could not be settled (D); what came before the window's start or after its end.
with calls as (
    select 'cloudtrail' as seen_in, access_key_id, source_ip_address, user_agent, event_time, error_code is not null as failed, invoked_by,
           case when event_source = 's3.amazonaws.com' and record_class in ('data_read', 'data_write') then bytes_out end as bytes_sent
    from events
    where event_time >= :window_start and event_time < :window_end and access_key_id in (select access_key_id from compromised_credentials)
    union all by name
    select 'server_access_log' as seen_in, access_key_id, source_ip_address, user_agent, event_time,
           error_code is not null or http_status >= 400 as failed, bytes_sent
    from log_uses
    where period = 'window' and access_key_id in (select access_key_id from compromised_credentials)
),
begun as (
    select *, event_time < lag(event_time) over caller + interval '30' minute as continues
    from calls
    window caller as (partition by seen_in, access_key_id, source_ip_address, user_agent order by event_time)
),
numbered as (
    select *, sum(case when continues then 0 else 1 end) over (
                  partition by seen_in, access_key_id, source_ip_address, user_agent order by event_time) as number
    from begun
),
spans as materialized (
    select row_number() over () as span, seen_in, access_key_id, source_ip_address, user_agent, min(event_time) as start_time,
           max(event_time) as end_time, count(*) as event_count, count(*) filter (failed) as error_count,
           cast(sum(bytes_sent) as bigint) as bytes_sent, count(invoked_by) as forwarded_count, min(invoked_by) as invoked_by
    from numbered
    group by seen_in, access_key_id, source_ip_address, user_agent, number
),
touching as materialized (
    select t.span as trail_span, l.span as log_span, l.start_time, l.end_time + interval '1' second as end_time
    from spans t
    join spans l
        on l.access_key_id = t.access_key_id and l.source_ip_address is not distinct from t.source_ip_address
       and l.user_agent is not distinct from t.user_agent
       and l.start_time < t.end_time + interval '30' minute and l.end_time > t.start_time - interval '30' minute
    where t.seen_in = 'cloudtrail' and l.seen_in = 'server_access_log'
)
select s.* exclude (span), client_of(s.user_agent) as client, coalesce(r.lineage, '') as lineage, r.is_responder, f.first_seen,
       case s.seen_in when 'cloudtrail' then least(s.start_time - interval '30' minute, t.start_time) else s.start_time end as reach_start,
       case s.seen_in when 'cloudtrail' then greatest(s.end_time + interval '30' minute, t.end_time)
                      else s.end_time + interval '1' second end as reach_end
from spans s
join compromised_credentials r on r.access_key_id = s.access_key_id
left join (select trail_span, min(start_time) as start_time, max(end_time) as end_time from touching group by all) t on t.trail_span = s.span
left join (select lineage_id, source_ip_address, min(first_time) as first_seen from uses group by all) f
    on f.lineage_id = coalesce(r.lineage, '') and f.source_ip_address = coalesce(s.source_ip_address, '')
where s.span not in (select log_span from touching)
order by s.start_time, s.access_key_id, coalesce(s.source_ip_address, ''), coalesce(s.user_agent, ''), s.seen_in
