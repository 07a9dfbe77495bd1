-- Which requests did both logs hold of the principals in question, by which credential each, and how sure is that?
-- Grain: one row per request in the window that a compromised credential made, or may have made; batch deletes and copies in their parts.
-- Cannot see: requests that neither log holds; whose they look like, which is judged afterwards.
with recorded as (
    -- of these principals' events all, so that another key's request is not taken for one of a compromised key
    select e.event_time, e.event_id, e.request_id, e.host_id, e.key, e.prefix, e.version_id, e.event_name, e.copy_source, e.access_key_id,
           e.user_identity_arn, e.source_ip_address, e.user_agent, e.bytes_out, e.error_code, r.access_key_id is not null as is_compromised,
           -- an access point: the bucket stands among the resources
           if(e.bucket like 'arn:%' or e.bucket like '%-s3alias', coalesce(nullif(regexp_extract(e.resources, ':s3:::([^"/]+)', 1), ''), e.bucket),
              e.bucket) as bucket,
           coalesce(try(url_decode(replace(e.copy_source, '+', '%2B'))), e.copy_source) as source
    from events e
    left join compromised_credentials r on r.access_key_id = e.access_key_id
    where e.event_source in ('s3.amazonaws.com', 's3express.amazonaws.com') and e.record_class in ('data_read', 'data_write')
      and e.event_time >= :match_start and e.event_time < :match_end
      and (r.access_key_id is not null or e.user_identity_arn in (select principal_arn from possible_principals))
),
delivered_again as (select event_id from recorded where event_id is not null group by event_id having count(*) > 1),
-- an event that CloudTrail delivers again with an addendum is the same request still
relevant_events as (
    select * from recorded where event_id is null or event_id not in (from delivered_again)
    union all by name
    select * exclude (bytes_out), max(bytes_out) as bytes_out from recorded where event_id in (from delivered_again) group by all
),
halves as (
    select *, 'whole' as half, bucket as target_bucket from relevant_events
    union all by name
    select * replace (nullif(regexp_extract(source, '^/?([^/]+)/', 1), '') as bucket, null as prefix, null as bytes_out,
                      regexp_replace(regexp_extract(source, '(?s)^/?[^/]+/(.*)$', 1), '\?versionId=[^?]*$', '') as key,
                      nullif(regexp_extract(source, '\?versionId=([^?]*)$', 1), '') as version_id, 'CopyObjectSource' as event_name),
           'source' as half, bucket as target_bucket
    from relevant_events
    where event_name in ('CopyObject', 'UploadPartCopy') and source not like 'arn:%'
    union all by name
    select * replace (null as key, null as prefix, null as version_id, null as copy_source, null as error_code, null as bytes_out,
                      'DeleteObject' as event_name),
           'batch' as half, bucket as target_bucket
    from relevant_events
    where event_name = 'DeleteObjects'
),
calls as (
    select h.*, if(x.request_id is null, '', coalesce(h.host_id, 'event')) as distinction
    from halves h left join collisions x using (bucket, request_id)
),
possible_lines as (
    select l.event_time, l.bucket, l.request_id, l.host_id, l.operation, l.version_id, l.requester, l.remote_ip, l.user_agent, l.bytes_sent,
           l.object_size, l.http_status, l.error_code, l.access_point_arn, coalesce(o.half, 'whole') as half,
           -- a listing's prefix stands in the URI
           l.operation in ('REST.GET.BUCKET', 'REST.GET.BUCKETVERSIONS', 'REST.GET.UPLOADS') as is_listing, if(is_listing, null, l.key) as key,
           if(is_listing, nullif(regexp_extract(l.request_uri, '[?&]prefix=([^& ]*)', 1), ''), null) as raw_prefix,
           -- S3 Select has been spelt in more than one way; what has no name here keeps the log's
           coalesce(o.event_name, if(l.operation like 'REST.%SELECT%', 'SelectObjectContent', l.operation)) as event_name,
           if(l.authentication_type = 'QueryString' or (l.authentication_type is null and l.field_count < 22), l.presigned_access_key_id, null)
               as signed_by_link
    from access_log_lines l
    left join operation_names o using (operation)
    where l.event_time >= :match_start and l.event_time < :match_end
      and (l.key is not null or not o.needs_key) and (o.event_name is not null or l.operation not like 'S3.%')
      and (l.requester in (select requester from possible_requesters)
           or (coalesce(o.half, 'whole') = 'whole' and l.presigned_access_key_id in (select access_key_id from compromised_credentials)))
),
parents as (
    select distinct bucket, request_id, host_id, requester, remote_ip, user_agent,
           if(authentication_type = 'QueryString', presigned_access_key_id, null) as signed_by_link
    from access_log_lines
    where operation in ('REST.POST.MULTI_OBJECT_DELETE', 'REST.COPY.OBJECT', 'REST.COPY.PART')
      and event_time >= :match_start and event_time < :match_end
),
lines as (
    -- lines without an agent of their own take it from that of the request that they belong to
    select l.* replace (coalesce(l.remote_ip, p.remote_ip) as remote_ip, coalesce(l.user_agent, p.user_agent) as user_agent,
                        if(l.half = 'whole', l.signed_by_link, p.signed_by_link) as signed_by_link),
           coalesce(try(url_decode(replace(raw_prefix, '+', '%20'))), raw_prefix) as prefix, p.bucket as copied_to,
           if(x.request_id is null, '', coalesce(l.host_id, 'line')) as distinction
    from possible_lines l
    left join parents p on p.request_id = if(l.half = 'whole', null, l.request_id) and p.host_id = l.host_id and p.requester = l.requester
    left join collisions x on x.bucket = l.bucket and x.request_id = l.request_id
),
joined as (
    select c.half is not null as in_cloudtrail, l.operation is not null as in_access_log, coalesce(c.half, l.half) as half,
           coalesce(c.event_time, l.event_time) as event_time, l.event_time as received_time, c.event_id,
           coalesce(c.request_id, l.request_id) as request_id, coalesce(c.bucket, l.bucket) as bucket,
           case when c.half = 'whole' or l.operation is null then c.key else l.key end as key,
           coalesce(c.prefix, l.prefix) as prefix, coalesce(l.version_id, c.version_id) as version_id,
           coalesce(c.event_name, l.event_name) as event_name, c.copy_source,
           case when c.half = 'source' then c.target_bucket else l.copied_to end as copied_to, c.user_identity_arn, l.requester,
           coalesce(c.source_ip_address, l.remote_ip) as source_ip_address, coalesce(c.user_agent, l.user_agent) as user_agent,
           case when l.operation is null then c.bytes_out else coalesce(l.bytes_sent, 0) end as bytes_sent,
           l.object_size, l.http_status, coalesce(l.error_code, c.error_code) as error_code, l.access_point_arn, l.signed_by_link,
           c.access_key_id as named_access_key_id, c.is_compromised,
           case when c.half = 'whole' and l.operation is not null then nullif(concat_ws(', ',
               case when c.bytes_out is not null and c.bytes_out <> coalesce(l.bytes_sent, 0) then 'bytes' end,
               case when (c.error_code is null) <> (l.http_status < 400) then 'status' end,
               case when coalesce(c.key, '') <> coalesce(l.key, '') then 'key' end,
               case when l.signed_by_link <> c.access_key_id then 'access_key_id' end), '') end as disagreement
    from calls c
    full join lines l on l.bucket = c.bucket and l.half = c.half and l.request_id = c.request_id and l.distinction = c.distinction
),
-- pairs of address and agent that were seen with one credential alone
single_sources as (
    select k.principal_arn, k.source_ip_address, k.user_agent, min(k.access_key_id) as access_key_id,
           coalesce(min(v.start_time), timestamp '2006-03-14') as start_time, coalesce(max(v.end_time), timestamp '2200-01-01') as end_time
    from source_keys k
    left join credential_validity v using (principal_arn, access_key_id)
    group by k.principal_arn, k.source_ip_address, k.user_agent
    having count(distinct k.access_key_id) = 1
),
graded as (
    select j.*, q.principal_arn as requester_principal_arn, s.candidates, s.possible,
           unnest(case when j.in_cloudtrail then {'attribution': 'A', 'access_key_id': j.named_access_key_id,
                                                  'attribution_basis': if(j.in_access_log, 'joined by request id', 'named by CloudTrail')}
                       when j.signed_by_link is not null
                       then {'attribution': 'B', 'access_key_id': j.signed_by_link, 'attribution_basis': 'named in a pre-signed URI'}
                       when c.used and s.by_service is not true and s.only_access_key_id is not null
                       then {'attribution': 'C', 'access_key_id': s.only_access_key_id,
                             'attribution_basis': 'the only credential that could be in use'}
                       when c.used and s.by_service is not true and j.event_time >= p.start_time and j.event_time < p.end_time
                       then {'attribution': 'C', 'access_key_id': p.access_key_id, 'attribution_basis': 'address and agent seen with it alone'}
                       else {'attribution': 'D', 'access_key_id': null, 'attribution_basis': 'candidates of the principal'} end)
    from joined j
    cross join (select used from calibration where attribution = 'C') c
    left join possible_requesters q on q.requester = j.requester and not j.in_cloudtrail
    left join single_sources p
        on p.principal_arn = q.principal_arn and p.source_ip_address = j.source_ip_address and p.user_agent = j.user_agent
    left join candidate_spans s
        on s.principal_arn = q.principal_arn and s.by_service = (j.source_ip_address is null or coalesce(j.user_agent, '') like '%.amazonaws.com%')
       and s.day = date_trunc('day', j.event_time) and j.event_time >= s.start_time and j.event_time < s.end_time
    where j.event_time >= :window_start and j.event_time < :window_end
      and (not j.in_cloudtrail or (j.is_compromised and (j.half <> 'batch' or j.in_access_log)))
)
select g.* exclude (half, signed_by_link, named_access_key_id, is_compromised, possible), coalesce(r.is_responder, false) as is_responder
from graded g
left join compromised_credentials r on r.access_key_id = g.access_key_id
where r.access_key_id is not null or (g.attribution = 'D' and g.possible)
