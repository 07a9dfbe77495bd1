-- When was each reached credential in use by what access logs alone show, by address and agent, without a pause of 30 minutes?
-- Grain: one row per run of requests that no CloudTrail event holds; empty if none.
-- Cannot see: requests whose credential could not be settled (D).
with used as (
    select access_key_id, source_ip_address, user_agent, event_time, bytes_sent, error_code, http_status,
           case when event_time < lag(event_time) over (
                    partition by access_key_id, source_ip_address, user_agent order by event_time) + interval '30' minute
                then 0 else 1 end as begins
    from log_uses
    where period = 'window'
),
numbered as (
    select access_key_id, source_ip_address, user_agent, event_time, bytes_sent, error_code, http_status,
           sum(begins) over (partition by access_key_id, source_ip_address, user_agent order by event_time) as number
    from used
)
select access_key_id, source_ip_address, user_agent, cast(number as bigint) as number, min(event_time) as start_time,
       max(event_time) as end_time, count(*) as event_count,
       count(*) filter (where error_code is not null or http_status >= 400) as error_count, cast(sum(bytes_sent) as bigint) as bytes_sent
from numbered
group by access_key_id, source_ip_address, user_agent, number
order by start_time, access_key_id, source_ip_address, user_agent, number
