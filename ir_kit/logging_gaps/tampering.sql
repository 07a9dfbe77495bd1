-- Which calls of the window can take logging away, or the logs themselves?
-- Grain: one row per call, failed ones included, whoever made it; which of them do is for the replay to say; empty if none.
-- Cannot see: calls made while nothing recorded them, and writes into log buckets without data events.
select event_time, event_id, event_source, event_name, error_code, aws_region, recipient_account_id, bucket, key, access_key_id,
       user_identity_arn, user_identity_type, invoked_by, source_ip_address, request_parameters, response_elements, target_name
from events
where event_time >= :window_start and event_time < :window_end
  and ((event_source = 'cloudtrail.amazonaws.com'
        and event_name in ('StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors', 'DeregisterOrganizationDelegatedAdmin',
                           'DeleteEventDataStore', 'StopEventDataStoreIngestion'))
       or (event_source = 's3.amazonaws.com'
           and event_name in ('PutBucketLogging', 'PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutBucketOwnershipControls',
                              'PutBucketEncryption', 'PutBucketLifecycle', 'PutBucketLifecycleConfiguration', 'PutBucketRequestPayment',
                              'PutBucketObjectLockConfiguration', 'PutObjectLockConfiguration', 'PutBucketVersioning', 'DeleteBucket'))
       or (event_source = 's3.amazonaws.com' and bucket in (:log_buckets)
           and event_name in ('DeleteObject', 'DeleteObjects', 'PutObject', 'CopyObject', 'CompleteMultipartUpload')
           and coalesce(user_identity_type, '') <> 'AWSService')
       or (event_source = 'kms.amazonaws.com'
           and event_name in ('DisableKey', 'ScheduleKeyDeletion', 'PutKeyPolicy', 'RevokeGrant', 'RetireGrant'))
       or (event_source = 'logs.amazonaws.com'
           and event_name in ('DeleteDelivery', 'DeleteDeliverySource', 'DeleteDeliveryDestination'))
       or (event_source = 'organizations.amazonaws.com'
           and event_name in ('LeaveOrganization', 'RemoveAccountFromOrganization', 'DeleteOrganization', 'DisableAWSServiceAccess',
                              'DeregisterDelegatedAdministrator'))
       or (event_source = 'guardduty.amazonaws.com'
           and event_name in ('DeleteDetector', 'UpdateDetector', 'StopMonitoringMembers', 'DisassociateMembers',
                              'DisassociateFromAdministratorAccount', 'DisassociateFromMasterAccount')))
order by event_time, event_id
