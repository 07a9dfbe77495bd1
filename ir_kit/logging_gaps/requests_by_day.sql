-- How many requests for objects and listings did each bucket get, day by day, as each kind of log shows them?
-- Grain: one row per record class, bucket and day; empty if none.
-- Cannot see: buckets and hours that were not logged, and what access logs lost.
select record_class, bucket, cast(event_time as date) as day, count(*) as requests,
       min(event_time) as first_time, max(event_time) as last_time, min(aws_region) as aws_region
from events
where record_class in ('data_read', 'data_write') and event_source = 's3.amazonaws.com' and bucket is not null
  and event_time >= :rates_start and event_time < :window_end
group by record_class, bucket, cast(event_time as date)
union all
select 'server_access_log' as record_class, bucket, cast(event_time as date) as day,
       count(*) filter (where (operation like '%.OBJECT' or operation like '%.PART' or operation like '%.UPLOAD'
                               or operation like '%.UPLOADS' or operation like '%.BUCKET' or operation like '%.BUCKETVERSIONS'
                               or operation like '%.MULTI_OBJECT_DELETE' or operation like '%.OBJECT_TAGGING'
                               or operation like '%.OBJECT_ATTRIBUTES' or (operation like '%.ACL' and key is not null))
                              and operation not like 'BATCH.%' and operation not like 'S3.%') as requests,
       min(event_time) as first_time, max(event_time) as last_time, cast(null as varchar) as aws_region
from access_log_lines
where bucket is not null and event_time >= :rates_start and event_time < :window_end
group by bucket, cast(event_time as date)
order by record_class, bucket, day
