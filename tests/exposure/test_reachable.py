"""What could a reached credential do to a bucket, and which statement decides?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from bucket_answers import ACCOUNT, BUCKET, OTHER, Answers, allow, deny

from ir_kit.exposure.permissions import by_policies

KEY, CHILD = "AKIAIOSFODNN7EXAMPLE", "ASIACHILDCHILDCHILD1"
USER, ROLE = f"arn:aws:iam::{ACCOUNT}:user/legacy", f"arn:aws:iam::{ACCOUNT}:role/work"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/work/s"
ARN = f"arn:aws:s3:::{BUCKET}"
TIMES = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC))
Record = dict[str, Any]


def document(*statements: Record) -> Record:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def can(action: Any = "s3:*", resource: Any = "*", **more: Any) -> Record:
    return {"Sid": "Can", "Effect": "Allow", "Action": action, "Resource": resource} | more


def cannot(action: Any = "s3:*", resource: Any = "*", **more: Any) -> Record:
    return can(action, resource, **more) | {"Sid": "Cannot", "Effect": "Deny"}


def details(
    answers: Answers, *, user: Record | None = None, role: Record | None = None, policies: Any = (), groups: Any = ()
) -> None:
    """The account's authorization details: the user ``legacy`` and the role ``work``."""
    users = [{"UserName": "legacy", "Arn": USER, "UserId": "AIDALEGACY", "Tags": []} | user] if user is not None else []
    roles = [{"RoleName": "work", "Arn": ROLE, "RoleId": "AROAWORK"} | role] if role is not None else []
    managed = [
        {"Arn": arn, "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "Document": held}]}
        for arn, held in policies
    ]
    response = {"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": list(groups), "Policies": managed}
    answers.says("iam", "GetAccountAuthorizationDetails", {}, response)


def inline(*statements: Record) -> list[Record]:
    return [{"PolicyName": "p", "PolicyDocument": document(*statements)}]


def reach(
    answers: Answers, credential: Record | None = None, issued: Record | None = None, session: Record | None = None,
    named: list[str] | None = None,
) -> dict[str, Record]:  # fmt: skip
    """What one credential could do to the bucket, by kind of access."""
    row = {"access_key_id": KEY, "credential_type": "long_term", "principal_arn": USER, "principal": USER} | (
        credential or {}
    )
    origin = {"access_key_id": row["access_key_id"]} | (issued or {}) | (session or {})
    found = by_policies([row], [origin], answers.exposure(tuple(named or [BUCKET])), TIMES)
    return {one["access"]: one for one in found}


def statuses(found: dict[str, Record]) -> dict[str, str]:
    return {access: one["status"] for access, one in found.items()}


def as_role(answers: Answers, parameters: Any = None, **session: Any) -> dict[str, Record]:
    credential = {"access_key_id": CHILD, "credential_type": "temporary", "principal_arn": SESSION, "principal": ROLE}
    issued = None
    if parameters is not None:
        text = parameters if isinstance(parameters, str) else json.dumps({"roleArn": ROLE} | parameters)
        issued = {
            "access_key_id": CHILD,
            "event_name": "AssumeRole",
            "user_identity_arn": USER,
            "request_parameters": text,
        }
    seen = {"access_key_id": CHILD, "mfa": None, "session_creation_date": None} | session
    return reach(answers, credential, issued, seen)


ALL = dict.fromkeys(("read", "write", "delete", "list", "admin"), "yes")
NONE = dict.fromkeys(ALL, "no")
OPEN = dict.fromkeys(ALL, "unknown")


def test_a_user_may_what_its_policies_allow_and_the_statement_is_named(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can("s3:Get*"), can("s3:ListBucket"))})
    found = reach(answers)
    assert statuses(found) == NONE | {"read": "yes", "list": "yes"}
    assert found["read"]["decided_by"] == "policy p of user legacy, statement 1 (Can)"


def test_groups_and_managed_policies_count(answers: Answers) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/writes"
    group = {
        "GroupName": "g",
        "AttachedManagedPolicies": [{"PolicyArn": arn}],
        "GroupPolicyList": inline(can("s3:ListBucket")),
    }
    details(answers, user={"GroupList": ["g"]}, groups=[group], policies=[(arn, document(can("s3:PutObject")))])
    assert statuses(reach(answers)) == NONE | {"write": "yes", "list": "yes"}


def test_an_administrator_may_everything_without_its_document(answers: Answers) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    details(answers, user={"AttachedManagedPolicies": [{"PolicyArn": arn}]})
    assert statuses(reach(answers)) == ALL


