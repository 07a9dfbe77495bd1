-- Which requests did both logs hold of the principals in question, by which credential each, and how sure is that?
-- Grain: one row per request in the window that a reached credential made, or may have made; batch deletes and copies in their parts.
-- Cannot see: requests that neither log holds; whose they look like, which is judged afterwards.
with data_events as (
    select event_time, event_id, request_id, host_id, bucket, key, prefix, version_id, event_name, copy_source, access_key_id,
           user_identity_arn, source_ip_address, user_agent, bytes_out, error_code, authentication_method
    from events
    where event_source in ('s3.amazonaws.com', 's3express.amazonaws.com') and record_class in ('data_read', 'data_write')
      and event_time >= :match_start and event_time < :match_end
      and not (bucket like 'arn:%' or bucket like '%-s3alias')
    union all
    -- through an access point: the bucket stands among the resources
    select event_time, event_id, request_id, host_id,
           coalesce(nullif(regexp_extract(resources, ':s3:::([^"/]+)', 1), ''), bucket) as bucket, key, prefix, version_id, event_name,
           copy_source, access_key_id, user_identity_arn, source_ip_address, user_agent, bytes_out, error_code, authentication_method
    from events
    where event_source in ('s3.amazonaws.com', 's3express.amazonaws.com') and record_class in ('data_read', 'data_write')
      and event_time >= :match_start and event_time < :match_end
      and (bucket like 'arn:%' or bucket like '%-s3alias')
),
-- of these principals' events all, so that another key's request is not taken for one of a reached key
recorded as (
    select d.*, r.access_key_id is not null as is_reached
    from data_events d
    left join reached_credentials r on r.access_key_id = d.access_key_id
    where r.access_key_id is not null or d.user_identity_arn in (select principal_arn from possible_principals)
),
delivered_again as (
    select event_id from recorded where event_id is not null group by event_id having count(*) > 1
),
-- an event that CloudTrail delivers again with an addendum is the same request still
relevant_events as (
    select event_time, event_id, request_id, host_id, bucket, key, prefix, version_id, event_name, copy_source, access_key_id,
           user_identity_arn, source_ip_address, user_agent, bytes_out, error_code, authentication_method, is_reached
    from recorded
    where event_id is null or event_id not in (select event_id from delivered_again)
    union all
    select event_time, event_id, request_id, host_id, bucket, key, prefix, version_id, event_name, copy_source, access_key_id,
           user_identity_arn, source_ip_address, user_agent, max(bytes_out) as bytes_out, error_code, authentication_method, is_reached
    from recorded
    where event_id in (select event_id from delivered_again)
    group by event_time, event_id, request_id, host_id, bucket, key, prefix, version_id, event_name, copy_source, access_key_id,
             user_identity_arn, source_ip_address, user_agent, error_code, authentication_method, is_reached
),
copies as (
    select *, coalesce(try(url_decode(replace(copy_source, '+', '%2B'))), copy_source) as source
    from relevant_events
    where copy_source is not null and event_name in ('CopyObject', 'UploadPartCopy')
),
calls as (
    select e.event_time, e.event_id, e.request_id, e.host_id, e.bucket, 'whole' as half, e.bucket as asked_bucket, e.key, e.prefix,
           e.version_id, e.event_name, e.copy_source, e.access_key_id, e.user_identity_arn, e.source_ip_address, e.user_agent, e.bytes_out,
           e.error_code, e.authentication_method, e.is_reached
    from relevant_events e
    union all
    select event_time, event_id, request_id, host_id, nullif(regexp_extract(source, '^/?([^/]+)/', 1), '') as bucket, 'source' as half,
           bucket as asked_bucket,
           regexp_replace(regexp_extract(source, '(?s)^/?[^/]+/(.*)$', 1), '\?versionId=[^?]*$', '') as key, cast(null as varchar) as prefix,
           nullif(regexp_extract(source, '\?versionId=([^?]*)$', 1), '') as version_id, 'CopyObjectSource' as event_name, copy_source,
           access_key_id, user_identity_arn, source_ip_address, user_agent, cast(null as bigint) as bytes_out, error_code,
           authentication_method, is_reached
    from copies
    where source not like 'arn:%'
    union all
    select event_time, event_id, request_id, host_id, bucket, 'batch' as half, bucket as asked_bucket, cast(null as varchar) as key,
           cast(null as varchar) as prefix, cast(null as varchar) as version_id, 'DeleteObject' as event_name,
           cast(null as varchar) as copy_source, access_key_id, user_identity_arn, source_ip_address, user_agent,
           cast(null as bigint) as bytes_out, cast(null as varchar) as error_code, authentication_method, is_reached
    from relevant_events
    where event_name = 'DeleteObjects'
),
calls_told_apart as (
    select c.*, case when x.request_id is null then '' else coalesce(c.host_id, 'event') end as distinction
    from calls c
    left join collisions x on x.bucket = c.bucket and x.request_id = c.request_id
),
possible_lines as (
    select l.event_time, l.bucket, l.request_id, l.host_id, l.operation, l.key, l.version_id, l.requester, l.remote_ip, l.user_agent,
           l.bytes_sent, l.object_size, l.http_status, l.error_code, l.access_point_arn, cast(null as varchar) as prefix,
           case when l.authentication_type = 'QueryString' or (l.authentication_type is null and l.field_count < 22)
                then l.presigned_access_key_id end as presigned_access_key_id,
           cast(null as varchar) as copied_to, cast(null as boolean) as parent_known
    from access_log_lines l
    where l.event_time >= :match_start and l.event_time < :match_end
      and l.operation not in ('REST.GET.BUCKET', 'REST.GET.BUCKETVERSIONS', 'REST.GET.UPLOADS', 'BATCH.DELETE.OBJECT',
                              'REST.COPY.OBJECT_GET', 'REST.COPY.PART_GET')
      and (l.requester in (select requester from possible_requesters)
           or l.presigned_access_key_id in (select access_key_id from reached_credentials))
    union all
    -- listings: what they asked for stands in the URI
    select l.event_time, l.bucket, l.request_id, l.host_id, l.operation, cast(null as varchar) as key, l.version_id, l.requester, l.remote_ip,
           l.user_agent, l.bytes_sent, l.object_size, l.http_status, l.error_code, l.access_point_arn,
           coalesce(try(url_decode(replace(nullif(regexp_extract(l.request_uri, '[?&]prefix=([^& ]*)', 1), ''), '+', '%20'))),
                    nullif(regexp_extract(l.request_uri, '[?&]prefix=([^& ]*)', 1), '')) as prefix,
           case when l.authentication_type = 'QueryString' or (l.authentication_type is null and l.field_count < 22)
                then l.presigned_access_key_id end as presigned_access_key_id,
           cast(null as varchar) as copied_to, cast(null as boolean) as parent_known
    from access_log_lines l
    where l.event_time >= :match_start and l.event_time < :match_end
      and l.operation in ('REST.GET.BUCKET', 'REST.GET.BUCKETVERSIONS', 'REST.GET.UPLOADS')
      and (l.requester in (select requester from possible_requesters)
           or l.presigned_access_key_id in (select access_key_id from reached_credentials))
    union all
    -- rows without an agent of their own take it from the row of the request that they belong to
    select l.event_time, l.bucket, l.request_id, l.host_id, l.operation, l.key, l.version_id, l.requester,
           coalesce(l.remote_ip, p.remote_ip) as remote_ip, coalesce(l.user_agent, p.user_agent) as user_agent, l.bytes_sent,
           l.object_size, l.http_status, l.error_code, l.access_point_arn, cast(null as varchar) as prefix,
           p.presigned_access_key_id, p.bucket as copied_to, p.request_id is not null as parent_known
    from access_log_lines l
    left join (
        select distinct bucket, request_id, host_id, requester, remote_ip, user_agent,
               case when authentication_type = 'QueryString' then presigned_access_key_id end as presigned_access_key_id
        from access_log_lines
        where operation in ('REST.POST.MULTI_OBJECT_DELETE', 'REST.COPY.OBJECT', 'REST.COPY.PART')
          and event_time >= :match_start and event_time < :match_end
    ) p on p.request_id = l.request_id and p.host_id = l.host_id and p.requester = l.requester
    where l.event_time >= :match_start and l.event_time < :match_end
      and l.operation in ('BATCH.DELETE.OBJECT', 'REST.COPY.OBJECT_GET', 'REST.COPY.PART_GET')
      and l.requester in (select requester from possible_requesters)
),
lines as (
    -- S3 Select has been spelt in more than one way; what has no name here keeps the log's
    select l.*, coalesce(o.half, 'whole') as half,
           coalesce(o.event_name, case when l.operation like 'REST.%SELECT%' then 'SelectObjectContent' else l.operation end) as event_name,
           case when x.request_id is null then '' else coalesce(l.host_id, 'line') end as distinction
    from possible_lines l
    left join operation_names o on o.operation = l.operation
    left join collisions x on x.bucket = l.bucket and x.request_id = l.request_id
    where (o.event_name is not null and (l.key is not null or not o.needs_key))
       or (o.operation is null and l.key is not null and l.operation not like 'S3.%')
),
joined as (
    select c.half is not null as in_cloudtrail, l.operation is not null as in_access_log,
           coalesce(c.half, l.half, 'whole') as half,
           coalesce(c.event_time, l.event_time) as event_time, l.event_time as received_time, c.event_id,
           coalesce(c.request_id, l.request_id) as request_id, coalesce(c.bucket, l.bucket) as bucket,
           case when c.half = 'whole' then c.key when l.operation is not null then l.key else c.key end as key,
           coalesce(c.prefix, l.prefix) as prefix, coalesce(l.version_id, c.version_id) as version_id,
           coalesce(c.event_name, l.event_name) as event_name, c.copy_source,
           case when c.half = 'source' then c.asked_bucket else l.copied_to end as copied_to,
           c.user_identity_arn, l.requester,
           coalesce(c.source_ip_address, l.remote_ip) as source_ip_address, coalesce(c.user_agent, l.user_agent) as user_agent,
           case when l.operation is null then c.bytes_out else coalesce(l.bytes_sent, 0) end as bytes_sent,
           l.object_size, l.http_status, coalesce(l.error_code, c.error_code) as error_code, l.access_point_arn,
           l.presigned_access_key_id, c.access_key_id as named_access_key_id, c.is_reached,
           case when c.half = 'whole' and l.operation is not null then nullif(concat_ws(', ',
               case when c.bytes_out is not null and c.bytes_out <> coalesce(l.bytes_sent, 0) then 'bytes' end,
               case when (c.error_code is null) <> (l.http_status < 400) then 'status' end,
               case when coalesce(c.key, '') <> coalesce(l.key, '') then 'key' end,
               case when l.presigned_access_key_id <> c.access_key_id then 'access_key_id' end), '') end as disagreement
    from calls_told_apart c
    full join lines l on l.bucket = c.bucket and l.half = c.half and l.request_id = c.request_id and l.distinction = c.distinction
),
graded as (
    select j.*, q.principal_arn as requester_principal_arn,
           case when j.in_cloudtrail then j.named_access_key_id
                when j.presigned_access_key_id is not null then j.presigned_access_key_id
                when not :use_c or s.by_service then null
                when s.only_access_key_id is not null then s.only_access_key_id
                when j.event_time >= p.life_start and j.event_time < p.life_end then p.access_key_id end as access_key_id,
           case when j.in_cloudtrail then 'A'
                when j.presigned_access_key_id is not null then 'B'
                when not :use_c or s.by_service then 'D'
                when s.only_access_key_id is not null then 'C'
                when j.event_time >= p.life_start and j.event_time < p.life_end then 'C' else 'D' end as attribution,
           case when j.in_cloudtrail and j.in_access_log then 'joined by request id' when j.in_cloudtrail then 'named by CloudTrail'
                when j.presigned_access_key_id is not null then 'named in a pre-signed URI'
                when not :use_c or s.by_service then 'candidates of the principal'
                when s.only_access_key_id is not null then 'the only credential that could be in use'
                when j.event_time >= p.life_start and j.event_time < p.life_end then 'address and agent seen with it alone'
                else 'candidates of the principal' end as attribution_basis,
           s.candidates, s.possible
    from joined j
    left join possible_requesters q on q.requester = j.requester and not j.in_cloudtrail
    left join lone_pairs p
        on p.principal_arn = q.principal_arn and p.source_ip_address = j.source_ip_address and p.user_agent = j.user_agent
    left join candidate_spans s
        on s.principal_arn = q.principal_arn and s.by_service = (j.source_ip_address is null or coalesce(j.user_agent, '') like '%.amazonaws.com%')
       and s.day = date_trunc('day', j.event_time) and j.event_time >= s.start_time and j.event_time < s.end_time
    where (j.in_cloudtrail and j.is_reached and (j.half <> 'batch' or j.in_access_log))
       or (not j.in_cloudtrail and j.in_access_log)
),
settled as (
    select g.*, coalesce(r.is_responder, false) as is_responder,
           case when g.in_cloudtrail then r.access_key_id is not null when g.attribution = 'D' then coalesce(g.possible, false)
                else r.access_key_id is not null end as kept
    from graded g
    left join reached_credentials r on r.access_key_id = g.access_key_id
    where g.event_time >= :window_start and g.event_time < :window_end
)
select event_time, received_time, event_id, request_id, bucket, key, prefix, version_id, event_name, copy_source, copied_to, user_identity_arn,
       requester, requester_principal_arn, source_ip_address, user_agent, bytes_sent, object_size, http_status, error_code, access_point_arn,
       in_cloudtrail, in_access_log, access_key_id, attribution, attribution_basis, candidates, disagreement, is_responder
from settled
where kept
