-- How many objects were written, read, listed and destroyed in each bucket by anybody but the owner, and on which first requests does that rest?
-- Grain: one row per bucket and kind of act, those that failed in `attempts` and `failed_tries` alone (of destruction; else there are none);
--        ids of at most 20 requests, the surest first; `ways` and `recoverable` count destruction by its kind and by what can be brought back.
-- Cannot see: requests that neither log holds; a version that was removed later.
with acts as (
    select bucket, event_time, event_id, request_id, attribution, counted_in, event_name in ('ListObjects', 'ListObjectVersions') as is_listing,
           case when disclosed in ('content', 'copied_out') then 'read' when disclosed = 'names' then 'names'
                when event_name in ('PutObject', 'PostObject', 'CopyObject', 'CompleteMultipartUpload')
                     and error_code is null and coalesce(http_status, 200) < 300 then 'written' end as kind, true as done
    from object_access_requests
    where counted_in <> 'owner' and kind is not null
    union all by name
    select bucket, event_time, event_id, request_id, attribution, counted_in, 'destroyed' as kind, outcome = 'success' as done, kind as way,
           recoverable_status
    from object_access_destruction
    where counted_in <> 'owner'
),
first_requests as (
    select bucket, kind, event_id, request_id, row_number() over (partition by bucket, kind order by attribution, event_time, request_id, event_id) as place
    from (select bucket, kind, event_id, request_id, attribution, min(event_time) as event_time from acts where done group by all)
    qualify place <= 20
),
ids as (
    select bucket, kind, list_distinct(list(event_id order by place) filter (event_id is not null)) as event_ids,
           list_distinct(list(request_id order by place) filter (request_id is not null)) as request_ids
    from first_requests
    group by all
)
select bucket, kind, count(*) as attempts, count(*) filter (done) as requests, count(*) filter (done and counted_in = 'lower') as requests_lower,
       count(*) filter (done and counted_in in ('lower', 'likely')) as requests_likely, count(*) filter (is_listing) as listings,
       count(*) filter (not done) as failed_tries, histogram(way) filter (done) as ways, histogram(recoverable_status) filter (done) as recoverable,
       coalesce(any_value(event_ids), []) as event_ids, coalesce(any_value(request_ids), []) as request_ids
from acts
left join ids using (bucket, kind)
group by all
order by bucket, kind
