"""The questions of playbook 05 put together, on a small account: what each takes from the others."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ir_kit.case import Case
from ir_kit.coverage import integrity as checked
from ir_kit.logging_gaps import questions as logging_gaps
from ir_kit.scoping import questions as scoping

World = Any
TRAIL = "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"
OBJECTS = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
KEY = "AKIAIOSFODNN7EXAMPLE"


def with_trail(world: World, *data_resources: dict[str, Any]) -> None:
    """A trail that was on for the whole window, by what was answered after it, and records of its beginning and end."""
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


def used(world: World, time: str, service: str = "iam", region: str = "us-east-1") -> None:
    last = {"LastUsedDate": f"2026-03-02T{time}:00Z", "ServiceName": service, "Region": region}
    world.answer("iam", "GetAccessKeyLastUsed", {"AccessKeyId": KEY}, {"UserName": "legacy", "AccessKeyLastUsed": last})


def logged_status(case: Case) -> str:
    return str(scoping.key_facts(case)["last_used_logged_status"].iloc[0])


def test_hours_add_up_to_the_window_for_each_bucket_and_class(world: World) -> None:
    with_trail(world)
    world.object_call("10:00", world.admin, "GetObject", "b", "k")
    case = world.case()
    hours = logging_gaps.blind_time(case)
    names = ["not_logged_hours", "lost_hours", "unknown_hours", "uncertain_hours", "logged_hours"]
    assert hours[names].sum(axis=1).tolist() == pytest.approx([168.0] * len(hours))
    assert hours["blind_hours"].tolist() == pytest.approx(hours[names[:3]].sum(axis=1).tolist())
    assert set(hours["record_class"][hours["bucket"] == "b"]) == {
        "management", "data_read", "data_write", "server_access_log",
    }  # fmt: skip


def test_what_lost_files_held_is_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with_trail(world)
    start, end = (pd.Timestamp(f"2026-03-02T{hour}:00Z") for hour in ("10:00", "11:30"))
    span = {"aws_region": "us-east-1", "start_time": start, "end_time": end, "basis": "log file missing"}
    monkeypatch.setattr(checked, "lost_spans", lambda case: [span | {"trail_name": "main"}])
    case = world.case()
    seen = logging_gaps.visibility(case)
    lost = seen[seen["state"] == "lost"]
    assert lost[["start_time", "end_time"]].drop_duplicates().to_numpy().tolist() == [[start, end]]
    assert logging_gaps.blind_time(case)["lost_hours"].max() == 1.5


def test_every_question_writes_its_table(world: World) -> None:
    with_trail(world)
    case = world.case()
    for name in ("visibility", "blind_time", "trails", "tampering", "contradictions", "integrity", "completeness",
                 "recommendations"):  # fmt: skip
        getattr(logging_gaps, name)(case)
        assert (case.staging / "tables" / "logging_gaps" / f"{name}.parquet").is_file(), name
    logging_gaps.digest_chain(case)
    assert (case.staging / "tables" / "logging_gaps" / "digests.parquet").is_file()


def test_each_bucket_in_scope_has_its_losses_also_where_nothing_can_be_compared(world: World) -> None:
    with_trail(world)
    world.object_call("10:00", world.admin, "GetObject", "b", "k")
    losses = logging_gaps.access_log_losses(world.case()).set_index("bucket")
    assert losses.loc["b", ["both_hours", "cloudtrail_requests"]].tolist() == [0.0, 0]
    assert pd.isna(losses.loc["b", "loss_upper"])


def test_what_is_wrong_comes_before_what_is_right() -> None:
    frame = pd.DataFrame({"state": ["valid", "unverified", "missing", "valid", "modified"], "n": range(5)})
    assert logging_gaps.worst_first(frame)["n"].tolist() == [2, 4, 1, 0, 3]


def test_a_use_that_would_have_been_logged_and_is_not_there_is_a_contradiction(world: World) -> None:
    with_trail(world)
    used(world, "10:00")
    assert logged_status(world.case()) == "no"


def test_whether_a_use_of_s3_was_logged_is_unknown_where_no_bucket_is_known(world: World) -> None:
    with_trail(world)
    used(world, "10:00", "s3")
    assert logged_status(world.case()) == "unknown"


def test_a_use_with_an_event_within_fifteen_minutes_is_logged(world: World) -> None:
    with_trail(world)
    used(world, "10:00")
    world.call("10:14", world.owner, "ListUsers")
    assert logged_status(world.case()) == "yes"


def test_a_use_while_the_trail_was_off_is_unknown(world: World) -> None:
    with_trail(world)
    used(world, "10:00")
    for time, name in (("09:00", "StopLogging"), ("11:00", "StartLogging")):
        world.call(time, world.admin, name, source="cloudtrail", requestParameters={"name": TRAIL})
    assert logged_status(world.case()) == "unknown"


@pytest.mark.parametrize(("resources", "status"), [([], "unknown"), ([OBJECTS], "no")])
def test_a_use_of_s3_would_be_logged_only_with_data_events_on_every_bucket(
    world: World, resources: list[Any], status: str
) -> None:
    with_trail(world, *resources)
    world.object_call("20:00", world.admin, "GetObject", "b", "k")
    used(world, "10:00", "s3", "N/A")
    assert logged_status(world.case()) == status


def test_a_use_of_a_service_with_data_events_of_its_own_stays_unknown(world: World) -> None:
    with_trail(world)
    used(world, "10:00", "dynamodb")
    assert logged_status(world.case()) == "unknown"
