"""How much a bucket held, by its metrics and by S3's own lists of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ir_kit.findings import object_access as findings
from ir_kit.incident import Window
from ir_kit.object_access import questions as object_access
from ir_kit.object_access.held import Held, held
from ir_kit.object_access.served import Served, served

WINDOW = Window(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 3, 8, tzinfo=UTC))


def metric(name: str, storage: str, *points: tuple[str, float]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What CloudWatch is asked of the bucket ``papers``, and answers."""
    dimensions = [{"Name": "BucketName", "Value": "papers"}, {"Name": "StorageType", "Value": storage}]
    values = [{"Timestamp": f"{day}T00:00:00Z", "Average": value} for day, value in points]
    return {"MetricName": name, "Dimensions": dimensions}, {"Label": name, "Datapoints": values}


def row(operation: str, parameters: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    return {
        "operation": operation, "answer": "answered", "parameters": json.dumps(parameters),
        "response": json.dumps(response),
    }  # fmt: skip


def metrics(*asked: tuple[dict[str, Any], dict[str, Any]]) -> list[dict[str, Any]]:
    return [row("GetMetricStatistics", *one) for one in asked]


def report(*files: dict[str, Any] | None, source: str = "papers") -> list[dict[str, Any]]:
    """An inventory's manifest of 2026-03-05 and its files, those that were counted."""
    named = [f"inv/papers/all/data/{number}.csv.gz" for number, _ in enumerate(files)]
    body = {
        "sourceBucket": source, "creationTimestamp": "1772676000000", "files": [{"key": key, "size": 1} for key in named]
    }  # fmt: skip
    found = [row("GetObject", {"Bucket": "reports", "Key": "inv/manifest.json"}, {"Body": body})]
    for key, counted in zip(named, files, strict=True):
        if counted is not None:
            found.append(row("GetObject", {"Bucket": "reports", "Key": key}, {"Counted": counted}))
    return found


COUNTED = {"Objects": 40, "Bytes": 400, "OlderVersions": 2, "OlderBytes": 20}


def test_bytes_are_those_of_every_kind_of_storage_on_one_day() -> None:
    settings = metrics(
        metric("NumberOfObjects", "AllStorageTypes", ("2026-03-02", 5.0), ("2026-03-03", 7.0)),
        metric("BucketSizeBytes", "StandardStorage", ("2026-03-02", 900.0), ("2026-03-03", 30.0)),
        metric("BucketSizeBytes", "GlacierStorage", ("2026-03-03", 12.0)),
    )
    said = "CloudWatch NumberOfObjects and BucketSizeBytes"
    assert held(settings, WINDOW) == {"papers": Held(7, 42, "2026-03-03", said)}
    assert held(settings * 2, WINDOW) == held(settings, WINDOW)  # collected twice


def test_days_of_the_window_and_the_one_before_go_before_all_others() -> None:
    asked = metric(
        "NumberOfObjects", "AllStorageTypes", ("2026-02-27", 99.0), ("2026-02-28", 5.0), ("2026-03-08", 77.0)
    )
    assert held(metrics(asked), WINDOW)["papers"].day == "2026-02-28"
    before = metric("NumberOfObjects", "AllStorageTypes", ("2026-02-27", 99.0))
    assert held(metrics(before), WINDOW)["papers"] == Held(99, None, "2026-02-27", "CloudWatch NumberOfObjects")


def test_a_report_counts_with_its_older_versions_once_all_of_its_files_are_counted() -> None:
    found = held(report(COUNTED, COUNTED), WINDOW)["papers"]
    assert found == Held(84, 840, "2026-03-05", "S3 Inventory, s3://reports/inv/manifest.json")
    assert held(report(COUNTED, None), WINDOW) == {}
    assert held(report({**COUNTED, "Bytes": None}), WINDOW)["papers"][:2] == (42, None)


def test_of_two_that_speak_the_one_that_says_more_is_taken() -> None:
    asked = metric("NumberOfObjects", "AllStorageTypes", ("2026-03-03", 50.0))
    assert held([*metrics(asked), *report(COUNTED)], WINDOW)["papers"].objects == 50
    assert held([*metrics(asked), *report(COUNTED, COUNTED)], WINDOW)["papers"].objects == 84


def counted(name: str, filter_id: str, *points: tuple[str, float]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a request metric of the bucket ``papers`` says."""
    dimensions = [{"Name": "BucketName", "Value": "papers"}, {"Name": "FilterId", "Value": filter_id}]
    values = [{"Timestamp": f"{day}T00:00:00Z", "Sum": value} for day, value in points]
    return {"MetricName": name, "Dimensions": dimensions}, {"Label": name, "Datapoints": values}


def filters(*configurations: dict[str, Any]) -> dict[str, Any]:
    return row("ListBucketMetricsConfigurations", {"Bucket": "papers"}, {"MetricsConfigurationList": [*configurations]})


def test_requests_are_those_of_the_windows_days_by_a_filter_of_the_whole_bucket() -> None:
    asked = metrics(
        counted(
            "GetRequests", "all", ("2026-02-28", 1000.0), ("2026-03-01", 3.0), ("2026-03-07", 4.0), ("2026-03-08", 9.0)
        ),
        counted("BytesDownloaded", "all", ("2026-03-01", 50.0)),
        counted("GetRequests", "part", ("2026-03-01", 70.0)),
        counted("PutRequests", "all", ("2026-03-01", 800.0)),
    )
    known = filters({"Id": "all"}, {"Id": "part", "Filter": {"Prefix": "a/"}})
    told = {"papers": Served(7, 50, 2, "CloudWatch request metrics, filter all")}
    assert served([*asked, known], WINDOW) == told
    assert served([*asked * 2, known], WINDOW) == told  # collected twice
    assert served(asked, WINDOW) == {}  # what the filters leave out is not known


@pytest.mark.slow
def test_beside_a_missing_upper_bound_stands_what_the_bucket_held(world: Any) -> None:
    for name, storage, value in (
        ("NumberOfObjects", "AllStorageTypes", 1234.0),
        ("BucketSizeBytes", "StandardStorage", 5e6),
    ):
        world.answer("cloudwatch", "GetMetricStatistics", *metric(name, storage, ("2026-03-03", value)))
    world.answer("cloudwatch", "GetMetricStatistics", *counted("GetRequests", "all", ("2026-03-02", 2500.0)))
    known = filters({"Id": "all"})
    world.answer("s3", known["operation"], json.loads(known["parameters"]), json.loads(known["response"]))
    for one in report(COUNTED, source="exports"):
        parameters, response = json.loads(one["parameters"]), json.loads(one["response"])
        world.answer("s3", one["operation"], parameters, response)
    case = world.case(buckets=["papers", "exports", "silent"])
    frame = object_access.bounds(case)
    told = {one.bucket: (one.objects_held, one.bytes_held, one.held_on) for one in frame.itertuples()}
    assert told["papers"] == (1234, 5_000_000, "2026-03-03")
    assert told["exports"] == (42, 420, "2026-03-05")
    limits = {one.subject.bucket: one.limits for one in findings(case) if one.question_id == "objects_read"}
    assert (
        "On 2026-03-03 the bucket held 1,234 objects, 5,000,000 bytes (CloudWatch NumberOfObjects and "
        "BucketSizeBytes); what came and went on other days is not in it."
    ) in limits["papers"]
    assert (
        "On the 1 day of the window that have a value the bucket served 2,500 GET requests to all its callers, the owner too "
        "(CloudWatch request metrics, filter all); these metrics are best effort, and a day without a value may be one "
        "before they were switched on."
    ) in limits["papers"]
    assert [one for one in limits["silent"] if one.startswith("How many objects the bucket held was not collected")]
