-- Which requests are these, in the order of time?
-- Grain: one row per request, as many as asked for.
-- Cannot see: requests that neither log holds.
select *
from object_access_requests
order by event_time, bucket, request_id, event_name, key, event_id
limit :most
