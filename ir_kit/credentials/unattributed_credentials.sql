-- Which temporary credentials of the window does no call by a principal (AWS services are none) name as its answer, and where were they used?
-- Grain: one row per credential, address, user agent and calling service; empty if none.
-- Cannot see: credentials that were never used in a logged call.
with seen as (
    select access_key_id, user_identity_type, user_identity_arn, user_identity_account_id, user_identity_user_name, session_issuer_arn,
           session_creation_date, invoked_by, source_ip_address, user_agent,
           coalesce(credential_from_console, false) as credential_from_console,
           min(event_time) as first_time, max(event_time) as last_time, count(*) as event_count
    from events
    where event_time >= :window_start and event_time < :window_end and access_key_id is not null
      and session_creation_date >= :window_start and session_creation_date < :window_end
    group by access_key_id, user_identity_type, user_identity_arn, user_identity_account_id, user_identity_user_name, session_issuer_arn,
             session_creation_date, invoked_by, source_ip_address, user_agent, coalesce(credential_from_console, false)
)
select s.*
from seen s
where not exists (select 1 from events e where e.issued_access_key_id = s.access_key_id
                  and coalesce(e.user_identity_type, 'AWSService') <> 'AWSService')
  and s.access_key_id not in (:access_keys)
order by s.session_creation_date, s.access_key_id, s.source_ip_address, s.user_agent, s.invoked_by
