-- When was each reached credential in use in the window, from which address and with which user agent, without a pause of 30 minutes?
-- Grain: one row per run of use of one credential from one address with one user agent; empty if none.
-- Cannot see: requests that only access logs hold; what came before the window's start or after its end.
with used as (
    select e.access_key_id, e.source_ip_address, e.user_agent, e.event_time, e.error_code, e.invoked_by,
           case when e.event_source = 's3.amazonaws.com' and e.record_class in ('data_read', 'data_write') then e.bytes_out end as bytes_out,
           case when e.event_time < lag(e.event_time) over (
                    partition by e.access_key_id, e.source_ip_address, e.user_agent order by e.event_time) + interval '30' minute
                then 0 else 1 end as begins
    from events e join reached_credentials r on r.access_key_id = e.access_key_id
    where e.event_time >= :window_start and e.event_time < :window_end
),
numbered as (
    select access_key_id, source_ip_address, user_agent, event_time, error_code, invoked_by, bytes_out,
           sum(begins) over (partition by access_key_id, source_ip_address, user_agent order by event_time) as number
    from used
)
select access_key_id, source_ip_address, user_agent, cast(number as bigint) as number, min(event_time) as start_time,
       max(event_time) as end_time, count(*) as event_count, count(error_code) as error_count, cast(sum(bytes_out) as bigint) as bytes_sent,
       count(invoked_by) as forwarded_count, min(invoked_by) as invoked_by
from numbered
group by access_key_id, source_ip_address, user_agent, number
order by start_time, access_key_id, source_ip_address, user_agent, number
