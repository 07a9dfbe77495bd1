-- How many requests for objects and listings does each bucket get in a day, by the log that shows most of them?
-- Grain: one row per bucket with a record in the window: requests in the hours that were logged, their mean a day, and the busiest day of those
--        of which 12 hours were logged; null where no hour was. Empty if no log names a bucket.
-- Cannot see: what access logs lost.
with records as (
    select bucket, 'data events' as source, cast(event_time as date) as day, count(*) as requests
    from events
    where record_class in ('data_read', 'data_write') and event_source = 's3.amazonaws.com' and bucket is not null
      and event_time >= :window_start and event_time < :window_end
    group by all
    union all
    select bucket, 'the access log' as source, cast(event_time as date) as day,
           count(*) filter (where (regexp_matches(operation, '\.(OBJECT|PART|UPLOAD|UPLOADS|BUCKET|BUCKETVERSIONS|MULTI_OBJECT_DELETE|OBJECT_TAGGING|OBJECT_ATTRIBUTES)$')
                                   or (operation like '%.ACL' and key is not null))
                                  and operation not like 'BATCH.%' and operation not like 'S3.%') as requests
    from access_log_lines
    where bucket is not null and event_time >= :window_start and event_time < :window_end
    group by all
),
logged as (
    select v.bucket, v.record_class, cast(d.day as date) as day,
           sum(epoch(least(v.end_time, d.day + interval '1' day) - greatest(v.start_time, d.day)) / 3600) as hours
    from visibility v, unnest(generate_series(date_trunc('day', v.start_time), v.end_time - interval '1' microsecond, interval '1' day)) as d(day)
    where v.state = 'logged' and v.bucket is not null
    group by all
),
hours as (
    select bucket, 'the access log' as source, day, hours from logged where record_class = 'server_access_log'
    union all
    select r.bucket, 'data events' as source, r.day, least(r.hours, w.hours) as hours
    from logged r
    join logged w on w.bucket = r.bucket and w.day = r.day
    where r.record_class = 'data_read' and w.record_class = 'data_write'
),
rates as (
    select h.bucket, h.source, sum(coalesce(r.requests, 0)) as requests, sum(h.hours) as logged_hours,
           sum(coalesce(r.requests, 0)) / sum(h.hours) * 24 as mean, max(coalesce(r.requests, 0) / h.hours * 24) filter (where h.hours >= 12) as busiest
    from hours h
    left join records r on r.bucket = h.bucket and r.source = h.source and r.day = h.day
    where (h.bucket, h.source) in (select (bucket, source) from records)
    group by h.bucket, h.source
    qualify row_number() over (partition by h.bucket order by mean desc, h.source) = 1
)
select b.bucket, b.has_access_log, r.source, r.requests, r.logged_hours, r.mean as per_day_low, greatest(r.mean, r.busiest) as per_day_high
from (select bucket, bool_or(source = 'the access log') as has_access_log from records group by bucket) b
left join rates r on r.bucket = b.bucket
order by b.bucket
