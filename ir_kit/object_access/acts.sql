-- How many objects were written, read, listed and destroyed in each bucket by acts that are not the owner's, and on which first requests does that rest?
-- Grain: one row per bucket and kind of act; ids of at most 20 requests, the surest first; of destruction those acts that succeeded.
-- Cannot see: requests that neither log holds.
with acts as (
    select bucket, event_time, event_id, request_id, attribution, counted_in, event_name in ('ListObjects', 'ListObjectVersions') as is_listing,
           case when disclosed in ('content', 'copied_out') then 'read' when disclosed = 'names' then 'names'
                when event_name in ('PutObject', 'PostObject', 'CopyObject', 'CompleteMultipartUpload')
                     and error_code is null and coalesce(http_status, 200) < 300 then 'written' end as kind
    from object_access_requests
    where counted_in <> 'owner'
    union all
    select bucket, event_time, event_id, request_id, attribution, counted_in, false, 'destroyed'
    from object_access_destruction
    where counted_in <> 'owner' and outcome = 'success'
),
counted as (
    select bucket, kind, count(*) as requests, count(*) filter (where counted_in = 'lower') as requests_lower,
           count(*) filter (where counted_in in ('lower', 'likely')) as requests_likely, count(*) filter (where is_listing) as listings
    from acts
    group by bucket, kind
),
first_requests as (
    select bucket, kind, event_id, request_id, row_number() over (partition by bucket, kind order by attribution, event_time, request_id, event_id) as place
    from (select bucket, kind, event_id, request_id, attribution, min(event_time) as event_time from acts group by all)
    qualify place <= 20
),
ids as (
    select bucket, kind, coalesce(list_distinct(list(event_id order by place) filter (event_id is not null)), []) as event_ids,
           coalesce(list_distinct(list(request_id order by place) filter (request_id is not null)), []) as request_ids
    from first_requests
    group by bucket, kind
)
select * from counted join ids using (bucket, kind) where kind is not null order by bucket, kind
