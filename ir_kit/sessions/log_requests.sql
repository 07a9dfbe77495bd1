-- How many requests that access logs alone show lie in each session?
-- Grain: one row per session that has any.
-- Cannot see: requests whose credential could not be settled (D).
select h.session_id, count(*) as request_count, cast(sum(u.bytes_sent) as bigint) as bytes_sent
from log_uses u
join session_hours h
    on h.access_key_id = u.access_key_id and h.source_ip_address = u.source_ip_address and h.user_agent = coalesce(u.user_agent, '')
   and h.hour = date_trunc('hour', u.event_time) and u.event_time >= h.start_time and u.event_time < h.end_time
where u.period = 'window'
group by h.session_id
