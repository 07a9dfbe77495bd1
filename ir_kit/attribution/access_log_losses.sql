-- What does the access log of each bucket lack, where CloudTrail can tell?
-- Grain: one row per bucket that is in scope or was compared; compared and lost are requests outside of holes.
-- Cannot see: requests that both logs lack.
with covered as (
    select bucket, sum(epoch_us(end_time) - epoch_us(start_time)) filter (kind = 'both') / 3.6e9 as both_hours from log_coverage group by bucket
),
counted as (select bucket, count(*) as hours, sum(columns(* exclude (bucket, hour)))::bigint from completeness group by bucket),
silent as (
    select bucket, sum(epoch_us(end_time) - epoch_us(start_time)) / 3.6e9 as hole_hours, sum(cloudtrail_requests) as requests
    from access_log_holes
    group by bucket
)
select bucket, coalesce(columns(c.* exclude (bucket)), 0), greatest(coalesce(v.both_hours, 0), coalesce(c.hours, 0)) as both_hours,
       coalesce(s.hole_hours, 0) as hole_hours, coalesce(c.cloudtrail_only - coalesce(s.requests, 0), 0)::bigint as lost,
       coalesce(c.cloudtrail_requests - coalesce(s.requests, 0), 0)::bigint as compared, v.bucket is not null as in_scope
from covered v
full join counted c using (bucket)
left join silent s using (bucket)
order by bucket
