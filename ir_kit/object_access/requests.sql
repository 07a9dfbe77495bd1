-- Which object-level and listing requests were made by, or possibly by, a reached credential, by which, and how sure is that?
-- Grain: one row per request in the window; a batch delete has its parent and a row per key that a log names, a copy both its halves.
-- Cannot see: requests that neither log holds; the key behind a signature in a header that only the access log saw (D, or C by reasoning).
with judged as (
    select g.*, h.session_id, h.label,
           coalesce(h.verdict, case when g.user_agent is null or g.source_ip_address is null then 'unclear'
                                    when a.is_owners and u.is_owners then 'familiar'
                                    when a.is_owners or u.is_owners or not :has_baseline then 'unclear' else 'new' end) as verdict,
           case when g.in_access_log and g.http_status is not null
                then case when g.event_name in ('GetObject', 'SelectObjectContent', 'GetObjectTorrent') then g.http_status in (200, 206)
                          else g.http_status < 300 end
                else g.error_code is null end as succeeded,
           case when g.event_name = 'CopyObjectSource' then case when g.copied_to is null then 'unknown'
               when g.copied_to = g.bucket or g.copied_to in (select bucket from bucket_owners) then 'inside'
               when exists (from settings where operation = 'ListBuckets' and answer = 'answered') then 'outside' else 'unknown' end end as copied
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
),
counted as (
    select j.*,
           case when not j.succeeded then 'nothing'
                when j.event_name in ('GetObject', 'SelectObjectContent', 'GetObjectTorrent') then 'content'
                when j.copied in ('outside', 'unknown') then 'copied_out'
                when j.event_name in ('ListObjects', 'ListObjectVersions', 'HeadBucket', 'HeadObject', 'ListParts', 'ListMultipartUploads',
                                      'GetObjectAttributes', 'GetObjectAcl', 'GetObjectTagging') then 'names'
                else 'nothing' end as disclosed,
           case when j.is_responder then 'familiar' when j.label = 'intruder' then 'new' when j.label = 'owner' then 'familiar'
                when j.label = 'unknown' then 'unclear' else j.verdict end as held_for
    from judged j
)
select event_time, request_id, bucket, key, prefix, version_id, event_name, copy_source,
       coalesce(user_identity_arn, requester_principal_arn, requester) as principal_arn, source_ip_address, user_agent, bytes_sent, http_status,
       error_code, case when in_cloudtrail and in_access_log then 'both' when in_cloudtrail then 'cloudtrail' else 'server_access_log' end as seen_in,
       access_key_id, case when attribution = 'D' then candidates else array[access_key_id] end as candidates, attribution, session_id, verdict,
       event_id, received_time, object_size, attribution_basis, disagreement, access_point_arn, copied, disclosed, label,
       case when disclosed <> 'content' then null
            when http_status = 206 or event_name = 'SelectObjectContent' or bytes_sent < object_size then 'part'
            when object_size is null then 'unknown' else 'whole' end as read_extent,
       case when attribution in ('A', 'B') and held_for = 'new' and coalesce(copied, 'outside') <> 'unknown' then 'lower'
            when attribution in ('A', 'B', 'C') and held_for in ('new', 'unclear') then 'likely'
            when attribution = 'D' and held_for <> 'familiar' then 'upper' else 'owner' end as counted_in
from counted
order by event_time, request_id, bucket, event_name, key, event_id
