"""Which credentials are reached, by which link, and which are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ir_kit.scoping import questions as scoping

World = Any
Links = Callable[[Any], dict[str, tuple[str | None, str]]]
ROLE, CHAIN, USER, OTHER = (
    "ASIAROLEROLEROLEROLE",
    "ASIACHAINCHAINCHAIN2",
    "AKIANEWNEWNEWNEWNEW2",
    "ASIAOTHEROTHEROTHER2",
)
KEY = "AKIAIOSFODNN7EXAMPLE"
STRANGER = "999988887777"


def trust(*principals: str, effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def password(
    world: World, time: str, who: dict[str, Any], user: str, event: str = "CreateLoginProfile", **more: Any
) -> None:
    world.call(time, who, event, requestParameters={"userName": user}, **more)


# observed links


def test_a_role_session_that_the_key_assumed_is_reached(world: World, links: Links) -> None:
    world.assume("10:00", world.owner, "ops", ROLE)
    assert links(world.case()) == {ROLE: (KEY, "observed")}


def test_the_issuing_event_is_named_where_observed(world: World) -> None:
    event_id = world.assume("10:00", world.owner, "ops", ROLE)
    row = scoping.credentials(world.case()).iloc[1]
    assert (row["link_event_name"], row["link_event_id"]) == ("AssumeRole", event_id)
    assert row["issued_at"].isoformat() == "2026-03-02T10:00:00+00:00"
    assert row["principal_arn"] == "arn:aws:sts::111122223333:assumed-role/ops/work"


def test_chains_of_any_depth_are_followed(world: World, links: Links) -> None:
    world.assume("10:00", world.owner, "ops", ROLE)
    world.assume("10:05", world.role_session("ops", "work", ROLE, "10:00"), "backup", CHAIN)
    world.create_key("10:06", world.role_session("backup", "work", CHAIN, "10:05"), "spare", USER)
    world.assume("10:07", world.user("spare", USER), "deep", OTHER)
    case = world.case()
    assert links(case) == {
        ROLE: (KEY, "observed"), CHAIN: (ROLE, "observed"), USER: (CHAIN, "observed"), OTHER: (USER, "observed"),
    }  # fmt: skip
    assert list(scoping.credentials(case)["depth"]) == [0, 1, 2, 3, 4]


def test_session_and_federation_tokens_are_reached(world: World, links: Links) -> None:
    for name, child in (("GetSessionToken", ROLE), ("GetFederationToken", CHAIN)):
        world.call("10:00", world.owner, name, source="sts", requestParameters={"name": "guest"},
                   responseElements={"credentials": {"accessKeyId": child}})  # fmt: skip
    assert links(world.case()) == {ROLE: (KEY, "observed"), CHAIN: (KEY, "observed")}


def test_a_created_key_is_long_term(world: World) -> None:
    world.create_key("10:00", world.owner, "spare", USER)
    row = scoping.credentials(world.case()).iloc[1]
    assert (row["credential_type"], row["principal_arn"]) == ("long_term", "arn:aws:iam::111122223333:user/spare")
    assert (row["account_id"], row["event_count"]) == ("111122223333", 0)


def test_a_refused_issuing_call_reaches_nothing(world: World, links: Links) -> None:
    world.assume("10:00", world.owner, "ops", None, error="AccessDenied")
    world.call("10:00", world.role_session("ops", "work", ROLE, "10:00"), "ListUsers", address="192.0.2.1")
    assert links(world.case()) == {}


@pytest.mark.parametrize(("time", "reached"), [
    ("2026-02-28T23:59:59", False), ("2026-03-01T00:00:00", True),
    ("2026-03-07T23:59:59", True), ("2026-03-08T00:00:00", False),
])  # fmt: skip
def test_the_issuing_call_counts_inside_the_half_open_window(
    world: World, links: Links, time: str, reached: bool
) -> None:
    world.assume(time, world.owner, "ops", ROLE)
    assert (ROLE in links(world.case())) is reached


def test_somebody_elses_session_of_the_same_role_is_not_reached(world: World, links: Links) -> None:
    world.assume("10:00", world.owner, "ops", ROLE)
    world.assume("10:00", world.admin, "ops", OTHER, session="alice")
    assert set(links(world.case())) == {ROLE}


def test_what_a_credential_issued_before_it_was_reached_is_not_reached(world: World, links: Links) -> None:
    """The logs may show a call by a key from before the key was issued; that is not the intruder's doing."""
    world.assume("09:00", world.role_session("ops", "work", ROLE, "08:00"), "backup", CHAIN)
    world.assume("10:00", world.owner, "ops", ROLE)
    assert set(links(world.case())) == {ROLE}


