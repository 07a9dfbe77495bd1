"""Several trails in one bucket, flat folders, copies: which file is which S3 object."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ir_kit.ingest.digest_logs import Trail
from ir_kit.ingest.digests import SourceFile

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
Bucket = Any
Chained = tuple[Any, list[str], list[str]]


# several trails, odd places


def two_trails(bucket: Bucket, prefix: str) -> tuple[str, str]:
    """The same names below two prefixes, other contents; both trails validate."""
    one = bucket.log(T0 + timedelta(minutes=30), body=b'{"Records":[1]}')
    two = bucket.log(T0 + timedelta(minutes=30), prefix=prefix, body=b'{"Records":[2]}')
    bucket.digest(T0, [one])
    bucket.digest(T0, [two], trail="second", prefix=prefix)
    return one, two


@pytest.mark.parametrize("prefix", ["security/", "a/b/", "AWS"])
def test_two_trails_with_prefixes_are_kept_apart(bucket: Bucket, prefix: str) -> None:
    one, two = two_trails(bucket, prefix)
    assert bucket.states() == {one: "valid", two: "valid"}


def test_a_file_copied_below_the_other_trails_prefix_is_unlisted_there(bucket: Bucket) -> None:
    two_trails(bucket, "security/")
    added = bucket.log(T0 + timedelta(minutes=31), "x", prefix="security/")
    assert bucket.states()[added] == "unlisted"


def test_a_file_below_a_prefix_without_digests_is_unverified(chained: Chained) -> None:
    bucket, _, _ = chained
    other = bucket.log(T0 + timedelta(minutes=90), prefix="security/")
    assert bucket.states()[other] == "unverified"


def test_a_file_that_a_trail_without_digests_may_have_delivered_is_unverified(chained: Chained) -> None:
    bucket, _, _ = chained
    other = bucket.log(T0 + timedelta(minutes=90), "other")
    quiet = Trail("quiet", "us-east-1", bucket.name, "", True)
    row = bucket.check(trails=(quiet, Trail("main", "us-east-1", bucket.name, "", True)))[0][other]
    assert row.state == "unverified"
    assert "quiet" in row.detail


@pytest.mark.parametrize(
    "trail",
    [
        Trail("t", "us-east-1", "trail-logs", "p/", True),
        Trail("t", "us-east-1", "b", "", True),
        Trail("t", "eu-west-1", "trail-logs", "", False),
    ],
)
def test_a_trail_that_delivers_elsewhere_excuses_no_unlisted_file(chained: Chained, trail: Trail) -> None:
    bucket, _, _ = chained
    added = bucket.log(T0 + timedelta(minutes=90), "added")
    assert bucket.states(trails=(trail,))[added] == "unlisted"


def test_files_in_one_flat_folder_are_matched_by_name(chained: Chained, tmp_path: Path) -> None:
    bucket, keys, _ = chained
    flat = tmp_path / "flat"
    flat.mkdir()
    files = []
    for file in bucket.files():
        path = Path(file.location).rename(flat / Path(file.location).name)
        files.append(SourceFile(("CloudTrail-Digest/" if "Digest" in file.path else "") + path.name, str(path)))
    assert bucket.states(files=files) == dict.fromkeys(keys, "valid")


def test_a_source_that_starts_below_the_bucket_is_matched_by_the_end_of_its_paths(bucket: Bucket) -> None:
    one, two = two_trails(bucket, "security/")
    files = [
        SourceFile(
            file.path,
            str(Path(file.location).rename(Path(file.location).with_suffix(".moved")))
            if "Digest" in file.path
            else file.location,
        )
        for file in bucket.files()
    ]
    assert bucket.states(files=files) == {one: "valid", two: "valid"}


def test_a_second_copy_that_differs_is_a_row_of_its_own(chained: Chained, tmp_path: Path) -> None:
    bucket, keys, _ = chained
    copy = tmp_path / "elsewhere" / keys[1]
    copy.parent.mkdir(parents=True)
    copy.write_bytes(gzip.compress(b'{"Records":[]}'))
    files = [*bucket.files(), SourceFile("elsewhere.json.gz", str(copy))]
    states = bucket.states(files=files)
    assert (states[keys[1]], states["elsewhere.json.gz"]) == ("valid", "modified")


def older_version(bucket: Bucket, key: str, body: bytes | None = None) -> SourceFile:
    """An older version of a log file, where a collection puts it."""
    root = bucket.folder.parent / "@versions" / bucket.name
    path = root / "v1" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(body) if body else (bucket.folder / key).read_bytes())
    return SourceFile(f"v1/{key}", str(path))


def test_a_file_written_over_is_modified_and_its_older_version_is_no_row(chained: Chained) -> None:
    bucket, keys, _ = chained
    older = older_version(bucket, keys[1])
    bucket.put(keys[1], b'{"Records":[]}')
    rows = bucket.check(files=[*bucket.files(), older])[0]
    assert sorted(rows) == sorted(keys)
    assert (rows[keys[1]].state, rows[keys[1]].content_held) == ("modified", True)
    assert f"of the same content was found as {older.path}" in rows[keys[1]].detail


def test_a_deleted_file_is_missing_and_its_older_version_still_holds_its_content(chained: Chained) -> None:
    bucket, keys, _ = chained
    older = older_version(bucket, keys[1])
    (bucket.folder / keys[1]).unlink()
    rows = bucket.check(files=[*bucket.files(), older])[0]
    assert (rows[keys[1]].state, rows[keys[1]].content_held) == ("missing", True)
    assert len(rows) == len(keys)


def test_an_older_version_that_differs_is_named_beside_the_valid_file(chained: Chained) -> None:
    bucket, keys, _ = chained
    older = older_version(bucket, keys[1], b'{"Records":[]}')
    row = bucket.check(files=[*bucket.files(), older])[0][keys[1]]
    assert (row.state, row.detail) == ("valid", f"an older version with another content was found as {older.path}")


def test_a_key_cannot_pass_for_an_older_version(chained: Chained) -> None:
    bucket, keys, _ = chained
    forged = keys[1].replace("/CloudTrail/us-east-1/", "/CloudTrail/us-east-1/@versions/").replace("_a.", "_b.")
    bucket.put(forged, b'{"Records":[]}')
    assert bucket.states()[forged] == "unlisted"


def test_a_file_gone_since_it_was_read_is_missing(chained: Chained) -> None:
    bucket, keys, _ = chained
    files = [file._replace(present=False) if file.path == keys[1] else file for file in bucket.files()]
    row = bucket.check(files=files)[0][keys[1]]
    assert row.state == "missing"
    assert "gone since it was read" in row.detail


def test_a_file_changed_since_it_was_read_says_so(chained: Chained) -> None:
    bucket, keys, _ = chained
    files = [file._replace(sha256="0" * 64) if file.path == keys[1] else file for file in bucket.files()]
    row = bucket.check(files=files)[0][keys[1]]
    assert row.state == "valid"
    assert "changed since it was read" in row.detail


def test_no_digest_leaves_every_file_unverified(bucket: Bucket) -> None:
    key = bucket.log(T0)
    assert bucket.states() == {key: "unverified"}
