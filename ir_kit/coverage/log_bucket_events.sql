-- Which calls changed how a bucket is logged, or whether a log bucket takes and keeps logs?
-- Grain: one row per call on a bucket or a key, all evidence and not the window alone, failed calls included; empty if none.
-- Cannot see: calls made while no trail that is held recorded management events in that Region.
select event_time, event_id, event_source, event_name, error_code, aws_region, bucket, request_parameters, access_key_id,
       user_identity_arn
from events
where (event_source = 's3.amazonaws.com'
       and event_name in ('PutBucketLogging', 'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutBucketOwnershipControls',
                          'PutBucketEncryption', 'DeleteBucketEncryption', 'PutBucketLifecycle', 'PutBucketLifecycleConfiguration',
                          'DeleteBucketLifecycle', 'PutBucketRequestPayment', 'PutBucketObjectLockConfiguration',
                          'PutObjectLockConfiguration', 'PutBucketVersioning', 'PutBucketReplication', 'CreateBucket', 'DeleteBucket'))
   or (event_source = 'kms.amazonaws.com'
       and event_name in ('DisableKey', 'EnableKey', 'ScheduleKeyDeletion', 'CancelKeyDeletion', 'PutKeyPolicy', 'RevokeGrant',
                          'RetireGrant'))
   or (event_source = 'logs.amazonaws.com'
       and event_name in ('PutDeliverySource', 'CreateDelivery', 'DeleteDelivery', 'DeleteDeliverySource', 'DeleteDeliveryDestination'))
order by event_time, event_id
