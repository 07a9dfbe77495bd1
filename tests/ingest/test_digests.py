"""Each log file that a digest names or that is found: valid, modified, missing, unlisted or unverified."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import digest_bucket
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

T0 = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
Bucket = Any
Chained = tuple[Any, list[str], list[str]]


def test_a_chain_that_is_whole_makes_every_file_valid(chained: Chained) -> None:
    bucket, keys, _ = chained
    assert bucket.states() == dict.fromkeys(keys, "valid")


def test_the_newest_signature_alone_proves_the_whole_chain(chained: Chained) -> None:
    bucket, keys, digests = chained
    bucket.signatures = {name: text for name, text in bucket.signatures.items() if name[1] == digests[-1]}
    assert bucket.states() == dict.fromkeys(keys, "valid")


def test_without_the_newest_signature_the_newest_hour_alone_is_unverified(chained: Chained) -> None:
    bucket, keys, _ = chained
    bucket.signatures = {}
    assert bucket.states() == dict.fromkeys(keys[:-1], "valid") | {keys[-1]: "unverified"}


def test_without_a_public_key_hash_links_are_no_proof(chained: Chained) -> None:
    bucket, keys, _ = chained
    rows, _ = bucket.check(bucket.proofs(keys=False))
    assert {row.state for row in rows.values()} == {"unverified"}
    assert "its public key was not collected" in rows[keys[0]].detail
    assert "its hash is the one that this digest says" in rows[keys[0]].detail


def test_a_missing_file_of_an_unproven_digest_is_unverified_and_said_to_be_missing(chained: Chained) -> None:
    bucket, keys, _ = chained
    (bucket.folder / keys[2]).unlink()
    row = bucket.check(bucket.proofs(keys=False))[0][keys[2]]
    assert row.state == "unverified"
    assert "it was not found" in row.detail


def test_a_public_key_of_another_region_proves_nothing(chained: Chained) -> None:
    bucket, keys, _ = chained
    rows, _ = bucket.check(bucket.proofs(region="eu-west-1"))
    assert {row.state for row in rows.values()} == {"unverified"}
    assert "only in eu-west-1" in rows[keys[0]].detail


def test_a_digest_of_another_region_is_proven_by_the_key_of_the_trails_home_region(bucket: Bucket) -> None:
    key = bucket.log(T0, region="eu-west-1")
    bucket.digest(T0 - HOUR, [key], region="eu-west-1")
    assert bucket.states() == {key: "valid"}


def test_a_deleted_log_file_is_missing_and_no_other(chained: Chained) -> None:
    bucket, keys, _ = chained
    (bucket.folder / keys[3]).unlink()
    assert bucket.states() == dict.fromkeys(keys, "valid") | {keys[3]: "missing"}


def test_a_rewritten_log_file_is_modified(chained: Chained) -> None:
    bucket, keys, _ = chained
    bucket.put(keys[3], b'{"Records":[]}')
    assert bucket.states() == dict.fromkeys(keys, "valid") | {keys[3]: "modified"}


def test_a_log_file_compressed_anew_is_valid(chained: Chained) -> None:
    bucket, keys, _ = chained
    (bucket.folder / keys[3]).write_bytes(gzip.compress(bucket.body(keys[3]), compresslevel=1, mtime=77))
    assert bucket.states()[keys[3]] == "valid"


def test_a_log_file_kept_unpacked_is_valid(chained: Chained) -> None:
    bucket, keys, _ = chained
    body = bucket.body(keys[3])
    (bucket.folder / keys[3]).unlink()
    (bucket.folder / keys[3].removesuffix(".gz")).write_bytes(body)
    assert bucket.states() == dict.fromkeys(keys, "valid")


def test_a_log_file_cut_short_is_modified_and_says_how(chained: Chained) -> None:
    bucket, keys, _ = chained
    path = bucket.folder / keys[3]
    path.write_bytes(path.read_bytes()[:-12])
    row = bucket.check()[0][keys[3]]
    assert row.state == "modified"
    assert "breaks off" in row.detail


def test_an_empty_log_file_is_modified(chained: Chained) -> None:
    bucket, keys, _ = chained
    (bucket.folder / keys[3]).write_bytes(b"")
    assert bucket.states()[keys[3]] == "modified"


def test_an_added_log_file_is_unlisted(chained: Chained) -> None:
    bucket, keys, digests = chained
    added = bucket.log(T0 + 3 * HOUR + timedelta(minutes=40), "added")
    rows, _ = bucket.check()
    assert rows.pop(added).state == "unlisted"
    assert {row.state for row in rows.values()} == {"valid"}


def test_an_unlisted_file_names_the_digest_that_should_have_named_it(chained: Chained) -> None:
    bucket, _, digests = chained
    added = bucket.log(T0 + 3 * HOUR + timedelta(minutes=40), "added")
    digest = bucket.check()[0][added].digest
    assert digest is not None
    assert digest.key == digests[3]


@pytest.mark.parametrize("minutes", [-1, -600, 6 * 60, 700])
def test_a_file_outside_every_digest_is_unverified(chained: Chained, minutes: int) -> None:
    bucket, _, _ = chained
    added = bucket.log(T0 + timedelta(minutes=minutes), "added")
    assert bucket.states()[added] == "unverified"


@pytest.mark.parametrize("minutes", [0, 59, 60, 61, 359])
def test_a_file_at_the_edge_of_an_hour_is_unlisted(chained: Chained, minutes: int) -> None:
    bucket, _, _ = chained
    added = bucket.log(T0 + timedelta(minutes=minutes), "added")
    assert bucket.states()[added] == "unlisted"


def test_a_file_of_another_region_is_unverified(chained: Chained) -> None:
    bucket, _, _ = chained
    added = bucket.log(T0 + timedelta(minutes=90), region="eu-west-1")
    assert bucket.states()[added] == "unverified"


def test_a_file_that_cloudtrail_does_not_name_so_is_unverified(chained: Chained) -> None:
    bucket, _, _ = chained
    bucket.put("notes/lookup.json.gz", b'{"Events":[]}')
    assert bucket.states()["notes/lookup.json.gz"] == "unverified"


def test_a_renamed_file_is_missing_and_unlisted_and_both_say_so(chained: Chained) -> None:
    bucket, keys, _ = chained
    renamed = keys[3].replace("_a.json", "_b.json")
    (bucket.folder / keys[3]).rename(bucket.folder / renamed)
    rows, _ = bucket.check()
    assert (rows[keys[3]].state, rows[renamed].state) == ("missing", "unlisted")
    assert renamed in rows[keys[3]].detail and keys[3] in rows[renamed].detail
    assert rows[keys[3]].content_held


ACTS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["delete", "modify", "add"])), max_size=6, unique_by=lambda act: act[0]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, gone=st.sets(st.integers(0, 5), max_size=3))
def test_whatever_is_done_each_file_gets_the_state_of_what_was_done_to_it(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[int, str]], gone: set[int]
) -> None:
    bucket = digest_bucket.Bucket(tmp_path_factory.mktemp("world"))
    keys = [bucket.log(T0 + hour * HOUR + timedelta(minutes=30)) for hour in range(6)]
    digests = [bucket.digest(T0 + hour * HOUR, [keys[hour]]) for hour in range(6)]
    expected = dict.fromkeys(keys, "valid")
    for hour, act in acts:
        covered = hour not in gone
        if act == "delete":
            (bucket.folder / keys[hour]).unlink()
            expected[keys[hour]] = "missing"
        elif act == "modify":
            bucket.put(keys[hour], b"{}")
            expected[keys[hour]] = "modified"
        else:
            expected[bucket.log(T0 + hour * HOUR + timedelta(minutes=40), "x")] = (
                "unlisted" if covered else "unverified"
            )
    for hour in gone:
        (bucket.folder / digests[hour]).unlink()
        if (bucket.folder / keys[hour]).exists():
            expected[keys[hour]] = "unverified"
        else:
            del expected[keys[hour]]  # neither the file nor who named it is there: the missing hour stands in the chain
    assert bucket.states() == expected
