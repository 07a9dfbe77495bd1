-- What did compromised credentials do to which bucket in the window, with success, of what is asked of their permissions?
-- Grain: one row per compromised credential, bucket and kind of access, with the requests in words; empty if none.
-- Cannot see: requests that only access logs hold. A batch delete shows nothing: it succeeds as a whole even where no key of it does.
with shows(access, event_name) as (
    values ('read', 'GetObject'), ('read', 'HeadObject'), ('read', 'SelectObjectContent'), ('read', 'GetObjectTorrent'),
           ('write', 'PutObject'), ('write', 'CopyObject'), ('write', 'CompleteMultipartUpload'), ('write', 'CreateMultipartUpload'),
           ('write', 'UploadPart'), ('write', 'UploadPartCopy'), ('delete', 'DeleteObject'), ('list', 'ListObjects'), ('list', 'ListObjectsV2'),
           ('list', 'ListObjectVersions'), ('list', 'HeadBucket'), ('list', 'ListMultipartUploads'), ('admin', 'PutBucketPolicy'),
           ('admin', 'DeleteBucketPolicy')
),
done as (
    select e.access_key_id, e.bucket, s.access, e.event_name, count(*) as requests
    from events e
    join shows s on s.event_name = e.event_name
    where e.event_source = 's3.amazonaws.com' and e.error_code is null and e.bucket is not null
      and e.event_time >= :window_start and e.event_time < :window_end
      and e.access_key_id in (select access_key_id from compromised_credentials)
    group by all
)
select access_key_id, bucket, access,
       'the log shows ' || string_agg(requests || ' ' || event_name || ' that succeeded', ', ' order by event_name) as words
from done
group by all
order by all
