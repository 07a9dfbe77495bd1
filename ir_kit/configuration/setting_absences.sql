-- When was a setting asked for and found not to be there?
-- Grain: one row per bucket (or account), setting and hour, with the first and the last such answer in it; empty if none.
-- Cannot see: settings that nobody asked for; what was answered where a setting was there, which CloudTrail does not record.
select bucket, recipient_account_id, event_name, error_code, min(event_time) as first_time, max(event_time) as last_time
from events
where event_source in ('s3.amazonaws.com', 's3control.amazonaws.com')
  and error_code in ('NoSuchBucketPolicy', 'NoSuchPublicAccessBlockConfiguration', 'NoSuchWebsiteConfiguration', 'NoSuchCORSConfiguration',
                     'ReplicationConfigurationNotFoundError', 'OwnershipControlsNotFoundError')
  and event_name in ('GetBucketPolicy', 'GetBucketPolicyStatus', 'GetBucketPublicAccessBlock', 'GetPublicAccessBlock',
                     'GetAccountPublicAccessBlock', 'GetBucketWebsite', 'GetBucketCors', 'GetBucketReplication', 'GetBucketOwnershipControls')
group by bucket, recipient_account_id, event_name, error_code, date_trunc('hour', event_time)
order by first_time, bucket, recipient_account_id, event_name, error_code
