-- Which successful calls by these credentials made credentials in the window, or gave the power to get some?
-- Grain: one row per such call; empty if none.
-- Cannot see: calls made while no trail logged, and credentials whose issuing answer was redacted (issued_access_key_id is null there).
select event_time, event_id, event_source, event_name, access_key_id, user_identity_arn, user_identity_account_id, user_identity_user_name,
       session_issuer_arn, issued_access_key_id, issued_principal_arn, issued_expiration,
       json_extract_scalar(request_parameters, '$.roleArn') as role_arn,
       json_extract_scalar(request_parameters, '$.roleSessionName') as role_session_name,
       json_extract_scalar(request_parameters, '$.roleName') as role_name,
       json_extract_scalar(request_parameters, '$.userName') as user_name,
       json_extract_scalar(response_elements, '$.user.arn') as user_arn,
       json_extract_scalar(request_parameters, '$.name') as name,
       coalesce(json_extract_scalar(request_parameters, '$.policyDocument'),
                json_extract_scalar(request_parameters, '$.assumeRolePolicyDocument')) as policy_document,
       coalesce(json_extract_scalar(response_elements, '$.sAMLProviderArn'),
                json_extract_scalar(response_elements, '$.openIDConnectProviderArn')) as provider_arn
from events
where event_time >= :window_start and event_time < :window_end and error_code is null
  and access_key_id in (:keys)
  and (issued_access_key_id is not null
       or event_name in ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'AssumeRoot', 'GetSessionToken',
                         'GetFederationToken', 'GetSigninToken', 'CreateLoginProfile', 'UpdateLoginProfile',
                         'CreateRole', 'CreateUser', 'UpdateAssumeRolePolicy', 'CreateSAMLProvider', 'CreateOpenIDConnectProvider'))
order by event_time, event_id, recipient_account_id
