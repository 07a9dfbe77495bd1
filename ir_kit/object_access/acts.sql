-- How many objects were written, listed and asked for in each bucket, by whom it counts for?
-- Grain: one row per bucket, kind of act, attribution and bound that it counts in.
-- Cannot see: requests that neither log holds.
with kinds as (
    select bucket, key, prefix, attribution, counted_in, event_time, request_id, event_id,
           case when disclosed = 'names' then 'names'
                when event_name in ('PutObject', 'PostObject', 'CopyObject', 'CompleteMultipartUpload')
                     and error_code is null and coalesce(http_status, 200) < 300 then 'written' end as kind,
           event_name in ('ListObjects', 'ListObjectVersions') as is_listing
    from object_access_requests
)
select bucket, kind, attribution, counted_in, count(*) as requests, count(distinct key) as objects,
       count(*) filter (where is_listing) as listings, min(event_time) as first_time, max(event_time) as last_time
from kinds
where kind is not null
group by bucket, kind, attribution, counted_in
order by bucket, kind, attribution, counted_in
