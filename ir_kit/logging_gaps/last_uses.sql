-- When and for which service was each access key last used, by what IAM answered?
-- Grain: one row per answer of GetAccessKeyLastUsed that names a use; empty if none.
-- Cannot see: uses before the last one; temporary keys, for which IAM keeps nothing.
select json_extract_scalar(parameters, '$.AccessKeyId') as access_key_id, account_id,
       json_extract_scalar(response, '$.AccessKeyLastUsed.LastUsedDate') as last_used_date,
       json_extract_scalar(response, '$.AccessKeyLastUsed.ServiceName') as last_used_service,
       json_extract_scalar(response, '$.AccessKeyLastUsed.Region') as last_used_region
from settings
where service = 'iam' and operation = 'GetAccessKeyLastUsed' and answer = 'answered'
  and json_extract_scalar(response, '$.AccessKeyLastUsed.LastUsedDate') is not null
order by collected_at, line_number
