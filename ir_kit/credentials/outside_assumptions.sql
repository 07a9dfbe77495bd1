-- Who from outside the account assumed these roles, and which credentials did they get?
-- Grain: one row per successful assumption from the baseline's start to the window's end; empty if none.
-- Cannot see: assumptions while no trail logged.
select event_time, event_id, event_name, user_identity_type, user_identity_arn, user_identity_account_id, user_identity_principal_id,
       recipient_account_id, issued_access_key_id, issued_principal_arn,
       json_extract_scalar(request_parameters, '$.roleArn') as role_arn,
       json_extract_scalar(request_parameters, '$.roleSessionName') as role_session_name,
       json_extract_scalar(request_parameters, '$.principalArn') as provider_arn
from events
where event_time >= :baseline_start and event_time < :window_end and error_code is null
  and event_name in ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity')
  and user_identity_type in ('AWSAccount', 'SAMLUser', 'WebIdentityUser', 'AssumedRole', 'IAMUser', 'Root', 'FederatedUser')
  and (user_identity_account_id is null or user_identity_account_id <> recipient_account_id
       or user_identity_type in ('SAMLUser', 'WebIdentityUser'))
  and regexp_replace(json_extract_scalar(request_parameters, '$.roleArn'), '^.*/', '') in (:role_names)
order by event_time, event_id
