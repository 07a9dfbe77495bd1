-- Which buckets did a logged request reach with success, in which Region?
-- Grain: one row per bucket and Region; a null Region where only access logs name the bucket; empty if none.
-- Cannot see: buckets that no log and no configuration names.
select bucket, aws_region, count(*) as requests
from events
where bucket is not null and bucket <> '' and error_code is null and event_source = 's3.amazonaws.com'
group by bucket, aws_region
union all
select bucket, cast(null as varchar) as aws_region, count(*) as requests
from access_log_lines
where bucket is not null and http_status >= 200 and http_status < 400
group by bucket
order by bucket, aws_region
