-- When were access-log lines of a bucket delivered, and when none although CloudTrail saw requests to it? A run of hours without a line
-- counts from three requests on, since a single line is easily late or lost; hours without either neither end a run nor count.
-- Grain: one row per bucket and hour with lines (`is_silent` false: from the first to just after the last), or run of hours without, all
--        evidence and not the window alone; empty if none.
-- Cannot see: whether an hour without lines was quiet, or its lines were late, lost or never written.
with hours as (
    select bucket, date_trunc('hour', event_time) as hour, min(event_time) filter (where is_line) as first_time,
           max(event_time) filter (where is_line) as last_time, count(*) filter (where not is_line) as requests
    from (select bucket, event_time, true as is_line from access_log_lines
          union all
          select bucket, event_time, false from events
          where record_class in ('data_read', 'data_write') and event_source = 's3.amazonaws.com')
    where bucket is not null
    group by bucket, hour
),
runs as (
    select *, row_number() over (partition by bucket order by hour)
              - row_number() over (partition by bucket, first_time is null order by hour) as run
    from hours
)
select bucket, first_time is null as is_silent, coalesce(min(first_time), min(hour)) as start_time,
       coalesce(max(last_time) + interval '1' second, max(hour) + interval '1' hour) as end_time
from runs
group by bucket, is_silent, if(first_time is null, run, epoch(hour))
having not is_silent or sum(requests) >= 3
order by bucket, start_time
