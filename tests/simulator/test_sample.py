"""The sample incident, thinned: its files, and the truth that they come from."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from simulator import SampleTruth, incident_fields, make_sample
from simulator.ids import account_of_key

SCALE = 0.02
ACCOUNT = "111122223333"
Record = dict[str, Any]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleTruth]:
    folder = tmp_path_factory.mktemp("sample")
    return folder, make_sample(folder, scale=SCALE)


@pytest.fixture(scope="module")
def evidence(sample: tuple[Path, SampleTruth]) -> Path:
    return sample[0] / "evidence"


@pytest.fixture(scope="module")
def truth(sample: tuple[Path, SampleTruth]) -> SampleTruth:
    return sample[1]


def plain(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def log_files(evidence: Path) -> list[Path]:
    return sorted(p for p in (evidence / "cloudtrail").rglob("*.json.gz") if "CloudTrail-Digest" not in p.parts)


def records(evidence: Path, below: str = "") -> Iterator[Record]:
    root = evidence / "cloudtrail"
    for path in log_files(evidence):
        if path.relative_to(root).as_posix().startswith(below):
            yield from json.loads(plain(path))["Records"]


def lines(evidence: Path) -> list[str]:
    files = sorted(p for p in (evidence / "access-logs").rglob("*") if p.is_file())
    return [text for path in files for text in path.read_text().splitlines()]


def answers(evidence: Path, operation: str) -> list[Record]:
    rows = [json.loads(text) for text in (evidence / "configuration.jsonl").read_text().splitlines()]
    return [row for row in rows if row["operation"] == operation]


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(plain(path)).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip


def test_the_same_seed_writes_the_same_bytes(sample: tuple[Path, SampleTruth], tmp_path: Path) -> None:
    make_sample(tmp_path, scale=SCALE)
    assert contents(tmp_path) == contents(sample[0])


def test_another_seed_writes_another_world(truth: SampleTruth, tmp_path: Path) -> None:
    other = make_sample(tmp_path, seed=2, scale=SCALE)
    assert other.facts["access_keys"] != truth.facts["access_keys"]
    assert incident_fields(2)["access_keys"] == other.facts["access_keys"]
    assert not {r["request_id"] for r in other.requests} & {r["request_id"] for r in truth.requests}


def test_truth_is_read_back_as_it_was_written(sample: tuple[Path, SampleTruth]) -> None:
    folder, truth = sample
    loaded = SampleTruth.load(folder / "truth")
    assert loaded == truth


def test_the_fields_name_the_incident_key_and_existing_sources(sample: tuple[Path, SampleTruth]) -> None:
    folder, truth = sample
    fields = incident_fields()
    assert fields["access_keys"] == truth.facts["access_keys"]
    for source in (*fields["sources"]["cloudtrail"], *fields["sources"]["access_logs"]):
        assert (folder / source).is_dir()
    assert (folder / fields["sources"]["configuration"]).is_file()


def test_every_key_id_decodes_to_the_account(truth: SampleTruth, evidence: Path) -> None:
    keys = {row["access_key_id"] for row in truth.requests if row["access_key_id"]}
    keys |= {r["userIdentity"]["accessKeyId"] for r in records(evidence) if "accessKeyId" in r["userIdentity"]}
    assert len(keys) > 100
    for key in keys:
        assert len(key) == 20 and key[:4] in ("AKIA", "ASIA") and key[4] not in "IJ"
        assert account_of_key(key) == ACCOUNT


def test_counts_of_events_and_copies_are_those_of_the_files(truth: SampleTruth, evidence: Path) -> None:
    seen = Counter(record["eventID"] for record in records(evidence))
    assert len(seen) == truth.counts["cloudtrail_events"]
    assert sum(seen.values()) - len(seen) == truth.counts["cloudtrail_copies"]
    assert set(seen) == {row["event_id"] for row in truth.requests if "cloudtrail" in row["logged_in"]}


def test_counts_of_lines_and_copies_are_those_of_the_files(truth: SampleTruth, evidence: Path) -> None:
    seen = Counter(lines(evidence))
    assert len(seen) == truth.counts["access_log_lines"]
    assert sum(seen.values()) - len(seen) == truth.counts["access_log_copies"]
    by_bucket = Counter(text.split(" ")[1] for text in seen)
    assert by_bucket == {row["bucket"]: row["rows"] - row["lost"] for row in truth.losses}


def test_both_trails_hold_the_same_record(evidence: Path) -> None:
    main = {record["eventID"]: record for record in records(evidence, "AWSLogs/")}
    security = list(records(evidence, "security/"))
    assert security
    assert all(main[record["eventID"]] == record for record in security)
    assert {record["awsRegion"] for record in security} == {"us-east-1"}


def test_nothing_is_recorded_or_delivered_while_logging_is_stopped(truth: SampleTruth, evidence: Path) -> None:
    for stop in truth.facts["logging_stopped"]:
        inside = [r for r in records(evidence) if stop["start"] <= r["eventTime"] < stop["end"]]
        assert {r["eventName"] for r in inside} == {"StopLogging"}
        assert len({r["eventID"] for r in inside}) == 2
        start, end = (stop[name].replace("-", "").replace(":", "") for name in ("start", "end"))
        published = [path.name.split("_")[3] for path in log_files(evidence)]
        assert not [p for p in published if start[:13] < p[:13] < end[:13]]
    unseen = [r for r in truth.requests if "2026-03-04T01:20:01Z" <= r["event_time"] < "2026-03-04T04:20:00Z"]
    assert {r["actor"] for r in unseen} >= {"intruder", "other"}
    assert any(r["logged_in"] == ["server_access_log"] for r in unseen)


def test_one_request_has_one_id_in_both_logs(truth: SampleTruth, evidence: Path) -> None:
    hosts = {
        r["requestID"]: r["additionalEventData"]["x-amz-id-2"] for r in records(evidence)
        if r["eventSource"] == "s3.amazonaws.com"
    }  # fmt: skip
    both = {r["request_id"] for r in truth.requests if len(r["logged_in"]) == 2}
    text = "\n".join(lines(evidence))
    assert len(both) > 300
    assert all(f" {request_id} " in text and hosts[request_id] in text for request_id in both)


def test_data_events_are_only_of_covered_buckets(evidence: Path) -> None:
    data = [r for r in records(evidence) if r["eventCategory"] == "Data"]
    first: dict[str, str] = {}
    for record in data:
        bucket = record["requestParameters"]["bucketName"]
        first[bucket] = min(first.get(bucket, "9"), record["eventTime"])
    assert set(first) == {"customer-records", "analytics-results"}
    assert first["analytics-results"] >= "2026-03-05T10:15:00Z"


def test_a_batch_delete_names_its_keys_in_the_access_log_alone(truth: SampleTruth, evidence: Path) -> None:
    batch = next(r for r in truth.requests if r["event_name"] == "DeleteObjects" and r["bucket"] == "customer-records")
    record = next(r for r in records(evidence) if r["eventID"] == batch["event_id"])
    assert "key" not in record["requestParameters"] and "ARNPrefix" in record["resources"][0]
    rows = {text for text in lines(evidence) if batch["request_id"] in text}
    assert len(rows) == 1 + len(batch["deleted"]) - batch.get("sal_lost", 0)
    assert all(" - 204 " in text or " - 403 " in text for text in rows if "BATCH.DELETE.OBJECT" in text)


def test_rows_have_more_fields_as_time_goes_by(evidence: Path) -> None:
    ordinary = [text for text in lines(evidence) if '"' not in text]  # rows without quoted fields can be split
    assert {len(text.replace(" +0000]", "]").split(" ")) for text in ordinary} == {24, 25, 26, 27}


def test_links_that_no_event_shows_are_inferred(truth: SampleTruth) -> None:
    links = Counter(row["link"] for row in truth.credentials)
    assert links["seed"] == 1 and links["inferred"] == 3  # a role session, and two keys of one console sign-in
    hidden = next(
        r for r in truth.credentials if r["principal_arn"].endswith("assumed-role/data-pipeline/pipeline-7f3")
    )
    assert hidden["link"] == "inferred" and not hidden["issuing_event_logged"] and hidden["event_count"] > 0
    assert all("ci-deployer" not in row["principal_arn"] for row in truth.credentials)


def test_footholds_have_every_outcome(truth: SampleTruth) -> None:
    assert {row["outcome"] for row in truth.footholds} == {"success", "denied", "error"}
    assert {row["event_name"] for row in truth.footholds} >= {
        "CreateUser", "CreateAccessKey", "AttachUserPolicy", "CreateLoginProfile", "UpdateAssumeRolePolicy",
    }  # fmt: skip


def test_session_tokens_look_real_so_that_redaction_has_something_to_do(evidence: Path) -> None:
    issued = [r for r in records(evidence) if r["eventName"] == "AssumeRole" and r["responseElements"]]
    assert all(len(r["responseElements"]["credentials"]["sessionToken"]) > 200 for r in issued)


def test_last_use_is_the_first_of_its_quarter_of_an_hour(truth: SampleTruth, evidence: Path) -> None:
    used = {row["parameters"]["AccessKeyId"]: row["response"] for row in answers(evidence, "GetAccessKeyLastUsed")}
    key = truth.facts["access_keys"][0]
    noted = datetime.fromisoformat(used[key]["AccessKeyLastUsed"]["LastUsedDate"])
    latest = max(datetime.fromisoformat(r["time"]) for r in truth.requests if r["access_key_id"] == key)
    assert 0 <= (latest - noted).total_seconds() < 900


def test_some_settings_could_not_be_read(evidence: Path) -> None:
    errors = {(row["parameters"]["Bucket"], row["error"]["Code"]) for row in answers(evidence, "GetBucketPolicy")
              if "error" in row}  # fmt: skip
    assert ("analytics-results", "AccessDenied") in errors


def test_digests_chain_and_their_signatures_verify(evidence: Path) -> None:
    listed = answers(evidence, "ListPublicKeys")[0]["response"]["PublicKeyList"][0]
    key = load_der_public_key(base64.b64decode(listed["Value"]))
    assert isinstance(key, rsa.RSAPublicKey)
    heads = {row["parameters"]["Key"]: row["response"]["Metadata"] for row in answers(evidence, "HeadObject")}
    named, starts, previous = set(), 0, None
    paths = (evidence / "cloudtrail" / "AWSLogs" / ACCOUNT / "CloudTrail-Digest").rglob("*.json.gz")
    for path in sorted(paths, key=lambda p: p.name):
        name, body = path.relative_to(evidence / "cloudtrail").as_posix(), plain(path)
        digest = json.loads(body)
        assert digest["digestS3Object"] == name
        assert digest["digestPublicKeyFingerprint"] == listed["Fingerprint"]
        if digest["previousDigestS3Object"] is None:
            starts += 1
        else:
            assert (digest["previousDigestS3Object"], digest["previousDigestHashValue"]) == previous
        bucket_and_key = f"{digest['digestS3Bucket']}/{name}"
        signed = [digest["digestEndTime"], bucket_and_key, hashlib.sha256(body).hexdigest()]
        signed.append(digest["previousDigestSignature"] or "null")
        signature = bytes.fromhex(heads[name]["signature"])
        key.verify(signature, "\n".join(signed).encode(), padding.PKCS1v15(), SHA256())
        for file in digest["logFiles"]:
            log = evidence / "cloudtrail" / file["s3Object"]
            assert hashlib.sha256(plain(log)).hexdigest() == file["hashValue"]
            named.add(file["s3Object"])
        previous = (name, hashlib.sha256(body).hexdigest())
    assert starts == 2  # logging was stopped once
    home = (evidence / "cloudtrail" / "AWSLogs" / ACCOUNT / "CloudTrail" / "us-east-1").rglob("*.json.gz")
    since = "20260227T0900Z"
    later = {p.relative_to(evidence / "cloudtrail").as_posix() for p in home if p.name.split("_")[3] > since}
    assert named == later
