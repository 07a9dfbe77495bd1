"""Credentials of what a reached one made: users, instances, tasks, builds, functions; and roles of other accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ir_kit.scoping import questions as scoping

World = Any
Links = Callable[[Any], dict[str, tuple[str | None, str]]]
KEY = "AKIAIOSFODNN7EXAMPLE"
ROLE, NEW, THEIRS = "ASIAROLEROLEROLEROLE", "AKIANEWNEWNEWNEWNEW2", "ASIAOTHEROTHEROTHER2"
INSTANCE, TASK, BUILD = (
    "i-0123456789abcdef0",
    "0123456789abcdef0123456789abcdef",
    "5f1b9c1e-1111-2222-3333-444455556666",
)
PARTNER = "999988887777"

LAUNCHES: dict[str, tuple[str, str, dict[str, Any] | None, dict[str, Any] | None]] = {
    INSTANCE: ("ec2", "RunInstances", None, {"instancesSet": {"items": [{"instanceId": INSTANCE}]}}),
    TASK: ("ecs", "RunTask", None, {"tasks": [{"taskArn": f"arn:aws:ecs:us-east-1:111122223333:task/c/{TASK}"}]}),
    f"AWSCodeBuild-{BUILD}": ("codebuild", "StartBuild", None, {"build": {"id": f"project:{BUILD}"}}),
    "sync": (
        "lambda",
        "CreateFunction20150331",
        {"functionName": "sync", "role": "arn:aws:iam::111122223333:role/service/worker"},
        None,
    ),
}


def launch(world: World, time: str, session: str, who: dict[str, Any] | None = None) -> None:
    source, event, parameters, answer = LAUNCHES[session]
    world.call(
        time, who or world.owner, event, source=source, requestParameters=parameters, responseElements=answer
    )  # fmt: skip


def work(world: World, session: str, role: str = "worker", opened: str = "10:30") -> None:
    world.call("12:00", world.role_session(role, session, ROLE, opened), "ListUsers", address="192.0.2.77", agent="x")


@pytest.mark.parametrize("session", LAUNCHES)
def test_the_session_of_what_the_key_started_is_reached(world: World, links: Links, session: str) -> None:
    launch(world, "10:00", session)
    service = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    world.call("10:30", service, "AssumeRole", responseElements={"credentials": {"accessKeyId": ROLE}})
    work(world, session)
    assert links(world.case()) == {ROLE: (KEY, "inferred")}


@pytest.mark.parametrize("session", LAUNCHES)
def test_what_others_started_or_started_later_is_not(world: World, links: Links, session: str) -> None:
    launch(world, "10:00", session, world.admin)
    launch(world, "11:00", session)
    work(world, session)
    assert links(world.case()) == {}


def test_another_instance_of_the_same_role_is_not_reached(world: World, links: Links) -> None:
    launch(world, "10:00", INSTANCE)
    work(world, "i-0fedcba9876543210")
    assert links(world.case()) == {}


def test_a_session_named_like_a_function_of_another_role_is_not_reached(world: World, links: Links) -> None:
    launch(world, "10:00", "sync")
    work(world, "sync", role="other")
    assert links(world.case()) == {}


# users


def made(world: World, time: str, **more: Any) -> None:
    answer = {"user": {"arn": "arn:aws:iam::111122223333:user/support"}}
    world.call(time, world.owner, "CreateUser", requestParameters={"userName": "support"}, responseElements=answer,
               **more)  # fmt: skip


def test_whatever_a_user_holds_that_the_key_made_is_reached(world: World, links: Links) -> None:
    made(world, "10:00")
    world.call("11:00", world.user("support", NEW), "ListUsers", address="192.0.2.77")
    world.call("11:00", world.user_session("support", ROLE, "10:50"), "ListUsers", address="192.0.2.78", agent="x")
    case = world.case()
    assert links(case) == {NEW: (KEY, "inferred"), ROLE: (KEY, "inferred")}
    assert list(scoping.credentials(case)["credential_type"]) == ["long_term", "temporary", "long_term"]


@pytest.mark.parametrize("more", [{"error": "EntityAlreadyExistsException"}, {"source": "identitystore"}])
def test_a_user_that_the_key_did_not_make_is_its_own(world: World, links: Links, more: dict[str, str]) -> None:
    made(world, "10:00", **more)
    world.call("11:00", world.user("support", NEW), "ListUsers", address="192.0.2.77")
    assert links(world.case()) == {}


def test_a_key_that_an_administrator_gave_the_new_user_is_not_reached(world: World, links: Links) -> None:
    made(world, "10:00")
    world.create_key("10:30", world.admin, "support", NEW)
    world.call("11:00", world.user("support", NEW), "ListUsers", address="192.0.2.77")
    assert links(world.case()) == {}


# roles of other accounts, whose own log alone tells


def assumed_there(world: World, principal_id: str) -> None:
    who = {"type": "AWSAccount", "principalId": principal_id, "accountId": "111122223333"}
    world.call("10:00", world.owner, "ListUsers")
    world.assume("10:30", who, "theirs", THEIRS, recipientAccountId=PARTNER, sharedEventID="s")


def test_a_role_elsewhere_is_reached_by_the_callers_principal_id(world: World, links: Links) -> None:
    assumed_there(world, "AIDALEGACY")
    assert links(world.case()) == {THEIRS: (KEY, "inferred")}


def test_a_role_elsewhere_is_not_reached_where_the_user_has_another_key_in_use(world: World, links: Links) -> None:
    world.call("09:00", world.user("legacy", NEW), "ListUsers")
    assumed_there(world, "AIDALEGACY")
    assert links(world.case()) == {}


def test_a_role_elsewhere_that_another_user_assumed_is_not_reached(world: World, links: Links) -> None:
    assumed_there(world, "AIDAALICE")
    assert links(world.case()) == {}


# consoles by way of a sign-in token


@pytest.mark.parametrize(("signed_in", "reached"), [("10:12:00", True), (None, False), ("10:20:00", False)])
def test_a_sign_in_token_opens_a_console_for_a_quarter_of_an_hour(
    world: World, links: Links, signed_in: str | None, reached: bool
) -> None:
    world.call("10:00", world.owner, "GetFederationToken", source="sts", requestParameters={"name": "guest"},
               responseElements={"credentials": {"accessKeyId": THEIRS}})  # fmt: skip
    guest = world.federated("guest", THEIRS, "10:00")
    world.call("10:01", guest, "GetSigninToken", source="signin")
    if signed_in:
        world.call(signed_in, {**guest, "accessKeyId": None}, "ConsoleLogin", source="signin",
                   responseElements={"ConsoleLogin": "Success"})  # fmt: skip
    console = world.federated("guest", ROLE, signed_in or "10:12:00")
    world.call("10:30", console, "ListUsers", address="192.0.2.9", agent="Mozilla/5.0")
    assert (ROLE in links(world.case())) is reached


# roles that were taken up in the console


def switch(world: World, address: str) -> None:
    world.call("10:00", world.owner, "UpdateLoginProfile", requestParameters={"userName": "support"})
    for time, address_then, key in (("10:10", "192.0.2.9", NEW_CONSOLE), ("09:00", "192.0.2.200", OWN_CONSOLE)):
        world.sign_in(time, "support", address=address_then)
        console = world.user_session("support", key, time)
        world.call("10:15", console, "ListUsers", address=address_then, agent="Mozilla/5.0")
    role = world.role_session("admin", "support", ROLE, "10:20:01")
    world.call("10:20", {**role, "accessKeyId": None}, "SwitchRole", source="signin", address=address,
               responseElements={"SwitchRole": "Success"})  # fmt: skip
    world.call("10:21", role, "ListUsers", address=address, agent="console.amazonaws.com")


NEW_CONSOLE, OWN_CONSOLE = "ASIACONSOLECONSOLE22", "ASIAOWNOWNOWNOWNOWN2"


def test_a_role_that_a_reached_console_took_up_is_reached(world: World, links: Links) -> None:
    switch(world, "192.0.2.9")
    assert links(world.case()) == {NEW_CONSOLE: (KEY, "inferred"), ROLE: (NEW_CONSOLE, "inferred")}


def test_a_role_that_the_owner_took_up_elsewhere_is_not_reached(world: World, links: Links) -> None:
    switch(world, "192.0.2.200")
    assert links(world.case()) == {NEW_CONSOLE: (KEY, "inferred")}
