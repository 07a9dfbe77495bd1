-- What do we hold, of which kind, class, bucket and Region, day by day, and how much of it was a copy or unreadable?
-- Grain: one row per source kind, record class, bucket (or null), Region (or null) and day; what was rejected has no class and no day.
-- Cannot see: files that were never delivered or collected; a day without rows may be a quiet day or a missing one. The Region of an access log is known only where configuration tells the bucket's location.
with places as (
    select json_extract_scalar(parameters, '$.Bucket') as bucket, json_extract_scalar(response, '$.LocationConstraint') as place,
           row_number() over (partition by json_extract_scalar(parameters, '$.Bucket') order by collected_at desc, line_number desc) as n
    from settings
    where service = 's3' and operation = 'GetBucketLocation' and answer = 'answered'
),
regions as (
    select bucket, case coalesce(place, '') when '' then 'us-east-1' when 'EU' then 'eu-west-1' else place end as aws_region
    from places
    where n = 1
),
cloudtrail as (
    select 'cloudtrail' as source_kind, record_class, bucket, aws_region, cast(event_time as date) as day,
           source_id, is_copy, event_time
    from events_all
),
access_log as (
    select 'access_log' as source_kind, 'server_access_log' as record_class, a.bucket as bucket, r.aws_region as aws_region,
           cast(a.event_time as date) as day, a.source_id as source_id, a.is_copy as is_copy, a.event_time as event_time
    from access_log_lines_all a left join regions r on r.bucket = a.bucket
),
held as (
    select source_kind, record_class, bucket, aws_region, day, count(distinct source_id) as files, count(*) as records,
           count(*) filter (where is_copy) as duplicates, cast(0 as bigint) as rejected,
           min(event_time) as first_time, max(event_time) as last_time
    from cloudtrail
    group by source_kind, record_class, bucket, aws_region, day
    union all
    select source_kind, record_class, bucket, aws_region, day, count(distinct source_id) as files, count(*) as records,
           count(*) filter (where is_copy) as duplicates, cast(0 as bigint) as rejected,
           min(event_time) as first_time, max(event_time) as last_time
    from access_log
    group by source_kind, record_class, bucket, aws_region, day
    union all
    select 'configuration' as source_kind, 'configuration' as record_class, json_extract_scalar(parameters, '$.Bucket') as bucket,
           aws_region, cast(collected_at as date) as day, count(distinct source_file) as files, count(*) as records,
           cast(0 as bigint) as duplicates, cast(0 as bigint) as rejected, min(collected_at) as first_time, max(collected_at) as last_time
    from settings
    group by json_extract_scalar(parameters, '$.Bucket'), aws_region, cast(collected_at as date)
    union all
    select kind as source_kind, cast(null as varchar) as record_class, cast(null as varchar) as bucket, cast(null as varchar) as aws_region,
           cast(null as date) as day, count(distinct source_id) as files, cast(0 as bigint) as records, cast(0 as bigint) as duplicates,
           count(*) as rejected, cast(null as timestamp) as first_time, cast(null as timestamp) as last_time
    from rejects
    group by kind
)
select source_kind, record_class, bucket, aws_region, day, files, records, duplicates, rejected, first_time, last_time
from held
order by source_kind, record_class, bucket, aws_region, day
