-- How is logging set now, and what do buckets say of themselves?
-- Grain: one row per answer, refused ones included; empty if none.
-- Cannot see: settings that were not asked for.
select collected_at, account_id, aws_region, service, operation, parameters, response, answer
from settings
where (service = 's3' and operation in ('ListBuckets', 'GetBucketLocation', 'GetBucketLogging', 'GetBucketTagging',
                                        'GetBucketVersioning', 'GetObjectLockConfiguration', 'GetBucketPolicy'))
   or (service = 'cloudtrail' and operation in ('DescribeTrails', 'GetTrail', 'GetTrailStatus', 'GetEventSelectors'))
   or (service = 'guardduty' and operation in ('ListDetectors', 'GetDetector'))
   or (service = 'sts' and operation = 'GetCallerIdentity')
order by collected_at, source_file, line_number