def test_the_first_of_several_events_that_name_a_child_is_its_link(world: World) -> None:
    first = world.assume("10:00", world.owner, "ops", ROLE)
    world.assume("10:01", world.owner, "ops", ROLE)
    frame = scoping.credentials(world.case())
    assert list(frame["link_event_id"].dropna()) == [first]


def test_use_is_counted_in_the_window_alone(world: World) -> None:
    for time in ("2026-02-20T10:00:00", "2026-03-02T10:00:00", "2026-03-07T23:59:59", "2026-03-08T00:00:00"):
        world.call(time, world.owner, "ListUsers")
    row = scoping.credentials(world.case()).iloc[0]
    assert (row["link"], row["event_count"]) == ("seed", 2)
    assert row["first_used"].isoformat() == "2026-03-02T10:00:00+00:00"
    assert row["last_used"].isoformat() == "2026-03-07T23:59:59+00:00"


def test_a_key_without_any_event_is_still_there(world: World) -> None:
    world.call("10:00", world.admin, "ListUsers")
    row = scoping.credentials(world.case()).iloc[0]
    assert (row["access_key_id"], row["link"], row["event_count"]) == (KEY, "seed", 0)


# (a) the answer names no key


def test_a_withheld_answer_is_joined_by_role_session_and_second(world: World, links: Links) -> None:
    world.assume("10:00:00", world.owner, "ops", None)
    world.call("10:02", world.role_session("ops", "work", ROLE, "10:00:01"), "ListUsers", address="192.0.2.1")
    assert links(world.case()) == {ROLE: (KEY, "inferred")}


def test_an_inferred_link_names_no_event_and_says_why(world: World) -> None:
    world.assume("10:00:00", world.owner, "ops", None)
    world.call("10:02", world.role_session("ops", "work", ROLE, "10:00:00"), "ListUsers")
    row = scoping.credentials(world.case()).iloc[1]
    assert row[["link_event_name", "link_event_id"]].isna().all()
    assert row["link_basis"].startswith(f"AssumeRole by {KEY} at 2026-03-02T10:00:00Z names no key")


@pytest.mark.parametrize(("role", "session", "created"), [
    ("other", "work", "10:00:00"), ("ops", "else", "10:00:00"), ("ops", "work", "10:00:02"),
])  # fmt: skip
def test_a_session_that_does_not_fit_a_withheld_answer_is_not_reached(
    world: World, links: Links, role: str, session: str, created: str
) -> None:
    world.assume("10:00:00", world.owner, "ops", None)
    world.call("10:02", world.role_session(role, session, ROLE, created), "ListUsers", address="192.0.2.1", agent="x")
    assert links(world.case()) == {}


def test_a_session_that_somebody_else_is_seen_to_have_issued_is_not_inferred(world: World, links: Links) -> None:
    world.assume("10:00:00", world.owner, "ops", None)
    world.assume("10:00:00", world.admin, "ops", ROLE)
    world.call("10:02", world.role_session("ops", "work", ROLE, "10:00:00"), "ListUsers")
    assert links(world.case()) == {}


def test_a_withheld_session_token_is_joined_by_user_and_second(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "GetSessionToken", source="sts")
    world.call("10:02", world.user_session("legacy", ROLE, "10:00:00"), "ListUsers", address="192.0.2.1")
    world.call("10:02", world.user_session("alice", OTHER, "10:00:00"), "ListUsers", address="192.0.2.1", agent="x")
    assert links(world.case()) == {ROLE: (KEY, "inferred")}


