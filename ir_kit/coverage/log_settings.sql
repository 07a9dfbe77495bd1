-- What did AWS answer when it was asked how trails and buckets log, how log buckets are set, and what proves digests?
-- Grain: one row per call that was answered, of S3 and KMS also with the word that nothing is configured; empty if none.
-- Cannot see: Regions that were not asked, settings that were refused, and what changed between the last event and the answer.
select collected_at, account_id, aws_region, service, operation, parameters, response, answer, error_code
from settings
where (answer = 'answered'
       and (service = 'cloudtrail'
            and operation in ('DescribeTrails', 'GetTrail', 'ListTrails', 'GetTrailStatus', 'GetEventSelectors', 'ListPublicKeys')
            or service = 's3' and operation = 'HeadObject'))
   or (answer in ('answered', 'absent')
       and (service = 's3'
            and operation in ('GetBucketLogging', 'GetBucketPolicy', 'GetBucketAcl', 'GetBucketOwnershipControls', 'GetBucketEncryption',
                              'GetBucketLifecycleConfiguration', 'GetBucketLifecycle', 'GetBucketRequestPayment',
                              'GetObjectLockConfiguration', 'GetBucketLocation', 'ListBuckets')
            or service = 'kms' and operation in ('DescribeKey', 'GetKeyPolicy')
            or service = 'logs' and operation in ('DescribeDeliverySources', 'DescribeDeliveries')))
order by collected_at, line_number
