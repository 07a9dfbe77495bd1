-- Which session holds a request of this credential, address and user agent (empty where there is none) at this time, hour by hour?
-- Grain: one row per session and hour that its reach touches.
select session_id, access_key_id, coalesce(source_ip_address, '') as source_ip_address, coalesce(user_agent, '') as user_agent,
       reach_start as start_time, reach_end as end_time, verdict, label,
       unnest(generate_series(date_trunc('hour', reach_start), reach_end, interval '1' hour)) as hour
from sessions
