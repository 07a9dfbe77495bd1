-- What did AWS answer when it was asked how buckets are logged, and how log buckets are set?
-- Grain: one row per call that was answered, with a value or with the word that nothing is configured; empty if none.
-- Cannot see: what changed between the last event held and the time of the answer; settings that were refused.
select collected_at, account_id, aws_region, service, operation, parameters, response, answer, error_code
from settings
where answer in ('answered', 'absent')
  and ((service = 's3'
        and operation in ('GetBucketLogging', 'GetBucketPolicy', 'GetBucketAcl', 'GetBucketOwnershipControls', 'GetBucketEncryption',
                          'GetBucketLifecycleConfiguration', 'GetBucketLifecycle', 'GetBucketRequestPayment',
                          'GetObjectLockConfiguration', 'GetBucketLocation', 'ListBuckets'))
       or (service = 'kms' and operation in ('DescribeKey', 'GetKeyPolicy'))
       or (service = 'logs' and operation in ('DescribeDeliverySources', 'DescribeDeliveries')))
order by collected_at, line_number
