-- Who made these incident keys, for whom, and when?
-- Grain: one row per CreateAccessKey that names an incident key; empty if none.
-- Cannot see: keys that were made before the evidence begins.
select issued_access_key_id as access_key_id, min(event_time) as create_date,
       min(json_extract_scalar(response_elements, '$.accessKey.userName')) as user_name, min(recipient_account_id) as account_id
from events
where issued_access_key_id in (:access_keys) and event_name = 'CreateAccessKey'
group by issued_access_key_id
order by issued_access_key_id
