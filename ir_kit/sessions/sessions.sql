-- When was each compromised credential in use in the window, from which address and with which user agent, without a pause of 30 minutes?
-- Grain: one row per session; requests that access logs alone show are part of the session that they touch, or sessions of their own.
--        So that every act has at most one, a session's reach goes 30 minutes beyond its first and last event, or as far as such requests,
--        and never into the half of a gap that is nearer to the next session of the same credential, address and user agent.
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
    select t.span, min(l.start_time) as start_time, max(l.end_time) + interval '1' second as end_time, list(l.span) as log_spans
    from spans t
    join spans l
        on l.access_key_id = t.access_key_id and l.source_ip_address is not distinct from t.source_ip_address
       and l.user_agent is not distinct from t.user_agent
       and l.start_time < t.end_time + interval '30' minute and l.end_time > t.start_time - interval '30' minute
    where t.seen_in = 'cloudtrail' and l.seen_in = 'server_access_log'
    group by t.span
),
reaching as (
    select s.*, coalesce(source_ip_address, '') as address, coalesce(user_agent, '') as agent,
           case seen_in when 'cloudtrail' then least(s.start_time - interval '30' minute, t.start_time) else s.start_time end as reach_start,
           case seen_in when 'cloudtrail' then greatest(s.end_time + interval '30' minute, t.end_time)
                        else s.end_time + interval '1' second end as reach_end
    from spans s left join touching t using (span)
    where span not in (select unnest(log_spans) from touching)
),
bordered as (
    select *, lead(reach_start) over following as next_reach,
           make_timestamp((epoch_us(end_time) + epoch_us(lead(start_time) over following)) // 2) as middle,
           case when reach_end < next_reach then least(greatest(middle, reach_end), next_reach) else middle end as border
    from reaching
    window following as (partition by access_key_id, address, agent order by start_time)
),
bounded as materialized (
    select * replace (
               greatest(reach_start, lag(border) over (partition by access_key_id, address, agent order by start_time)) as reach_start,
               least(reach_end, border) as reach_end)
    from bordered
),
log_requests as (
    select h.span, count(*) as log_request_count, cast(sum(u.bytes_sent) as bigint) as log_bytes_sent
    from log_uses u
    join (select *, unnest(generate_series(date_trunc('hour', reach_start), reach_end, interval '1' hour)) as hour from bounded) h
        on h.access_key_id = u.access_key_id and h.address = u.source_ip_address and h.agent = coalesce(u.user_agent, '')
       and h.hour = date_trunc('hour', u.event_time) and u.event_time >= h.reach_start and u.event_time < h.reach_end
    where u.period = 'window'
    group by h.span
),
sources_seen as (
    select lineage_id, source_ip_address, client, max(source_id) filter (period = 'window') as source_id,
           min(min(first_time)) over (partition by lineage_id, source_ip_address) as first_seen
    from uses
    group by lineage_id, source_ip_address, client
),
last_labels as (
    select b.span, arg_max(l.label, (l.labelled_at, l.number)) as label
    from bounded b
    join labels l
        on l.access_key_id = b.access_key_id and l.source_ip_address = b.address and l.user_agent = b.agent
       and l.start_time <= b.end_time and l.end_time >= b.start_time
    group by b.span
)
select b.* exclude (span, seen_in, address, agent, next_reach, middle, border), r.is_responder, coalesce(r.lineage, '') as lineage, f.source_id,
       f.first_seen, nullif(l.label, '') as label, q.log_request_count, q.log_bytes_sent,
       case when b.seen_in = 'cloudtrail' and q.log_request_count > 0 then 'both' else b.seen_in end as seen_in
from bounded b
join compromised_credentials r on r.access_key_id = b.access_key_id
join sources_seen f on f.lineage_id = coalesce(r.lineage, '') and f.source_ip_address = b.address and f.client = client_of(b.user_agent)
left join last_labels l on l.span = b.span
left join log_requests q on q.span = b.span
order by b.start_time, b.access_key_id, b.address, b.agent, b.seen_in
