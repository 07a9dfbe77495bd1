"""What playbook 05 says, and what the other playbooks take from it for their zeros."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ir_kit.coverage import visibility as seen
from ir_kit.errors import EvidenceError
from ir_kit.findings import Finding
from ir_kit.key_activity.findings import findings as key_activity_findings
from ir_kit.logging_gaps.findings import findings as logging_gaps_findings
from ir_kit.scoping.findings import findings as scoping_findings

World = Any
KEY = "AKIAIOSFODNN7EXAMPLE"
TRAIL = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"
OBJECTS = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}


def with_trail(world: World, *data_resources: dict[str, Any]) -> None:
    trail = {
        "Name": "main", "TrailARN": TRAIL, "HomeRegion": "us-east-1", "S3BucketName": "logs-bucket",
        "IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": True,
    }  # fmt: skip
    selectors = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": list(data_resources)}
    world.answer("cloudtrail", "DescribeTrails", {}, {"trailList": [trail]})
    world.answer("cloudtrail", "GetTrailStatus", {"Name": TRAIL}, {"IsLogging": True})
    world.answer(
        "cloudtrail", "GetEventSelectors", {"TrailName": TRAIL}, {"TrailARN": TRAIL, "EventSelectors": [selectors]}
    )
    for time in ("2026-02-27T00:00:00", "2026-03-08T23:00:00", "2026-03-09T08:59:00"):
        world.call(time, world.admin, "ListUsers")


def stopped(world: World, start: str = "10:00", end: str = "12:00", who: Any = None, **more: Any) -> None:
    for time, name in ((start, "StopLogging"), (end, "StartLogging")):
        world.call(
            time, who or world.admin, name, source="cloudtrail", requestParameters={"name": TRAIL}, **more
        )  # fmt: skip


def named(found: list[Finding], question: str, **subject: str) -> Finding:
    return next(
        one for one in found if one.question_id == question and subject.items() <= one.subject.model_dump().items()
    )  # fmt: skip


def test_every_question_is_asked_where_there_is_nothing_to_find(world: World) -> None:
    with_trail(world)
    world.object_call("10:00", world.admin, "GetObject", "b", "k")
    found = logging_gaps_findings(world.case())
    assert Counter(one.question_id for one in found) == {
        "blind_time": 4, "log_tampering": 1, "log_integrity": 1, "access_log_completeness": 1,
        "last_used_contradiction": 1, "recommendations": 1,
    }  # fmt: skip
    assert len({one.id for one in found}) == len(found)


def test_a_zero_is_not_observed_where_management_events_were_logged_throughout(world: World) -> None:
    with_trail(world)
    case = world.case()
    for one in (named(scoping_findings(case), "footholds_gained"), named(logging_gaps_findings(case), "log_tampering")):
        assert (one.status, one.confidence) == ("not_observed", "high")


def test_a_zero_is_not_knowable_where_the_trail_was_off_and_its_hours_are_told(world: World) -> None:
    with_trail(world)
    stopped(world)
    found = named(scoping_findings(world.case()), "footholds_gained")
    assert (found.status, found.confidence) == ("not_knowable", "low")
    assert "1 h 55 min of 168 h in us-east-1 (2026-03-02 10:05 to 12:00 UTC: main was off" in found.limits[0]


def test_a_finding_above_zero_names_what_was_blind(world: World) -> None:
    with_trail(world)
    stopped(world)
    world.call("13:00", world.owner, "CreateUser", requestParameters={"userName": "a"})
    found = named(scoping_findings(world.case()), "footholds_gained")
    assert found.status == "observed"
    assert found.limits[0].startswith("Management events were not logged for 1 h 55 min of 168 h")


@pytest.mark.parametrize(("resources", "status"), [([], "not_knowable"), ([OBJECTS], "not_observed")])
def test_probing_needs_data_events_of_every_bucket_too(world: World, resources: list[Any], status: str) -> None:
    with_trail(world, *resources)
    world.answer("s3", "GetBucketLocation", {"Bucket": "b"}, {"LocationConstraint": None})
    found = key_activity_findings(world.case())
    assert named(found, "probing").status == status
    calls = named(found, "activity_seen")
    assert (calls.status, calls.confidence) == ("not_observed", "high" if resources else "medium")
    assert any("Object-level data events have gaps" in limit for limit in calls.limits) is not bool(resources)


def test_where_visibility_cannot_be_worked_out_the_reason_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(case: Any) -> None:
        raise EvidenceError("the digests cannot be read", "digest.json.gz", "collect them again")

    monkeypatch.setattr(seen, "visible", fails)
    with_trail(world)
    found = named(scoping_findings(world.case()), "footholds_gained")
    assert found.status == "not_knowable"
    assert "is unknown: the digests cannot be read" in found.limits[0]


def test_a_gap_that_a_recorded_act_made_is_observed_with_its_hours(world: World) -> None:
    with_trail(world)
    world.object_call("09:00", world.admin, "GetObject", "b", "k")
    stopped(world)
    found = named(logging_gaps_findings(world.case()), "blind_time", bucket="b", record_class="management")
    assert found.status == "observed"
    assert found.values["blind_hours"] == pytest.approx(115 / 60)


def test_a_gap_known_from_settings_alone_is_inferred_and_none_is_not_observed(world: World) -> None:
    with_trail(world)
    world.object_call("09:00", world.admin, "HeadBucket", "b")
    world.answer("s3", "GetBucketLogging", {"Bucket": "b"}, {})
    found = logging_gaps_findings(world.case())
    off = named(found, "blind_time", bucket="b", record_class="server_access_log")
    assert (off.status, off.values["blind_hours"]) == ("inferred", 168.0)
    on = named(found, "blind_time", bucket="b", record_class="management")
    assert (on.status, on.values["blind_hours"]) == ("not_observed", 0.0)


def test_hours_that_are_not_known_are_not_knowable(world: World) -> None:
    with_trail(world)
    world.object_call("09:00", world.admin, "HeadBucket", "b")
    found = named(logging_gaps_findings(world.case()), "blind_time", bucket="b", record_class="server_access_log")
    assert (found.status, found.values["unknown_hours"]) == ("not_knowable", 168.0)


def test_calls_against_logging_are_counted_with_the_attempts_that_failed(world: World) -> None:
    with_trail(world)
    stopped(world, who=world.owner)
    parameters = {"requestParameters": {"name": TRAIL}, "source": "cloudtrail", "error": "AccessDenied"}
    world.call("13:00", world.owner, "DeleteTrail", **parameters)
    found = named(logging_gaps_findings(world.case()), "log_tampering")
    assert found.status == "observed"
    assert (found.values["acts"], found.values["succeeded"], found.values["failed"]) == (2, 1, 1)
    assert "1 attempt failed without effect" in found.statement


def test_files_without_digests_are_not_knowable(world: World) -> None:
    with_trail(world)
    found = named(logging_gaps_findings(world.case()), "log_integrity")
    assert (found.status, found.values["unverified"], found.values["valid"]) == ("not_knowable", 1, 0)


@pytest.mark.parametrize(("off", "status", "count"), [(False, "observed", 1), (True, "not_knowable", 0)])
def test_a_noted_use_without_a_record_is_a_contradiction_where_it_would_have_been_logged(
    world: World, off: bool, status: str, count: int
) -> None:
    with_trail(world)
    last = {"LastUsedDate": "2026-03-02T11:00:00Z", "ServiceName": "iam", "Region": "us-east-1"}
    world.answer("iam", "GetAccessKeyLastUsed", {"AccessKeyId": KEY}, {"UserName": "legacy", "AccessKeyLastUsed": last})
    if off:
        stopped(world)
    found = named(logging_gaps_findings(world.case()), "last_used_contradiction")
    assert (found.status, found.values["contradictions"], found.values["uses_without_record"]) == (status, count, 1)


def test_recommendations_have_their_steps_and_their_price(world: World) -> None:
    with_trail(world)
    world.object_call("09:00", world.admin, "HeadBucket", "b")
    world.answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": "b"}, {"Name": "logs-bucket"}]})
    world.answer("s3", "GetBucketLogging", {"Bucket": "b"}, {})
    found = named(logging_gaps_findings(world.case()), "recommendations")
    steps, low, high = (found.values[name] for name in ("steps", "monthly_cost_usd_low", "monthly_cost_usd_high"))
    assert isinstance(steps, int) and isinstance(low, float) and isinstance(high, float)
    assert (found.status, steps > 0, low <= high) == ("inferred", True, True)
