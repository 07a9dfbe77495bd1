-- Which buckets did a logged request reach with success, and whose are they?
-- Grain: one row per bucket.
-- Cannot see: buckets that only unlogged requests reached.
with named as (
    select bucket, cast(null as varchar) as bucket_owner, count(*) as requests
    from events
    where bucket is not null and error_code is null and event_source = 's3.amazonaws.com' and not (bucket like 'arn:%' or bucket like '%-s3alias')
    group by bucket
    union all
    select bucket, min(bucket_owner) as bucket_owner, count(*) as requests
    from access_log_lines
    where bucket is not null and http_status < 400
    group by bucket
)
select bucket, max(bucket_owner) as bucket_owner, sum(requests) as requests
from named
group by bucket
order by bucket
