-- How much did each bucket hold, by CloudWatch's daily metrics or a report of S3 Inventory, and how much did it serve, by request metrics?
-- Grain: one row per bucket of which anything was collected: the day on which it held most, of the window and the day before, else of all days.
-- Cannot see: what came and went between two days; a day without request metrics, which may be one before they were switched on.
-- Source: S3 User Guide, "Amazon S3 metrics and dimensions", "Metrics configurations", "Inventory list".
with points as (
    select coalesce(parameters ->> '$.MetricName', response ->> '$.Label') as metric,
           map_from_entries(list_transform(from_json(parameters -> '$.Dimensions', '[{"Name": "VARCHAR", "Value": "VARCHAR"}]'),
                                           lambda d: (coalesce(d.Name, ''), d.Value))) as named,
           unnest(from_json(response -> '$.Datapoints', '[{"Timestamp": "VARCHAR", "Average": "DOUBLE", "Maximum": "DOUBLE", "Sum": "DOUBLE"}]')) as point
    from settings
    where operation = 'GetMetricStatistics' and answer = 'answered'
),
daily as (
    select named['BucketName'] as bucket, metric, coalesce(named['StorageType'], '') as storage, coalesce(named['FilterId'], '') as filter_id,
           coalesce(left(point.Timestamp, 10), '') as day, cast(trunc(max(coalesce(point.Average, point.Maximum))) as bigint) as most,
           cast(trunc(max(point.Sum)) as bigint) as total
    from points
    where named['BucketName'] is not null
    group by all
),
reports as (
    select parameters ->> '$.Bucket' as reported_in, parameters ->> '$.Key' as manifest, response ->> '$.Body.sourceBucket' as bucket,
           try_cast(response ->> '$.Body.creationTimestamp' as bigint) as created,
           unnest(from_json(response -> '$.Body.files', '[{"key": "VARCHAR"}]')).key as file
    from settings
    where operation = 'GetObject' and answer = 'answered' and json_type(response, '$.Body') = 'OBJECT'
),
files as (
    select parameters ->> '$.Bucket' as reported_in, parameters ->> '$.Key' as file,
           cast(response ->> '$.Counted.Objects' as bigint) + cast(response ->> '$.Counted.OlderVersions' as bigint) as objects,
           cast(response ->> '$.Counted.Bytes' as bigint) + cast(response ->> '$.Counted.OlderBytes' as bigint) as bytes
    from settings
    where operation = 'GetObject' and answer = 'answered' and json_type(response, '$.Counted') = 'OBJECT'
    qualify row_number() over (partition by reported_in, file order by line_number desc) = 1
),
stored as (
    select bucket, max(most) filter (metric = 'NumberOfObjects') as objects_held, sum(most) filter (metric = 'BucketSizeBytes')::bigint as bytes_held,
           nullif(day, '') as held_on, 'CloudWatch ' || string_agg(distinct metric, ' and ' order by metric desc) as held_basis
    from daily
    where metric in ('NumberOfObjects', 'BucketSizeBytes') and most is not null
    group by bucket, day
    union all
    -- a report counts where each of its files was counted
    select r.bucket, if(count(f.objects) = count(*), sum(f.objects)::bigint, null), if(count(f.bytes) = count(*), sum(f.bytes)::bigint, null),
           strftime(epoch_ms(r.created), '%Y-%m-%d'), 'S3 Inventory, s3://' || r.reported_in || '/' || r.manifest
    from (select distinct * from reports) r
    left join files f using (reported_in, file)
    where r.bucket is not null and r.created is not null
    group by r.bucket, r.created, r.reported_in, r.manifest
    having count(f.file) = count(*)
),
fullest as (
    from stored
    qualify row_number() over (
        partition by bucket
        order by held_on between strftime(cast(:window_start as timestamp) - interval 1 day, '%Y-%m-%d')
                         and strftime(cast(:window_end as timestamp) - interval 1 microsecond, '%Y-%m-%d') desc nulls last,
                 objects_held desc nulls last, bytes_held desc nulls last, coalesce(held_on, ''), held_basis) = 1
),
whole_filters as (
    select distinct parameters ->> '$.Bucket' as bucket, entry ->> '$.Id' as filter_id
    from (select parameters, unnest(from_json(response -> '$.MetricsConfigurationList', '["JSON"]')) as entry
          from settings where operation = 'ListBucketMetricsConfigurations' and answer = 'answered')
    where coalesce(entry ->> '$.Filter', '{}') in ('{}', '')
),
served as (
    select bucket, cast(sum(total) filter (metric = 'GetRequests') as bigint) as requests_served,
           cast(sum(total) filter (metric = 'BytesDownloaded') as bigint) as bytes_served, count(distinct day) as days_served,
           'CloudWatch request metrics, filter ' || filter_id as basis_served
    from daily
    join whole_filters using (bucket, filter_id)
    where metric in ('GetRequests', 'BytesDownloaded') and total is not null
      and day between strftime(cast(:window_start as timestamp), '%Y-%m-%d')
                  and strftime(cast(:window_end as timestamp) - interval 1 microsecond, '%Y-%m-%d')
    group by bucket, filter_id
    qualify row_number() over (partition by bucket order by requests_served desc nulls last, bytes_served desc nulls last, filter_id) = 1
)
from fullest full join served using (bucket) order by bucket
