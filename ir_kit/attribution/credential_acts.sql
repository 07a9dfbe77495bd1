-- Which calls issued, changed or deleted credentials of these principals, or opened a console session for them?
-- Grain: one row per successful call.
-- Cannot see: calls made while no trail logged, and sessions that AWS services take for themselves.
select event_time, event_id, event_name, user_identity_arn, recipient_account_id, user_identity_account_id, access_key_id,
       issued_access_key_id, issued_principal_arn, issued_expiration,
       json_extract_scalar(request_parameters, '$.accessKeyId') as named_access_key_id,
       json_extract_scalar(request_parameters, '$.status') as named_status,
       json_extract_scalar(request_parameters, '$.userName') as user_name,
       json_extract_scalar(request_parameters, '$.roleArn') as role_arn,
       json_extract_scalar(request_parameters, '$.roleSessionName') as role_session_name,
       json_extract_scalar(request_parameters, '$.durationSeconds') as duration_seconds
from events
where error_code is null
  and (event_name in ('CreateAccessKey', 'UpdateAccessKey', 'DeleteAccessKey')
       or (event_name = 'ConsoleLogin' and user_identity_arn in (select principal_arn from possible_principals))
       or (event_name = 'GetSessionToken' and user_identity_arn in (select principal_arn from possible_principals))
       or issued_principal_arn in (select principal_arn from possible_principals)
       or issued_access_key_id in (select access_key_id from compromised_credentials))
order by event_time, event_id, recipient_account_id
