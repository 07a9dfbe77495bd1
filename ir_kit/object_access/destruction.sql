-- Which objects were written over, encrypted or removed by, or possibly by, a compromised credential, which attempts failed, and what is left?
-- Grain: one row per object and act; a batch delete whose keys no log holds is one row with a null key, a shortened expiry one per call.
-- Cannot see: whether a key existed that nobody asked for before; encryption by a customer's key where only the access log saw the request.
with acts as (
    select *, case when error_code is null and coalesce(http_status, 200) < 300 then 'success'
                   when coalesce(http_status, 0) = 403 or outcome(error_code) = 'denied' then 'denied' else 'error' end as outcome,
           event_name in ('DeleteObject', 'DeleteObjects') as deletes,
           max(event_time) filter (event_name = 'DeleteObject' and version_id is not null and outcome = 'success') over (partition by bucket, key)
               as last_version_deleted
    from object_access_requests
    where event_name in ('PutObject', 'PostObject', 'CopyObject', 'CompleteMultipartUpload', 'DeleteObject', 'DeleteObjects')
),
put_keys as (select distinct bucket, key from acts where not deletes and key is not null),
states as (
    select e.bucket, e.key, e.request_id, e.event_time,
           case when (e.error_code is null and e.event_name = 'DeleteObject' and e.version_id is null) or e.error_code in ('NoSuchKey', 'NotFound') then 'gone'
                when e.error_code is null and e.event_name in ('GetObject', 'HeadObject', 'PutObject', 'PostObject', 'CopyObject', 'GetObjectAcl',
                    'CompleteMultipartUpload', 'GetObjectTagging', 'GetObjectAttributes', 'RestoreObject', 'SelectObjectContent') then 'there'
           end as state
    from events e join put_keys using (bucket, key)
    where e.event_source = 's3.amazonaws.com' and e.record_class in ('data_read', 'data_write')
    union all
    select l.bucket, l.key, l.request_id, l.event_time,
           case when (l.operation in ('REST.DELETE.OBJECT', 'BATCH.DELETE.OBJECT') and l.http_status < 300 and l.version_id is null)
                     or (l.operation in ('REST.GET.OBJECT', 'REST.HEAD.OBJECT') and l.http_status = 404)
                     or l.operation in ('S3.EXPIRE.OBJECT', 'S3.CREATE.DELETEMARKER') then 'gone'
                when l.http_status < 305 and l.operation in ('REST.GET.OBJECT', 'REST.HEAD.OBJECT', 'REST.PUT.OBJECT', 'REST.POST.OBJECT',
                    'REST.COPY.OBJECT', 'REST.COPY.OBJECT_GET', 'REST.POST.UPLOAD', 'WEBSITE.GET.OBJECT') then 'there' end
    from access_log_lines l join put_keys using (bucket, key)
),
history as (
    select bucket, key, request_id, min(event_time) as first_time, max(state) as latest,
           lag(latest) over (partition by bucket, key order by first_time, request_id) as state_before
    from states
    where state is not null
    group by bucket, key, request_id
),
encryption as (
    select event_id, bool_or(regexp_matches(request_parameters, '"x-amz-server-side-encryption-customer-algorithm"\s*:\s*"[^"]')) as is_customer_key,
           max(nullif(regexp_extract(request_parameters,
               '"x-amz-server-side-encryption-aws-kms-key-id"\s*:\s*"arn:[^":]*:kms:[^":]*:([0-9]{12}):', 1), '')) as kms_account
    from events
    where event_source = 's3.amazonaws.com' and access_key_id in (select access_key_id from compromised_credentials)
      and event_name in ('PutObject', 'PostObject', 'CopyObject', 'CompleteMultipartUpload')
      and event_time >= :window_start and event_time < :window_end
    group by event_id
),
judged as (
    select a.*,
           case when a.deletes then 'deleted' when p.is_customer_key then 'encrypted_customer_key'
                when p.kms_account not in (select account_id from own_accounts) then 'encrypted_foreign_kms'
                when h.state_before = 'there' or a.copy_source in (a.bucket || '/' || a.key, '/' || a.bucket || '/' || a.key)
                     or (a.outcome <> 'success' and exists (
                         from history t where t.bucket = a.bucket and t.key = a.key and t.latest = 'there' and t.request_id <> a.request_id
                                          and t.first_time <= a.event_time)) then 'overwritten' end as kind
    from acts a
    left join history h on h.bucket = a.bucket and h.key = a.key and h.request_id = a.request_id
    left join encryption p on p.event_id = a.event_id
    where a.event_name <> 'DeleteObjects'
       or not exists (from acts k where k.event_name = 'DeleteObject' and k.bucket = a.bucket and k.request_id = a.request_id)
)
select j.*, case when j.outcome <> 'success' then 'yes' when j.kind = 'deleted' and j.version_id is not null then 'no'
            when (j.kind = 'deleted' and j.key is null) or (v.versioning_status = 'Enabled' and j.last_version_deleted > j.event_time) then 'unknown'
            when v.versioning_status = 'Enabled' then 'yes' when v.versioning_status = 'Off' then 'no' else 'unknown' end as recoverable_status
from judged j
left join versioning v on v.bucket = j.bucket and j.event_time >= v.start_time and j.event_time < v.end_time
where j.kind is not null
union all by name
select c.event_time, c.bucket, c.access_key_id, c.event_id, c.request_id, c.source_ip_address, c.user_agent, [c.access_key_id] as candidates,
       'expiry_shortened' as kind, 'A' as attribution, outcome(c.error_code) as outcome, if(c.error_code is null, 'unknown', 'yes') as recoverable_status,
       s.session_id, coalesce(s.verdict, 'unclear') as verdict,
       case coalesce(case s.label when 'intruder' then 'new' when 'owner' then 'familiar' when 'unknown' then 'unclear' end, s.verdict)
           when 'new' then 'lower' when 'familiar' then 'owner' else 'likely' end as counted_in
from expiry_changes c
join compromised_credentials r on r.access_key_id = c.access_key_id
left join session_hours s
    on s.access_key_id = c.access_key_id and s.source_ip_address = coalesce(c.source_ip_address, '')
   and s.user_agent = coalesce(c.user_agent, '') and s.hour = date_trunc('hour', c.event_time) and c.event_time >= s.start_time and c.event_time < s.end_time
where c.event_time >= :window_start and c.event_time < :window_end
order by event_time, bucket, request_id, key, event_id
