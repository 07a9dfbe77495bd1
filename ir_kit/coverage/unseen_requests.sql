-- When did CloudTrail lack requests on objects, answered with success, that the access log holds? A run of hours counts in each of
-- which it lacks more than a tenth of them, from three requests on; hours without a line neither end a run nor count.
-- Grain: one row per bucket, class and run of hours, from the first such request to the last, all evidence and not the window alone;
--        empty if none, and where not one line is in both logs.
-- Cannot see: requests that neither log holds; listings, copies and batch deletes, which are not counted.
with hours as (
    select l.bucket, if(l.operation in ('REST.GET.OBJECT', 'REST.HEAD.OBJECT'), 'data_read', 'data_write') as record_class,
           date_trunc('hour', l.event_time) as hour, count(*) as lines, count(*) filter (where e.request_id is null) as unseen,
           min(l.event_time) filter (where e.request_id is null) as first_time,
           max(l.event_time) filter (where e.request_id is null) as last_time
    from access_log_lines l
    left join (select distinct bucket, request_id from events where request_id is not null) e
        on e.bucket = l.bucket and e.request_id = l.request_id
    where l.operation in ('REST.GET.OBJECT', 'REST.HEAD.OBJECT', 'REST.PUT.OBJECT', 'REST.DELETE.OBJECT')
      and l.http_status >= 200 and l.http_status < 300 and l.bucket is not null and l.request_id is not null
      and coalesce(l.requester, '') not like 'svc:%'
    group by all
),
runs as (
    select *, row_number() over (partition by bucket, record_class order by hour)
              - row_number() over (partition by bucket, record_class, unseen > 0.1 * lines order by hour) as run
    from hours
)
select bucket, record_class, min(first_time) as start_time, max(last_time) + interval '1' second as end_time
from runs
where unseen > 0.1 * lines and exists (from hours where unseen < lines)
group by bucket, record_class, run
having sum(unseen) >= 3
order by bucket, record_class, start_time
