"""What is held, what could not be read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from ir_kit.evidence import questions as evidence

World = Any
LINE = "a" * 64 + (
    ' papers [02/Mar/2026:10:00:0{n} +0000] 192.0.2.1 - REQ{n} REST.GET.OBJECT a "GET /a HTTP/1.1" '
    '200 - 10 10 1 1 "-" "x" - '
    "host= SigV4 - AuthHeader papers.s3.amazonaws.com TLSv1.2 - -\n"
)


def test_coverage_counts_every_record_once_by_class_bucket_region_and_day(world: World) -> None:
    world.call("10:00", world.admin, "ListUsers")
    world.call("2026-01-01T10:00:00", world.admin, "ListUsers")
    world.object_call("10:00", world.admin, "GetObject", "papers", "a", region="eu-west-1")
    world.records.append(world.records[-1])
    frame = evidence.coverage(world.case()).query("source_kind == 'cloudtrail'")
    rows = {
        (row.record_class, None if pd.isna(row.bucket) else row.bucket, row.aws_region, row.day.date().isoformat()): (
            row.records,
            row.duplicates,
        )
        for row in frame.itertuples()
    }
    assert rows == {
        ("management", None, "us-east-1", "2026-01-01"): (1, 0),
        ("management", None, "us-east-1", "2026-03-02"): (1, 0),
        ("data_read", "papers", "eu-west-1", "2026-03-02"): (2, 1),
    }


def test_the_region_of_access_log_lines_is_that_of_the_bucket_where_configuration_tells(world: World) -> None:
    world.answer("s3", "GetBucketLocation", {"Bucket": "papers"}, {"LocationConstraint": None})
    world.answer("s3", "GetBucketLocation", {"Bucket": "plans"}, {"LocationConstraint": "eu-west-1"})
    world.answer("s3", "GetBucketLocation", {"Bucket": "other"}, error="AccessDenied")
    for number, bucket in enumerate(("papers", "plans", "other")):
        world.lines.append(LINE.replace("{n}", str(number)).replace("papers", bucket))
    world.call("10:00", world.admin, "ListUsers")
    frame = evidence.coverage(world.case()).query("source_kind == 'access_log'").set_index("bucket")
    assert frame["aws_region"].fillna("?").to_dict() == {"papers": "us-east-1", "plans": "eu-west-1", "other": "?"}
    assert set(frame["record_class"]) == {"server_access_log"}


def test_what_could_not_be_read_is_counted_and_kept(world: World) -> None:
    world.lines += [LINE.replace("{n}", "1"), "not a line\n"]
    world.call("10:00", world.admin, "ListUsers")
    case = world.case()
    rejected = evidence.rejects(case)
    assert list(rejected["number"]) == [2]
    coverage = evidence.coverage(case)
    assert coverage["rejected"].sum() == 1
    assert coverage["records"].sum() == evidence.sources(case)["records"].sum()


def test_tables_are_written_with_their_types(world: World) -> None:
    world.call("10:00", world.admin, "ListUsers")
    case = world.case()
    evidence.coverage(case)
    frame = pd.read_parquet(case.staging / "tables" / "evidence" / "coverage.parquet")
    assert frame["day"].iloc[0] == date(2026, 3, 2)
    assert str(frame["first_time"].dtype) == "datetime64[us, UTC]"
