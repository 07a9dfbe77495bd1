-- Which calls by compromised credentials in the window gave, or were to give, new or lasting access to identities?
-- Grain: one row per call, denied and failed ones included with their outcome; empty if none.
-- Cannot see: calls made while no trail logged; acts on buckets, which are in bucket_exposure/changes.
with acts as (
    select e.*, r.is_responder,
           outcome(e.error_code) as outcome,
           json_extract_scalar(e.request_parameters, '$.status') as wanted_status
    from events e join compromised_credentials r on r.access_key_id = e.access_key_id
    where e.event_time >= :window_start and e.event_time < :window_end
)
select event_time, access_key_id, event_name,
       coalesce(case when event_source in ('iam.amazonaws.com', 'sts.amazonaws.com') then
                    coalesce(json_extract_scalar(request_parameters, '$.userName'), json_extract_scalar(request_parameters, '$.roleName'),
                             json_extract_scalar(request_parameters, '$.groupName'), json_extract_scalar(request_parameters, '$.name'),
                             json_extract_scalar(request_parameters, '$.policyName'), json_extract_scalar(request_parameters, '$.policyArn'),
                             json_extract_scalar(response_elements, '$.policy.arn'),
                             json_extract_scalar(request_parameters, '$.sAMLProviderArn'), json_extract_scalar(request_parameters, '$.url'),
                             json_extract_scalar(request_parameters, '$.openIDConnectProviderArn'),
                             json_extract_scalar(response_elements, '$.accessKey.userName'))
                else coalesce(json_extract_scalar(request_parameters, '$.principalId'), json_extract_scalar(request_parameters, '$.userName'),
                              json_extract_scalar(request_parameters, '$.name'), json_extract_scalar(request_parameters, '$.displayName'),
                              json_extract_scalar(request_parameters, '$.trustAnchorId'), json_extract_scalar(request_parameters, '$.profileId'),
                              json_extract_scalar(request_parameters, '$.groupId'), json_extract_scalar(request_parameters, '$.permissionSetArn'))
                end,
                case when event_name in ('CreateAccessKey', 'UpdateAccessKey', 'CreateServiceSpecificCredential', 'UploadSSHPublicKey',
                                         'UploadSigningCertificate', 'CreateLoginProfile', 'ChangePassword')
                          and request_parameters is not null or event_name = 'ChangePassword'
                     then user_identity_user_name end) as target,
       outcome, event_id,
       coalesce(error_code, case event_name when 'AddUserToGroup' then json_extract_scalar(request_parameters, '$.groupName')
                                            when 'AddRoleToInstanceProfile' then json_extract_scalar(request_parameters, '$.instanceProfileName')
                            end, target_policy, issued_access_key_id, json_extract_scalar(request_parameters, '$.accessKeyId')) as detail,
       aws_region, source_ip_address, user_agent, is_responder, source_file, record_number
from acts
where (event_source = 'iam.amazonaws.com'
       and event_name in ('CreateUser', 'CreateAccessKey', 'CreateLoginProfile', 'UpdateLoginProfile', 'ChangePassword', 'CreateRole',
                          'CreateServiceLinkedRole', 'UpdateAssumeRolePolicy', 'AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy',
                          'PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy', 'CreatePolicy', 'CreatePolicyVersion', 'SetDefaultPolicyVersion',
                          'DeleteUserPermissionsBoundary', 'DeleteRolePermissionsBoundary', 'CreateGroup', 'AddUserToGroup',
                          'CreateSAMLProvider', 'UpdateSAMLProvider', 'CreateOpenIDConnectProvider', 'UpdateOpenIDConnectProviderThumbprint',
                          'AddClientIDToOpenIDConnectProvider', 'CreateServiceSpecificCredential', 'ResetServiceSpecificCredential',
                          'UploadSSHPublicKey', 'UploadSigningCertificate', 'AddRoleToInstanceProfile'))
   or (event_source = 'iam.amazonaws.com' and coalesce(wanted_status, 'Active') = 'Active'
       and event_name in ('UpdateAccessKey', 'UpdateServiceSpecificCredential', 'UpdateSSHPublicKey', 'UpdateSigningCertificate'))
   or (event_source = 'sts.amazonaws.com' and event_name = 'GetFederationToken')
   or (event_source = 'rolesanywhere.amazonaws.com'
       and event_name in ('CreateTrustAnchor', 'UpdateTrustAnchor', 'EnableTrustAnchor', 'CreateProfile', 'UpdateProfile', 'EnableProfile'))
   or (event_source in ('sso.amazonaws.com', 'sso-directory.amazonaws.com', 'identitystore.amazonaws.com')
       and event_name in ('CreateAccountAssignment', 'CreatePermissionSet', 'AttachManagedPolicyToPermissionSet',
                          'AttachCustomerManagedPolicyReferenceToPermissionSet', 'PutInlinePolicyToPermissionSet',
                          'DeletePermissionsBoundaryFromPermissionSet', 'CreateUser', 'CreateGroup', 'CreateGroupMembership',
                          'AddMemberToGroup', 'UpdatePassword'))
order by event_time, event_id, recipient_account_id, source_file, record_number
