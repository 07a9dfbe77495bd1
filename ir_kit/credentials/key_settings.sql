-- What does configuration say of the incident keys: whose they are, since when, in which state, and when they were used last?
-- Grain: one row per incident key and answer that names it, in the order of collection; empty if none.
-- Cannot see: keys that were deleted before collection, and any use but the latest.
with asked as (
    select collected_at, line_number, account_id, operation, parameters, response
    from settings
    where answer = 'answered' and service in ('iam', 'sts') and operation in ('ListAccessKeys', 'GetAccessKeyLastUsed', 'GetAccessKeyInfo')
),
listed as (
    select collected_at, line_number, account_id, json_extract_scalar(response, '$.AccessKeyMetadata[0].AccessKeyId') as access_key_id,
           coalesce(json_extract_scalar(response, '$.AccessKeyMetadata[0].UserName'), json_extract_scalar(parameters, '$.UserName')) as user_name,
           json_extract_scalar(response, '$.AccessKeyMetadata[0].Status') as key_status,
           json_extract_scalar(response, '$.AccessKeyMetadata[0].CreateDate') as create_date
    from asked where operation = 'ListAccessKeys'
    union all
    select collected_at, line_number, account_id, json_extract_scalar(response, '$.AccessKeyMetadata[1].AccessKeyId') as access_key_id,
           coalesce(json_extract_scalar(response, '$.AccessKeyMetadata[1].UserName'), json_extract_scalar(parameters, '$.UserName')) as user_name,
           json_extract_scalar(response, '$.AccessKeyMetadata[1].Status') as key_status,
           json_extract_scalar(response, '$.AccessKeyMetadata[1].CreateDate') as create_date
    from asked where operation = 'ListAccessKeys'
),
said as (
    select collected_at, line_number, account_id, access_key_id, user_name, key_status, create_date, cast(null as varchar) as last_used_date,
           cast(null as varchar) as last_used_service, cast(null as varchar) as last_used_region
    from listed
    union all
    select collected_at, line_number, account_id, json_extract_scalar(parameters, '$.AccessKeyId') as access_key_id,
           json_extract_scalar(response, '$.UserName') as user_name, cast(null as varchar) as key_status, cast(null as varchar) as create_date,
           json_extract_scalar(response, '$.AccessKeyLastUsed.LastUsedDate') as last_used_date,
           json_extract_scalar(response, '$.AccessKeyLastUsed.ServiceName') as last_used_service,
           json_extract_scalar(response, '$.AccessKeyLastUsed.Region') as last_used_region
    from asked where operation = 'GetAccessKeyLastUsed'
    union all
    select collected_at, line_number, json_extract_scalar(response, '$.Account') as account_id,
           json_extract_scalar(parameters, '$.AccessKeyId') as access_key_id, cast(null as varchar) as user_name,
           cast(null as varchar) as key_status, cast(null as varchar) as create_date, cast(null as varchar) as last_used_date,
           cast(null as varchar) as last_used_service, cast(null as varchar) as last_used_region
    from asked where operation = 'GetAccessKeyInfo'
)
select access_key_id, account_id, user_name, key_status, create_date, last_used_date, last_used_service, last_used_region, collected_at
from said
where access_key_id in (:access_keys)
order by collected_at, line_number
