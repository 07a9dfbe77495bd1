-- What did reached credentials do to which bucket, with success, in the window?
-- Grain: one row per reached credential, bucket and event name; empty if none.
-- Cannot see: requests that only access logs hold, and the outcome for each key of a batch delete.
select access_key_id, bucket, event_name, count(*) as requests
from events
where event_source = 's3.amazonaws.com' and error_code is null and bucket is not null
  and event_time >= :window_start and event_time < :window_end
  and access_key_id in (select access_key_id from reached_credentials)
group by access_key_id, bucket, event_name
order by access_key_id, bucket, event_name
