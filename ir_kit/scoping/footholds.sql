-- Which calls by compromised credentials in the window gave, or were to give, new or lasting access to identities?
-- Grain: one row per call, denied and failed ones included with their outcome; empty if none.
-- Cannot see: calls made while no trail logged; calls on buckets, which are in bucket_exposure/changes.
select event_time, access_key_id, event_name,
       coalesce(list_any_value(case when event_source in ('iam.amazonaws.com', 'sts.amazonaws.com')
                    then request_parameters ->> ['$.userName', '$.roleName', '$.groupName', '$.name', '$.policyName', '$.policyArn',
                                                 '$.sAMLProviderArn', '$.url', '$.openIDConnectProviderArn']
                    else request_parameters ->> ['$.principalId', '$.userName', '$.name', '$.displayName', '$.trustAnchorId', '$.profileId',
                                                 '$.groupId', '$.permissionSetArn'] end),
                response_elements ->> '$.policy.arn', response_elements ->> '$.accessKey.userName',
                case when event_name = 'ChangePassword' or (request_parameters is not null
                          and event_name in ('CreateAccessKey', 'UpdateAccessKey', 'CreateServiceSpecificCredential', 'UploadSSHPublicKey',
                                             'UploadSigningCertificate', 'CreateLoginProfile'))
                     then user_identity_user_name end) as target,
       outcome(error_code) as outcome, event_id,
       coalesce(error_code, case event_name when 'AddUserToGroup' then request_parameters ->> '$.groupName'
                                            when 'AddRoleToInstanceProfile' then request_parameters ->> '$.instanceProfileName' end,
                target_policy, issued_access_key_id, request_parameters ->> '$.accessKeyId') as detail,
       aws_region, source_ip_address, user_agent, is_responder, source_file, record_number
from events join (select access_key_id, is_responder from compromised_credentials) using (access_key_id)
where event_time >= :window_start and event_time < :window_end and case event_source
    when 'iam.amazonaws.com' then
        regexp_full_match(event_name, 'Create(User|Group|Role|ServiceLinkedRole|AccessKey|LoginProfile|Policy|PolicyVersion|ServiceSpecificCredential)'
            '|ChangePassword|(Attach|Put)(User|Role|Group)Policy|Delete(User|Role)PermissionsBoundary|SetDefaultPolicyVersion|AddUserToGroup'
            '|Update(LoginProfile|AssumeRolePolicy|OpenIDConnectProviderThumbprint)|(Create|Update)SAMLProvider|CreateOpenIDConnectProvider'
            '|AddClientIDToOpenIDConnectProvider|ResetServiceSpecificCredential|Upload(SSHPublicKey|SigningCertificate)|AddRoleToInstanceProfile')
        or (event_name in ('UpdateAccessKey', 'UpdateServiceSpecificCredential', 'UpdateSSHPublicKey', 'UpdateSigningCertificate')
            and coalesce(request_parameters ->> '$.status', 'Active') = 'Active')
    when 'sts.amazonaws.com' then event_name = 'GetFederationToken'
    when 'rolesanywhere.amazonaws.com' then regexp_full_match(event_name, '(Create|Update|Enable)(TrustAnchor|Profile)')
    else event_source in ('sso.amazonaws.com', 'sso-directory.amazonaws.com', 'identitystore.amazonaws.com')
        and event_name in ('CreateAccountAssignment', 'CreatePermissionSet', 'AttachManagedPolicyToPermissionSet',
                           'AttachCustomerManagedPolicyReferenceToPermissionSet', 'PutInlinePolicyToPermissionSet',
                           'DeletePermissionsBoundaryFromPermissionSet', 'CreateUser', 'CreateGroup', 'CreateGroupMembership',
                           'AddMemberToGroup', 'UpdatePassword')
    end
order by event_time, event_id, recipient_account_id, source_file, record_number