def test_a_withheld_federation_token_is_joined_by_name_and_second(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "GetFederationToken", source="sts", requestParameters={"name": "guest"})
    world.call("10:02", world.federated("guest", ROLE, "10:00:00"), "ListUsers", address="192.0.2.1")
    world.call("10:02", world.federated("visitor", OTHER, "10:00:00"), "ListUsers", address="192.0.2.1", agent="x")
    assert links(world.case()) == {ROLE: (KEY, "inferred")}


# (b) a password was set


def test_console_sessions_after_a_password_was_set_are_reached(world: World, links: Links) -> None:
    password(world, "10:00", world.owner, "reporting")
    world.sign_in("11:00:00", "reporting")
    for key in (ROLE, CHAIN):
        world.call("11:01", world.user_session("reporting", key, "11:00:02"), "ListUsers", address="192.0.2.9")
    assert links(world.case()) == {ROLE: (KEY, "inferred"), CHAIN: (KEY, "inferred")}


def test_a_refused_login_profile_gives_no_console_session(world: World, links: Links) -> None:
    password(world, "10:00", world.owner, "reporting", error="EntityAlreadyExists")
    world.sign_in("11:00", "reporting")
    world.call("11:01", world.user_session("reporting", ROLE, "11:00:00"), "ListUsers", address="192.0.2.9")
    assert links(world.case()) == {}


@pytest.mark.parametrize("outcome", ["Failure", "Success"])
def test_only_a_sign_in_that_succeeded_counts(world: World, links: Links, outcome: str) -> None:
    password(world, "10:00", world.owner, "reporting", "UpdateLoginProfile")
    world.sign_in("11:00", "reporting", outcome)
    world.call("11:01", world.user_session("reporting", ROLE, "11:00:00"), "ListUsers", address="192.0.2.9")
    assert (ROLE in links(world.case())) is (outcome == "Success")


def test_a_sign_in_before_the_password_was_set_is_the_users_own(world: World, links: Links) -> None:
    world.sign_in("09:00", "reporting")
    password(world, "10:00", world.owner, "reporting", "UpdateLoginProfile")
    world.call("11:01", world.user_session("reporting", ROLE, "09:00:00"), "ListUsers", address="192.0.2.9")
    assert links(world.case()) == {}


def test_a_password_that_an_administrator_set_again_ends_the_power(world: World, links: Links) -> None:
    password(world, "10:00", world.owner, "reporting", "UpdateLoginProfile")
    password(world, "10:30", world.admin, "reporting", "UpdateLoginProfile")
    world.sign_in("11:00", "reporting")
    world.call("11:01", world.user_session("reporting", ROLE, "11:00:00"), "ListUsers", address="192.0.2.9")
    assert links(world.case()) == {}


def test_what_a_console_session_issues_is_reached_through_it(world: World, links: Links) -> None:
    password(world, "10:00", world.owner, "reporting")
    world.sign_in("11:00", "reporting")
    world.create_key("11:05", world.user_session("reporting", ROLE, "11:00:00"), "reporting", USER)
    assert links(world.case()) == {ROLE: (KEY, "inferred"), USER: (ROLE, "observed")}


def test_the_owners_own_console_session_is_not_reached(world: World, links: Links) -> None:
    world.call("09:50", world.owner, "ListUsers", address="192.0.2.9", agent="Mozilla/5.0")
    world.sign_in("10:00", "legacy")
    console = world.user_session("legacy", ROLE, "10:00:00")
    world.call("10:01", console, "ListUsers", address="192.0.2.9", agent="Mozilla/5.0")
    world.call("10:01", world.user_session("legacy", CHAIN, "10:00:00"), "ListUsers", address="192.0.2.9",
               agent="Mozilla/5.0", sessionCredentialFromConsole="true")  # fmt: skip
    assert links(world.case()) == {}


# (d) whom a role trusts was changed


def test_an_outsider_whom_a_changed_trust_lets_in_is_reached(world: World, links: Links) -> None:
    change = {"roleName": "backup", "policyDocument": trust(f"arn:aws:iam::{STRANGER}:root")}
    world.call("10:00", world.owner, "UpdateAssumeRolePolicy", requestParameters=change)
    world.assume("11:00", world.outsider(), "backup", ROLE, session="drop")
    world.assume("11:01", world.role_session("backup", "drop", ROLE, "11:00"), "deep", CHAIN)
    assert links(world.case()) == {ROLE: (KEY, "inferred"), CHAIN: (ROLE, "observed")}


