"""Facts on fetching: nothing lost, nothing doubled, original bytes, and every object that could not be had is named."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_s3 import Bucket, FakeS3, seeded

from ir_kit.aws.clients import Session
from ir_kit.aws.faults import StoppedError
from ir_kit.collect.fetching import Fetched, Incoming, fetch_objects
from ir_kit.collect.ledger import read_ledger
from ir_kit.collect.listing import list_objects
from ir_kit.collect.log_objects import AccessLogPlace, PrefixPlace, TrailPlace

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
ACCOUNT = "111122223333"
ROOT = f"AWSLogs/{ACCOUNT}"
FAULTS = ("slowdown", "error", "unavailable", "reset", "truncated", "cut", "short", "garbled")


def log_key(number: int, day: int = 1, region: str = "us-east-1") -> str:
    name = f"{ACCOUNT}_CloudTrail_{region}_202603{day:02}T{number:04}Z_{number:016}.json.gz"
    return f"{ROOT}/CloudTrail/{region}/2026/03/{day:02}/{name}"


def digest_key(number: int) -> str:
    name = f"{ACCOUNT}_CloudTrail-Digest_us-east-1_t_us-east-1_20260301T{number:06}Z.json.gz"
    return f"{ROOT}/CloudTrail-Digest/us-east-1/2026/03/01/{name}"


def filled(s3: FakeS3, seed: int = 1, logs: int = 6) -> dict[str, bytes]:
    """A trail's bucket and an access log's; what has to come to lie where."""
    chance = random.Random(seed)
    trail, access = Bucket(page=4), Bucket(page=3)
    s3.buckets |= {"trail": trail, "access": access}
    expected = {}
    for number in range(logs):
        body = chance.randbytes(chance.randint(1, 3000))
        expected["trail/" + trail.put(log_key(number), body).key] = body
    body = chance.randbytes(200)
    expected["trail/" + trail.put(digest_key(1), body, metadata={"signature": "ab12"}).key] = body
    for number in range(logs):
        body = chance.randbytes(chance.randint(1, 300))
        expected["access/" + access.put(f"b/2026-03-01-00-00-{number:02}-ABC", body).key] = body
    return expected


PLACES = (TrailPlace("trail"), AccessLogPlace("access", "b/", "b", ACCOUNT, "us-east-1"))


def collect(session: Session, folder: Path, places: Any = PLACES, **more: Any) -> Fetched:
    listing = list_objects(session, places, START, END, folder / "listed.jsonl")
    return fetch_objects(session, listing, folder, **more)


def lying(folder: Path) -> dict[str, bytes]:
    raw = folder / "raw"
    return {path.relative_to(raw).as_posix(): path.read_bytes() for path in raw.rglob("*") if path.is_file()}


def lines(folder: Path, kind: str = "object") -> list[dict[str, Any]]:
    return [line for line in read_ledger(folder / "ledger.jsonl") if line["kind"] == kind]


def assert_whole(folder: Path, expected: dict[str, bytes]) -> None:
    assert lying(folder) == expected
    held = lines(folder)
    assert Counter(line["path"] for line in held) == Counter(list(expected))
    assert {line["path"]: line["sha256"] for line in held} == {
        path: hashlib.sha256(body).hexdigest() for path, body in expected.items()
    }
    assert not (folder / ".partial").exists()


def test_original_bytes_lie_as_in_the_bucket_with_their_line(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    expected = filled(s3)
    found = collect(session, tmp_path)
    assert_whole(tmp_path, expected)
    assert (found.objects, found.already, found.reasons) == (len(expected), 0, {})
    assert found.bytes == sum(map(len, expected.values()))
    line = next(line for line in lines(tmp_path) if line["key"] == log_key(0))
    stored = s3.buckets["trail"].stored[0]
    assert (line["etag"], line["size"]) == (stored.etag, len(stored.body or b""))
    assert line["last_modified"] == "2026-03-01T10:00:00.000Z"
    assert (line["source"], line["version_id"], line["region"]) == ("cloudtrail", "", "us-east-1")


def test_a_second_collection_fetches_nothing_again(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    expected = filled(s3)
    collect(session, tmp_path)
    before = s3.operations()["GetObject"]
    found = collect(session, tmp_path)
    assert (found.objects, found.already) == (0, len(expected))
    assert s3.operations()["GetObject"] == before
    assert_whole(tmp_path, expected)


def test_a_file_that_was_altered_here_is_fetched_again_and_not_written_over(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    expected = filled(s3)
    collect(session, tmp_path)
    altered = tmp_path / "raw" / "trail" / log_key(0)
    altered.write_bytes(b"altered")
    assert collect(session, tmp_path).objects == 1
    found = lying(tmp_path)
    assert found["trail/" + log_key(0)] == b"altered"
    assert Counter(found.values())[expected["trail/" + log_key(0)]] == 1


def test_an_object_that_changed_in_its_bucket_lies_beside_the_one_before(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    filled(s3)
    collect(session, tmp_path)
    first = s3.buckets["trail"].stored[0]
    before, first.body = first.body, b"another"
    collect(session, tmp_path)
    held = [line for line in lines(tmp_path) if line["key"] == first.key]
    assert [(tmp_path / "raw" / line["path"]).read_bytes() for line in held] == [before, b"another"]
    assert held[1]["path"].endswith(".json.gz")
    assert held[0]["path"].rpartition("/")[0] == held[1]["path"].rpartition("/")[0]


def test_a_digest_comes_with_its_metadata_as_head_object_answers(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    filled(s3)
    told: list[Any] = []
    collect(session, tmp_path, note=lambda *call: told.append(call))
    ((service, operation, parameters, region, response),) = told
    assert (service, operation, region) == ("s3", "HeadObject", "us-east-1")
    assert parameters == {"Bucket": "trail", "Key": digest_key(1)}
    assert response["Metadata"] == {"signature": "ab12"}
    assert response["LastModified"] == "2026-03-01T10:00:00Z"
    assert s3.operations()["HeadObject"] == 1


def test_metadata_of_digests_held_already_is_told_again(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    filled(s3)
    collect(session, tmp_path)
    told: list[Any] = []
    collect(session, tmp_path, note=lambda *call: told.append(call))
    assert [call[2]["Key"] for call in told] == [digest_key(1)]


def faulted(s3: FakeS3, session: Session, folder: Path, seed: int) -> None:
    """One run among faults of every kind; credentials expire once or twice on the way."""
    s3.reset()
    expected = filled(s3, seed, logs=4)
    usual = seeded(seed, 0.35, FAULTS)
    chance = random.Random(seed)
    expiring = {chance.randint(5, 40) for _ in range(2)}

    def fault(operation: str, target: str, nth: int) -> str | None:
        with s3.lock:
            if expiring and len(s3.requests) >= min(expiring) and operation != "HeadObject":
                expiring.remove(min(expiring))
                return "ExpiredToken"
        return usual(operation, target, nth)

    s3.fault = fault
    told: dict[str, Any] = {}
    for _ in range(4):
        try:
            found = collect(session, folder, note=lambda *call: told.update({call[2]["Key"]: call[4]}))
            break
        except StoppedError as stop:
            assert "expired" in str(stop)
    assert_whole(folder, expected)
    assert not found.reasons
    assert told[digest_key(1)]["Metadata"] == {"signature": "ab12"}


@pytest.mark.parametrize("seed", range(12))
def test_among_faults_nothing_is_lost_and_nothing_doubled(
    s3: FakeS3, session: Session, tmp_path: Path, seed: int
) -> None:
    faulted(s3, session, tmp_path, seed)


@pytest.mark.slow
def test_in_two_hundred_runs_among_faults_nothing_is_lost_and_nothing_doubled(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    for seed in range(100, 300):
        faulted(s3, session, tmp_path / str(seed), seed)


def test_an_answer_that_does_not_come_is_asked_for_again(
    s3: FakeS3, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = filled(s3, logs=2)
    monkeypatch.setattr("ir_kit.aws.s3.READ_SECONDS", 0.1)
    s3.fault = lambda operation, target, nth: "slow" if nth == 0 and target.endswith(".gz") else None
    collect(session, tmp_path)
    assert_whole(tmp_path, expected)


def test_a_storm_of_errors_ends_as_not_fetched_and_the_rest_is_kept(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    expected = filled(s3)
    s3.fault = lambda operation, target, nth: "error" if target == f"/trail/{log_key(2)}" else None
    found = collect(session, tmp_path)
    lost = expected.pop("trail/" + log_key(2))
    assert_whole(tmp_path, expected)
    assert found.reasons == {("trail", "S3 failed too often"): 1}
    assert [line["key"] for line in lines(tmp_path, "not_fetched")] == [log_key(2)]
    s3.fault = lambda *_: None
    assert collect(session, tmp_path).objects == 1
    assert_whole(tmp_path, expected | {"trail/" + log_key(2): lost})


def test_bytes_that_come_three_times_alike_are_taken_whatever_their_etag_says(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    filled(s3, logs=1)
    s3.buckets["trail"].stored[0].headers = {"ETag": '"' + "f" * 32 + '"'}
    assert not collect(session, tmp_path).reasons
    assert len([one for one in s3.requests if one[0] == "GetObject" and log_key(0) in one[1]]) == 3


def test_an_object_under_kms_is_checked_by_its_size(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    expected = filled(s3, logs=1)
    s3.buckets["trail"].stored[0].kms = True
    s3.fault = lambda operation, target, nth: "short" if nth == 0 and target == f"/trail/{log_key(0)}" else None
    collect(session, tmp_path)
    assert_whole(tmp_path, expected)
    assert next(line for line in lines(tmp_path) if line["key"] == log_key(0))["encryption"] == "aws:kms"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ((403, "InvalidObjectState", "not valid for the object's storage class"), "archived: to be restored first, which this kit does not do"),
        ((403, "AccessDenied", "is not authorized to perform: kms:Decrypt on resource"), "encrypted: the key does not let this caller decrypt"),
        ((400, "KMS.DisabledException", "arn is disabled."), "encrypted: the key does not let this caller decrypt"),
        ((403, "AccessDenied", "Access Denied"), "access denied"),
        ((404, "NoSuchKey", "The specified key does not exist."), "gone since it was listed"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_named_with_its_reason(
    s3: FakeS3, session: Session, tmp_path: Path, error: tuple[int, str, str], reason: str
) -> None:
    expected = filled(s3)
    s3.buckets["trail"].stored[1].error = error
    found = collect(session, tmp_path)
    del expected["trail/" + log_key(1)]
    assert_whole(tmp_path, expected)
    assert found.reasons == {("trail", reason): 1}
    (line,) = lines(tmp_path, "not_fetched")
    assert (line["key"], line["reason"], line["code"]) == (log_key(1), reason, error[1])


def test_a_bucket_that_refuses_its_objects_is_not_asked_for_ever_and_the_others_are_fetched(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    s3.buckets |= {"shut": Bucket(refused=("GetObject",)), "open": Bucket()}
    for number in range(400):
        s3.buckets["shut"].put(f"x/{number:04}", b"x")
    s3.buckets["open"].put("x/1", b"x")
    found = collect(session, tmp_path, [PrefixPlace("shut", "x/"), PrefixPlace("open", "x/")])
    assert found.reasons["shut", "access denied"] == 400
    assert s3.operations()["GetObject"] < 250
    assert lying(tmp_path) == {"@inventory/open/x/1": b"x"}


def test_versions_and_what_delete_markers_hide_are_fetched_beside_the_current_object(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    bucket = s3.buckets["trail"] = Bucket(versioned=True, page=2)
    bucket.put(log_key(1), b"altered", version_id="v2")
    bucket.put(log_key(1), b"original", version_id="v1", is_latest=False)
    bucket.put(log_key(2, region="eu-west-1"), None, version_id="m1")
    bucket.put(log_key(2, region="eu-west-1"), b"deleted", version_id="v3", is_latest=False)
    found = collect(session, tmp_path, [TrailPlace("trail", accounts=[ACCOUNT])])
    assert lying(tmp_path) == {
        f"trail/{log_key(1)}": b"altered",
        f"@versions/trail/v1/{log_key(1)}": b"original",
        f"@versions/trail/v3/{log_key(2, region='eu-west-1')}": b"deleted",
    }
    (marker,) = lines(tmp_path, "delete_marker")
    assert (marker["key"], marker["version_id"]) == (log_key(2, region="eu-west-1"), "m1")
    assert found.objects == 3
    collect(session, tmp_path, [TrailPlace("trail")])
    assert len(lines(tmp_path, "delete_marker")) == 1


def test_the_current_version_of_a_bucket_that_never_kept_any_is_the_object_itself(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    bucket = s3.buckets["trail"] = Bucket(refused=("GetBucketVersioning",))
    bucket.put("x/1", b"x")
    collect(session, tmp_path, [PrefixPlace("trail", "x/")])
    bucket.refused = ()
    assert collect(session, tmp_path, [PrefixPlace("trail", "x/")]).already == 1
    assert lying(tmp_path) == {"@inventory/trail/x/1": b"x"}


def test_a_bucket_whose_requesters_pay_is_read_and_named(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    expected = filled(s3)
    s3.buckets["trail"].requester_pays = True
    found = collect(session, tmp_path)
    assert_whole(tmp_path, expected)
    assert found.requester_pays == ["trail"]


def test_a_bucket_in_another_region_is_asked_there(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    expected = filled(s3)
    s3.buckets["trail"].region = "eu-west-1"
    collect(session, tmp_path)
    assert_whole(tmp_path, expected)
    assert {line["region"] for line in lines(tmp_path) if line["bucket"] == "trail"} == {"eu-west-1"}


def test_hostile_names_stay_below_raw_and_the_ledger_knows_their_keys(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    bucket = s3.buckets["odd"] = Bucket()
    keys = [
        "x/../../../../etc/passwd", "x/./a", "x//a", "x/nul\x00byte", "x/new\nline", "x/" + "n" * 700 + ".json.gz",
        "x/A.json", "x/a.json", "x/back\\slash", "x/per%2Fcent", "x/CON", "x/dot.", "x/é", "x/file", "x/file/below",
    ]  # fmt: skip
    for number, key in enumerate(keys):
        bucket.put(key, f"body {number}".encode())
    found = collect(session, tmp_path / "evidence", [PrefixPlace("odd", "x/")])
    assert not found.reasons
    held = {line["key"]: line["path"] for line in lines(tmp_path / "evidence")}
    assert sorted(held) == sorted(keys)
    assert len({path.casefold() for path in held.values()}) == len(keys)
    bodies = lying(tmp_path / "evidence")
    for number, key in enumerate(keys):
        assert bodies[held[key]] == f"body {number}".encode()
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")} == {"evidence"}


def test_expired_credentials_stop_everything_and_the_next_try_goes_on(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    expected = filled(s3)
    s3.fault = lambda operation, target, nth: (
        "ExpiredToken" if operation == "GetObject" and s3.operations()["GetObject"] > 5 else None
    )
    with pytest.raises(StoppedError, match="the credentials have expired; what was fetched is kept") as stop:
        collect(session, tmp_path)
    assert stop.value.exit_status == 3
    kept = len(lines(tmp_path))
    assert 0 < kept < len(expected)
    s3.fault = lambda *_: None
    assert collect(session, tmp_path).already == kept
    assert_whole(tmp_path, expected)


def test_a_full_disk_stops_cleanly_and_says_how_much_is_missing(
    s3: FakeS3, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = filled(s3)
    left = [4]
    move = Incoming.move_to

    def full(self: Incoming, target: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        move(self, target)

    monkeypatch.setattr(Incoming, "move_to", full)
    with pytest.raises(
        StoppedError, match=r"the disk is full: 9 objects \([0-9,]+ bytes\) are still to be fetched"
    ) as stop:
        collect(session, tmp_path)
    assert stop.value.exit_status == 3
    assert len(lines(tmp_path)) == 4
    monkeypatch.undo()
    collect(session, tmp_path)
    assert_whole(tmp_path, expected)


def test_no_answer_at_all_stops_with_a_word(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    filled(s3)
    s3.fault = lambda operation, *_: "reset" if operation == "GetObject" else None
    with pytest.raises(StoppedError, match="S3 does not answer"):
        collect(session, tmp_path)


def test_a_wrong_clock_is_named_in_one_line_and_the_next_try_goes_on(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    expected = filled(s3)
    s3.clock_ahead = 3 * 3600.0
    s3.fault = lambda operation, target, nth: "RequestTimeTooSkewed" if operation == "GetObject" else None
    with pytest.raises(
        StoppedError, match=r"which is (3 h 0 min|2 h 59 min) \d+ s behind AWS's.*set the clock"
    ) as stop:
        collect(session, tmp_path)
    assert "\n" not in str(stop.value) and stop.value.exit_status == 3
    assert lines(tmp_path) == []
    s3.fault = lambda *_: None
    collect(session, tmp_path)
    assert_whole(tmp_path, expected)


def test_neither_token_nor_signature_is_written_down(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    filled(s3)
    s3.buckets["trail"].stored[0].error = (
        403,
        "AccessDenied",
        "X-Amz-Security-Token=not-a-token&X-Amz-Signature=abcdef",
    )
    told: list[Any] = []
    collect(session, tmp_path, note=lambda *call: told.append(call))
    assert all("Signature=" in authorization for _, _, authorization in s3.requests)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) + repr(told).encode()
    for secret in (b"not-a-token", b"not-a-secret", b"Signature=abcdef", b"AWS4-HMAC"):
        assert secret not in written


def test_refused_credentials_stop_everything(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    filled(s3)
    s3.fault = lambda *_: "InvalidAccessKeyId"
    with pytest.raises(StoppedError, match=r"AWS does not accept the credentials \(InvalidAccessKeyId\)"):
        collect(session, tmp_path)


def test_a_region_that_is_switched_off_stops_its_buckets_alone(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    s3.buckets |= {"near": Bucket(), "far": Bucket(region="me-south-1")}
    for bucket in s3.buckets.values():
        bucket.put("x/1", b"x")
    s3.fault = lambda operation, target, nth: (
        "InvalidAccessKeyId" if target.startswith("/far") and (nth or operation != "GetBucketVersioning") else None
    )
    listing = list_objects(session, [PrefixPlace("near", "x/")], START, END, tmp_path / "near.jsonl")
    assert listing.objects == 1

    far = list_objects(session, [PrefixPlace("far", "x/")], START, END, tmp_path / "far.jsonl")
    assert [(one.code, one.kind) for one in far.refused if one.operation == "ListObjectsV2"] == [
        ("InvalidAccessKeyId", "denied")
    ]


def test_s3_is_asked_more_slowly_when_it_says_so(
    s3: FakeS3, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    expected = filled(s3, logs=20)
    asked: dict[str, list[float]] = {}

    def slowdown(operation: str, target: str, nth: int) -> str | None:
        asked.setdefault(f"{operation} {target}", []).append(time.monotonic())
        return "slowdown" if nth < 3 else None

    s3.fault = slowdown
    monkeypatch.setattr("ir_kit.aws.s3.BACKOFF", (timedelta(milliseconds=40), timedelta(seconds=1)))
    collect(session, tmp_path)
    assert_whole(tmp_path, expected)
    assert {len(moments) for moments in asked.values()} == {4}
    objects = [moments for name, moments in asked.items() if name.startswith("GetObject") and "Digest" not in name]
    longest = [max(later - earlier for earlier, later in itertools.pairwise(moments)) for moments in objects]
    assert sum(longest) / len(longest) > 0.04  # seconds: each wait is drawn below a bound that doubles
    assert waits and max(waits) <= 20


CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ir_kit.aws.clients import Session
from ir_kit.collect.fetching import fetch_objects
from ir_kit.collect.listing import list_objects
from ir_kit.collect.log_objects import AccessLogPlace, TrailPlace
folder = Path(sys.argv[1])
places = (TrailPlace("trail"), AccessLogPlace("access", "b/", "b", "111122223333", "us-east-1"))
listing = list_objects(Session(), places, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC), folder / "listed.jsonl")
fetch_objects(Session(), listing, folder)
"""


