-- What does configuration say of the incident keys: whose they are, since when, in which state, and when they were used last?
-- Grain: one row per incident key and answer that names it, in the order of collection; empty if none.
-- Cannot see: keys that were deleted before collection, and any use but the latest.
with answers as (
    select collected_at, line_number, account_id, operation, parameters, response
    from settings
    where answer = 'answered' and service in ('iam', 'sts') and operation in ('ListAccessKeys', 'GetAccessKeyLastUsed', 'GetAccessKeyInfo')
),
listed as (
    select collected_at, line_number, account_id, parameters, unnest(cast(json_extract(response, '$.AccessKeyMetadata') as json[])) as key
    from answers where operation = 'ListAccessKeys' and json_type(response, '$.AccessKeyMetadata') = 'ARRAY'
),
facts as (
    select collected_at, line_number, account_id, key ->> '$.AccessKeyId' as access_key_id,
           coalesce(key ->> '$.UserName', parameters ->> '$.UserName') as user_name, key ->> '$.Status' as key_status,
           key ->> '$.CreateDate' as create_date, null as last_used_date, null as last_used_service, null as last_used_region
    from listed
    union all by name
    select collected_at, line_number, account_id, parameters ->> '$.AccessKeyId' as access_key_id, response ->> '$.UserName' as user_name,
           response ->> '$.AccessKeyLastUsed.LastUsedDate' as last_used_date, response ->> '$.AccessKeyLastUsed.ServiceName' as last_used_service,
           response ->> '$.AccessKeyLastUsed.Region' as last_used_region
    from answers where operation = 'GetAccessKeyLastUsed'
    union all by name
    select collected_at, line_number, response ->> '$.Account' as account_id, parameters ->> '$.AccessKeyId' as access_key_id
    from answers where operation = 'GetAccessKeyInfo'
)
select access_key_id, account_id, user_name, key_status, create_date, last_used_date, last_used_service, last_used_region, collected_at
from facts
where access_key_id in (:access_keys)
order by collected_at, line_number
