"""How much a bucket held, by its metrics and by S3's own lists of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

import ir_kit.object_access
from ir_kit.engine import bound

SQL = (Path(ir_kit.object_access.__file__).parent / "bucket_sizes.sql").read_text(encoding="utf-8")
WINDOW = {"window_start": datetime(2026, 3, 1, tzinfo=UTC), "window_end": datetime(2026, 3, 8, tzinfo=UTC)}


def sizes(settings: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """The answer on these settings, by bucket."""
    connection = duckdb.connect()
    columns = "operation varchar, answer varchar, parameters varchar, response varchar, line_number bigint"
    connection.execute(f"create table settings ({columns})")
    for number, one in enumerate(settings):
        connection.execute("insert into settings values (?, ?, ?, ?, ?)", [*one.values(), number])
    return {row[0]: row[1:] for row in connection.execute(*bound(SQL, WINDOW)).fetchall()}


def held(settings: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {bucket: row[:4] for bucket, row in sizes(settings).items()}


def served(settings: list[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    return {bucket: row[4:] for bucket, row in sizes(settings).items() if row[4:] != (None,) * 4}


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
    assert held(settings) == {"papers": (7, 42, "2026-03-03", said)}
    assert held(settings * 2) == held(settings)  # collected twice


def test_days_of_the_window_and_the_one_before_go_before_all_others() -> None:
    asked = metric(
        "NumberOfObjects", "AllStorageTypes", ("2026-02-27", 99.0), ("2026-02-28", 5.0), ("2026-03-08", 77.0)
    )
    assert held(metrics(asked))["papers"][2] == "2026-02-28"
    before = metric("NumberOfObjects", "AllStorageTypes", ("2026-02-27", 99.0))
    assert held(metrics(before))["papers"] == (99, None, "2026-02-27", "CloudWatch NumberOfObjects")


def test_a_report_counts_with_its_older_versions_once_all_of_its_files_are_counted() -> None:
    found = held(report(COUNTED, COUNTED))["papers"]
    assert found == (84, 840, "2026-03-05", "S3 Inventory, s3://reports/inv/manifest.json")
    assert held(report(COUNTED, None)) == {}
    assert held(report({**COUNTED, "Bytes": None}))["papers"][:2] == (42, None)


def test_of_two_that_speak_the_one_that_says_more_is_taken() -> None:
    asked = metric("NumberOfObjects", "AllStorageTypes", ("2026-03-03", 50.0))
    assert held([*metrics(asked), *report(COUNTED)])["papers"][0] == 50
    assert held([*metrics(asked), *report(COUNTED, COUNTED)])["papers"][0] == 84


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
    told = {"papers": (7, 50, 2, "CloudWatch request metrics, filter all")}
    assert served([*asked, known]) == told
    assert served([*asked * 2, known]) == told  # collected twice
    assert served(asked) == {}  # what the filters leave out is not known
