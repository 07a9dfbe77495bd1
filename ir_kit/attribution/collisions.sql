-- Which request ids stand in both logs of a bucket and yet are two requests?
-- Grain: one row per bucket and request id, whose event and line disagree on host id, address, time or key.
-- Cannot see: a collision in all of these at once.
select distinct bucket, request_id
from events e
join access_log_lines l using (bucket, request_id)
join operation_names o using (operation)
where e.event_source = 's3.amazonaws.com' and e.record_class in ('data_read', 'data_write')
  and e.event_time >= :match_start and e.event_time < :match_end and l.event_time >= :match_start and l.event_time < :match_end
  and coalesce(e.host_id, '') <> coalesce(l.host_id, '')
  and not (coalesce(e.source_ip_address, '') = coalesce(l.remote_ip, '')
           and e.event_time >= l.event_time - interval 5 minute and e.event_time < l.event_time + interval 12 hour
           and (o.half <> 'whole' or (o.event_name = e.event_name and coalesce(e.key, '') = coalesce(l.key, ''))))
order by bucket, request_id
