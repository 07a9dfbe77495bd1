-- What does configuration say of the incident keys: whose they are, since when, in which state, and when they were used last?
-- Grain: one row per incident key, in the incident file's order; of each fact the answer that was collected last, null where none is.
-- Cannot see: keys that were deleted before collection, and any use but the latest.
with answers as (
    select {'time': collected_at, 'line': line_number} as place, account_id, operation, parameters, response
    from settings
    where answer = 'answered' and service in ('iam', 'sts')
),
facts as (
    select place, account_id, key ->> '$.AccessKeyId' as access_key_id, coalesce(key ->> '$.UserName', parameters ->> '$.UserName') as user_name,
           key ->> '$.Status' as key_status, key ->> '$.CreateDate' as create_date
    from (select *, unnest(cast(json_extract(response, '$.AccessKeyMetadata') as json[])) as key
          from answers where operation = 'ListAccessKeys' and json_type(response, '$.AccessKeyMetadata') = 'ARRAY')
    union all by name
    select place, account_id, parameters ->> '$.AccessKeyId' as access_key_id, response ->> '$.UserName' as user_name,
           response ->> '$.AccessKeyLastUsed.LastUsedDate' as last_used_date, response ->> '$.AccessKeyLastUsed.ServiceName' as last_used_service,
           response ->> '$.AccessKeyLastUsed.Region' as last_used_region
    from answers where operation = 'GetAccessKeyLastUsed'
    union all by name
    select place, response ->> '$.Account' as account_id, parameters ->> '$.AccessKeyId' as access_key_id
    from answers where operation = 'GetAccessKeyInfo'
)
select access_key_id, arg_max(account_id, place) as account_id, arg_max(user_name, place) as user_name,
       'arn:aws:iam::' || arg_max(account_id, place) || ':user/' || arg_max(user_name, place) as principal_arn,
       arg_max(key_status, place) as key_status, try_cast(arg_max(create_date, place) as timestamp) as create_date,
       try_cast(arg_max(last_used_date, place) as timestamp) as last_used_date,
       arg_max(last_used_service, place) as last_used_service, arg_max(last_used_region, place) as last_used_region, max(place).time as collected_at
from (select unnest([:access_keys]) as access_key_id, generate_subscripts([:access_keys], 1) as number)
left join facts using (access_key_id)
where access_key_id is not null
group by access_key_id, number
order by number
