-- What does configuration say of the buckets that there are, of their versions, of how much they hold, and of how much they served?
-- Grain: one row per answer, in the order of collection.
-- Cannot see: buckets of an account that was not asked.
select collected_at, account_id, operation, parameters, response, answer
from settings
where (service = 's3' and operation in ('ListBuckets', 'GetBucketVersioning', 'ListBucketInventoryConfigurations', 'ListBucketMetricsConfigurations', 'GetObject'))
   or (service = 'cloudwatch' and operation in ('GetMetricStatistics', 'GetMetricData'))
   or (service = 's3control' and operation = 'ListJobs')
order by collected_at, line_number
