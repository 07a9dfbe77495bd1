"""Chains of digests wherever they start and break: gone, altered, forged, stopped and begun again."""

from __future__ import annotations

import base64
import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ir_kit.ingest.digests import Proofs, Stop, chain_links, prove, read_digests

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
Bucket = Any
Chained = tuple[Any, list[str], list[str]]


# digests that are gone, altered, forged


def test_a_missing_digest_is_named_with_its_hour(chained: Chained) -> None:
    bucket, keys, digests = chained
    (bucket.folder / digests[2]).unlink()
    rows, links = bucket.check()
    gone = [link for link in links if link.state == "missing"]
    assert [(link.digest_file, link.start, link.end) for link in gone] == [(digests[2], T0 + 2 * HOUR, T0 + 3 * HOUR)]
    assert rows[keys[2]].state == "unverified"
    assert [rows[key].state for key in keys if key != keys[2]] == ["valid"] * 5


def test_two_missing_digests_in_a_row_are_two_hours(chained: Chained) -> None:
    bucket, _, digests = chained
    for gone in digests[2:4]:
        (bucket.folder / gone).unlink()
    links = bucket.check()[1]
    assert [(link.start, link.digest_file) for link in links if link.state == "missing"] == [
        (T0 + 2 * HOUR, None),
        (T0 + 3 * HOUR, digests[3]),
    ]


def test_behind_a_missing_digest_the_one_before_needs_its_own_signature(chained: Chained) -> None:
    bucket, keys, digests = chained
    bucket.signatures = {name: text for name, text in bucket.signatures.items() if name[1] == digests[-1]}
    (bucket.folder / digests[2]).unlink()
    states = bucket.states()
    # digest 1 was signed for in digest 2 alone; digest 0's signature stands in digest 1, and is proof wherever it
    # stands
    assert [states[key] for key in keys] == ["valid", "unverified", "unverified", "valid", "valid", "valid"]


def test_an_altered_digest_is_told_by_the_hash_in_the_next(chained: Chained) -> None:
    bucket, keys, digests = chained
    bucket.signatures = {name: text for name, text in bucket.signatures.items() if name[1] == digests[-1]}
    bucket.forge(digests[2], lambda content: content.update(logFiles=[]))
    rows, links = bucket.check()
    assert [link.state for link in links] == ["valid", "valid", "altered", "valid", "valid", "valid"]
    assert rows[keys[2]].state == "unverified"


def test_an_altered_newest_digest_is_told_by_its_signature(chained: Chained) -> None:
    bucket, keys, digests = chained
    bucket.forge(digests[-1], lambda content: content.update(logFiles=[]))
    rows, links = bucket.check()
    assert links[-1].state == "altered"
    assert rows[keys[-1]].state == "unverified"


def test_an_altered_digest_breaks_no_other(chained: Chained) -> None:
    bucket, keys, digests = chained
    bucket.forge(digests[2], lambda content: content["logFiles"][0].update(hashValue="0" * 64))
    states = bucket.states()
    assert [states[key] for key in keys] == ["valid", "valid", "unverified", "valid", "valid", "valid"]


@pytest.mark.parametrize(
    "damage",
    [b"", b"\x1f\x8b\x08\x00broken", gzip.compress(b"[]"), gzip.compress(b'{"logFiles": 3}')],
    ids=["empty", "broken", "a list", "no files"],
)
def test_a_digest_that_cannot_be_read_is_altered_not_missing(chained: Chained, damage: bytes) -> None:
    bucket, keys, digests = chained
    (bucket.folder / digests[2]).write_bytes(damage)
    rows, links = bucket.check()
    assert [link.state for link in links] == ["valid", "valid", "altered", "valid", "valid", "valid"]
    assert rows[keys[2]].state == "unverified"


def test_a_forged_digest_without_a_signature_makes_nothing_valid(chained: Chained) -> None:
    bucket, _, _ = chained
    late = bucket.log(T0 + timedelta(hours=6, minutes=20))
    bucket.digest(T0 + 6 * HOUR, [late], signed=False)
    rows, links = bucket.check()
    assert rows[late].state == "unverified"
    assert links[-1].state == "unproven"


def test_a_file_that_only_a_forged_digest_names_is_unlisted_where_a_valid_one_covers_its_time(chained: Chained) -> None:
    bucket, _, digests = chained
    added = bucket.log(T0 + timedelta(minutes=95), "added")
    forged = bucket.digest(T0 + HOUR + timedelta(minutes=1), [added], signed=False, starting=True)
    assert forged not in digests
    assert bucket.states()[added] == "unlisted"


def test_a_signature_of_another_digest_does_not_count(chained: Chained) -> None:
    bucket, keys, digests = chained
    bucket.signatures = {(bucket.name, digests[-1]): bucket.signatures[bucket.name, digests[0]]}
    rows, links = bucket.check()
    assert links[-1].state == "altered"
    assert rows[keys[-1]].state == "unverified"


