-- Which calls changed trails, how a bucket is logged, or whether a log bucket takes and keeps logs, or tried to?
-- Grain: one row per call, all evidence and not the window alone, failed calls included; empty if none.
-- Cannot see: calls made while no trail that is held recorded management events in that Region.
select event_time, event_source, event_name, error_code, aws_region, recipient_account_id, bucket, request_parameters,
       response_elements, target_name
from events
where (event_source = 'cloudtrail.amazonaws.com'
       and event_name in ('CreateTrail', 'UpdateTrail', 'DeleteTrail', 'StartLogging', 'StopLogging', 'PutEventSelectors',
                          'PutEventConfiguration', 'PutInsightSelectors'))
   or (event_source = 's3.amazonaws.com'
       and event_name in ('PutBucketLogging', 'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketEncryption', 'DeleteBucketEncryption',
                          'PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'DeleteBucketLifecycle', 'PutBucketRequestPayment',
                          'PutBucketObjectLockConfiguration', 'PutObjectLockConfiguration', 'CreateBucket', 'DeleteBucket'))
   or (event_source = 'kms.amazonaws.com' and event_name in ('DisableKey', 'EnableKey', 'ScheduleKeyDeletion', 'PutKeyPolicy'))
   or (event_source = 'logs.amazonaws.com' and event_name in ('PutDeliverySource', 'CreateDelivery', 'DeleteDelivery', 'DeleteDeliverySource'))
order by event_time, event_id
