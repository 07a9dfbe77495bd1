-- Which session holds each of these acts?
-- Grain: one row per act, by its number; the session is null where none holds it.
select a.number, h.session_id, h.verdict, h.label
from acts_to_place a
left join session_hours h
    on h.access_key_id = a.access_key_id and h.source_ip_address = coalesce(a.source_ip_address, '')
   and h.user_agent = coalesce(a.user_agent, '') and h.hour = date_trunc('hour', a.event_time)
   and a.event_time >= h.start_time and a.event_time < h.end_time
order by a.number
