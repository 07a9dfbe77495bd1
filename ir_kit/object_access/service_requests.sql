-- What did AWS services read, by data events that name them as the caller?
-- Grain: one row per service host and bucket, in the window.
-- Cannot see: buckets whose data events were off; services that read under a role without naming themselves.
select coalesce(invoked_by, source_ip_address) as service, bucket, count(*) as reads, sum(coalesce(bytes_out, 0)) as bytes_sent,
       min(event_time) as first_time, max(event_time) as last_time
from events
where event_source = 's3.amazonaws.com' and event_name in ('GetObject', 'CopyObject', 'SelectObjectContent') and error_code is null
  and event_time >= :window_start and event_time < :window_end
  and (invoked_by is not null or source_ip_address like '%.amazonaws.com')
group by coalesce(invoked_by, source_ip_address), bucket
order by service, bucket
