-- Which successful calls issued credentials, gave the power to get some, started a workload with a role, or opened a console?
-- Grain: one row per call, over all evidence. `issued_to`: whom what it made acts as; `workloads`: what a session of the workload's role is named after.
-- Cannot see: calls made while no trail logged; what a template, a schedule or a scaling group starts; code put into a function that was there.
with calls as (
    select event_time, event_id, event_source, event_name, recipient_account_id, access_key_id, user_identity_type, user_identity_arn,
           user_identity_account_id, user_identity_principal_id, user_identity_user_name, source_ip_address,
           issued_access_key_id, issued_principal_arn, response_elements ->> '$.user.arn' as created_user_arn,
           event_time >= :window_start and event_time < :window_end as in_window,
           strftime(event_time, '%Y-%m-%dT%H:%M:%SZ') as clock,
           coalesce(try_cast(issued_expiration as timestamp),
                    try_strptime(issued_expiration, ['%b %d, %Y, %I:%M:%S %p', '%b %d, %Y %I:%M:%S %p'])) as expires,
           request_parameters ->> '$.roleArn' as role_arn, request_parameters ->> '$.roleSessionName' as role_session_name,
           request_parameters ->> '$.roleName' as role_name, request_parameters ->> '$.userName' as user_name,
           request_parameters ->> '$.name' as name, request_parameters ->> '$.principalArn' as provider_arn,
           coalesce(request_parameters ->> '$.policyDocument', request_parameters ->> '$.assumeRolePolicyDocument') as policy_document,
           request_parameters ->> '$.accessKeyId' as named_access_key_id, request_parameters ->> '$.status' as named_status,
           request_parameters ->> '$.durationSeconds' as duration_seconds, response_elements ->> event_name as sign_in_result,
           request_parameters ->> '$.role' as function_role_arn,
           regexp_replace(request_parameters ->> '$.functionName', '^.*:', '') as function_name,
           case when event_source in ('ec2.amazonaws.com', 'ecs.amazonaws.com', 'codebuild.amazonaws.com')
                then regexp_extract_all(response_elements, '["/:](i-[0-9a-f]{8,17}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"', 1)
                end as workloads
    from events
    where error_code is null
      and (issued_access_key_id is not null
           or event_name in ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'GetSessionToken', 'GetFederationToken',
                             'GetSigninToken', 'CreateLoginProfile', 'UpdateLoginProfile', 'DeleteLoginProfile', 'CreateRole', 'CreateUser',
                             'UpdateAssumeRolePolicy', 'UpdateAccessKey', 'DeleteAccessKey', 'ConsoleLogin', 'SwitchRole')
           or (event_source = 'ec2.amazonaws.com' and event_name = 'RunInstances')
           or (event_source = 'ecs.amazonaws.com' and event_name in ('RunTask', 'StartTask'))
           or (event_source = 'codebuild.amazonaws.com' and event_name in ('StartBuild', 'RetryBuild'))
           or (event_source = 'lambda.amazonaws.com' and regexp_matches(event_name, '^CreateFunction(2|$)')))
)
select *, event_name || ' by ' || access_key_id || ' at ' || clock as call,
       coalesce(issued_principal_arn, created_user_arn, case event_name
           when 'CreateUser' then arn_in(coalesce(user_identity_arn, 'arn:aws'), 'iam', user_identity_account_id, 'user/' || user_name)
           when 'CreateAccessKey' then coalesce(arn_in(user_identity_arn, 'iam', account_of_arn(user_identity_arn), 'user/' || user_name), user_identity_arn)
           when 'GetSessionToken' then user_identity_arn
           else arn_in(role_arn, 'sts', account_of_arn(role_arn), 'assumed-role/' || role_name(role_arn) || '/' || role_session_name)
           end) as issued_to
from calls
