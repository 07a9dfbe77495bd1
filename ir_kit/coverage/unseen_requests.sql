-- In which hours does a bucket's access log hold requests on objects, answered with success, that CloudTrail does not hold?
-- Grain: one row per bucket, class and hour with such a line or one that CloudTrail holds, all evidence and not the window alone; empty if none.
-- Cannot see: requests that neither log holds; listings, copies and batch deletes, which are not counted.
select bucket, record_class, date_trunc('hour', event_time) as hour, count(*) as lines, count(*) filter (where not seen) as unseen,
       min(event_time) filter (where not seen) as first_time, max(event_time) filter (where not seen) as last_time
from (
    select l.bucket as bucket, l.event_time as event_time, e.request_id is not null as seen,
           case when l.operation in ('REST.GET.OBJECT', 'REST.HEAD.OBJECT') then 'data_read' else 'data_write' end as record_class
    from access_log_lines l
    left join (select distinct bucket, request_id from events where request_id is not null) e
        on e.bucket = l.bucket and e.request_id = l.request_id
    where l.operation in ('REST.GET.OBJECT', 'REST.HEAD.OBJECT', 'REST.PUT.OBJECT', 'REST.DELETE.OBJECT')
      and l.http_status >= 200 and l.http_status < 300 and l.bucket is not null and l.request_id is not null
      and coalesce(l.requester, '') not like 'svc:%'
) told
group by bucket, record_class, date_trunc('hour', event_time)
order by bucket, record_class, hour
