-- What does configuration say of buckets, of what guards them, of the rights of identities, and of trails?
-- Grain: one row per answer, refused ones included, in the order of collection; empty if none.
-- Cannot see: settings that were not asked for.
select collected_at, line_number, account_id, aws_region, service, operation, parameters, response, error_code
from settings
where (service = 's3' and operation <> 'HeadObject')
   or service in ('s3control', 'iam', 'organizations', 'guardduty')
   or (service = 'cloudtrail' and operation in ('DescribeTrails', 'GetTrail', 'GetTrailStatus', 'GetEventSelectors'))
   or (service = 'sts' and operation = 'GetCallerIdentity')
   or (service = 'kms' and operation in ('GetKeyPolicy', 'ListGrants', 'DescribeKey'))
   or (service = 'ec2' and operation = 'DescribeVpcEndpoints')
order by collected_at, source_file, line_number
