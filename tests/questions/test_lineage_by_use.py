"""Links that rest on use alone, and whom they spare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ir_kit.scoping import questions as scoping

World = Any
Links = Callable[[Any], dict[str, tuple[str | None, str]]]
GHOST, ROLE, OTHER = "ASIAGHOSTGHOSTGHOST2", "ASIAROLEROLEROLEROLE", "ASIAOTHEROTHEROTHER2"
KEY, SECOND = "AKIAIOSFODNN7EXAMPLE", "AKIASECONDSECONDSEC2"
THEIRS = {"address": "198.51.100.77", "agent": "aws-cli/2.13 kali"}
OFFICE = {"address": "203.0.113.10", "agent": "Boto3/1.26"}


def test_a_session_whose_address_and_agent_only_the_key_used_is_reached(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "ListUsers", **THEIRS)
    world.call("12:00", world.role_session("pipeline", "p", GHOST, "11:30"), "ListUsers", **THEIRS)
    assert links(world.case()) == {GHOST: (KEY, "inferred")}


def test_the_clis_command_in_the_agent_does_not_part_a_client(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "ListUsers", address="198.51.100.77", agent="aws-cli/2.13 command/iam.list-users")
    ghost = world.role_session("pipeline", "p", GHOST, "11:30")
    world.call("12:00", ghost, "ListBuckets", address="198.51.100.77", agent="aws-cli/2.13 command/s3.ls")
    assert links(world.case()) == {GHOST: (KEY, "inferred")}


@pytest.mark.parametrize("use", [
    {"address": "198.51.100.77", "agent": "Boto3/1.34"}, {"address": "198.51.100.78", "agent": "aws-cli/2.13 kali"},
])  # fmt: skip
def test_the_address_or_the_agent_alone_reaches_nothing(world: World, links: Links, use: dict[str, str]) -> None:
    world.call("10:00", world.owner, "ListUsers", **THEIRS)
    world.call("12:00", world.role_session("pipeline", "p", GHOST, "11:30"), "ListUsers", **use)
    assert links(world.case()) == {}


@pytest.mark.parametrize("time", ["2026-02-10T10:00:00", "2026-03-03T10:00:00"])
def test_an_address_and_agent_that_somebody_else_used_reach_nothing(world: World, links: Links, time: str) -> None:
    world.call("10:00", world.owner, "ListUsers", **THEIRS)
    world.call(time, world.admin, "ListUsers", **THEIRS)
    world.call("12:00", world.role_session("pipeline", "p", GHOST, "11:30"), "ListUsers", **THEIRS)
    assert links(world.case()) == {}


def test_what_a_session_in_question_issued_itself_is_nobody_else(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "ListUsers", **THEIRS)
    ghost = world.role_session("pipeline", "p", GHOST, "11:30")
    world.create_key("12:00", ghost, "spare", SECOND, **THEIRS)
    world.assume("12:10", world.user("spare", SECOND), "ops", ROLE, **THEIRS)
    world.call("12:20", world.role_session("ops", "work", ROLE, "12:10"), "ListUsers", **THEIRS)
    assert links(world.case()) == {
        GHOST: (KEY, "inferred"), SECOND: (GHOST, "observed"), ROLE: (SECOND, "observed"),
    }  # fmt: skip


def test_a_session_that_also_worked_from_somebody_elses_place_is_spared(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "ListUsers", **THEIRS)
    world.call("10:00", world.admin, "ListUsers", **OFFICE)
    ghost = world.role_session("pipeline", "p", GHOST, "11:30")
    world.call("12:00", ghost, "ListUsers", **THEIRS)
    world.call("12:05", ghost, "ListUsers", **OFFICE)
    assert links(world.case()) == {}


def test_a_deployment_in_a_gap_of_the_log_is_not_reached(world: World, links: Links) -> None:
    """Other sessions of the runner's place are seen to be issued by the runner; that of the gap stays theirs."""
    runner = world.user("runner", "AKIARUNNERRUNNERRUN2")
    world.call("10:00", world.owner, "ListUsers", **OFFICE)
    world.assume("09:00", runner, "deployer", OTHER, **OFFICE)
    world.call("09:05", world.role_session("deployer", "work", OTHER, "09:00"), "ListUsers", **OFFICE)
    world.call("12:00", world.role_session("deployer", "work", GHOST, "11:30"), "ListUsers", **OFFICE)
    assert links(world.case()) == {}


