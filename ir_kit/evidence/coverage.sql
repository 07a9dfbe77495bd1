-- What do we hold, of which kind, class, bucket and Region, day by day, and how much of it was a copy or unreadable?
-- Grain: one row per source kind, record class, bucket (or null), Region (or null) and day; what was rejected has no class and no day.
-- Cannot see: files that were never delivered or collected; a day without rows may be a quiet day or a missing one. The Region of an access log is known only where configuration tells the bucket's location.
with places as (
    select parameters ->> '$.Bucket' as bucket, response ->> '$.LocationConstraint' as place
    from settings
    where service = 's3' and operation = 'GetBucketLocation' and answer = 'answered'
    qualify row_number() over (partition by bucket order by collected_at desc, line_number desc) = 1
),
regions as (
    select bucket, case coalesce(place, '') when '' then 'us-east-1' when 'EU' then 'eu-west-1' else place end as aws_region
    from places
),
records as (
    select 'cloudtrail' as source_kind, record_class, bucket, aws_region, event_time, source_id, is_copy
    from events_all
    union all by name
    select 'access_log' as source_kind, 'server_access_log' as record_class, bucket, aws_region, event_time, source_id, is_copy
    from access_log_lines_all left join regions using (bucket)
    union all by name
    select 'configuration' as source_kind, 'configuration' as record_class, parameters ->> '$.Bucket' as bucket, aws_region,
           collected_at as event_time, source_file
    from settings
    union all by name
    select kind as source_kind, source_id, true as is_rejected from rejects
)
select source_kind, record_class, bucket, aws_region, event_time::date as day,
       count(distinct source_id) + count(distinct source_file) as files, count(*) filter (where is_rejected is null) as records,
       count(*) filter (where is_copy) as duplicates, count(*) filter (where is_rejected) as rejected,
       min(event_time) as first_time, max(event_time) as last_time
from records
group by all
order by source_kind, record_class, bucket, aws_region, day
