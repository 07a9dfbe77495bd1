-- When were the credentials used that the inference of links compares with: of the principals in question, and from the addresses in question?
-- Grain: one row per credential, principal, address, user agent and hour of baseline and window.
-- Cannot see: requests that only access logs hold, and credentials of other accounts.
with addresses as (
    select unnest(sources).address as address from unattributed_credentials
    union
    select source_ip_address from credential_calls where event_name = 'SwitchRole'
),
principals as (
    select arn from unattributed_credentials where kind in ('IAMUser', 'Root')
    union
    select issued_to from credential_calls where event_name = 'CreateUser'
)
select access_key_id, user_identity_arn, user_identity_principal_id, source_ip_address, user_agent, client_of(user_agent) as client,
       invoked_by is null as direct, event_time >= :window_start as in_window, date_trunc('hour', event_time) as hour,
       min(session_creation_date) as session_creation_date, min(event_time) as first_time, max(event_time) as last_time
from events
where event_time >= :baseline_start and event_time < :window_end and access_key_id is not null
  and (source_ip_address in (from addresses) or user_identity_arn in (from principals)
       or user_identity_principal_id in (select user_identity_principal_id from credential_calls where user_identity_type = 'AWSAccount'))
group by all
