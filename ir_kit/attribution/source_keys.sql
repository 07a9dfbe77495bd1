-- With which credentials was each pair of address and user agent seen?
-- Grain: one row per principal, address, agent, credential, and bucket of its data events (null for all that names the key otherwise).
-- Cannot see: requests signed in a header that only access logs hold; who used a pre-signed link.
select distinct principal_arn, source_ip_address, user_agent, access_key_id, data_bucket
from credential_uses
where not for_service and source_ip_address <> '' and user_agent <> ''
union
select q.principal_arn, l.remote_ip, l.user_agent, l.presigned_access_key_id, null
from access_log_lines l
join possible_requesters q using (requester)
where l.presigned_access_key_id is not null and l.remote_ip <> '' and l.user_agent <> ''
  and (l.authentication_type = 'QueryString' or (l.authentication_type is null and l.field_count < 22))
