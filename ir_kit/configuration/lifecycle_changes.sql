-- Which lifecycle rules did reached credentials put on buckets, and which stood there before?
-- Grain: one row per call in the evidence that put a bucket's lifecycle, whoever made it; is_reached says by whom.
-- Cannot see: rules put while management events were off.
select e.event_time, e.event_id, e.request_id, e.bucket, e.access_key_id, e.error_code, e.request_parameters, e.source_ip_address, e.user_agent,
       r.access_key_id is not null and e.event_time >= :window_start and e.event_time < :window_end as is_reached
from events e
left join reached_credentials r on r.access_key_id = e.access_key_id
where e.event_source = 's3.amazonaws.com'
  and e.event_name in ('PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'DeleteBucketLifecycle')
order by e.event_time, e.event_id
