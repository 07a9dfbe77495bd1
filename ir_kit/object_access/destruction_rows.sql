-- Which acts of destruction are these, in the order of time?
-- Grain: one row per object and act.
-- Cannot see: acts that neither log holds.
select *
from object_access_destruction
order by event_time, bucket, request_id, key, event_id
