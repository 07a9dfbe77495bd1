-- Is there an event of this key and service near the use that IAM noted as its latest?
-- Grain: one row: how many events lie in that time.
-- Cannot see: use that no trail logged.
select count(*) as event_count
from events
where access_key_id = :access_key_id and event_source = :event_source and event_time >= :first_time and event_time <= :last_time
