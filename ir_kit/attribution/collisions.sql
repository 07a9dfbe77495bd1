-- Which request ids stand in both logs of a bucket and yet are two requests?
-- Grain: one row per bucket, half and request id whose event and line disagree on host id, address, time or key.
-- Cannot see: a collision in all of these at once.
with calls as (
    select bucket, request_id, host_id, event_time, source_ip_address, key, event_name
    from events
    where event_source = 's3.amazonaws.com' and record_class in ('data_read', 'data_write')
      and event_time >= :match_start and event_time < :match_end and request_id is not null
)
select distinct c.bucket, c.request_id
from calls c
join access_log_lines l on l.bucket = c.bucket and l.request_id = c.request_id
join operation_names o on o.operation = l.operation
where l.event_time >= :match_start and l.event_time < :match_end
  and coalesce(c.host_id, '') <> coalesce(l.host_id, '')
  and not (coalesce(c.source_ip_address, '') = coalesce(l.remote_ip, '')
           and c.event_time >= l.event_time - interval '5' minute and c.event_time < l.event_time + interval '12' hour
           and (o.half <> 'whole' or (o.event_name = c.event_name and coalesce(c.key, '') = coalesce(l.key, ''))))
order by bucket, request_id
