-- Which outsiders asked which bucket in the window, how often, with what success, and how many bytes did they get?
-- Grain: one row per bucket and outsider (nobody, another account, a service), the investigation's own apart; a request that both logs hold counts once.
-- Cannot see: requests that neither log holds; lifecycle, which is no request; who failed to authenticate (counted with a null requester).
with s3_events as (
    select e.event_time, e.event_id, e.request_id, e.host_id,
           case when e.bucket like 'arn:%' or e.bucket like '%-s3alias'
                then coalesce(nullif(regexp_extract(e.resources, ':s3:::([^"/]+)', 1), ''), e.bucket) else e.bucket end as bucket,
           e.key, e.event_name, e.copy_source, e.error_code, e.bytes_out, e.source_ip_address, e.record_class, e.shared_event_id,
           e.user_identity_arn, e.session_issuer_arn,
           case when lower(coalesce(e.user_identity_account_id, e.user_identity_principal_id, '')) in ('anonymous', 'anonymous_principal')
                     or (e.user_identity_type = 'AWSAccount' and e.access_key_id is null and e.user_identity_arn is null and e.invoked_by is null
                         and coalesce(e.user_identity_account_id, '') = '' and coalesce(e.user_identity_principal_id, '') = '') then 'anonymous'
                when e.user_identity_type = 'AWSService' or lower(coalesce(e.user_identity_account_id, '')) = 'cloudfront'
                     or coalesce(e.user_identity_arn, '') like 'arn:aws:iam::cloudfront:%' then 'service'
                else 'account' end as caller_kind,
           case when lower(coalesce(e.user_identity_account_id, '')) = 'cloudfront' or coalesce(e.user_identity_arn, '') like 'arn:aws:iam::cloudfront:%'
                then 'cloudfront.amazonaws.com'
                when e.user_identity_type = 'AWSService' then coalesce(e.invoked_by, e.source_ip_address)
                else coalesce(nullif(regexp_extract(e.user_identity_account_id, '^[0-9]{12}$', 0), ''),
                              nullif(regexp_extract(e.user_identity_arn, '^arn:[^:]*:[a-z]+::([0-9]{12}):', 1), ''),
                              nullif(regexp_extract(e.user_identity_principal_id, '^[0-9a-f]{64}$', 0), '')) end as caller
    from events e
    where e.event_source in ('s3.amazonaws.com', 's3express.amazonaws.com') and e.bucket is not null
      and e.event_time >= :match_start and e.event_time < :match_end
      and e.event_name <> 'PreflightRequest'
),
-- the copies of one request that went to two accounts are one request
once as (
    select * from s3_events
    qualify shared_event_id is null or row_number() over (
        partition by coalesce(shared_event_id, event_id), request_id, event_name, bucket, key, event_time order by event_id) = 1
),
calls as (
    select event_time, request_id, host_id, bucket, 'whole' as half, key, event_name, error_code, bytes_out, record_class,
           user_identity_arn, session_issuer_arn, caller_kind, caller
    from once
    union all
    -- a copy to another bucket reads this one
    select event_time, request_id, host_id, source_bucket as bucket, 'source' as half, cast(null as varchar) as key, 'CopyObjectSource' as event_name,
           error_code, cast(null as bigint) as bytes_out, 'data_read' as record_class, user_identity_arn, session_issuer_arn,
           caller_kind, caller
    from (
        select o.*, nullif(regexp_extract(coalesce(try(url_decode(replace(copy_source, '+', '%2B'))), copy_source), '^/?([^/]+)/', 1), '') as source_bucket
        from once o
        where event_name in ('CopyObject', 'UploadPartCopy') and copy_source is not null
    ) k
    where source_bucket <> bucket
),
-- lines of callers that are not surely the owner's, and all that share a request with them
possible_lines as (
    select l.event_time, l.request_id, l.host_id, l.bucket, l.key, l.operation, o.event_name, l.requester, l.http_status,
           l.error_code, l.bytes_sent,
           case when l.operation in ('REST.COPY.OBJECT_GET', 'REST.COPY.PART_GET') then 'source' else 'whole' end as half,
           case when l.operation in ('BATCH.DELETE.OBJECT', 'REST.COPY.OBJECT_GET', 'REST.COPY.PART_GET') then 1 else 0 end as is_part,
           l.requester is null and (l.authentication_type is not null or l.presigned_access_key_id is not null
                                    or coalesce(l.error_code, '') in (:authentication_failures)) and coalesce(l.http_status, 0) >= 400 as is_unauthenticated
    from access_log_lines l
    join bucket_owners b on b.bucket = l.bucket
    left join operation_names o on o.operation = l.operation
    where l.event_time >= :match_start and l.event_time < :match_end and l.operation not like 'S3.%'
      and l.operation not like 'REST.OPTIONS.%' -- a browser asks unsigned whether it may ask
      and coalesce(l.requester, '') <> 'AmazonS3'
      and coalesce(l.requester, '') <> coalesce(l.bucket_owner, 'unknown')
      and coalesce(nullif(regexp_extract(l.requester, '^arn:[^:]*:[a-z]+::([0-9]{12}):', 1), ''), 'none') <> coalesce(b.account_id, 'unknown')
),
lines_told_apart as (
    select l.*, case when x.request_id is null then '' else coalesce(l.host_id, 'line') end as distinction
    from possible_lines l
    left join collisions x on x.bucket = l.bucket and x.request_id = l.request_id
),
-- of a batch delete the request itself, else one of its keys; of a copy within a bucket the copy
lines_once as (
    select * from lines_told_apart
    qualify is_part = 0 or (min(is_part) over (partition by bucket, request_id, distinction) = 1
                            and row_number() over (partition by bucket, request_id, distinction, is_part order by key, event_time) = 1)
),
numbered_lines as (
    select *, row_number() over (partition by bucket, half, request_id, distinction order by key, event_time, operation) as place
    from lines_once
),
numbered_calls as (
    select c.*, case when x.request_id is null then '' else coalesce(c.host_id, 'event') end as distinction,
           row_number() over (partition by c.bucket, c.half, c.request_id, case when x.request_id is null then '' else coalesce(c.host_id, 'event') end
                              order by c.key, c.event_time, c.event_name) as place
    from calls c
    join bucket_owners b on b.bucket = c.bucket
    left join collisions x on x.bucket = c.bucket and x.request_id = c.request_id
    where c.caller_kind <> 'account' or c.caller is null or c.caller <> coalesce(b.account_id, 'unknown')
       or c.request_id in (select request_id from lines_once)
),
joined as (
    select coalesce(c.bucket, l.bucket) as bucket, coalesce(c.event_time, l.event_time) as event_time, c.half is not null as in_cloudtrail,
           l.half is not null as in_access_log, coalesce(c.event_name, l.event_name, l.operation) as event_name,
           coalesce(c.record_class, '') as record_class, c.caller_kind, c.caller, l.requester,
           coalesce(c.user_identity_arn, case when l.requester like 'arn:%' then l.requester end) as principal_arn, c.session_issuer_arn,
           l.http_status, coalesce(l.error_code, c.error_code) as error_code,
           case when l.half is null then coalesce(c.bytes_out, 0) else coalesce(l.bytes_sent, 0) end as bytes_sent,
           c.half is null and coalesce(l.is_unauthenticated, false) as is_unauthenticated
    from numbered_calls c
    full join numbered_lines l
        on l.bucket = c.bucket and l.half = c.half and l.request_id = c.request_id and l.distinction = c.distinction and l.place = c.place
),
-- the name in CloudTrail before that in the access log: it is the account's number
named as (
    select j.*, b.account_id as owner_account_id,
           case when j.is_unauthenticated then 'unauthenticated'
                when j.in_cloudtrail and (j.caller_kind <> 'account' or j.caller is not null) then j.caller_kind
                when j.requester is null then case when j.in_cloudtrail then 'unnamed' else 'anonymous' end
                when j.requester like 'svc:%' or j.requester like 'arn:aws:iam::cloudfront:%' then 'service' else 'account' end as kind,
           case when j.is_unauthenticated then cast(null as varchar)
                when j.in_cloudtrail and (j.caller_kind <> 'account' or j.caller is not null) then
                     case when j.caller_kind = 'anonymous' then 'anonymous' else coalesce(k.account_id, j.caller) end
                when j.requester is null then 'anonymous'
                when j.requester like 'arn:aws:iam::cloudfront:%' then 'cloudfront.amazonaws.com'
                when j.requester like 'svc:%' then
                     case when strpos(j.requester, '.') > 0 then substr(j.requester, 5) else concat(substr(j.requester, 5), '.amazonaws.com') end
                else coalesce(nullif(regexp_extract(j.requester, '^arn:[^:]*:[a-z]+::([0-9]{12}):', 1), ''), i.account_id, j.requester) end as outsider
    from joined j
    join bucket_owners b on b.bucket = j.bucket
    left join canonical_ids i on i.canonical_id = j.requester
    left join canonical_ids k on k.canonical_id = j.caller
    where j.event_time >= :window_start and j.event_time < :window_end
),
judged as (
    select n.*, regexp_replace(n.principal_arn, '(:assumed-role/[^/]+)/.*$', '\1') as principal,
           coalesce(n.principal_arn, '') in (select arn from responder_arns)
               or coalesce(n.session_issuer_arn, '') in (select arn from responder_arns) as is_responder,
           case when n.in_access_log and n.http_status is not null then n.http_status < 300 else n.error_code is null end as succeeded,
           coalesce(n.http_status, 403) in (401, 403)
               and coalesce(n.error_code, 'AccessDenied') not in ('InvalidObjectState', 'RequestTimeTooSkewed', 'NoSuchKey', 'NoSuchBucket')
               and (n.http_status is not null or outcome(n.error_code) = 'denied' or n.error_code = 'InvalidPayer') as denied,
           coalesce(s.public_status, 'unknown') as public_status
    from named n
    left join exposure_spans s on s.bucket = n.bucket and n.event_time >= s.start_time and n.event_time < s.end_time
    where n.kind in ('anonymous', 'service', 'unauthenticated')
       -- another canonical id is another account; whose an ARN is can be said where the bucket's account is known
       or (n.kind = 'account' and n.outsider <> n.owner_account_id and regexp_extract(n.outsider, '^([0-9]{12}|[0-9a-f]{64})$', 0) <> '')
       or (n.kind = 'account' and n.owner_account_id is null and regexp_extract(n.outsider, '^[0-9a-f]{64}$', 0) <> '')
)
select bucket, case kind when 'account' then 'other_account' else kind end as requester_kind, outsider as requester, is_responder,
       min(event_time) as first_time, max(event_time) as last_time,
       count(*) filter (where succeeded) as requests, count(*) filter (where denied and not succeeded) as denied_requests,
       coalesce(sum(bytes_sent) filter (where succeeded), 0)::bigint as bytes_sent,
       count(*) filter (where not succeeded and not denied) as failed_requests,
       count(*) filter (where succeeded and event_name in ('GetObject', 'SelectObjectContent', 'GetObjectTorrent', 'CopyObjectSource')) as reads,
       count(*) filter (where succeeded and event_name in ('ListObjects', 'ListObjectVersions', 'ListMultipartUploads')) as listings,
       count(*) filter (where succeeded and (record_class = 'data_write' or event_name in (
           'PutObject', 'PostObject', 'CopyObject', 'UploadPart', 'UploadPartCopy', 'CreateMultipartUpload', 'CompleteMultipartUpload',
           'AbortMultipartUpload', 'DeleteObject', 'DeleteObjects', 'PutObjectAcl', 'PutObjectTagging', 'DeleteObjectTagging',
           'RestoreObject', 'PutObjectRetention', 'PutObjectLegalHold'))) as writes,
       count(*) filter (where succeeded and public_status = 'yes') as requests_while_public,
       count(*) filter (where succeeded and public_status = 'no') as requests_while_not_public,
       count(*) filter (where succeeded and public_status = 'unknown') as requests_while_unknown,
       coalesce(sum(bytes_sent) filter (where succeeded and public_status = 'yes'), 0)::bigint as bytes_while_public,
       case when bool_and(not in_access_log) then 'cloudtrail' when bool_and(not in_cloudtrail) then 'server_access_log' else 'both' end as seen_in,
       list_sort(coalesce(list(distinct principal) filter (where principal is not null), []))[1:20] as principals
from judged
group by all
order by bucket, requester_kind, requester, is_responder
