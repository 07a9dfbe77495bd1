-- When was each reached credential in use in the window, from which address and with which user agent, without a pause of 30 minutes?
-- Grain: one row per session; requests that access logs alone show are part of the session that they touch, or sessions of their own.
-- Cannot see: requests whose credential could not be settled (D); what came before the window's start or after its end.
with calls as (
    select 'cloudtrail' as seen_in, e.access_key_id, e.source_ip_address, e.user_agent, e.event_time, e.error_code is not null as failed, e.invoked_by,
           case when e.event_source = 's3.amazonaws.com' and e.record_class in ('data_read', 'data_write') then e.bytes_out end as bytes_sent
    from events e semi join reached_credentials r on r.access_key_id = e.access_key_id
    where e.event_time >= :window_start and e.event_time < :window_end
    union all by name
    select 'server_access_log' as seen_in, u.access_key_id, u.source_ip_address, u.user_agent, u.event_time,
           u.error_code is not null or u.http_status >= 400 as failed, u.bytes_sent
    from log_uses u semi join reached_credentials r on r.access_key_id = u.access_key_id
    where u.period = 'window'
),
begun as (
    select *, event_time < lag(event_time) over (
                  partition by seen_in, access_key_id, source_ip_address, user_agent order by event_time) + interval '30' minute as continues
    from calls
),
numbered as (
    select *, sum(case when continues then 0 else 1 end) over (
                  partition by seen_in, access_key_id, source_ip_address, user_agent order by event_time) as number
    from begun
),
spans as materialized (
    select seen_in, access_key_id, source_ip_address, user_agent, cast(number as bigint) as number, min(event_time) as start_time,
           max(event_time) as end_time, count(*) as event_count, count(*) filter (failed) as error_count,
           cast(sum(bytes_sent) as bigint) as bytes_sent, count(invoked_by) as forwarded_count, min(invoked_by) as invoked_by
    from numbered
    group by all
),
touching as (
    select t.access_key_id, coalesce(t.source_ip_address, '') as address, coalesce(t.user_agent, '') as agent, t.start_time as trail_start,
           l.start_time, l.end_time
    from spans t
    join spans l
        on l.access_key_id = t.access_key_id and coalesce(l.source_ip_address, '') = coalesce(t.source_ip_address, '')
       and coalesce(l.user_agent, '') = coalesce(t.user_agent, '')
       and l.start_time < t.end_time + interval '30' minute and l.end_time > t.start_time - interval '30' minute
    where t.seen_in = 'cloudtrail' and l.seen_in = 'server_access_log'
),
reaches as (
    select access_key_id, address, agent, trail_start, min(start_time) as start_time, max(end_time) + interval '1' second as end_time
    from touching
    group by all
)
select s.*, client_of(s.user_agent) as client, coalesce(r.lineage, '') as lineage, r.is_responder,
       case when s.seen_in = 'cloudtrail' then least(s.start_time - interval '30' minute, t.start_time) else s.start_time end as reach_start,
       case when s.seen_in = 'cloudtrail' then greatest(s.end_time + interval '30' minute, t.end_time)
            else s.end_time + interval '1' second end as reach_end
from spans s
join reached_credentials r on r.access_key_id = s.access_key_id
left join reaches t
    on s.seen_in = 'cloudtrail' and t.access_key_id = s.access_key_id and t.address = coalesce(s.source_ip_address, '')
   and t.agent = coalesce(s.user_agent, '') and t.trail_start = s.start_time
where s.seen_in = 'cloudtrail' or not exists (
    select 1 from touching x
    where x.access_key_id = s.access_key_id and x.address = coalesce(s.source_ip_address, '') and x.agent = coalesce(s.user_agent, '')
      and x.start_time = s.start_time)
order by s.start_time, s.access_key_id, coalesce(s.source_ip_address, ''), coalesce(s.user_agent, ''), s.seen_in, s.number
