"""Facts on reports of S3 Inventory: which are fetched, what they are counted as, and what is said of the others."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from fake_s3 import Bucket, FakeS3

from ir_kit.aws.clients import Session
from ir_kit.collect import inventory_reports as inventory
from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.calls import Calls
from ir_kit.collect.fetching import fetch_objects
from ir_kit.collect.listing import list_objects

END = datetime(2026, 3, 8, tzinfo=UTC)
DAYS = ("2026-03-01T01-00Z", "2026-03-07T01-00Z", "2026-03-08T01-00Z", "2026-03-09T01-00Z")
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size"
ROWS = [("a", "v1", True, False, 10), ("a", "v0", False, False, 5), ("b", "v1", True, True, None), ("c", "", True, False, 7)]  # fmt: skip
COUNTED = {"Objects": 2, "Bytes": 17, "OlderVersions": 1, "OlderBytes": 5}


def csv_file() -> bytes:
    def text(value: Any) -> str:
        return "" if value is None else str(value).lower()

    lines = [",".join(f'"{text(one)}"' for one in ("data", *row)) for row in ROWS]
    return gzip.compress("\n".join(lines).encode(), mtime=0)


def parquet_file() -> bytes:
    names = ("key", "version_id", "is_latest", "is_delete_marker", "size")
    file = io.BytesIO()
    columns = zip(names, zip(*ROWS, strict=True), strict=True)
    pyarrow.parquet.write_table(pa.table({name: list(values) for name, values in columns}), file)
    return file.getvalue()


def deliver(bucket: Bucket, day: str, contents: dict[str, bytes], style: str = "CSV", **changed: Any) -> None:
    """A report as S3 delivers it below `inv/data/all/`."""
    root = "inv/data/all/"
    named = [{"key": f"{root}data/{name}", "size": len(body), "MD5checksum": ""} for name, body in contents.items()]
    for name, body in contents.items():
        bucket.put(f"{root}data/{name}", body)
    moment = datetime.strptime(day, "%Y-%m-%dT%H-%MZ").replace(tzinfo=UTC)
    manifest = {
        "sourceBucket": "data", "destinationBucket": "arn:aws:s3:::reports", "version": "2016-11-30", "fileFormat": style,
        "creationTimestamp": str(int(moment.timestamp() * 1000)), "fileSchema": SCHEMA, "files": named,
    }  # fmt: skip
    bucket.put(f"{root}{day}/manifest.json", json.dumps(manifest | changed).encode())
    bucket.put(f"{root}{day}/manifest.checksum", b"0")


class Collection:
    """The steps of a collection that bear on inventories."""

    def __init__(self, session: Session, folder: Path, *configured: dict[str, Any]) -> None:
        self.session, self.evidence = session, folder / "evidence"
        self.calls = Calls(session, folder / "calls.jsonl", lambda: END)
        self.calls.account = "111122223333"
        found = {"InventoryConfigurationList": list(configured), "IsTruncated": False}
        self.calls.note("s3", "ListBucketInventoryConfigurations", {"Bucket": "data"}, "us-east-1", found)
        self.notes: list[str] = []
        self.said: list[str] = []

    def fetch(self, places: list[Any]) -> None:
        spool = self.evidence / "listed.jsonl"
        listing = list_objects(self.session, places, END, END, spool)
        fetch_objects(self.session, listing, self.evidence)

    def run(self) -> list[dict[str, Any]]:
        """The answers to GetObject."""
        account = AccountInventory("111122223333", "arn:aws:iam::111122223333:role/ir", buckets={"data": "us-east-1"})
        found = inventory.find_reports(self.calls, account, END, self.notes)
        self.fetch([place for one in found for place in one.places([one.key])])
        inventory.read_manifests(found, self.evidence, self.notes)
        self.fetch([place for one in found for place in one.places(list(one.files))])
        inventory.note_reports(self.calls, found, self.evidence, self.notes, self.said.append)
        return [line for line in self.calls.lines() if line["operation"] == "GetObject"]


def configured(name: str = "all", **more: Any) -> dict[str, Any]:
    return {
        "Id": name,
        "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::reports", "Prefix": "inv"}},
    } | more


def test_the_newest_report_before_the_end_and_the_first_after_it_are_fetched_and_counted(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    s3.buckets["reports"] = Bucket()
    for number, day in enumerate(DAYS):
        deliver(s3.buckets["reports"], day, {f"{number}.csv.gz": csv_file()})
    collection = Collection(session, tmp_path, configured())
    answers = collection.run()
    assert collection.notes == []
    lying = {
        path.relative_to(collection.evidence / "raw").as_posix() for path in collection.evidence.rglob("raw/**/*.*")
    }
    root = "@inventory/reports/inv/data/all"
    days = [f"{root}/{day}/manifest.json" for day in DAYS[1:3]]
    assert lying == {*days, f"{root}/data/1.csv.gz", f"{root}/data/2.csv.gz"}
    assert [line["parameters"]["Key"].removeprefix("inv/data/all/") for line in answers] == [
        "2026-03-07T01-00Z/manifest.json", "2026-03-08T01-00Z/manifest.json", "data/1.csv.gz", "data/2.csv.gz",
    ]  # fmt: skip
    assert answers[0]["response"]["Body"]["sourceBucket"] == "data"
    assert [line["response"].get("Counted") for line in answers] == [None, None, COUNTED, COUNTED]
    assert collection.said == [f"the report of {day} by the inventory all of data: 2 objects" for day in DAYS[1:3]]


def test_parquet_is_counted_as_csv_is(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    s3.buckets["reports"] = Bucket()
    deliver(s3.buckets["reports"], DAYS[0], {"0.parquet": parquet_file()}, "Parquet", fileSchema="message schema {}")
    assert Collection(session, tmp_path, configured()).run()[-1]["response"]["Counted"] == COUNTED


def test_a_file_that_cannot_be_read_is_said_and_not_counted(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    s3.buckets["reports"] = Bucket()
    deliver(s3.buckets["reports"], DAYS[0], {"0.csv.gz": csv_file(), "1.csv.gz": b"\x1f\x8b no"})
    collection = Collection(session, tmp_path, configured())
    assert len(collection.run()) == 2
    (note,) = collection.notes
    assert note.endswith("1.csv.gz was not fetched or cannot be read: its objects are not counted")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"style": "ORC"}, "its files are ORC, which is not read; they are not fetched"),
        (
            {"files": [{"key": "secrets/all", "size": 1}]},
            "its manifest was not fetched, cannot be read, or is not of this inventory",
        ),
        ({"sourceBucket": "other"}, "its manifest was not fetched, cannot be read, or is not of this inventory"),
        ({"creationTimestamp": "9" * 30}, "its manifest was not fetched, cannot be read, or is not of this inventory"),
    ],
)
def test_a_report_that_does_not_serve_is_said_and_its_files_are_left(
    s3: FakeS3, session: Session, tmp_path: Path, changed: dict[str, Any], says: str
) -> None:
    s3.buckets["reports"] = Bucket()
    s3.buckets["reports"].put("secrets/all", b"x")
    deliver(s3.buckets["reports"], DAYS[0], {"0.csv.gz": csv_file()}, **changed)
    collection = Collection(session, tmp_path, configured())
    assert collection.run() == []
    assert collection.notes == [f"the report of {DAYS[0]} by the inventory all of data: {says}"]
    assert {path.name for path in collection.evidence.rglob("raw/**/*.*")} == {"manifest.json"}


def test_an_inventory_of_one_prefix_or_without_a_report_is_said(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    s3.buckets["reports"] = Bucket()
    collection = Collection(session, tmp_path, configured("part", Filter={"Prefix": "x/"}), configured("new"))
    assert collection.run() == []
    assert collection.notes == [
        "the inventory new of data has no report in s3://reports/inv/data/new/",
        "the inventory part of data lists one prefix alone: its reports are not fetched",
    ]


def test_a_destination_that_refuses_is_said(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    s3.buckets["reports"] = Bucket(refused=("ListObjectsV2",))
    collection = Collection(session, tmp_path, configured())
    assert collection.run() == []
    assert collection.notes == [
        "the reports of the inventory all of data: s3://reports/inv/data/all/ was refused (AccessDenied)"
    ]
