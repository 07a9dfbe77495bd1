-- Which are the first of these calls, to look up in the evidence?
-- Grain: one row per event, at most 20; empty if none.
-- Cannot see: the calls after the twentieth.
select e.event_id, e.event_time
from events e join compromised_credentials r on r.access_key_id = e.access_key_id
where e.event_time >= :window_start and e.event_time < :window_end and not r.is_responder
order by e.event_time, e.event_id, e.source_file, e.record_number
limit 20
