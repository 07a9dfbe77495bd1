-- Which calls of the window can take logging or detection away, or the logs themselves?
-- Grain: one row per call, failed ones included, whoever made it; which of them do is for the replay to say; empty if none.
-- Cannot see: calls made while nothing recorded them, and writes into log buckets without data events.
with calls (kind, service, names, target_parameter, words) as (values
    ('logging', 'cloudtrail', 'StopLogging', 'name', 'stops the trail'),
    ('logging', 'cloudtrail', 'DeleteTrail', 'name', 'deletes the trail'),
    ('logging', 'cloudtrail', 'UpdateTrail', 'name', 'changes the trail'),
    ('logging', 'cloudtrail', 'PutEventSelectors', 'trailname', 'narrows what the trail selects'),
    ('logging', 'cloudtrail', 'DeregisterOrganizationDelegatedAdmin DeleteEventDataStore StopEventDataStoreIngestion', 'eventDataStore',
     'takes away a copy of the events outside of the trails'),
    ('logging', 's3', 'PutBucketLogging', '', 'switches access logging off'),
    ('logging', 's3', 'PutBucketPolicy PutBucketAcl PutBucketOwnershipControls PutBucketEncryption PutBucketRequestPayment '
                      || 'PutBucketObjectLockConfiguration PutObjectLockConfiguration', '', ''),
    ('logging', 's3', 'PutBucketLifecycle PutBucketLifecycleConfiguration', '', 'lets {0} expire after {1} days'),
    ('logging', 's3', 'PutBucketVersioning', '', 'suspends versioning on the bucket of {0}: what is deleted or written over is gone'),
    ('logging', 's3', 'DeleteBucket', '', 'deletes the bucket of {0}: deliveries fail'),
    ('logging', 's3', 'DeleteBucketPolicy', '', 'deletes the policy of the bucket of {0}: deliveries fail'),
    ('logging', 's3', 'DeleteObject DeleteObjects', 'key', 'deletes from the bucket of {0}'),
    ('logging', 's3', 'PutObject CopyObject CompleteMultipartUpload', 'key', 'writes into the bucket of {0}'),
    ('logging', 'kms', 'DisableKey ScheduleKeyDeletion PutKeyPolicy RevokeGrant RetireGrant', 'keyId',
     'takes the key of {0} away: its files cannot be written, or not be read'),
    ('logging', 'logs', 'DeleteDelivery DeleteDeliverySource DeleteDeliveryDestination', 'id', 'takes away a delivery of logs; of which source is not said'),
    ('logging', 'organizations', 'LeaveOrganization RemoveAccountFromOrganization DeleteOrganization DisableAWSServiceAccess DeregisterDelegatedAdministrator',
     'accountId', 'takes the account, or CloudTrail, out of the organization''s logging'),
    ('detection', 'guardduty', 'DeleteDetector UpdateDetector StopMonitoringMembers DisassociateMembers DisassociateFromAdministratorAccount '
                               || 'DisassociateFromMasterAccount', 'detectorId',
     'takes GuardDuty away: a detector, not a log of requests; no class of records is lost')
),
named as (select service, unnest(string_split(names, ' ')) as event_name, * exclude (service, names) from calls)
select e.event_time, e.event_id, c.service, e.event_name, e.error_code, e.aws_region, e.recipient_account_id, e.bucket, e.key,
       e.access_key_id, e.user_identity_arn as principal_arn, e.source_ip_address, e.user_agent, e.request_parameters,
       outcome(e.error_code) as outcome, c.kind, c.target_parameter, c.words
from events e
join named c on e.event_source = c.service || '.amazonaws.com' and c.event_name = e.event_name
where e.event_time >= :window_start and e.event_time < :window_end
  and (c.target_parameter <> 'key' or (e.bucket in (:log_buckets) and coalesce(e.user_identity_type, '') <> 'AWSService'))
order by e.event_time, e.event_id