def killed_and_resumed(s3: FakeS3, session: Session, folder: Path, moments: list[int]) -> None:
    """Run in a process of its own, killed when its n-th request arrives, for each moment; then once to the end."""
    s3.reset()
    expected = filled(s3, logs=60)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    for moment in moments:
        s3.requests.clear()
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], env=environment)

        def kill(count: int, moment: int = moment, child: subprocess.Popen[bytes] = child) -> None:
            if count >= moment:
                child.send_signal(signal.SIGKILL)

        s3.on_request = kill
        assert child.wait() == -signal.SIGKILL
        s3.on_request = None
    collect(session, folder)
    assert lying(folder) == expected
    held = {(line["bucket"], line["key"]): line for line in lines(folder)}
    assert len(held) == len(lines(folder)) == len(expected)
    whole = folder.with_name("whole")
    if not whole.exists():
        collect(session, whole)
    without = [{k: v for k, v in line.items() if k != "collected_at"} for line in lines(whole)]
    assert sorted(without, key=json.dumps) == sorted(
        ({k: v for k, v in line.items() if k != "collected_at"} for line in held.values()), key=json.dumps
    )


def test_killed_and_resumed_the_evidence_is_as_without(s3: FakeS3, session: Session, tmp_path: Path) -> None:
    killed_and_resumed(s3, session, tmp_path / "killed", [60])


@pytest.mark.slow
def test_killed_at_twenty_moments_and_resumed_the_evidence_is_as_without(
    s3: FakeS3, session: Session, tmp_path: Path
) -> None:
    chance = random.Random(7)
    for number in range(20):
        killed_and_resumed(s3, session, tmp_path / str(number), [chance.randint(1, 170)])
