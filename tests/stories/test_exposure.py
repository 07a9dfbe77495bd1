"""Stories of exposure: every verdict as truth has it, who came exact to the request and the byte, nobody accused in vain."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from ir_kit.bucket_exposure import questions as asked
from ir_kit.bucket_exposure.findings import findings
from ir_kit.case import Case
from ir_kit.findings import Finding
from simulator import World

pytestmark = pytest.mark.slow
OPEN = "yes"
STATUS = {"yes": ("observed", "inferred"), "no": ("not_observed",), "unknown": ("not_knowable",)}
WHO = ("by-policy", "by-acl", "unblocked", "website-bucket", "closed-again")


@pytest.fixture(scope="module")
def truth(module_beside: Callable[[str], ModuleType]) -> ModuleType:
    return module_beside("exposure_world")


@pytest.fixture(scope="module")
def world(truth: ModuleType) -> World:
    made: World = truth.exposure_world()
    return made


@pytest.fixture(scope="module")
def case(world: World, open_as_case: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Case:
    opened: Case = open_as_case(world, tmp_path_factory.mktemp("exposure"))[0]
    return opened


@pytest.fixture(scope="module")
def told(case: Case) -> dict[tuple[str, str], Finding]:
    return {(one.subject.bucket or "", one.question_id): one for one in findings(case)}


def test_every_verdict_is_as_truth_has_it(case: Case, truth: ModuleType) -> None:
    rows = asked.buckets(case).set_index("bucket")
    found = {name: tuple(rows.loc[name, ["public_status", "cross_account_status"]]) for name in truth.VERDICTS}
    assert found == truth.VERDICTS
    assert set(rows.loc[list(truth.VERDICTS), "reachable_by_key_status"]) <= {"yes", "unknown"}


def test_findings_say_what_the_verdicts_say(told: dict[tuple[str, str], Finding], truth: ModuleType) -> None:
    for name, (public, others) in truth.VERDICTS.items():
        was_open = told[name, "public"].values["public_hours"]
        assert told[name, "cross_account"].status in STATUS[others], name
        assert told[name, "public"].status in (STATUS["yes"] if was_open else STATUS[public]), name
    assert told["closed-again", "public"].status == "observed"
    assert told["closed-again", "public"].values["public_status"] == "no"


def test_every_bucket_in_scope_has_every_question(told: dict[tuple[str, str], Finding], case: Case) -> None:
    questions = {"public", "cross_account", "outsider_access", "exposure_changed", "reachable_by_key"}
    assert set(told) == {(name, question) for name in asked.buckets(case)["bucket"] for question in questions}


def test_requests_and_bytes_from_outside_are_exact(case: Case, world: World, truth: ModuleType) -> None:
    expected = truth.outsiders(world)
    rows = asked.observed_access(case)
    found = {
        (row["bucket"], row["requester"]): {name: row[name] for name in ("requests", "denied_requests", "bytes_sent")}
        for row in rows.to_dict("records")
    }
    assert found == expected
    assert {name: sum(r.sal_duplicates for r in world.requests if r.bucket == name) for name in WHO}["by-policy"] > 5
    assert sum(r.sal_lost for r in world.requests) > 20


def test_who_failed_to_authenticate_is_nobody(case: Case, told: dict[tuple[str, str], Finding]) -> None:
    rows = asked.observed_access(case)
    assert "refused-policy" not in set(rows["bucket"])
    assert rows.attrs["unauthenticated"]["refused-policy"] > 40
    finding = told["refused-policy", "outsider_access"]
    assert finding.values["denied_requests"] == 0
    assert any("failed to authenticate" in limit for limit in finding.limits)


def test_what_came_while_a_bucket_was_public_is_told_apart(case: Case) -> None:
    rows = asked.observed_access(case).set_index(["bucket", "requester"])
    opened = rows.loc[("by-policy", "anonymous")]
    assert opened["requests"] == opened["requests_while_public"] > 100
    assert opened["bytes_while_public"] == opened["bytes_sent"]
    closed = rows.loc[("closed-again", "anonymous")]
    assert closed["requests_while_not_public"] == 0


def test_changes_are_told_with_their_effect_and_outcome(case: Case, truth: ModuleType) -> None:
    rows = asked.changes(case)
    inside = rows[rows["event_time"] >= pd.Timestamp(case.incident.window.start)]
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in inside.to_dict("records"):
        found.setdefault(row["bucket"], []).append((row["event_name"], row["effect"], row["outcome"]))
    assert found == truth.EFFECTS


def test_changes_name_the_reached_key_and_still_stand(case: Case) -> None:
    rows = asked.changes(case)
    mine = rows[rows["is_reached"].astype(bool) & (rows["outcome"] == "success")]
    assert set(mine["access_key_id"]) == set(case.incident.access_keys)
    assert set(mine["stands_status"]) == {"yes"}
    assert set(rows[rows["outcome"] != "success"]["stands_status"]) == {"no"}


def test_spans_change_where_the_settings_did(case: Case, truth: ModuleType) -> None:
    spans = asked.spans(case)
    mine = spans[spans["bucket"] == "by-policy"]
    assert list(mine["public_status"]) == ["no", "yes"]
    assert mine["end_time"].iloc[0] == pd.Timestamp(truth.OPENED)
    closed = spans[spans["bucket"] == "closed-again"]
    assert list(closed["public_status"]) == ["yes", "no"]
    assert closed["start_time"].iloc[1] == pd.Timestamp(truth.CLOSED)
    for _, rows in spans.groupby("bucket"):
        assert rows["start_time"].iloc[0] == pd.Timestamp(case.incident.window.start)
        assert list(rows["start_time"].iloc[1:]) == list(rows["end_time"].iloc[:-1])
        assert rows["end_time"].iloc[-1] == pd.Timestamp(case.incident.window.end)


def test_nobody_is_accused_of_what_nobody_did(told: dict[tuple[str, str], Finding]) -> None:
    assert told["left-alone", "public"].status == "not_observed"
    assert told["left-alone", "exposure_changed"].status == "not_observed"
    quiet = told["left-alone", "outsider_access"]
    assert (quiet.status, quiet.actor) == ("observed", "owner")
    assert quiet.values["anonymous_requests"] == quiet.values["other_account_requests"] == 0
    assert told["by-policy", "exposure_changed"].actor == "intruder"


def test_steps_close_what_is_open_and_nothing_else(case: Case, truth: ModuleType) -> None:
    steps = asked.closing_steps(case)
    wanted = {name for name, verdict in truth.VERDICTS.items() if "yes" in verdict}
    assert set(steps["bucket"]) == wanted
    first = steps[steps["priority"] == 1]
    assert {"by-policy", "by-acl", "partner-bucket", "replicated"} <= set(first["bucket"])


def test_a_verdict_is_explained_by_its_reasons(case: Case) -> None:
    words = " ".join(asked.explained(case, "partner-bucket")["reason"])
    assert "It is not public." in words and "999988887777" in words
    assert asked.explained(case, "no-such-bucket").empty
    assert set(asked.explained(case)["bucket"]) == {"website-bucket"}  # the most open one, to which most outsiders came


def test_a_block_of_the_account_neutralises_a_public_acl(
    truth: ModuleType, open_as_case: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    def touch_up(evidence: Any) -> None:
        truth.block_account(evidence / "configuration.jsonl")

    case, _ = open_as_case(truth.guarded_world(), tmp_path_factory.mktemp("guarded"), touch_up)
    row = asked.buckets(case).set_index("bucket").loc["neutralised"]
    assert (row["public_status"], row["cross_account_status"]) == ("no", "no")
    grants = asked.grants(case)
    public = grants[(grants["bucket"] == "neutralised") & (grants["grantee"] == "AllUsers")].iloc[0]
    assert public["effective_status"] == "no"
    assert "account" in public["blocked_by"]
    spans = asked.spans(case)
    assert list(spans[spans["bucket"] == "neutralised"]["public_status"]) == ["yes", "no"]
    told = {(one.subject.bucket or "", one.question_id): one for one in findings(case)}
    changed = told["neutralised", "exposure_changed"]
    assert changed.values["account_wide"] == changed.values["effect_closes"] == 1
    assert told["neutralised", "outsider_access"].values["anonymous_requests"] == 0
