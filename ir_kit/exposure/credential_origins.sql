-- By which call was each compromised credential issued, what did the call hold it to, and were its sessions opened with MFA?
-- Grain: one row per compromised credential that an event issued or names; mfa is null where no event says, or events differ; empty if none.
-- Cannot see: credentials issued before the evidence begins, or by AWS itself (of instances); credentials that only access logs saw.
with issued as (
    select issued_access_key_id as access_key_id, event_name, user_identity_arn, request_parameters
    from events
    where error_code is null and issued_access_key_id in (select access_key_id from compromised_credentials)
    qualify row_number() over (partition by issued_access_key_id order by event_time, event_id, recipient_account_id) = 1
),
sessions as (
    select access_key_id, max(session_creation_date) as session_creation_date,
           case when bool_and(session_mfa_authenticated) = bool_or(session_mfa_authenticated) then bool_or(session_mfa_authenticated) end as mfa
    from events
    where access_key_id in (select access_key_id from compromised_credentials)
    group by access_key_id
)
from issued full join sessions using (access_key_id) order by access_key_id
