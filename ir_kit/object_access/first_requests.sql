-- Which are the first requests that a statement on this bucket rests on?
-- Grain: one row per request, at most 20, the surest first.
-- Cannot see: requests that neither log holds.
with kinds as (
    select event_time, event_id, request_id, attribution, counted_in,
           case when disclosed in ('content', 'copied_out') then 'read' when disclosed = 'names' then 'names'
                when event_name in ('PutObject', 'PostObject', 'CopyObject', 'CompleteMultipartUpload') and error_code is null then 'written'
                when event_name in ('DeleteObject', 'DeleteObjects') then 'destroyed' end as kind
    from object_access_requests
    where bucket = :bucket
)
select event_id, request_id, attribution, min(event_time) as event_time
from kinds
where kind = :kind and counted_in <> 'owner'
group by event_id, request_id, attribution
order by attribution, min(event_time), request_id, event_id
limit 20