def test_an_outsider_whom_the_trust_does_not_name_is_not_reached(world: World, links: Links) -> None:
    change = {"roleName": "backup", "policyDocument": trust(f"arn:aws:iam::{STRANGER}:root")}
    world.call("10:00", world.owner, "UpdateAssumeRolePolicy", requestParameters=change)
    world.assume("11:00", world.outsider("444455556666"), "backup", ROLE)
    assert links(world.case()) == {}


def test_a_partner_who_assumed_the_role_before_is_not_reached(world: World, links: Links) -> None:
    world.assume("2026-02-10T03:00:00", world.outsider("444455556666"), "backup", OTHER)
    both = trust("arn:aws:iam::444455556666:root", f"arn:aws:iam::{STRANGER}:root")
    world.call(
        "10:00", world.owner, "UpdateAssumeRolePolicy", requestParameters={"roleName": "backup", "policyDocument": both}
    )
    world.assume("11:00", world.outsider("444455556666"), "backup", ROLE)
    assert links(world.case()) == {}


@pytest.mark.parametrize("more", [{"error": "AccessDenied"}, {"effect": "Deny"}])
def test_a_change_that_lets_nobody_in_reaches_nothing(world: World, links: Links, more: dict[str, str]) -> None:
    document = trust(f"arn:aws:iam::{STRANGER}:root", effect=more.pop("effect", "Allow"))
    change = {"roleName": "backup", "policyDocument": document}
    world.call("10:00", world.owner, "UpdateAssumeRolePolicy", requestParameters=change, **more)
    world.assume("11:00", world.outsider(), "backup", ROLE)
    assert links(world.case()) == {}


def test_an_assumption_before_the_change_is_not_reached(world: World, links: Links) -> None:
    world.assume("09:00", world.outsider(), "backup", ROLE)
    change = {"roleName": "backup", "policyDocument": trust("*")}
    world.call("10:00", world.owner, "UpdateAssumeRolePolicy", requestParameters=change)
    assert links(world.case()) == {}


@pytest.mark.parametrize(("provider", "reached"), [("evil.example", True), ("token.example", False)])
def test_a_web_identity_is_reached_by_the_provider_that_the_trust_names(
    world: World, links: Links, provider: str, reached: bool
) -> None:
    arn = "arn:aws:iam::111122223333:oidc-provider/"
    document = json.dumps(
        {
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Federated": f"{arn}evil.example"},
                "Action": "sts:AssumeRoleWithWebIdentity",
            }
        }
    )
    change = {"roleName": "backup", "policyDocument": document}
    world.call("10:00", world.owner, "UpdateAssumeRolePolicy", requestParameters=change)
    who = {"type": "WebIdentityUser", "principalId": f"{arn}{provider}:sts.amazonaws.com:repo:a", "userName": "repo:a"}
    world.assume("11:00", who, "backup", ROLE, eventName="AssumeRoleWithWebIdentity")
    assert links(world.case()) == ({ROLE: (KEY, "inferred")} if reached else {})


# roles that a reached credential made


def _instance_session(world: World, made_at: str | None, opened_at: str) -> None:
    if made_at:
        world.call(made_at, world.owner, "CreateRole", requestParameters={"roleName": "worker"})
    answer = {"credentials": {"accessKeyId": ROLE}}
    service = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    world.call(opened_at, service, "AssumeRole", responseElements=answer)
    instance = world.role_session("worker", "i-0123456789abcdef0", ROLE, opened_at)
    world.call("12:00", instance, "ListBuckets", sourceIPAddress="10.0.0.9")


def test_an_instance_session_of_a_role_that_the_key_made_is_reached(world: World, links: Links) -> None:
    _instance_session(world, "10:00", "10:30")
    assert links(world.case()) == {ROLE: (KEY, "inferred")}


def test_an_instance_session_of_a_role_that_was_there_before_is_not(world: World, links: Links) -> None:
    _instance_session(world, None, "10:30")
    assert links(world.case()) == {}


def test_an_instance_session_from_before_the_role_was_made_again_is_not(world: World, links: Links) -> None:
    _instance_session(world, "11:00", "10:30")
    assert links(world.case()) == {}
