"""Facts on what is said before anything is fetched, and on who may be named a responder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.calls import Calls
from ir_kit.collect.collecting import note_refusals
from ir_kit.collect.log_objects import AccessLogPlace, Listing, Refusal, TrailPlace
from ir_kit.collect.plan import describe_listing, estimate, places
from ir_kit.incident import load_incident, new_incident
from ir_kit.ingest.walking import found_files

CALLER = "arn:aws:sts::111122223333:assumed-role/ir/night"


def inventory() -> AccountInventory:
    trail = {"Name": "main", "HomeRegion": "us-east-1", "S3BucketName": "central-logs", "S3KeyPrefix": "pre/"}
    found = AccountInventory("111122223333", CALLER, ["us-east-1"], [trail])
    found.buckets = {"customer-records": "us-east-1", "app-exports": "eu-west-1", "logs": "us-east-1"}
    found.owned = dict(found.buckets)
    found.access_logs = {
        "customer-records": AccessLogPlace("logs", "cr-", "customer-records", "111122223333", "us-east-1", False),
        "app-exports": AccessLogPlace("logs", "", "app-exports", "111122223333", "eu-west-1", True),
        "logs": None,
    }
    return found


def test_logs_are_looked_for_where_trails_and_buckets_deliver() -> None:
    assert places(inventory()) == [
        TrailPlace("central-logs", "pre/", ("111122223333",), ()),
        AccessLogPlace("logs", "", "app-exports", "111122223333", "eu-west-1", True, "us-east-1"),
        AccessLogPlace("logs", "cr-", "customer-records", "111122223333", "us-east-1", False, "us-east-1"),
    ]
    assert places(inventory(), ["us-east-1"])[0] == TrailPlace(
        "central-logs", "pre/", ("111122223333",), ("us-east-1",)
    )


def test_a_log_bucket_of_another_account_says_what_its_owner_must_allow(tmp_path: Path) -> None:
    listing = Listing(tmp_path / "listed")
    assert describe_listing(inventory(), listing) == ([], [])
    listing.refused = [Refusal("central-logs", "pre/", "us-east-1", "ListObjectsV2", "denied", "AccessDenied", "no")]
    ((line,), _) = describe_listing(inventory(), listing)
    assert line.startswith("central-logs, where trail main delivers, is not this account's and refused (AccessDenied)")
    assert f"its owner must allow {CALLER} s3:ListBucket, s3:ListBucketVersions, s3:GetObject" in line
    assert "kms:Decrypt" in line


def test_a_place_that_was_not_looked_at_is_said_with_what_is_missing(tmp_path: Path) -> None:
    listing = Listing(tmp_path / "listed", notes=["logs: too much"])
    assert describe_listing(inventory(), listing) == (["logs: too much"], [])


def test_a_list_that_was_refused_is_an_answer_of_the_configuration(tmp_path: Path) -> None:
    clients: Any = SimpleNamespace(region="us-east-1")
    shut = Refusal("central-logs", "pre/", "eu-west-1", "ListObjectsV2", "denied", "AccessDenied", "no")
    kept = Refusal("central-logs", "", "eu-west-1", "GetBucketVersioning", "denied", "AccessDenied", "no")
    calls = Calls(clients, tmp_path / "calls.jsonl")
    note_refusals(calls, Listing(tmp_path / "listed", refused=[shut, kept]))
    assert [(line["operation"], line["region"], line["parameters"], line["error"]) for line in calls.lines()] == [
        ("GetBucketVersioning", "eu-west-1", {"Bucket": "central-logs"}, {"Code": "AccessDenied", "Message": "no"}),
        (
            "ListObjectsV2", "eu-west-1", {"Bucket": "central-logs", "Prefix": "pre/"},
            {"Code": "AccessDenied", "Message": "no"},
        ),
    ]  # fmt: skip
    again = Calls(clients, tmp_path / "calls.jsonl")
    note_refusals(again, Listing(tmp_path / "listed", refused=[kept]))
    assert [line["operation"] for line in again.lines()] == ["GetBucketVersioning"]  # the list is given by now


def test_an_estimate_counts_requests_bytes_time_and_money(tmp_path: Path) -> None:
    listing = Listing(tmp_path / "listed", objects=1_000_000, bytes=100 * 10**9, requests=4_000)
    line = estimate(listing)
    assert line.startswith("to fetch: 1,000,000 objects, 100.0 GB; 28 minutes to 5.6 hours; requests cost about $0.42")
    assert "the way out of AWS $9.00 unless" in line
    little = estimate(Listing(tmp_path / "listed", objects=3, bytes=900, requests=2))
    assert little == "to fetch: 3 objects, 0.0 MB; about a minute; it costs less than $0.01"


def test_a_bucket_of_both_kinds_of_log_is_read_as_both(tmp_path: Path) -> None:
    window = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"}
    sources = {"cloudtrail": ["raw/b"], "access_logs": ["raw/b"]}
    path = new_incident(tmp_path, "I", {"access_keys": ["AKIAIOSFODNN7EXAMPLE"], "window": window, "sources": sources})
    names = ["AWSLogs/1/CloudTrail/x.json.gz", "AWSLogs/1/CloudTrail-Digest/y.json.gz", "2026-03-01-00-00-00-A"]
    for name in names:
        (path.parent / "raw/b" / name).parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "raw/b" / name).write_bytes(b"")
    found = {one.name: one.kind for one in found_files(load_incident("I", tmp_path), tmp_path / "store") if one.read}
    assert found == {names[0]: "cloudtrail", names[2]: "access_log"}
