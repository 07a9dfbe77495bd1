-- Which calls set, or tried to set, who can reach a bucket, an object, an access point or what flows out of a bucket?
-- Grain: one row per call in the evidence, failed ones included, whoever made it, in the order of time; empty if none.
-- Cannot see: calls made while nothing recorded management events; ACLs of objects where data events were off.
select e.event_time, e.event_id, e.event_name, e.error_code, e.bucket, e.key, e.access_key_id, e.user_identity_arn, e.session_issuer_arn,
       e.user_identity_account_id, e.recipient_account_id, e.shared_event_id, e.source_ip_address, e.user_agent, e.aws_region, e.request_parameters,
       e.response_elements, r.access_key_id is not null as is_reached, coalesce(r.is_responder, false) as is_responder
from events e
left join reached_credentials r on r.access_key_id = e.access_key_id
where e.event_source in ('s3.amazonaws.com', 's3control.amazonaws.com')
  and (e.event_name in ('PutBucketPolicy', 'DeleteBucketPolicy', 'PutBucketAcl', 'PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock',
                        'PutPublicAccessBlock', 'DeletePublicAccessBlock', 'PutAccountPublicAccessBlock', 'DeleteAccountPublicAccessBlock',
                        'PutBucketOwnershipControls', 'DeleteBucketOwnershipControls', 'PutBucketWebsite', 'DeleteBucketWebsite',
                        'PutBucketReplication', 'DeleteBucketReplication', 'PutBucketCors', 'DeleteBucketCors',
                        'PutBucketInventoryConfiguration', 'DeleteBucketInventoryConfiguration', 'PutInventoryConfiguration',
                        'DeleteInventoryConfiguration', 'PutBucketAnalyticsConfiguration', 'DeleteBucketAnalyticsConfiguration',
                        'PutAnalyticsConfiguration', 'DeleteAnalyticsConfiguration', 'CreateAccessPoint', 'DeleteAccessPoint',
                        'PutAccessPointPolicy', 'DeleteAccessPointPolicy', 'CreateAccessPointForObjectLambda',
                        'PutAccessPointPolicyForObjectLambda', 'CreateMultiRegionAccessPoint', 'DeleteMultiRegionAccessPoint',
                        'PutMultiRegionAccessPointPolicy', 'CreateAccessGrant', 'DeleteAccessGrant', 'PutAccessGrantsInstanceResourcePolicy',
                        'DeleteAccessGrantsInstanceResourcePolicy', 'CreateBucket', 'PutObjectAcl')
       -- an object may be made with an ACL of its own
       or (e.event_name in ('PutObject', 'CopyObject', 'CreateMultipartUpload', 'PostObject')
           and (e.request_parameters like '%"x-amz-acl"%public-read%' or e.request_parameters like '%"x-amz-acl"%authenticated-read%'
                or e.request_parameters like '%"x-amz-grant-%')))
order by e.event_time, e.event_id, e.recipient_account_id, e.source_file, e.record_number
