-- How many requests does each log hold, and how many both, in the hours in which both were on?
-- Grain: one row per bucket and hour in which both were on and either holds a request; a request that both hold counts in CloudTrail's hour.
--        An hour of which nothing tells whether the logs were on counts where both hold a request of it.
-- Cannot see: requests that both logs lost.
with calls as (
    select e.bucket, e.request_id, e.event_time, case when x.request_id is null then '' else coalesce(e.host_id, 'event') end as distinction
    from events e
    left join collisions x using (bucket, request_id)
    where e.event_source = 's3.amazonaws.com' and e.record_class in ('data_read', 'data_write')
      and e.event_time >= :match_start and e.event_time < :match_end
      and e.bucket is not null and e.request_id is not null
),
lines as (
    select l.bucket, l.request_id, l.event_time, o.operation is not null as is_known,
           case when x.request_id is null then '' else coalesce(l.host_id, 'line') end as distinction
    from access_log_lines l
    left join operation_names o using (operation)
    left join collisions x using (bucket, request_id)
    where coalesce(o.half, 'whole') = 'whole' and (l.key is not null or not o.needs_key)
      and (o.operation is not null or l.operation not like 'S3.%')
      and l.event_time >= :match_start and l.event_time < :match_end
      and not (l.requester is null and failed_authentication(l.error_code))
),
counted as (
    select bucket, date_trunc('hour', coalesce(c.event_time, l.event_time)) as hour, count(c.event_time) as cloudtrail_requests,
           count(*) filter (c.event_time is not null and l.event_time is not null) as matched,
           count(*) filter (c.event_time is null) as server_access_log_only, count(*) filter (l.event_time is null) as cloudtrail_only
    from calls c
    full join lines l using (bucket, request_id, distinction)
    -- an operation without a name here counts where CloudTrail has it
    where (c.event_time is not null or l.is_known) and hour >= :window_start and hour < :window_end
    group by all
),
whole_hours as (
    select bucket, hour, kind
    from counted
    join log_coverage using (bucket)
    where start_time < hour + interval 1 hour and hour < end_time
    group by all
    having sum(epoch_us(least(end_time, hour + interval 1 hour)) - epoch_us(greatest(start_time, hour))) >= 3600000000
)
select *
from counted
where (bucket, hour, 'both') in (select (bucket, hour, kind) from whole_hours)
   or (matched > 0 and ((bucket, hour, 'blind') in (select (bucket, hour, kind) from whole_hours) or bucket not in (select bucket from log_coverage)))
order by bucket, hour