def test_a_managed_policy_that_was_not_collected_leaves_everything_open(answers: Answers) -> None:
    details(answers, user={"AttachedManagedPolicies": [{"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/lost"}]})
    found = reach(answers)
    assert statuses(found) == OPEN
    assert "policy/lost" in found["read"]["detail"]


def test_a_boundary_limits_and_one_that_is_not_known_leaves_it_open(answers: Answers) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:policy/edge"
    user = {"UserPolicyList": inline(can()), "PermissionsBoundary": {"PermissionsBoundaryArn": arn}}
    details(answers, user=user, policies=[(arn, document(can("s3:GetObject")))])
    assert statuses(reach(answers)) == NONE | {"read": "yes"}
    details(answers, user=user)
    assert statuses(reach(answers)) == OPEN


def test_the_bucket_may_allow_and_deny(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can("s3:PutObject"))})
    answers.policy(allow({"AWS": USER}), deny({"AWS": USER}, "s3:PutObject"))
    found = reach(answers)
    assert statuses(found) == NONE | {"read": "yes"}
    assert found["write"]["decided_by"] == f"bucket policy of {BUCKET}, statement 2 (Forbid)"


def test_rights_to_some_objects_are_rights(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can("s3:GetObject", f"{ARN}/home/${{aws:username}}/*"))})
    found = reach(answers)["read"]
    assert (found["status"], "home/legacy/" in found["detail"]) == ("yes", True)
    details(answers, user={"UserPolicyList": inline(can("s3:GetObject", f"{ARN}/${{aws:PrincipalTag/team}}/*"))})
    answers.rows[-1]["response"] = answers.rows[-1]["response"].replace('"Tags": []', '"Tags": null')
    assert reach(answers)["read"]["status"] == "unknown"


def test_a_denial_of_some_objects_leaves_the_others(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can(), cannot("s3:GetObject", f"{ARN}/secret/*"))})
    assert statuses(reach(answers)) == ALL


def test_what_is_left_between_patterns_is_found_or_left_open(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can(resource=f"{ARN}/a*"), cannot(resource=f"{ARN}/a?*"))})
    assert reach(answers)["read"]["status"] == "yes"
    details(answers, user={"UserPolicyList": inline(can(), cannot(NotResource=f"{ARN}/public/*", resource=None))})
    answers.rows[-1]["response"] = answers.rows[-1]["response"].replace('"Resource": null, ', "")
    assert reach(answers)["read"]["status"] == "yes"
    details(answers, user={"UserPolicyList": inline(can(resource=f"{ARN}/a/*"), cannot(resource=f"{ARN}/a/*"))})
    assert reach(answers)["read"]["status"] == "no"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "unknown"),  # nobody knows from where it will come next
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "unknown"),
        ({"Bool": {"aws:SecureTransport": "true"}}, "yes"),
        ({"StringLike": {"aws:UserAgent": "corp/*"}}, "yes"),
        ({"StringEquals": {"s3:x-amz-acl": "private"}}, "yes"),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "no"),  # a long-term key never carries it
        ({"StringEquals": {"s3:ResourceAccount": ACCOUNT}}, "yes"),
        ({"StringEquals": {"aws:ResourceAccount": OTHER}}, "no"),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, "no"),  # the user has no tags
        ({"DateLessThan": {"aws:CurrentTime": "2026-03-02T00:00:00Z"}}, "yes"),  # for a part of the window
        ({"DateLessThan": {"aws:CurrentTime": "2026-02-02T00:00:00Z"}}, "no"),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}, "unknown"),
    ],
)
def test_a_condition_is_settled_by_evidence_or_not_at_all(answers: Answers, condition: Any, status: str) -> None:
    details(answers, user={"UserPolicyList": inline(can(Condition=condition))})
    assert reach(answers)["read"]["status"] == status


def test_the_organization_is_known_where_it_was_asked(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}))})
    answers.says(
        "organizations", "DescribeOrganization", {}, {"Organization": {"Id": "o-abc", "MasterAccountId": OTHER}}
    )
    assert reach(answers)["read"]["status"] == "yes"


def test_a_denial_that_the_requester_avoids_denies_nothing(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can())})
    answers.policy(
        deny(Condition={"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}, action="s3:PutObject")
    )
    assert reach(answers)["write"]["status"] == "yes"


def test_a_denial_of_unknown_addresses_leaves_it_open(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can())})
    answers.policy(deny(Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
    assert statuses(reach(answers)) == OPEN


def test_a_refused_bucket_policy_leaves_open_what_identity_allows_and_what_it_does_not(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can("s3:GetObject"))})
    answers.bucket("GetBucketPolicy", error="AccessDenied")
    found = reach(answers)
    assert statuses(found) == OPEN
    assert "GetBucketPolicy was refused (AccessDenied)" in found["read"]["detail"]


