-- Which object-level and listing requests were made by, or possibly by, a compromised credential, by which, and how sure is that?
-- Grain: one row per request in the window; a batch delete has its parent and a row per key that a log names, a copy both its halves.
-- Cannot see: requests that neither log holds; the key behind a signature in a header that only the access log saw (D, or C by reasoning).
with judged as (
    select g.* replace (if(g.attribution = 'D', g.candidates, [g.access_key_id]) as candidates), h.session_id, h.label,
           coalesce(g.user_identity_arn, g.requester_principal_arn, g.requester) as principal_arn,
           coalesce(h.verdict, case when g.user_agent is null or g.source_ip_address is null then 'unclear'
                                    when a.is_owners and u.is_owners then 'familiar'
                                    when a.is_owners or u.is_owners or not :has_baseline then 'unclear' else 'new' end) as verdict,
           g.event_name in ('GetObject', 'SelectObjectContent', 'GetObjectTorrent') as is_read,
           case when not g.in_access_log or g.http_status is null then g.error_code is null
                when is_read then g.http_status in (200, 206) else g.http_status < 300 end as succeeded,
           case when g.event_name <> 'CopyObjectSource' then null when g.copied_to is null then 'unknown'
                when g.copied_to = g.bucket or g.copied_to in (select bucket from bucket_owners) then 'inside'
                when exists (from settings where operation = 'ListBuckets' and answer = 'answered') then 'outside' else 'unknown' end as copied
    from graded_requests g
    left join session_hours h
        on h.access_key_id = g.access_key_id and h.source_ip_address = coalesce(g.source_ip_address, '')
       and h.user_agent = coalesce(g.user_agent, '') and h.hour = date_trunc('hour', g.event_time)
       and g.event_time >= h.start_time and g.event_time < h.end_time
    left join known_values a
        on a.kind = 'source_ip_address' and a.principal_arn = coalesce(g.user_identity_arn, g.requester_principal_arn)
       and a.value = g.source_ip_address
    left join known_values u
        on u.kind = 'user_agent' and u.principal_arn = coalesce(g.user_identity_arn, g.requester_principal_arn) and u.value = g.user_agent
)
select *, case when in_cloudtrail and in_access_log then 'both' when in_cloudtrail then 'cloudtrail' else 'server_access_log' end as seen_in,
       case when not succeeded then 'nothing' when is_read then 'content' when copied in ('outside', 'unknown') then 'copied_out'
            when event_name in ('ListObjects', 'ListObjectVersions', 'HeadBucket', 'HeadObject', 'ListParts', 'ListMultipartUploads',
                                  'GetObjectAttributes', 'GetObjectAcl', 'GetObjectTagging') then 'names' else 'nothing' end as disclosed,
       case when disclosed <> 'content' then null
            when http_status = 206 or event_name = 'SelectObjectContent' or bytes_sent < object_size then 'part'
            when object_size is null then 'unknown' else 'whole' end as read_extent,
       case when is_responder or label = 'owner' then 'familiar' when label = 'intruder' then 'new' when label = 'unknown' then 'unclear'
            else verdict end as judged_as,
       case when attribution in ('A', 'B') and judged_as = 'new' and coalesce(copied, 'outside') <> 'unknown' then 'lower'
            when attribution in ('A', 'B', 'C') and judged_as in ('new', 'unclear') then 'likely'
            when attribution = 'D' and judged_as <> 'familiar' then 'upper' else 'owner' end as counted_in
from judged
order by event_time, request_id, bucket, event_name, key, event_id
