-- How many requests does each log hold, and how many both, in the hours in which both were on?
-- Grain: one row per bucket and hour in which both were on and either holds a request; a request that both hold counts in CloudTrail's hour.
--        An hour of which nothing tells whether the logs were on counts where both hold a request of it.
-- Cannot see: requests that both logs lost.
with calls as (
    select e.bucket, e.request_id, e.event_time, case when x.request_id is null then '' else coalesce(e.host_id, 'event') end as distinction
    from events e
    left join collisions x on x.bucket = e.bucket and x.request_id = e.request_id
    where e.event_source = 's3.amazonaws.com' and e.record_class in ('data_read', 'data_write')
      and e.event_time >= :match_start and e.event_time < :match_end
      and e.bucket is not null and e.request_id is not null
),
lines as (
    select l.bucket, l.request_id, l.event_time, o.operation is not null as is_known,
           case when x.request_id is null then '' else coalesce(l.host_id, 'line') end as distinction
    from access_log_lines l
    left join operation_names o on o.operation = l.operation
    left join collisions x on x.bucket = l.bucket and x.request_id = l.request_id
    where coalesce(o.half, 'whole') = 'whole' and (l.key is not null or (o.operation is not null and not o.needs_key))
      and (o.operation is not null or l.operation not like 'S3.%')
      and l.event_time >= :match_start and l.event_time < :match_end
      and not (l.requester is null and coalesce(l.error_code, '') in (:authentication_failures))
),
seen as (
    select coalesce(c.bucket, l.bucket) as bucket, date_trunc('hour', coalesce(c.event_time, l.event_time)) as hour,
           c.bucket is not null as in_cloudtrail, l.bucket is not null as in_access_log
    from calls c
    full join lines l on l.bucket = c.bucket and l.request_id = c.request_id and l.distinction = c.distinction
    where c.bucket is not null or l.is_known  -- an operation without a name here counts where CloudTrail has it
),
counted as (
    select bucket, hour, count(*) filter (where in_cloudtrail) as cloudtrail_requests,
           count(*) filter (where in_cloudtrail and in_access_log) as matched,
           count(*) filter (where not in_cloudtrail) as server_access_log_only,
           count(*) filter (where not in_access_log) as cloudtrail_only
    from seen
    where hour >= :window_start and hour < :window_end
    group by bucket, hour
),
covered as (
    select o.bucket, o.hour, sum(epoch_us(least(c.end_time, o.hour + interval '1' hour)) - epoch_us(greatest(c.start_time, o.hour)))
               filter (where c.kind = 'both') as both_on,
           sum(epoch_us(least(c.end_time, o.hour + interval '1' hour)) - epoch_us(greatest(c.start_time, o.hour)))
               filter (where c.kind = 'blind') as blind
    from counted o
    join log_coverage c on c.bucket = o.bucket and c.start_time < o.hour + interval '1' hour and o.hour < c.end_time
    group by o.bucket, o.hour
)
select o.*
from counted o
left join covered c on c.bucket = o.bucket and c.hour = o.hour
where c.both_on >= 3600000000
   or (o.matched > 0 and (c.blind >= 3600000000 or o.bucket not in (select bucket from log_coverage)))
order by o.bucket, o.hour