def test_the_owners_nightly_session_of_a_gap_is_reached_like_those_of_other_nights(world: World, links: Links) -> None:
    for day, child in (("2026-02-27", OTHER), ("2026-03-01", ROLE)):
        world.assume(f"{day}T06:00:00", world.owner, "reports", child, **OFFICE)
        world.call(
            f"{day}T06:01:00", world.role_session("reports", "work", child, f"{day}T06:00:00"), "ListUsers", **OFFICE
        )
    world.call("06:01", world.role_session("reports", "work", GHOST, "06:00"), "ListUsers", **OFFICE)
    assert links(world.case()) == {ROLE: (KEY, "observed"), GHOST: (KEY, "inferred")}


def test_a_role_that_the_key_never_assumed_is_not_reached_from_the_owners_own_place(world: World, links: Links) -> None:
    world.call("2026-02-20T10:00:00", world.owner, "ListUsers", **OFFICE)
    world.call("10:00", world.owner, "ListUsers", **OFFICE)
    world.call("12:00", world.role_session("sso-developer", "bob", GHOST, "11:30"), "ListUsers", **OFFICE)
    assert links(world.case()) == {}


def test_a_session_of_a_service_is_not_reached_by_the_services_address(world: World, links: Links) -> None:
    service = {"address": "config.amazonaws.com", "agent": "config.amazonaws.com"}
    world.assume("10:00", world.owner, "ops", ROLE)
    world.call("10:01", world.role_session("ops", "work", ROLE, "10:00"), "ListUsers", **service)
    world.call("12:00", world.role_session("config", "c", GHOST, "11:30"), "ListUsers", **service)
    assert links(world.case()) == {ROLE: (KEY, "observed")}


def test_the_parent_had_been_reached_when_the_session_was_created(world: World, links: Links) -> None:
    world.assume("12:30", world.owner, "ops", ROLE, **OFFICE)
    world.call("12:31", world.role_session("ops", "work", ROLE, "12:30"), "ListUsers", **THEIRS)
    world.call("12:00", world.role_session("pipeline", "p", GHOST, "11:30"), "ListUsers", **THEIRS)
    assert links(world.case()) == {ROLE: (KEY, "observed")}


def test_a_chained_session_does_not_outlive_an_hour_so_its_parent_is_the_key(world: World, links: Links) -> None:
    """Both used the place; a role's session could not have issued one that lives for three hours."""
    world.call("08:00", world.owner, "ListUsers", **THEIRS)
    world.assume("10:00", world.owner, "ops", ROLE, **THEIRS)
    world.call("10:59", world.role_session("ops", "work", ROLE, "10:00"), "ListUsers", **THEIRS)
    ghost = world.role_session("pipeline", "p", GHOST, "11:00")
    for time in ("11:05", "14:00"):
        world.call(time, ghost, "ListUsers", **THEIRS)
    assert links(world.case())[GHOST] == (KEY, "inferred")


def test_a_session_token_without_its_issuing_call_is_reached_by_its_place(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "ListUsers", **THEIRS)
    world.call("11:00", world.user_session("legacy", GHOST, "10:30"), "ListUsers", **THEIRS)
    assert links(world.case()) == {GHOST: (KEY, "inferred")}


def test_a_session_of_the_same_user_from_elsewhere_is_not_reached(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "ListUsers", **THEIRS)
    world.call("11:00", world.user_session("legacy", GHOST, "10:30"), "ListUsers", **OFFICE)
    assert links(world.case()) == {}