def test_a_signature_that_is_no_hex_is_no_signature(chained: Chained) -> None:
    bucket, keys, digests = chained
    bucket.signatures = {(bucket.name, digests[-1]): "REDACTED"}
    assert bucket.check()[1][-1].state == "unproven"


def test_a_value_that_is_no_key_is_not_taken(bucket: Bucket) -> None:
    assert not Proofs().add_key("us-east-1", "f", base64.b64encode(b"no key").decode())
    assert not Proofs().add_key("us-east-1", "f", "%%%")


# where chains start, stop and start again


def restarted(bucket: Bucket, stop: datetime, start: datetime, *, last_held: bool = True) -> list[str]:
    digests = [bucket.digest(T0, [], starting=True), bucket.digest(T0 + HOUR, [])]
    final = bucket.digest(T0 + 2 * HOUR, [], length=stop - T0 - 2 * HOUR)
    if not last_held:
        (bucket.folder / final).unlink()
    return [*digests, final, bucket.digest(start, [], starting=True)]


STOPPED = Stop("main", "us-east-1", T0 + timedelta(minutes=140), "StopLogging")


def test_a_stop_and_a_new_chain_are_a_restart_not_tampering(bucket: Bucket) -> None:
    restarted(bucket, STOPPED.time, T0 + 6 * HOUR)
    links = bucket.check(stops=(STOPPED,))[1]
    assert [link.state for link in links] == ["valid", "valid", "valid", "restart", "valid"]
    assert (links[3].start, links[3].end) == (STOPPED.time, T0 + 6 * HOUR)
    assert links[3].detail.startswith("StopLogging at 2026-03-01T02:20:00Z")


def test_a_new_chain_without_a_stop_in_evidence_says_so(bucket: Bucket) -> None:
    restarted(bucket, STOPPED.time, T0 + 6 * HOUR)
    links = bucket.check()[1]
    assert links[3].state == "restart"
    assert "no stop in the evidence" in links[3].detail


def test_the_last_digest_before_a_stop_is_missed(bucket: Bucket) -> None:
    restarted(bucket, STOPPED.time, T0 + 6 * HOUR, last_held=False)
    links = bucket.check(stops=(STOPPED,))[1]
    assert [(link.state, link.start, link.end) for link in links[2:4]] == [
        ("missing", T0 + 2 * HOUR, STOPPED.time),
        ("restart", STOPPED.time, T0 + 6 * HOUR),
    ]


def test_the_stop_of_another_trail_explains_nothing(bucket: Bucket) -> None:
    restarted(bucket, STOPPED.time, T0 + 6 * HOUR)
    assert "no stop" in bucket.check(stops=(STOPPED._replace(trail_name="other"),))[1][3].detail


def test_an_unproven_new_chain_is_no_clean_restart(bucket: Bucket) -> None:
    restarted(bucket, STOPPED.time, T0 + 6 * HOUR)
    bucket.signatures.popitem()
    assert "may be forged" in bucket.check(stops=(STOPPED,))[1][3].detail


def test_a_file_delivered_while_logging_was_off_is_unverified(bucket: Bucket) -> None:
    restarted(bucket, STOPPED.time, T0 + 6 * HOUR)
    added = bucket.log(T0 + 4 * HOUR)
    assert bucket.states(stops=(STOPPED,))[added] == "unverified"


def test_a_chain_that_comes_from_before_the_evidence_accuses_nobody(chained: Chained) -> None:
    bucket, keys, digests = chained
    (bucket.folder / digests[0]).unlink()
    rows, links = bucket.check()
    assert [link.state for link in links] == ["not_held", "valid", "valid", "valid", "valid", "valid"]
    assert links[0].digest_file == digests[0]
    assert rows[keys[0]].state == "unverified"


def test_a_chain_that_ends_before_the_last_delivery_lacks_its_newest_digests(chained: Chained) -> None:
    bucket, _, digests = chained
    files = [file for file in bucket.files() if "Digest" in file.path]
    read, _ = read_digests(files[:4])
    prove(read, bucket.proofs())
    links = chain_links(read, due_until={("main", "us-east-1"): T0 + 6 * HOUR})
    assert [(link.state, link.start) for link in links[4:]] == [
        ("missing", T0 + 4 * HOUR)
    ]  # the last hour may be on its way


def test_backfill_digests_are_a_chain_of_their_own(chained: Chained) -> None:
    bucket, keys, _ = chained
    late = bucket.log(T0 + timedelta(minutes=31), "late")
    bucket.digest(T0, [late], backfill=True)
    rows, links = bucket.check()
    assert rows[late].state == "valid"
    assert len(links) == 7
    assert {link.state for link in links} == {"valid"}


def test_a_backfill_digest_makes_no_file_unlisted(bucket: Bucket) -> None:
    named = bucket.log(T0 + timedelta(minutes=10))
    bucket.digest(T0, [named], backfill=True)
    other = bucket.log(T0 + timedelta(minutes=20))
    assert bucket.states() == {named: "valid", other: "unverified"}
