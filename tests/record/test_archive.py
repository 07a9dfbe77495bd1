"""Facts on copying a sealed run to S3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from moto import mock_aws

from ir_kit.aws.guard import RefusedCall
from ir_kit.errors import ParameterError
from ir_kit.record.archive import Archive, ArchiveError
from ir_kit.record.bag import partial_folder, seal

STARTED = datetime(2026, 3, 9, tzinfo=UTC)
FOLDER = "cases/INC-1/20260309T000000Z/"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket of moto's with Object Lock and a default retention."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = botocore.session.get_session().create_client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="records", ObjectLockEnabledForBucket=True)
        lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
        client.put_object_lock_configuration(Bucket="records", ObjectLockConfiguration=lock)
        yield client


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A sealed run of two files."""
    with partial_folder(tmp_path, STARTED) as folder:
        (folder / "tables").mkdir()
        (folder / "tables" / "a b.parquet").write_bytes(b"rows")
        (folder / "report.html").write_text("<p>")
        return seal(folder, tmp_path, STARTED, "INC-1")[0]


def keys(s3: Any) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket="records").get("Contents", [])]


def test_every_file_of_the_run_is_copied_with_its_hash_and_under_retention(s3: Any, run: Path) -> None:
    told: list[str] = []
    assert Archive("s3://records/cases").copy(run, "INC-1", told.append) == f"s3://records/{FOLDER}".rstrip("/")
    files = sorted(FOLDER + path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    assert keys(s3) == files
    assert told == [f"copied {len(files)} files to s3://records/{FOLDER}".rstrip("/")]
    head = s3.head_object(Bucket="records", Key=files[0], ChecksumMode="ENABLED")
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ChecksumSHA256"]
    body = s3.get_object(Bucket="records", Key=FOLDER + "data/tables/a b.parquet")["Body"].read()
    assert body == b"rows"


def test_the_tag_manifest_goes_last(s3: Any, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive("s3://records/cases/")
    put, order = archive._put, []
    monkeypatch.setattr(archive, "_put", lambda path, key, sealed: (order.append(path.name), put(path, key, sealed)))
    archive.copy(run, "INC-1")
    assert order[-1] == "tagmanifest-sha256.txt"
    assert order.count("tagmanifest-sha256.txt") == 1


def test_nothing_is_written_over(s3: Any, run: Path) -> None:
    s3.put_object(
        Bucket="records", Key=FOLDER + "data/report.html", Body=b"theirs", ContentMD5="zpepDvWenHaCY3VGgvaL1g=="
    )
    with pytest.raises(ArchiveError, match="an object stands there already: s3://records/cases/INC-1/.*/report.html"):
        Archive("s3://records/cases").copy(run, "INC-1")
    assert not [key for key in keys(s3) if "tagmanifest" in key]  # so it is no run
    assert s3.get_object(Bucket="records", Key=FOLDER + "data/report.html")["Body"].read() == b"theirs"


def test_a_file_that_is_not_what_was_sealed_is_not_copied(s3: Any, run: Path) -> None:
    (run / "data" / "report.html").write_text("<b>")
    with pytest.raises(ArchiveError, match="a file is not what was sealed"):
        Archive("s3://records/cases").copy(run, "INC-1")
    assert FOLDER + "data/report.html" not in keys(s3)


def test_a_bucket_that_is_none_is_one_line_that_says_where_the_run_is(s3: Any, run: Path) -> None:
    with pytest.raises(ArchiveError, match="sealed at home and was not copied whole .NoSuchBucket") as caught:
        Archive("s3://nowhere/cases").copy(run, "INC-1")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("place", ["records/cases", "s3://records", "s3://records/", "https://records/cases"])
def test_a_place_that_is_none_is_refused(place: str) -> None:
    with pytest.raises(ParameterError, match="s3://BUCKET/PREFIX"):
        Archive(place)


@pytest.mark.parametrize(
    ("call", "parameters"),
    [
        ("put_object", {"Key": "elsewhere/x", "Body": b""}),
        ("put_object", {"Key": "cases/../x", "Body": b""}),
        ("get_object", {"Key": "cases/x"}),
        ("delete_object", {"Key": "cases/x"}),
        ("list_objects_v2", {}),
    ],
)
def test_its_client_puts_below_the_prefix_and_does_nothing_else(s3: Any, call: str, parameters: dict[str, Any]) -> None:
    archive = Archive("s3://records/cases")
    with pytest.raises(RefusedCall):
        getattr(archive._client, call)(Bucket="records", **parameters)