def test_a_session_of_the_users_other_key_is_spared(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "ListUsers", **OFFICE)
    world.call("10:00", world.user("legacy", SECOND), "ListUsers", **OFFICE)
    world.call("11:00", world.user_session("legacy", GHOST, "10:30"), "ListUsers", **OFFICE)
    assert links(world.case()) == {}


# sessions that services act with


def forwarded(world: World, time: str, key: str, service: str = "secretsmanager.amazonaws.com") -> None:
    who = world.user_session("legacy", key, time, invokedBy=service)
    world.call(time, who, "Decrypt", source="kms", address=service, agent=service)


def test_a_service_that_acts_for_the_user_while_only_the_key_is_in_use_is_reached(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "GetSecretValue", source="secretsmanager")
    forwarded(world, "10:00:01", GHOST)
    forwarded(world, "10:00:02", OTHER, "AWS Internal")
    assert links(world.case()) == {GHOST: (KEY, "inferred"), OTHER: (KEY, "inferred")}


@pytest.mark.parametrize("other", ["second key", "console", "sign-in"])
def test_a_service_that_acts_while_the_user_works_otherwise_is_spared(world: World, links: Links, other: str) -> None:
    world.call("10:00", world.owner, "GetSecretValue", source="secretsmanager")
    if other == "second key":
        world.call("10:20", world.user("legacy", SECOND), "ListUsers", **OFFICE)
    elif other == "console":
        world.call("09:30", world.user_session("legacy", ROLE, "08:00"), "ListUsers", **OFFICE)
    else:
        world.sign_in("08:00", "legacy")
    forwarded(world, "10:00:01", GHOST)
    assert GHOST not in links(world.case())


def test_a_console_session_that_was_opened_later_did_not_ask_the_service(world: World, links: Links) -> None:
    world.call("10:00", world.owner, "GetSecretValue", source="secretsmanager")
    forwarded(world, "10:00:01", GHOST)
    world.call("10:31", world.user_session("legacy", ROLE, "10:30"), "ListUsers", **OFFICE)
    assert links(world.case()) == {GHOST: (KEY, "inferred")}


def test_a_service_that_acts_with_a_reached_role_session_is_reached(world: World, links: Links) -> None:
    world.assume("10:00", world.owner, "ops", ROLE)
    who = world.role_session("ops", "work", GHOST, "10:00", invokedBy="cloudformation.amazonaws.com")
    world.call("10:10", who, "CreateRole", address="cloudformation.amazonaws.com", agent="cloudformation.amazonaws.com")
    assert links(world.case()) == {ROLE: (KEY, "observed"), GHOST: (ROLE, "inferred")}


def test_a_service_that_acts_with_another_session_of_that_role_is_not_reached(world: World, links: Links) -> None:
    world.assume("10:00", world.owner, "ops", ROLE)
    who = world.role_session("ops", "alice", GHOST, "10:00", invokedBy="cloudformation.amazonaws.com")
    world.call("10:10", who, "CreateRole", address="cloudformation.amazonaws.com", agent="cloudformation.amazonaws.com")
    assert set(links(world.case())) == {ROLE}


def test_a_console_that_a_reached_session_opened_is_reached(world: World, links: Links) -> None:
    world.assume("10:00", world.owner, "ops", ROLE)
    world.call("10:05:00", world.role_session("ops", "work", ROLE, "10:00"), "GetSigninToken", source="signin")
    console = world.role_session("ops", "work", GHOST, "10:05:02")
    world.call("10:06", console, "ListUsers", address="192.0.2.9", agent="Mozilla/5.0")
    assert links(world.case()) == {ROLE: (KEY, "observed"), GHOST: (ROLE, "inferred")}


def test_a_credential_of_a_responder_is_marked(world: World) -> None:
    world.assume("10:00", world.owner, "ir-readonly", ROLE)
    case = world.case(responders=["arn:aws:iam::111122223333:role/ir-readonly"])
    assert list(scoping.credentials(case)["is_responder"]) == [False, True]
