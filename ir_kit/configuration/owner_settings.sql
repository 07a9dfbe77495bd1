-- Which account answered for which bucket, and under which canonical id?
-- Grain: one row per answer about a bucket or about the list of buckets, in the order of collection.
-- Cannot see: buckets of an account that was not asked.
select collected_at, account_id, operation, parameters, answer,
       case when operation = 'ListBuckets' then response end as response
from settings
where service = 's3'
order by collected_at, line_number
