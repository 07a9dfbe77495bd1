-- How many requests does each bucket of the account get in a day, and why is it taken for sensitive?
-- Grain: one row per bucket of `account_buckets` that takes no logs: requests for objects and listings in the hours that were logged, by the log that shows most of them,
--        their mean a day and the busiest day of those of which 12 hours were logged; `assumed` where no hour was, between the quietest and the
--        busiest other bucket. And one row with a null bucket: management events of the account, in the mean and on the busiest day.
-- Cannot see: what access logs lost; Regions and hours that no trail recorded; names that no log shows, and words of other languages.
with records as (
    select bucket, 'data events' as source, cast(event_time as date) as day, count(*) as requests
    from events
    where record_class in ('data_read', 'data_write') and event_source = 's3.amazonaws.com' and bucket is not null
      and event_time >= :window_start and event_time < :window_end
    group by all
    union all
    select bucket, 'the access log' as source, cast(event_time as date) as day,
           count(*) filter (where (regexp_matches(operation, '\.(OBJECT|PART|UPLOAD|UPLOADS|BUCKET|BUCKETVERSIONS|MULTI_OBJECT_DELETE|OBJECT_TAGGING|OBJECT_ATTRIBUTES)$')
                                   or (operation like '%.ACL' and key is not null))
                                  and operation not like 'BATCH.%' and operation not like 'S3.%') as requests
    from access_log_lines
    where bucket is not null and event_time >= :window_start and event_time < :window_end
    group by all
),
logged as (
    select v.bucket, v.record_class, cast(d.day as date) as day,
           sum(epoch(least(v.end_time, d.day + interval '1' day) - greatest(v.start_time, d.day)) / 3600) as hours
    from visibility v, unnest(generate_series(date_trunc('day', v.start_time), v.end_time - interval '1' microsecond, interval '1' day)) as d(day)
    where v.state = 'logged' and v.bucket is not null
    group by all
),
hours as (
    select bucket, 'the access log' as source, day, hours from logged where record_class = 'server_access_log'
    union all
    select bucket, 'data events' as source, day, min(hours) as hours
    from logged where record_class in ('data_read', 'data_write') group by all having count(*) = 2
),
measured as (
    select bucket, source, sum(coalesce(r.requests, 0)) as requests, sum(hours) as logged_hours,
           sum(coalesce(r.requests, 0)) / sum(hours) * 24 as per_day_low,
           greatest(per_day_low, max(coalesce(r.requests, 0) / hours * 24) filter (where hours >= 12)) as per_day_high
    from hours left join records r using (bucket, source, day)
    where (bucket, source) in (select (bucket, source) from records)
    group by bucket, source
    qualify row_number() over (partition by bucket order by per_day_low desc, source) = 1
),
assumed as (
    select count(*) < 2 as is_fixed, least(min(per_day_low), if(is_fixed, :assumed_low, null)) as low,
           greatest(max(per_day_high), if(is_fixed, :assumed_high, null)) as high
    from measured left join account_buckets using (bucket) where takes_logs is not true
),
tags as (
    select json_extract_scalar(parameters, '$.Bucket') as bucket,
           unnest(from_json(json_extract(response, '$.TagSet'), '[{"Key": "varchar", "Value": "varchar"}]'), recursive := true)
    from settings where operation = 'GetBucketTagging' and (answer = 'answered' or error_code = 'NoSuchTagSet')
    qualify row_number() over (partition by json_extract_scalar(parameters, '$.Bucket') order by collected_at desc) = 1
),
names as (
    select bucket, key from events where key is not null and error_code is null
    union
    select bucket, key from access_log_lines where key is not null and http_status >= 200 and http_status < 400
    union
    select bucket, cast(null as varchar) as key from account_buckets
),
words as (
    select bucket, trim(word, ' %') as word, count(key) as names, min(key) as example
    from names join (select unnest(['customer%', 'patient%', 'medical%', 'phi ', 'pii ', 'gdpr%', 'personal%', 'confidential%', 'secret ', 'secrets ', 'restricted%',
                                    'sensitive%', 'credential%', 'password%', 'payroll%', 'salary%', 'salaries%', 'employee%', 'passport%', 'ssn ', 'invoice%',
                                    'billing%', 'financ%', 'backup%']) as word)
      on ' ' || translate(lower(coalesce(key, bucket)), '/-_.=+,', '       ') || ' ' like '% ' || word || '%'
    group by bucket, word, key is null
),
reasons as (
    select bucket, 0 as place, 0 as names, 'the incident names it' || if(bucket in (:sensitive_buckets), ' as sensitive', '') as reason
    from account_buckets where bucket in (:sensitive_buckets) or bucket in (:buckets)
    union all
    select bucket, 1, 0, 'tagged ' || "Key" || '=' || "Value" from tags
    where regexp_matches("Key", 'class|sensitiv|confidential|privacy|pii|phi|compliance|data-?type', 'i')
      and regexp_matches("Value", 'confidential|restrict|sensitiv|secret|private|personal|customer|pii|phi|pci|hipaa|gdpr|high|critical|internal|true|yes', 'i')
      and not regexp_matches("Value", '\b(?:not|non|no)\b', 'i')
    union all
    select bucket, if(names = 0, 2, 3), names,
           if(names = 0, format('a guess: its name holds ''{}''', word), format('a guess: {:,} object names hold ''{}'', as ''{}''', names, word, example))
    from words
)
select bucket, source, requests, logged_hours, coalesce(per_day_low, low) as per_day_low, coalesce(per_day_high, high) as per_day_high,
       if(source is null, 'assumed', 'measured') as rate_basis,
       if(source is null,
          format('no log shows its requests: assumed {:,} to {:,} a day, by ', round(low)::bigint, round(high)::bigint)
          || if(is_fixed, 'fixed numbers, for want of logged buckets to compare with', 'the quietest and the busiest logged bucket of the account'),
          format('{:,} requests in {:,} logged hours of {}, {:,} a day, {:,} on the busiest day', requests::bigint, round(logged_hours)::bigint, source,
                 round(measured.per_day_low)::bigint, round(measured.per_day_high)::bigint)) as rate_words,
       (select array_to_string(list(reason order by place, names desc, reason)[:6], '; ') from reasons r where r.bucket = a.bucket) as sensitive
from account_buckets a left join measured using (bucket), assumed
where not takes_logs
union all by name
select coalesce(avg(events), 0) as per_day_low, coalesce(max(events), 0) as per_day_high
from (select count(*) as events
      from events
      where record_class = 'management' and event_time >= :window_start and event_time < :window_end
      group by cast(event_time as date))
order by bucket
