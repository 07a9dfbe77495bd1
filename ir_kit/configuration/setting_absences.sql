-- When was a setting asked for and found not to be there?
-- Grain: one row per setting of a bucket (or of an account: null bucket), call, error and hour, with the first and the last such answer in it.
-- Cannot see: settings that nobody asked for; what was answered where a setting was there, which CloudTrail does not record.
select if(event_name = 'GetAccountPublicAccessBlock', null, nullif(bucket, '')) as bucket, recipient_account_id,
       case event_name when 'GetBucketPolicyStatus' then 'GetBucketPolicy' when 'GetBucketPublicAccessBlock' then 'GetPublicAccessBlock'
           when 'GetAccountPublicAccessBlock' then 'GetPublicAccessBlock' else event_name end as operation,
       min(event_time) as first_time, max(event_time) as last_time
from events
where event_source in ('s3.amazonaws.com', 's3control.amazonaws.com')
  and error_code in ('NoSuchBucketPolicy', 'NoSuchPublicAccessBlockConfiguration', 'NoSuchWebsiteConfiguration', 'NoSuchCORSConfiguration',
                     'ReplicationConfigurationNotFoundError', 'OwnershipControlsNotFoundError')
  and event_name in ('GetBucketPolicy', 'GetBucketPolicyStatus', 'GetBucketPublicAccessBlock', 'GetPublicAccessBlock',
                     'GetAccountPublicAccessBlock', 'GetBucketWebsite', 'GetBucketCors', 'GetBucketReplication', 'GetBucketOwnershipControls')
  and (bucket <> '' or event_name in ('GetBucketPublicAccessBlock', 'GetPublicAccessBlock', 'GetAccountPublicAccessBlock'))
group by bucket, recipient_account_id, event_name, error_code, date_trunc('hour', event_time)
order by first_time, bucket, recipient_account_id, event_name, error_code
