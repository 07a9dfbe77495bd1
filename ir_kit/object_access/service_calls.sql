-- Which calls of reached credentials set AWS services reading, copying or moving objects?
-- Grain: one row per call in the window, refused ones included.
-- Cannot see: what the service then read (its requests carry its own credentials); calls made while management events were off.
select e.event_time, e.event_id, e.access_key_id, e.event_source, e.event_name, e.aws_region, e.bucket, e.error_code, e.request_parameters
from events e
where e.access_key_id in (select access_key_id from reached_credentials)
  and e.event_time >= :window_start and e.event_time < :window_end
  and (e.event_source, e.event_name) in (select event_source, event_name from service_movers)
order by e.event_time, e.event_id
