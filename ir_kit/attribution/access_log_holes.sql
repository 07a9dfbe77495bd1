-- When did nothing of the access log come, although requests were made?
-- Grain: one row per bucket and run of hours without a single line while CloudTrail holds more requests than could be lost by accident.
-- Cannot see: holes in hours in which CloudTrail holds few requests.
with runs as (
    select *, matched + server_access_log_only = 0 as is_silent,
           count(*) filter (where matched + server_access_log_only > 0) over (partition by bucket order by hour) as run
    from completeness
)
select bucket, min(hour) as start_time, max(hour) + interval '1' hour as end_time, cast(sum(cloudtrail_requests) as bigint) as cloudtrail_requests
from runs
where is_silent
group by bucket, run
having sum(cloudtrail_requests) * ln(:lost_share) < ln(1e-6)
order by bucket, start_time