def test_without_an_answer_on_identities_everything_is_open(answers: Answers) -> None:
    assert statuses(reach(answers)) == OPEN
    answers.says("iam", "GetAccountAuthorizationDetails", {}, error="AccessDenied")
    found = reach(answers)
    assert statuses(found) == OPEN
    assert "GetAccountAuthorizationDetails was refused (AccessDenied)" in found["read"]["detail"]


def test_a_user_that_is_gone_leaves_everything_open(answers: Answers) -> None:
    details(answers)
    assert statuses(reach(answers)) == OPEN


# sessions


def test_a_session_may_what_its_role_may_where_no_session_policy_was_passed(answers: Answers) -> None:
    details(answers, role={"RolePolicyList": inline(can("s3:GetObject"))})
    assert statuses(as_role(answers, {})) == NONE | {"read": "yes"}


def test_a_session_policy_limits(answers: Answers) -> None:
    details(answers, role={"RolePolicyList": inline(can())})
    passed = {"policy": json.dumps(document(can("s3:ListBucket")))}
    assert statuses(as_role(answers, passed)) == NONE | {"list": "yes"}


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        "{",
        "null",
        {"omitted": True},
        {"policy": '{"Version": "2012-10-17", "Stat'},
        {"policyArns": [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/lost"}]},
    ],
)
def test_a_session_policy_that_is_not_known_leaves_open_what_the_role_may(answers: Answers, parameters: Any) -> None:
    details(answers, role={"RolePolicyList": inline(can("s3:GetObject"))})
    assert statuses(as_role(answers, parameters)) == NONE | {"read": "unknown"}


def test_revoked_sessions_are_judged_by_when_they_were_issued(answers: Answers) -> None:
    revoked = cannot("*", Condition={"DateLessThan": {"aws:TokenIssueTime": "2026-03-03T00:00:00Z"}})
    details(answers, role={"RolePolicyList": inline(can(), revoked)})
    early, late = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
    assert statuses(as_role(answers, {}, session_creation_date=early)) == NONE
    assert statuses(as_role(answers, {}, session_creation_date=late)) == ALL


def test_mfa_is_what_the_session_says(answers: Answers) -> None:
    details(answers, role={"RolePolicyList": inline(can(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}))})
    assert statuses(as_role(answers, {}, mfa=True)) == ALL
    assert statuses(as_role(answers, {}, mfa=False)) == NONE
    assert statuses(as_role(answers, {})) == OPEN


def federated(answers: Answers, parameters: Record) -> dict[str, str]:
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
    credential = {"access_key_id": CHILD, "credential_type": "temporary", "principal_arn": arn, "principal": arn}
    issued = {
        "access_key_id": CHILD,
        "event_name": "GetFederationToken",
        "user_identity_arn": USER,
        "request_parameters": json.dumps(parameters),
    }
    return statuses(reach(answers, credential, issued))


def test_a_federated_user_may_what_both_its_issuer_and_its_session_policy_allow(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can("s3:Get*"))})
    assert federated(answers, {"name": "guest"}) == NONE
    assert federated(answers, {"name": "guest", "policy": json.dumps(document(can()))}) == NONE | {"read": "yes"}


def test_a_credential_of_nobody_known_is_open(answers: Answers) -> None:
    assert statuses(reach(answers, {"principal_arn": None, "principal": None})) == OPEN


def test_another_account_needs_both_sides(answers: Answers) -> None:
    foreign = f"arn:aws:iam::{OTHER}:user/them"
    credential = {"principal_arn": foreign, "principal": foreign}
    assert statuses(reach(answers, credential)) == NONE
    answers.policy(allow({"AWS": foreign}))
    assert statuses(reach(answers, credential)) == NONE | {"read": "unknown"}


# beside policies


def test_an_acl_for_everybody_serves_a_credential_too(answers: Answers) -> None:
    details(answers, user={})
    answers.acl(("AllUsers", "READ"))
    assert statuses(reach(answers)) == NONE | {"list": "yes"}


def test_a_key_that_may_not_decrypt_leaves_reading_open(answers: Answers) -> None:
    details(answers, user={"UserPolicyList": inline(can())})
    key = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    answers.bucket("GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}})
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    answers.says("kms", "GetKeyPolicy", {"KeyId": key}, {"Policy": json.dumps(document(own))})
    assert reach(answers)["read"]["status"] == "unknown"
    details(answers, user={"UserPolicyList": inline(can(["s3:*", "kms:Decrypt"]))})
    assert reach(answers)["read"]["status"] == "yes"
