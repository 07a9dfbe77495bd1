"""Facts on listing: found by date, never by walking, and what was refused is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fake_s3 import Bucket, FakeS3, Stored, _Handler

from ir_kit.aws.clients import Session
from ir_kit.aws.faults import StoppedError
from ir_kit.collect.listing import list_objects, listed_objects
from ir_kit.collect.log_objects import AccessLogPlace, Listing, PrefixPlace, TrailPlace

ACCOUNT, OTHER = "111122223333", "444455556666"
DAY = datetime(2026, 3, 10, tzinfo=UTC)


def listing(session: Session, folder: Path, places: Any, days: int = 1) -> Listing:
    return list_objects(session, places, DAY, DAY + timedelta(days), folder / "listed.jsonl")


def keys(found: Listing) -> list[str]:
    return sorted(one.key for one in listed_objects(found.path))


def prefixes(s3: FakeS3) -> list[str]:
    queries = [dict(parse_qsl(urlsplit(target).query)) for _, target, _ in s3.requests]
    return [query["prefix"] for query in queries if "prefix" in query]


def trail_key(day: str, kind: str = "CloudTrail", region: str = "us-east-1", owner: str = ACCOUNT) -> str:
    return f"AWSLogs/{owner}/{kind}/{region}/{day}/x.json.gz"


def test_a_trail_is_found_by_region_and_day_and_the_day_before_and_after(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    bucket = s3.buckets["trail"] = Bucket()
    for day in range(1, 29):
        for region in ("us-east-1", "eu-west-1"):
            for kind in ("CloudTrail", "CloudTrail-Digest", "CloudTrail-Insight"):
                bucket.put(trail_key(f"2026/03/{day:02}", kind, region), b"x")
    found = listing(session, tmp_path, [TrailPlace("trail")])
    assert {key.split("/")[-2] for key in keys(found)} == {"09", "10", "11"}
    assert found.by_source == {"cloudtrail": (6, 6), "digest": (6, 6)}
    walked = [prefix for prefix in prefixes(s3) if not prefix.endswith(("/09/", "/10/", "/11/"))]
    assert sorted(walked) == ["AWSLogs/", f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/", f"AWSLogs/{ACCOUNT}/CloudTrail/"]


def test_the_trail_of_an_organization_is_found_by_account(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    bucket = s3.buckets["trail"] = Bucket()
    for account in (ACCOUNT, OTHER):
        bucket.put("deep/" + trail_key("2026/03/10", owner=f"o-abc123/{account}"), b"x")
    found = listing(session, tmp_path, [TrailPlace("trail", "deep/", accounts=[ACCOUNT])])
    assert keys(found) == ["deep/" + trail_key("2026/03/10", owner=f"o-abc123/{ACCOUNT}")]


def test_only_the_regions_that_were_asked_for_are_listed(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    bucket = s3.buckets["trail"] = Bucket()
    for region in ("us-east-1", "eu-west-1"):
        bucket.put(trail_key("2026/03/10", region=region), b"x")
    found = listing(session, tmp_path, [TrailPlace("trail", regions=["eu-west-1"])])
    assert keys(found) == [trail_key("2026/03/10", region="eu-west-1")]
    assert not [prefix for prefix in prefixes(s3) if "us-east-1" in prefix]


def test_access_logs_are_found_under_both_kinds_of_prefix_until_late_delivery_ends(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    bucket = s3.buckets["logs"] = Bucket()
    folder = f"p-{ACCOUNT}/us-east-1/records"
    for day in range(7, 17):
        bucket.put(f"p-2026-03-{day:02}-00-00-00-AAAA", b"x")
        bucket.put(f"{folder}/2026/03/{day:02}/2026-03-{day:02}-00-00-00-BBBB", b"x")
    place = AccessLogPlace("logs", "p-", "records", ACCOUNT, "us-east-1", partitioned=True)
    found = listing(session, tmp_path, [place])
    # the day before; the day; three days of late delivery, and the one after
    wanted = range(9, 15)
    assert len(keys(found)) == 2 * len(wanted)
    assert {int(key[-19:-17]) if key.endswith("B") else int(key[10:12]) for key in keys(found)} >= set(wanted)


def test_one_day_of_two_million_names_is_listed_without_walking_the_rest(
    s3: FakeS3, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a hundred days of 20,000 names each, made as they are asked for
    s3.buckets["logs"] = Bucket()
    first, given = datetime(2026, 1, 1, tzinfo=UTC), []

    def page(handler: Any, name: str, bucket: Bucket, operation: str, query: dict[str, str], fault: str | None) -> None:
        assert query["prefix"].startswith("logs/2026-") and query["prefix"].count("-") == 3, "more than a day"
        day = datetime.strptime(query["prefix"], "logs/%Y-%m-%d-").replace(tzinfo=UTC)
        assert first <= day < first + timedelta(100)
        start = int(query.get("continuation-token", 0))
        given.extend(range(start, start + 1000))
        text = "".join(
            f"<Contents><Key>{query['prefix']}{n // 3600:02}-{n // 60 % 60:02}-{n % 60:02}-{n:016X}</Key><Size>1</Size>"
            "<LastModified>2026-03-10T00:00:00.000Z</LastModified></Contents>"
            for n in range(start, start + 1000)
        )
        more = f"<NextContinuationToken>{start + 1000}</NextContinuationToken>" if start < 19_000 else ""
        truncated = str(bool(more)).lower()
        handler._xml(f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{text}</ListBucketResult>", None)

    monkeypatch.setattr(_Handler, "_listing", page)
    monkeypatch.setattr("ir_kit.collect.listing.DELIVERY_DELAY", timedelta(0))
    found = listing(session, tmp_path, [AccessLogPlace("logs", "logs/", "records")])
    # the day, the one before and the one after: 20 pages each; and one request about versions
    assert (found.objects, len(given)) == (60_000, 60_000)
    assert s3.operations() == {"ListObjectsV2": 60, "GetBucketVersioning": 1}
    assert found.requests == 61


def test_a_refused_listing_is_named_and_the_others_go_on(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    s3.buckets |= {"shut": Bucket(refused=("ListObjectsV2",)), "open": Bucket()}
    s3.buckets["open"].put("x/1", b"x")
    found = listing(session, tmp_path, [PrefixPlace("shut", "x/"), PrefixPlace("open", "x/"), PrefixPlace("none", "")])
    assert keys(found) == ["x/1"]
    assert [(one.bucket, one.operation, one.kind, one.code) for one in found.refused] == [
        ("none", "GetBucketVersioning", "absent", "NoSuchBucket"),
        ("none", "ListObjectsV2", "absent", "NoSuchBucket"),
        ("shut", "ListObjectsV2", "denied", "AccessDenied"),
    ]


def test_where_folders_may_not_be_listed_the_named_account_and_regions_are_tried(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    bucket = s3.buckets["trail"] = Bucket()
    bucket.put(trail_key("2026/03/10"), b"x")
    s3.fault = lambda operation, target, nth: "forbidden" if "delimiter" in target else None
    usual = _Handler._broken

    def broken(self: Any, fault: str) -> bool:
        if fault != "forbidden":
            return usual(self, fault)
        self._error(403, "AccessDenied", "Access Denied")
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Handler, "_broken", broken)
        found = listing(session, tmp_path, [TrailPlace("trail", accounts=[ACCOUNT], regions=["us-east-1"])])
    assert keys(found) == [trail_key("2026/03/10")]
    assert found.refused


def test_where_versions_may_not_be_listed_the_current_objects_are(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    bucket = s3.buckets["logs"] = Bucket(versioned=True, refused=("ListObjectVersions",))
    bucket.put("x/1", b"x", version_id="v1")
    found = listing(session, tmp_path, [PrefixPlace("logs", "x/")])
    assert keys(found) == ["x/1"]
    assert [one.operation for one in found.refused] == ["ListObjectVersions"]


def test_versions_and_delete_markers_are_counted_apart(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    bucket = s3.buckets["logs"] = Bucket(versioned=True, page=1)
    bucket.put("x/1", b"22", version_id="v2")
    bucket.put("x/1", b"1", version_id="v1", is_latest=False)
    bucket.put("x/2", None, version_id="m")
    bucket.put("x/3", b"a", version_id="v3", storage_class="GLACIER")
    found = listing(session, tmp_path, [PrefixPlace("logs", "x/")])
    assert (found.objects, found.bytes, found.older_versions, found.delete_markers, found.archived) == (3, 4, 1, 1, 1)


def test_a_prefix_that_two_places_name_is_listed_once(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    bucket = s3.buckets["logs"] = Bucket()
    bucket.put("p-2026-03-10-00-00-00-AAAA", b"x")
    found = listing(session, tmp_path, [AccessLogPlace("logs", "p-", name) for name in ("one", "two")])
    assert found.objects == 1


def test_a_listing_that_is_garbled_is_asked_for_again(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    s3.buckets["logs"] = Bucket([Stored(f"x/{number}", b"x") for number in range(9)], page=4)
    s3.fault = lambda operation, target, nth: "short" if nth < 2 else None
    assert len(keys(listing(session, tmp_path, [PrefixPlace("logs", "x/")]))) == 9


def test_a_listing_that_never_ends_is_left(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    s3.buckets["logs"] = Bucket([Stored("x/1", b"x")])

    def same(self: Any, *_: Any) -> None:
        self._xml(
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>1</NextContinuationToken></ListBucketResult>",
            None,
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Handler, "_listing", same)
        found = listing(session, tmp_path, [PrefixPlace("logs", "x/")])
    assert [one.code for one in found.refused] == ["ListingDoesNotAdvance"]


def test_expired_credentials_stop_a_listing(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    s3.buckets["logs"] = Bucket()
    s3.fault = lambda *_: "ExpiredToken"
    with pytest.raises(StoppedError, match="expired"):
        listing(session, tmp_path, [PrefixPlace("logs", "x/")])


def test_keys_come_through_the_listing_as_they_are(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    odd = ["x/a b+c%d&e<f>", "x/\x01\x00", "x/é", "x/a'\""]
    s3.buckets["logs"] = Bucket([Stored(key, b"x") for key in odd])
    assert keys(listing(session, tmp_path, [PrefixPlace("logs", "x/")])) == sorted(odd)


def test_a_listing_that_does_not_say_that_it_is_encoded_is_taken_as_it_is(
    s3: FakeS3, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.buckets["logs"] = Bucket()
    entry = (
        "<Contents><Key>x/a+b%20c</Key><LastModified>2026-03-10T00:00:00.000Z</LastModified><Size>1</Size></Contents>"
    )
    text = f"<ListBucketResult><IsTruncated>false</IsTruncated>{entry}</ListBucketResult>"
    monkeypatch.setattr(_Handler, "_listing", lambda handler, *_: handler._xml(text, None))
    assert keys(listing(session, tmp_path, [PrefixPlace("logs", "x/")])) == ["x/a+b%20c"]


def test_a_partitioned_prefix_without_its_region_is_not_passed_over_in_silence(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    s3.buckets["logs"] = Bucket()
    found = listing(session, tmp_path, [AccessLogPlace("logs", "p/", "records", ACCOUNT, None, partitioned=True)])
    assert found.notes == ["the access log of records was not looked for: its account or its Region is not known"]
