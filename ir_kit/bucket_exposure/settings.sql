-- Which settings of buckets and accounts are not known: refused, or asked by nobody?
-- Grain: one row per bucket (null for a whole account), setting and Region that was asked; empty where all were answered.
-- Cannot see: buckets that are not in scope.
with wanted(setting, service, operation, of_account) as (
    values ('public_access_block', 's3', 'GetPublicAccessBlock', false), ('policy', 's3', 'GetBucketPolicy', false),
           ('policy_status', 's3', 'GetBucketPolicyStatus', false), ('acl', 's3', 'GetBucketAcl', false),
           ('ownership_controls', 's3', 'GetBucketOwnershipControls', false), ('website', 's3', 'GetBucketWebsite', false),
           ('cors', 's3', 'GetBucketCors', false), ('replication', 's3', 'GetBucketReplication', false),
           ('inventory', 's3', 'ListBucketInventoryConfigurations', false), ('analytics', 's3', 'ListBucketAnalyticsConfigurations', false),
           ('encryption', 's3', 'GetBucketEncryption', false), ('versioning', 's3', 'GetBucketVersioning', false),
           ('object_lock', 's3', 'GetObjectLockConfiguration', false), ('lifecycle', 's3', 'GetBucketLifecycleConfiguration', false),
           ('account_public_access_block', 's3control', 'GetPublicAccessBlock', true), ('access_points', 's3control', 'ListAccessPoints', true),
           ('multi_region_access_points', 's3control', 'ListMultiRegionAccessPoints', true),
           ('access_grants', 's3control', 'ListAccessGrants', true), ('vpc_endpoints', 'ec2', 'DescribeVpcEndpoints', true)
),
subjects as (
    select bucket, account_id, false as of_account from exposure_buckets
    union all
    select distinct null, account_id, true from (from own_accounts union select account_id from exposure_buckets) where account_id is not null
),
answers as (
    select service, operation, aws_region, json_extract_string(parameters, '$.Bucket') as bucket, answer, error_code, collected_at,
           coalesce(json_extract_string(parameters, '$.AccountId'), account_id) as account_id
    from settings
    qualify row_number() over (partition by service, operation, bucket, case when bucket is null then account_id end, aws_region
                               order by answer = 'unknown', collected_at desc, line_number desc) = 1
)
select s.bucket, s.account_id, w.setting, a.error_code, a.collected_at,
       case when a.answer is null then 'not_asked' else 'refused' end as state,
       w.operation || case when a.answer is null then ' was not asked'
                           else concat(' was refused (', a.error_code, ')', case when s.of_account then ' in ' || a.aws_region end) end as detail
from subjects s
join wanted w on w.of_account = s.of_account
left join answers a on a.service = w.service and a.operation = w.operation
    and case when s.of_account then a.account_id = s.account_id else a.bucket = s.bucket end
where coalesce(a.answer, 'unknown') = 'unknown'
order by s.bucket nulls last, s.account_id, w.setting, a.aws_region
