-- Which session holds each of these acts?
-- Grain: one row per act, by its number; the session is null where none holds it.
select a.number, i.session_id, i.verdict, i.label
from acts_to_place a
left join session_intervals i
    on i.access_key_id = a.access_key_id and i.source_ip_address = coalesce(a.source_ip_address, '')
   and i.user_agent = coalesce(a.user_agent, '') and a.event_time >= i.start_time and a.event_time < i.end_time
order by a.number
