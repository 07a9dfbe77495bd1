"""Facts on sources: what was fetched is named by kind, and each kind's objects are read as that kind alone."""

from __future__ import annotations

from pathlib import Path

from ir_kit.collect.log_objects import AccessLogPlace, Listed, Place, PrefixPlace, TrailPlace, path_of
from ir_kit.collect.plan import log_folders
from ir_kit.incident import load_incident, new_incident
from ir_kit.ingest.walking import found_files

TRAIL = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/01/x.json.gz"
DIGEST = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/y.json.gz"
LOG = "2026-03-01-00-00-00-0123456789ABCDEF"


def fetched(raw: Path, bucket: str, key: str, version: str = "", source: str = "cloudtrail") -> None:
    """An object that lies where a collection puts it."""
    listed = Listed(source, bucket, key, version, not version, "", 0, "", "")  # type: ignore[arg-type]
    path = raw / path_of(listed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def named(raw: Path, places: list[Place]) -> dict[str, list[str]]:
    return {
        kind: [one.relative_to(raw).as_posix() for one in folders] for kind, folders in log_folders(raw, places).items()
    }


def test_a_bucket_of_one_kind_is_named_whole(tmp_path: Path) -> None:
    fetched(tmp_path, "trail", f"pre/{TRAIL}")
    fetched(tmp_path, "trail", f"pre/{TRAIL}", "v1")
    fetched(tmp_path, "logs", f"app/{LOG}")
    places: list[Place] = [TrailPlace("trail", "pre/"), AccessLogPlace("logs", "app/", "b"), TrailPlace("empty")]
    assert named(tmp_path, places) == {"cloudtrail": ["trail", "@versions/trail"], "access_logs": ["logs"]}


def test_a_bucket_of_both_kinds_is_named_by_their_prefixes(tmp_path: Path) -> None:
    fetched(tmp_path, "both", f"pre/{TRAIL}")
    fetched(tmp_path, "both", f"s3/a:b/app-{LOG}")
    fetched(tmp_path, "both", f"s3/c/{LOG}", "v1")
    places: list[Place] = [
        TrailPlace("both", "pre/"), AccessLogPlace("both", "s3/a:b/app-", "b"), AccessLogPlace("both", "s3/", "c"),
    ]  # fmt: skip
    assert named(tmp_path, places) == {
        "cloudtrail": ["both/pre/AWSLogs", "@versions/both"],
        "access_logs": ["both/s3", "@versions/both"],
    }


def test_each_object_is_read_as_the_log_that_it_is(tmp_path: Path) -> None:
    window = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"}
    path = new_incident(tmp_path, "I", {"access_keys": ["AKIAIOSFODNN7EXAMPLE"], "window": window, "sources": {}})
    raw = path.parent / "raw"
    for version in ("", "v1"):
        for key in (TRAIL, DIGEST, LOG, f"AWSLogs/{LOG}", "x" * 200 + f"/{LOG}"):
            fetched(raw, "both", key, version)
    fetched(raw, "both", "reports/b/all/data/0.csv.gz", source="inventory")
    places: list[Place] = [TrailPlace("both"), AccessLogPlace("both", "", "b"), PrefixPlace("both", "reports/")]
    sources = {kind: [str(one) for one in folders] for kind, folders in log_folders(raw, places).items()}
    path.unlink()
    new_incident(tmp_path, "I", {"access_keys": ["AKIAIOSFODNN7EXAMPLE"], "window": window, "sources": sources})
    found = list(found_files(load_incident("I", tmp_path), tmp_path / "store"))
    read = [(one.kind, one.location.rpartition("/")[2]) for one in found if one.read]
    assert sorted(read) == sorted([("cloudtrail", "x.json.gz"), *[("access_log", LOG)] * 3] * 2)
    assert {one.location.rpartition("/")[2] for one in found if not one.read} == {"y.json.gz"}
