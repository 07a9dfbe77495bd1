-- Which long-term keys did IAM list, for which user, when it was asked?
-- Grain: one row per answer of ListAccessKeys.
-- Cannot see: keys that were deleted before, and root's.
select collected_at, account_id, parameters, response
from settings
where service = 'iam' and operation = 'ListAccessKeys' and answer = 'answered'
order by collected_at, line_number
