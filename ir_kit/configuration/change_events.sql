-- Which calls set, or tried to set, a bucket's configuration, an object's ACL, an access point or an access grant?
-- Grain: one row per call, failed ones included, whoever made it, copies of other accounts left out, in the order of time; empty if none.
-- Cannot see: calls made while nothing recorded management events; ACLs of objects where data events were off.
with calls as (
    select *, event_name = 'PutObjectAcl' or (event_name in ('PutObject', 'CopyObject', 'CreateMultipartUpload', 'PostObject')
              and (regexp_matches(request_parameters, '"x-amz-acl"[^,}]*(public-read|authenticated-read)')
                   or request_parameters like '%"x-amz-grant-%')) as sets_object_acl
    from events
    where event_source in ('s3.amazonaws.com', 's3control.amazonaws.com')
)
select event_time, event_id, request_id, event_name, error_code, bucket, key, access_key_id, user_identity_arn, session_issuer_arn,
       recipient_account_id, source_ip_address, user_agent, aws_region, request_parameters, response_elements
from calls
where sets_object_acl or event_name = 'CreateBucket'
   or regexp_full_match(event_name, '(Put|Delete)(Bucket|Account)?(Policy|Acl|PublicAccessBlock|OwnershipControls|Website|Replication|Cors|Versioning|Lifecycle|LifecycleConfiguration|InventoryConfiguration|AnalyticsConfiguration)')
   or regexp_full_match(event_name, '(Create|Delete)(MultiRegion)?AccessPoint|(Put|Delete)(MultiRegion)?AccessPointPolicy|(CreateAccessPoint|PutAccessPointPolicy)ForObjectLambda')
   or event_name in ('CreateAccessGrant', 'DeleteAccessGrant', 'PutAccessGrantsInstanceResourcePolicy', 'DeleteAccessGrantsInstanceResourcePolicy')
   -- what is written anew, or deleted, is no longer public by the ACL that it had
   or (event_name in ('PutObject', 'CopyObject', 'PostObject', 'CreateMultipartUpload', 'DeleteObject') and version_id is null
       and (bucket, key) in (select bucket, key from calls where sets_object_acl))
qualify shared_event_id is null or row_number() over (partition by shared_event_id order by event_time, event_id, recipient_account_id, source_file, record_number) = 1
order by event_time, event_id, recipient_account_id, source_file, record_number
