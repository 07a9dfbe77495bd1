-- When and for which service was each access key last used in the window, by what IAM answered?
-- Grain: one row per answer of GetAccessKeyLastUsed that names a use; empty if none.
-- Cannot see: uses before the last one; temporary keys, for which IAM keeps nothing.
select parameters ->> '$.AccessKeyId' as access_key_id, try_cast(response ->> '$.AccessKeyLastUsed.LastUsedDate' as timestamp) as last_used_date,
       response ->> '$.AccessKeyLastUsed.ServiceName' as last_used_service, response ->> '$.AccessKeyLastUsed.Region' as last_used_region
from settings
where service = 'iam' and operation = 'GetAccessKeyLastUsed' and answer = 'answered' and last_used_service <> 'N/A'
  and last_used_date >= :window_start and last_used_date < :window_end
order by collected_at, line_number
