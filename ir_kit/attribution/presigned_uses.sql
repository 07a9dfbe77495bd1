-- From where and with what were pre-signed requests made that name their key?
-- Grain: one row per requester, key, address and agent.
-- Cannot see: who handed the link out, and requests signed in a header.
select requester, presigned_access_key_id as access_key_id, remote_ip as source_ip_address, user_agent,
       min(event_time) as first_time, max(event_time) as last_time, count(*) as requests
from access_log_lines
where presigned_access_key_id is not null and requester is not null
  and (authentication_type = 'QueryString' or (authentication_type is null and field_count < 22))
group by requester, presigned_access_key_id, remote_ip, user_agent
order by requester, access_key_id, source_ip_address, user_agent
