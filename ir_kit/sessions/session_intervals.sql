-- Which stretch of time belongs to each session, so that every act has at most one?
-- Grain: one row per session; it reaches 30 minutes beyond its first and last event, or as far as access-log requests that touch it,
--        and never into the half of a gap that is nearer to the next session of the same credential, address and user agent.
-- Cannot see: requests whose credential could not be settled (D), which are in no session.
with reached as (
    select session_id, access_key_id, coalesce(source_ip_address, '') as source_ip_address, cast(null as varchar) as vpc_endpoint_id,
           coalesce(user_agent, '') as user_agent, start_time as first_time, end_time as last_time, verdict, label,
           coalesce(reach_start, start_time - interval '30' minute) as reach_start, coalesce(reach_end, end_time + interval '30' minute) as reach_end
    from sessions
),
bordered as (
    select *, lead(reach_start) over following as next_reach,
           make_timestamp((epoch_us(last_time) + epoch_us(lead(first_time) over following)) // 2) as middle
    from reached
    window following as (partition by access_key_id, source_ip_address, user_agent order by first_time, session_id)
),
ended as (
    select *, case when reach_end < next_reach then least(greatest(middle, reach_end), next_reach) else middle end as border from bordered
)
select session_id, access_key_id, source_ip_address, vpc_endpoint_id, user_agent,
       greatest(reach_start, lag(border) over (partition by access_key_id, source_ip_address, user_agent order by first_time, session_id)) as start_time,
       least(reach_end, border) as end_time, verdict, label
from ended
order by start_time, session_id
