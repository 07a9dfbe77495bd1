-- Which temporary credentials of the window does no call by a principal (AWS services are none) name as its answer, and where were they used?
-- Grain: one row per credential; `forwarded`: AWS services made all its calls; `sources`: address and client of its direct calls.
-- Cannot see: credentials that were never used in a logged call.
with uses as (
    select *, invoked_by is not null or coalesce(is_service_address(source_ip_address), false) as by_service
    from events
    where event_time >= :window_start and event_time < :window_end and access_key_id not in (:access_keys)
      and session_creation_date >= :window_start and session_creation_date < :window_end
      and access_key_id not in (select issued_access_key_id from credential_calls
                                where issued_access_key_id is not null and user_identity_type <> 'AWSService')
)
select access_key_id, coalesce(arg_min(user_identity_type, session_creation_date), '') as kind,
       coalesce(arg_min(user_identity_arn, session_creation_date), '') as arn,
       arg_min(session_issuer_arn, session_creation_date) as issuer_arn,
       min(session_creation_date) as created, max(event_time) as last_time,
       coalesce(bool_or(credential_from_console), false) as from_console, bool_and(by_service) as forwarded,
       coalesce(list(distinct {'address': source_ip_address, 'client': client_of(user_agent)})
                filter (not by_service and source_ip_address <> ''), []) as sources
from uses
group by access_key_id
