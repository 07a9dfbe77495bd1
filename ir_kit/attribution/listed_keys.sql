-- Which long-term keys did IAM list for which user, when it was asked?
-- Grain: one row per account, user and key; a null key where the user has none; a list that was cut short is none.
-- Cannot see: keys that were deleted before, and root's.
select account_id, user_name, key ->> '$.AccessKeyId' as access_key_id, try_cast(arg_max(key ->> '$.CreateDate', place) as timestamp) as create_date
from (select account_id, {'time': collected_at, 'line': line_number} as place,
             coalesce(parameters ->> '$.UserName', response ->> '$.AccessKeyMetadata[0].UserName') as user_name,
             unnest(case when json_array_length(response, '$.AccessKeyMetadata') > 0
                         then cast(json_extract(response, '$.AccessKeyMetadata') as json[]) else [null] end) as key
      from settings
      where service = 'iam' and operation = 'ListAccessKeys' and answer = 'answered' and coalesce(response ->> '$.IsTruncated', 'false') = 'false')
where user_name is not null
group by account_id, user_name, key ->> '$.AccessKeyId'
