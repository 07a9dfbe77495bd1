"""Whose the keys are, what was left behind, how far it spread."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ir_kit.domain.principals import account_of_key, agent_family, is_responder
from ir_kit.scoping import questions as scoping

World = Any
KEY = "AKIAIOSFODNN7EXAMPLE"
ROLE = "ASIAROLEROLEROLEROLE"


def listed(world: World, *keys: tuple[str, str, str]) -> None:
    metadata = [
        {"UserName": "legacy", "AccessKeyId": key, "Status": status, "CreateDate": created}
        for key, status, created in keys
    ]
    world.answer("iam", "ListAccessKeys", {"UserName": "legacy"}, {"AccessKeyMetadata": metadata, "IsTruncated": False})


def last_used(world: World, time: str | None, service: str = "s3") -> None:
    used = {"ServiceName": service, "Region": "N/A"} | ({"LastUsedDate": time} if time else {})
    world.answer("iam", "GetAccessKeyLastUsed", {"AccessKeyId": KEY}, {"UserName": "legacy", "AccessKeyLastUsed": used})


# key_facts


def test_configuration_says_whose_a_key_is(world: World) -> None:
    listed(world, ("AKIAALICEALICEALICE7", "Active", "2020-01-01T00:00:00Z"), (KEY, "Inactive", "2019-11-18T10:02:11Z"))
    world.call("10:00", world.admin, "ListUsers")
    row = scoping.key_facts(world.case()).iloc[0]
    assert (row["user_name"], row["account_id"], row["key_status"]) == ("legacy", "111122223333", "Inactive")
    assert row["create_date"] == pd.Timestamp("2019-11-18T10:02:11Z")
    assert row["principal_arn"] == "arn:aws:iam::111122223333:user/legacy"


def test_the_status_of_a_key_that_nobody_asked_for_is_unknown(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers")
    row = scoping.key_facts(world.case()).iloc[0]
    assert (row["user_name"], row["account_id"], row["key_status"]) == ("legacy", "111122223333", "unknown")
    assert pd.isna(row["create_date"]) and row["last_used_logged_status"] == "unknown"


def test_a_refused_answer_says_nothing_of_a_key(world: World) -> None:
    world.answer("iam", "ListAccessKeys", {"UserName": "legacy"}, error="AccessDenied")
    world.call("10:00", world.admin, "ListUsers")
    row = scoping.key_facts(world.case()).iloc[0]
    assert row["key_status"] == "unknown" and pd.isna(row["user_name"])


@pytest.mark.parametrize(("service", "at", "status"), [
    ("s3", "10:15:00", "yes"), ("s3", "10:15:01", "unknown"), ("iam", "10:00:00", "unknown"),
])  # fmt: skip
def test_the_last_use_is_logged_where_an_event_of_that_service_is_near(
    world: World, service: str, at: str, status: str
) -> None:
    last_used(world, "2026-03-02T10:00:00Z", service)
    world.call(at, world.owner, "ListBuckets", source="s3")
    row = scoping.key_facts(world.case()).iloc[0]
    assert (row["last_used_service"], row["last_used_logged_status"]) == (service, status)


def test_the_account_in_a_key_id_is_decoded_within_its_limits() -> None:
    assert account_of_key("ASIAQNZGKIQY56JQ7WML") == "029608264753"  # worked out by hand from the published rule
    assert account_of_key("ASIAI44QH8DHBEXAMPLE") is None  # I: an old format
    assert account_of_key("ASIAJ44QHADHBEXAMPLE") is None
    assert account_of_key("AKIAQ18GKIQY56JQ7WML") is None  # 1 and 8 are no base32
    assert account_of_key("AKIAQNZG") is None


# footholds


def test_acts_by_others_and_outside_the_window_are_no_footholds(world: World) -> None:
    world.call("10:00", world.admin, "CreateUser", requestParameters={"userName": "x"})
    world.call("2026-02-20T10:00:00", world.owner, "CreateUser", requestParameters={"userName": "x"})
    world.call("2026-03-08T00:00:00", world.owner, "CreateUser", requestParameters={"userName": "x"})
    assert scoping.footholds(world.case()).empty


def test_creation_counts_and_deletion_does_not(world: World) -> None:
    for minute, (name, parameters) in enumerate((
        ("CreateUser", {"userName": "a"}), ("DeleteUser", {"userName": "a"}), ("AttachUserPolicy", {"userName": "a"}),
        ("DetachUserPolicy", {"userName": "a"}), ("DeleteUserPermissionsBoundary", {"userName": "a"}),
        ("ListUsers", {}), ("CreateInstanceProfile", {"instanceProfileName": "p"}),
        ("AddRoleToInstanceProfile", {"instanceProfileName": "p", "roleName": "r"}),
        ("CreatePolicyVersion", {"policyArn": "arn:aws:iam::111122223333:policy/p"}),
        ("AddUserToGroup", {"userName": "a", "groupName": "admins"}), ("CreateSAMLProvider", {"name": "idp"}),
    )):  # fmt: skip
        world.call(f"10:{minute:02d}", world.owner, name, requestParameters=parameters)
    frame = scoping.footholds(world.case())
    assert list(zip(frame["event_name"], frame["target"], strict=True)) == [
        ("CreateUser", "a"), ("AttachUserPolicy", "a"), ("DeleteUserPermissionsBoundary", "a"),
        ("AddRoleToInstanceProfile", "r"), ("CreatePolicyVersion", "arn:aws:iam::111122223333:policy/p"),
        ("AddUserToGroup", "a"), ("CreateSAMLProvider", "idp"),
    ]  # fmt: skip
    assert frame.set_index("event_name")["detail"].loc[["AddRoleToInstanceProfile", "AddUserToGroup"]].to_list() == [
        "p",
        "admins",
    ]


def test_a_key_is_a_foothold_when_it_is_switched_on_and_not_when_off(world: World) -> None:
    for minute, status in enumerate(("Inactive", "Active")):
        parameters = {"userName": "a", "accessKeyId": "AKIAALICEALICEALICE7", "status": status}
        world.call(f"10:0{minute}", world.owner, "UpdateAccessKey", requestParameters=parameters)
    assert list(scoping.footholds(world.case())["event_time"].dt.minute) == [1]


def test_a_federation_token_is_a_foothold_and_a_role_session_is_not(world: World) -> None:
    world.assume("10:00", world.owner, "ops", ROLE)
    world.call("10:01", world.owner, "GetSessionToken", source="sts")
    world.call("10:02", world.owner, "GetFederationToken", source="sts", requestParameters={"name": "guest"})
    frame = scoping.footholds(world.case())
    assert list(zip(frame["event_name"], frame["target"], strict=True)) == [("GetFederationToken", "guest")]


def test_a_key_without_a_named_user_is_the_callers_own(world: World) -> None:
    answer = {"accessKey": {"accessKeyId": "AKIANEWNEWNEWNEWNEW2", "userName": "legacy", "status": "Active"}}
    world.call("10:00", world.owner, "CreateAccessKey", responseElements=answer)
    world.call("10:01", world.owner, "CreateAccessKey", error="AccessDenied")
    frame = scoping.footholds(world.case())
    assert frame["target"].iloc[0] == "legacy"
    assert list(frame["outcome"]) == ["success", "denied"]


@pytest.mark.parametrize(("error", "outcome"), [
    (None, "success"), ("AccessDenied", "denied"), ("AccessDeniedException", "denied"),
    ("Client.UnauthorizedOperation", "denied"), ("NotAuthorized", "denied"), ("EntityAlreadyExists", "error"),
    ("InvalidClientTokenId", "error"), ("LimitExceededException", "error"),
])  # fmt: skip
def test_a_failed_try_is_kept_with_its_outcome(world: World, error: str | None, outcome: str) -> None:
    world.call("10:00", world.owner, "CreateUser", requestParameters={"userName": "a"}, error=error)
    assert list(scoping.footholds(world.case())["outcome"]) == [outcome]


def test_other_services_give_identities_access_too(world: World) -> None:
    for name, source in (
        ("CreateTrustAnchor", "rolesanywhere"),
        ("CreateAccountAssignment", "sso"),
        ("CreateUser", "cognito-idp"),
    ):
        world.call("10:00", world.owner, name, source=source, requestParameters={"name": "n", "principalId": "p"})
    assert list(scoping.footholds(world.case())["event_name"]) == ["CreateTrustAnchor", "CreateAccountAssignment"]


# reach


def test_a_refused_call_touches_and_is_counted_apart(world: World) -> None:
    world.object_call("10:00", world.owner, "GetObject", "papers", "a.txt")
    world.object_call("10:01", world.owner, "GetObject", "papers", "b.txt", error="AccessDenied", region="eu-west-1")
    world.object_call("2026-02-10T10:00:00", world.owner, "GetObject", "papers", "a.txt")
    world.object_call("10:00", world.admin, "GetObject", "plans", "a.txt")
    frame = scoping.reach(world.case()).set_index(["kind", "name"])
    assert set(frame.index) == {
        ("account", "111122223333"), ("region", "us-east-1"), ("region", "eu-west-1"), ("service", "s3.amazonaws.com"),
        ("bucket", "papers"),
    }  # fmt: skip
    papers = frame.loc[("bucket", "papers")]
    assert (papers["event_count"], papers["denied_count"], papers["baseline_event_count"]) == (2, 1, 1)


# principals


@pytest.mark.parametrize(("responder", "principal", "same"), [
    ("arn:aws:iam::1:role/ir", "arn:aws:sts::1:assumed-role/ir/anna", True),
    ("arn:aws:iam::1:role/team/ir", "arn:aws:sts::1:assumed-role/ir/anna", True),
    ("arn:aws:sts::1:assumed-role/ir/anna", "arn:aws:sts::1:assumed-role/ir/anna", True),
    ("arn:aws:sts::1:assumed-role/ir/anna", "arn:aws:sts::1:assumed-role/ir/bert", False),
    ("arn:aws:iam::2:role/ir", "arn:aws:sts::1:assumed-role/ir/anna", False),
    ("arn:aws:iam::1:role/ir", "arn:aws:sts::1:assumed-role/ir-admin/anna", False),
    ("arn:aws:iam::1:user/ir", "arn:aws:sts::1:assumed-role/ir/anna", False),
    ("arn:aws:iam::1:user/anna", "arn:aws:iam::1:user/anna", True),
])  # fmt: skip
def test_a_role_stands_for_its_sessions(responder: str, principal: str, same: bool) -> None:
    assert is_responder(principal, [responder]) is same


def test_the_agents_family_leaves_the_command_out() -> None:
    assert agent_family("aws-cli/2.13.5 exe/x86_64 prompt/off command/s3.ls") == "aws-cli/2.13.5 exe/x86_64 prompt/off"
    assert agent_family("aws-cli/2.17 md/command#s3.cp md/x") == "aws-cli/2.17 md/x"
