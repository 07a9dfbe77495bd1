-- In which hours were access-log lines and data events of a bucket delivered?
-- Grain: one row per bucket and hour with either, all evidence and not the window alone; empty if none.
-- Cannot see: whether an hour without lines was quiet, or its lines were late, lost or never written.
with lines as (
    select bucket, date_trunc('hour', event_time) as hour, count(*) as lines, min(event_time) as first_time, max(event_time) as last_time
    from access_log_lines
    where bucket is not null
    group by bucket, date_trunc('hour', event_time)
),
seen as (
    select bucket, date_trunc('hour', event_time) as hour, count(*) as requests
    from events
    where record_class in ('data_read', 'data_write') and bucket is not null and event_source = 's3.amazonaws.com'
    group by bucket, date_trunc('hour', event_time)
)
select coalesce(l.bucket, s.bucket) as bucket, coalesce(l.hour, s.hour) as hour, coalesce(l.lines, 0) as lines,
       coalesce(s.requests, 0) as requests, l.first_time as first_time, l.last_time as last_time
from lines l full outer join seen s on s.bucket = l.bucket and s.hour = l.hour
order by bucket, hour
