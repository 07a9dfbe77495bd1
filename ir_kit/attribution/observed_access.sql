-- Which outsiders asked which bucket in the window, how often, with what success, and how many bytes did they get?
-- Grain: one row per bucket and outsider (nobody, another account, a service), the investigation's own apart; a request that both logs hold counts once.
-- Cannot see: requests that neither log holds; lifecycle, which is no request; who failed to authenticate (counted with a null requester).
with s3_events as (
    select e.event_time, e.event_id, e.request_id, e.host_id, e.key, e.event_name, e.error_code, e.bytes_out, e.record_class, e.shared_event_id,
           e.user_identity_arn, e.session_issuer_arn,
           if(e.bucket like 'arn:%' or e.bucket like '%-s3alias', coalesce(nullif(regexp_extract(e.resources, ':s3:::([^"/]+)', 1), ''), e.bucket),
              e.bucket) as bucket,
           regexp_extract(coalesce(try(url_decode(replace(e.copy_source, '+', '%2B'))), e.copy_source), '^/?([^/]+)/', 1) as source_bucket,
           lower(coalesce(e.user_identity_account_id, '')) = 'cloudfront' or coalesce(e.user_identity_arn, '') like 'arn:aws:iam::cloudfront:%'
               as is_cloudfront,
           case when lower(coalesce(e.user_identity_account_id, e.user_identity_principal_id, '')) in ('anonymous', 'anonymous_principal')
                     or (e.user_identity_type = 'AWSAccount' and e.access_key_id is null and e.user_identity_arn is null and e.invoked_by is null
                         and coalesce(e.user_identity_account_id, '') = '' and coalesce(e.user_identity_principal_id, '') = '') then 'anonymous'
                when e.user_identity_type = 'AWSService' or is_cloudfront then 'service' else 'account' end as caller_kind,
           case when is_cloudfront then 'cloudfront.amazonaws.com'
                when e.user_identity_type = 'AWSService' then coalesce(e.invoked_by, e.source_ip_address)
                else coalesce(nullif(regexp_extract(e.user_identity_account_id, '^[0-9]{12}$', 0), ''),
                              nullif(regexp_extract(e.user_identity_arn, '^arn:[^:]*:[a-z]+::([0-9]{12}):', 1), ''),
                              nullif(regexp_extract(e.user_identity_principal_id, '^[0-9a-f]{64}$', 0), '')) end as caller
    from events e
    where e.event_source in ('s3.amazonaws.com', 's3express.amazonaws.com') and e.bucket is not null
      and e.event_time >= :match_start and e.event_time < :match_end and e.event_name <> 'PreflightRequest'
),
-- the copies of one request that went to two accounts are one request
once as (
    select * from s3_events
    qualify shared_event_id is null or row_number() over (
        partition by coalesce(shared_event_id, event_id), request_id, event_name, bucket, key, event_time order by event_id) = 1
),
halves as (
    select *, 'whole' as half from once
    union all by name
    -- a copy to another bucket reads this one
    select * replace (source_bucket as bucket, null as key, null as bytes_out, 'CopyObjectSource' as event_name, 'data_read' as record_class),
           'source' as half
    from once
    where event_name in ('CopyObject', 'UploadPartCopy') and source_bucket not in ('', bucket)
),
-- lines of callers that are not surely the owner's: of a batch delete the request itself, else one of its keys; of a copy within a bucket the copy
lines as (
    select l.event_time, l.request_id, l.bucket, coalesce(o.event_name, l.operation) as event_name, l.requester, l.http_status, l.error_code,
           coalesce(l.bytes_sent, 0) as bytes_sent, if(o.half = 'source', 'source', 'whole') as half, coalesce(o.half, 'whole') <> 'whole' as is_part,
           l.requester is null and (l.authentication_type is not null or l.presigned_access_key_id is not null
                                    or failed_authentication(l.error_code)) and coalesce(l.http_status, 0) >= 400 as is_unauthenticated,
           if(x.request_id is null, '', coalesce(l.host_id, 'line')) as distinction,
           row_number() over (partition by l.bucket, half, l.request_id, distinction, is_part order by l.key, l.event_time, l.operation) as place
    from access_log_lines l
    join bucket_owners b on b.bucket = l.bucket
    left join operation_names o on o.operation = l.operation
    left join collisions x on x.bucket = l.bucket and x.request_id = l.request_id
    where l.event_time >= :match_start and l.event_time < :match_end and l.operation not like 'S3.%'
      and l.operation not like 'REST.OPTIONS.%' -- a browser asks unsigned whether it may ask
      and coalesce(l.requester, '') not in ('AmazonS3', coalesce(l.bucket_owner, 'unknown'))
      and coalesce(nullif(regexp_extract(l.requester, '^arn:[^:]*:[a-z]+::([0-9]{12}):', 1), ''), 'none') <> coalesce(b.account_id, 'unknown')
    qualify not is_part or (bool_and(is_part) over (partition by l.bucket, l.request_id, distinction) and row_number() over (
        partition by l.bucket, l.request_id, distinction, is_part order by l.key, l.event_time, l.operation) = 1)
),
calls as (
    select c.*, if(x.request_id is null, '', coalesce(c.host_id, 'event')) as distinction,
           row_number() over (partition by c.bucket, c.half, c.request_id, distinction order by c.key, c.event_time, c.event_name) as place
    from halves c
    join bucket_owners b on b.bucket = c.bucket
    left join collisions x on x.bucket = c.bucket and x.request_id = c.request_id
    where c.caller_kind <> 'account' or c.caller is null or c.caller <> coalesce(b.account_id, 'unknown')
       or c.request_id in (select request_id from lines)
),
-- the name in CloudTrail before that in the access log: it is the account's number
judged as (
    select b.bucket, coalesce(c.event_time, l.event_time) as time, c.event_time is not null as in_cloudtrail, l.event_time is not null as in_access_log,
           coalesce(c.event_name, l.event_name) as event_name, coalesce(c.record_class, '') as record_class,
           coalesce(l.bytes_sent, c.bytes_out, 0) as bytes_sent, coalesce(l.error_code, c.error_code) as fault,
           c.caller_kind <> 'account' or c.caller is not null as is_named,
           case when not in_cloudtrail and l.is_unauthenticated then 'unauthenticated' when is_named then c.caller_kind
                when l.requester is null then if(in_cloudtrail, 'unnamed', 'anonymous')
                when l.requester like 'svc:%' or l.requester like 'arn:aws:iam::cloudfront:%' then 'service' else 'account' end as kind,
           case when kind = 'unauthenticated' then null when kind = 'anonymous' then 'anonymous' when is_named then coalesce(k.account_id, c.caller)
                when l.requester like 'arn:aws:iam::cloudfront:%' then 'cloudfront.amazonaws.com'
                when l.requester like 'svc:%' then substr(l.requester, 5) || if(contains(l.requester, '.'), '', '.amazonaws.com')
                else coalesce(nullif(regexp_extract(l.requester, '^arn:[^:]*:[a-z]+::([0-9]{12}):', 1), ''), i.account_id, l.requester) end as outsider,
           coalesce(c.user_identity_arn, if(l.requester like 'arn:%', l.requester, null)) as principal_arn,
           regexp_replace(principal_arn, '(:assumed-role/[^/]+)/.*$', '\1') as principal,
           is_responder(principal_arn, [:responders]) or is_responder(c.session_issuer_arn, [:responders]) as is_responder,
           if(l.http_status is not null, l.http_status < 300, fault is null) as succeeded,
           coalesce(l.http_status, 403) in (401, 403)
               and coalesce(fault, 'AccessDenied') not in ('InvalidObjectState', 'RequestTimeTooSkewed', 'NoSuchKey', 'NoSuchBucket')
               and (l.http_status is not null or outcome(fault) = 'denied' or fault = 'InvalidPayer') as denied,
           coalesce(s.public_status, 'unknown') as public_status
    from calls c
    full join lines l
        on l.bucket = c.bucket and l.half = c.half and l.request_id = c.request_id and l.distinction = c.distinction and l.place = c.place
    join bucket_owners b on b.bucket = coalesce(c.bucket, l.bucket)
    left join canonical_ids i on i.canonical_id = l.requester
    left join canonical_ids k on k.canonical_id = c.caller
    left join exposure_spans s
        on s.bucket = b.bucket and coalesce(c.event_time, l.event_time) >= s.start_time and coalesce(c.event_time, l.event_time) < s.end_time
    where time >= :window_start and time < :window_end
      and (kind in ('anonymous', 'service', 'unauthenticated')
           -- another canonical id is another account; whose an ARN is can be said where the bucket's account is known
           or (kind = 'account' and regexp_full_match(outsider, '[0-9]{12}|[0-9a-f]{64}') and outsider <> b.account_id)
           or (kind = 'account' and regexp_full_match(outsider, '[0-9a-f]{64}') and b.account_id is null))
)
select bucket, case kind when 'account' then 'other_account' else kind end as requester_kind, outsider as requester, is_responder,
       min(time) as first_time, max(time) as last_time,
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
