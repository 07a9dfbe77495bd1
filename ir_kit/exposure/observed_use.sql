-- What did compromised credentials do to which bucket in the window, with success, of what is asked of their permissions?
-- Grain: one row per compromised credential, bucket and kind of access, with the requests in words; empty if none.
-- Cannot see: requests that only access logs hold. A batch delete shows nothing: it succeeds as a whole even where no key of it does.
with shows as (
    select access, unnest(string_split(names, ' ')) as event_name
    from (values ('read', 'GetObject HeadObject SelectObjectContent GetObjectTorrent'), ('delete', 'DeleteObject'),
                 ('write', 'PutObject CopyObject CompleteMultipartUpload CreateMultipartUpload UploadPart UploadPartCopy'),
                 ('list', 'ListObjects ListObjectsV2 ListObjectVersions HeadBucket ListMultipartUploads'),
                 ('admin', 'PutBucketPolicy DeleteBucketPolicy')) as shown(access, names)
)
select access_key_id, bucket, access,
       'the log shows ' || string_agg(requests || ' ' || event_name || ' that succeeded', ', ' order by event_name) as words
from (select access_key_id, bucket, access, event_name, count(*) as requests
      from events join shows using (event_name) semi join compromised_credentials using (access_key_id)
      where event_source = 's3.amazonaws.com' and error_code is null and bucket is not null
        and event_time >= :window_start and event_time < :window_end
      group by all)
group by all order by all
