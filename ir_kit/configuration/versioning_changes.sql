-- When was a bucket's versioning switched?
-- Grain: one row per successful call.
-- Cannot see: switches made while management events were off.
select event_time, bucket, request_parameters
from events
where event_source = 's3.amazonaws.com' and event_name = 'PutBucketVersioning' and error_code is null and bucket is not null
order by event_time, event_id
