"""Stories of object access: whose requests, how many objects, and nobody accused who did nothing."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from ir_kit.case import Case
from ir_kit.object_access import questions as object_access
from ir_kit.object_access.findings import object_access as findings
from simulator import SampleTruth

pytestmark = pytest.mark.slow
Open = Callable[[str], tuple[Case, SampleTruth]]
NAMES = ("two_active_keys", "burst_through_the_nat", "quiet")


@pytest.mark.parametrize("name", NAMES)
def test_grades_and_bounds_hold_against_the_truth(story: Open, scoring: ModuleType, name: str) -> None:
    score = scoring.score(*story(name), name)
    assert score.missing == 0 and score.accused == 0, score.faults
    assert score.graded == score.right, score.faults
    assert score.logged_inside == score.buckets, score.faults
    assert score.objects_inside == score.bytes_inside == score.buckets - score.without_upper, score.faults


def test_lines_of_two_keys_behind_one_address_are_never_given_to_one(story: Open) -> None:
    case, truth = story("two_active_keys")
    shared = [
        row
        for row in truth.requests
        if row["user_agent"].startswith("aws-sdk-java") and row["logged_in"] == ["server_access_log"]
    ]
    told = object_access.requests(case).set_index("request_id")
    mine = told.loc[[row["request_id"] for row in shared if row["request_id"] in told.index]]
    assert len(mine) > 400
    assert set(mine["attribution"]) == {"D"}
    assert mine["access_key_id"].isna().all()
    assert {len(keys) for keys in mine["candidates"]} == {2}


def test_the_intruders_own_address_and_agent_settle_the_key(story: Open) -> None:
    case, truth = story("two_active_keys")
    rows = object_access.requests(case)
    away = rows[(rows["user_agent"] == "rclone/v1.64.2") & (rows["bucket"] == "exports")]
    assert set(away["attribution"]) == {"C"}
    assert set(away["access_key_id"]) == set(truth.facts["access_keys"])


def test_another_client_behind_the_owners_address_counts_as_the_intruders_where_its_acts_are_foreign(
    story: Open,
) -> None:
    case, _ = story("burst_through_the_nat")
    bounds = object_access.bounds(case).set_index("bucket")
    assert bounds.loc["ledgers", "objects_lower"] == 300
    assert bounds.loc["exports", "objects_likely"] >= 55
    assert bounds.loc["papers", "objects_upper"] == 0


def test_in_the_quiet_story_nothing_is_the_intruders(story: Open) -> None:
    case, _ = story("quiet")
    rows = object_access.requests(case)
    assert set(rows["counted_in"]) == {"owner"}
    for finding in findings(case):
        if finding.subject.bucket in ("papers", "exports"):
            assert finding.status == "not_observed", finding.statement
            assert finding.actor is None
