"""CloudTrail's fields: their types, secrets, copies, and records of every kind of oddity."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ir_kit.ingest import cloudtrail_documents as documents
from ir_kit.ingest.columns import EVENTS
from ir_kit.ingest.loading import Task, load
from ir_kit.ingest.raw import raw_record
from ir_kit.ingest.store import connect

Record = Callable[..., dict[str, Any]]
TOKEN, SIGNATURE, SECRET = "FwoGZXIvYXdzEBYaTOKEN", "5d672d79SIGNATURE", "wJalrXUtnSECRETKEY"


def test_each_column_holds_what_the_record_says(evidence: Any, record: Record) -> None:
    session = {
        "sessionIssuer": {"type": "Role", "arn": "arn:aws:iam::111122223333:role/ops", "userName": "ops"},
        "attributes": {"creationDate": "2026-03-02T09:00:00Z", "mfaAuthenticated": "true"},
        "sourceIdentity": "alice",
    }
    identity = {
        **record()["userIdentity"],
        "type": "AssumedRole",
        "sessionContext": session,
        "invokedBy": "athena.amazonaws.com",
    }
    parameters = {
        "bucketName": "b", "key": "a b+c", "prefix": "p/", "versionId": "v1", "x-amz-copy-source": "/src/k%20",
    }  # fmt: skip
    made = record(
        1, userIdentity=identity, requestParameters=parameters, errorCode="AccessDenied", errorMessage="Access Denied",
        sharedEventID="shared", vpcEndpointId="vpce-1", sessionCredentialFromConsole="true",
        tlsDetails={"tlsVersion": "TLSv1.3", "cipherSuite": "X", "clientProvidedHostHeader": "b.s3.amazonaws.com"},
    )  # fmt: skip
    evidence.write("a.json", [made])
    evidence.load()
    names = [column.name for column in EVENTS]
    [row] = evidence.query(f"select {', '.join(names)} from events")
    found = dict(zip(names, row, strict=True))
    found.pop("source_id")
    assert found == {
        "event_time": datetime(2026, 3, 2, 10, 0, 1), "event_id": made["eventID"], "event_version": "1.11",
        "event_source": "s3.amazonaws.com", "event_name": "GetObject", "event_type": "AwsApiCall", "event_category": "Data",
        "record_class": "data_read", "read_only": True, "aws_region": "us-east-1", "source_ip_address": "203.0.113.7",
        "user_agent": "aws-cli/2.15.30", "error_code": "AccessDenied", "error_message": "Access Denied",
        "request_id": made["requestID"], "recipient_account_id": "111122223333", "shared_event_id": "shared",
        "vpc_endpoint_id": "vpce-1", "user_identity_type": "AssumedRole",
        "user_identity_principal_id": "AIDAEXAMPLEUSERID0001", "user_identity_arn": "arn:aws:iam::111122223333:user/deploy",
        "user_identity_account_id": "111122223333", "user_identity_user_name": "deploy",
        "access_key_id": "AKIAIOSFODNN7EXAMPLE", "invoked_by": "athena.amazonaws.com", "session_issuer_type": "Role",
        "session_issuer_arn": "arn:aws:iam::111122223333:role/ops", "session_issuer_user_name": "ops",
        "session_creation_date": datetime(2026, 3, 2, 9), "session_mfa_authenticated": True, "source_identity": "alice",
        "credential_from_console": True, "bucket": "b", "key": "a b+c", "prefix": "p/", "version_id": "v1",
        "copy_source": "/src/k%20", "bytes_in": 0, "bytes_out": 2356, "host_id": "hostid=", "signature_version": "SigV4",
        "authentication_method": "AuthHeader", "cipher_suite": "TLS_AES_128_GCM_SHA256", "tls_version": "TLSv1.3",
        "host_header": "b.s3.amazonaws.com", "target_name": None, "target_policy": None, "issued_access_key_id": None,
        "issued_principal_arn": None, "issued_expiration": None, "response_elements": None, "field_faults": None,
        "request_parameters": None, "resources": None, "source_file": "a.json", "record_number": 1, "source_present": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bucket", "name", "kept"),
    [
        ("b", "GetObject", (False, False)),
        ("b", "HeadObject", (False, False)),
        ("b", "PutObject", (True, False)),
        ("arn:aws:s3:us-east-1:111122223333:accesspoint/a", "GetObject", (False, True)),
        ("a-x1y2-s3alias", "PutObject", (True, True)),
    ],
)
def test_texts_are_kept_where_they_say_more_than_the_columns(
    evidence: Any, record: Callable[..., dict[str, Any]], bucket: str, name: str, kept: tuple[bool, bool]
) -> None:
    parameters = {"bucketName": bucket, "key": "k", "x-amz-server-side-encryption-customer-algorithm": "AES256"}
    made = record(1, eventName=name, requestParameters=parameters)
    evidence.write("a.json", [made])
    evidence.load()
    [(parameters_text, resources_text)] = evidence.query("select request_parameters, resources from events")
    assert (parameters_text and json.loads(parameters_text)) == (parameters if kept[0] else None)
    assert (resources_text and json.loads(resources_text)) == (made["resources"] if kept[1] else None)


def test_wrong_types_are_named_and_never_drop_a_record(evidence: Any, record: Record) -> None:
    more = record()["additionalEventData"]
    wrong: list[tuple[dict[str, Any], str | None]] = [
        ({"userIdentity": "root"}, "userIdentity"),
        ({"userIdentity": ["a"]}, "userIdentity"),
        ({"requestParameters": ["a", 1]}, "requestParameters"),
        ({"requestParameters": "text"}, "requestParameters"),
        ({"responseElements": "text"}, "responseElements"),
        ({"additionalEventData": "text"}, "additionalEventData"),
        ({"additionalEventData": {**more, "bytesTransferredOut": "many"}}, "bytesTransferredOut"),
        ({"additionalEventData": {**more, "bytesTransferredIn": [1]}}, "bytesTransferredIn"),
        ({"tlsDetails": "TLSv1.3"}, "tlsDetails"),
        ({"userIdentity": {"type": "AssumedRole", "sessionContext": "x"}}, "sessionContext"),
        ({"userIdentity": {"type": "AssumedRole", "sessionContext": {"attributes": "x"}}}, "attributes"),
        (
            {"userIdentity": {"type": "AssumedRole", "sessionContext": {"attributes": {"creationDate": "x"}}}},
            "creationDate",
        ),
        ({"userIdentity": "root", "requestParameters": [1]}, "userIdentity,requestParameters"),
        ({"additionalEventData": {**more, "bytesTransferredOut": "2356"}}, None),
        ({"additionalEventData": {**more, "bytesTransferredOut": 2.5e3}}, None),
        ({"userIdentity": {}}, None),
        ({"tlsDetails": {}}, None),
        ({"readOnly": "true", "managementEvent": "false"}, None),
        ({"eventID": 17}, None),
    ]
    evidence.write("a.json", [record(n, **changes) for n, (changes, _) in enumerate(wrong, start=1)])
    evidence.load()
    rows = evidence.query("select field_faults, bytes_out, read_only from events order by record_number")
    assert [row[0] for row in rows] == [fault for _, fault in wrong]
    assert rows[13][1] == 2356
    assert rows[14][1] == 2500
    assert rows[17][2] is True
    assert evidence.query("select * from rejects") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T10:00:00Z", datetime(2026, 3, 2, 10)),
        ("2026-03-02T10:00:00.123Z", datetime(2026, 3, 2, 10, 0, 0, 123000)),
        ("2026-03-02T10:00:00+02:00", datetime(2026, 3, 2, 8)),
        ("2026-03-02T10:00:00", datetime(2026, 3, 2, 10)),
    ],
)
def test_times_become_utc(evidence: Any, record: Record, text: str, expected: datetime) -> None:
    evidence.write("a.json", [record(eventTime=text)])
    evidence.load()
    assert evidence.query("select event_time from events") == [(expected,)]


def test_what_is_no_time_is_a_reject(evidence: Any, record: Record) -> None:
    times = [1772445600, "infinity", "epoch", "yesterday", "", "2026-13-01T00:00:00Z", {"a": 1}]
    evidence.write(
        "a.json",
        [record(1), *(record(n, eventTime=time) for n, time in enumerate(times, start=2)), record(20, eventTime=None)],
    )
    evidence.load()
    assert evidence.query("select record_number from events") == [(1,)]
    assert evidence.query("select number, reason from rejects order by 1") == [
        (n, "eventTime is missing or is no time") for n in range(2, 10)
    ]


def test_anonymous_callers_have_no_key_and_services_no_arn(evidence: Any, record: Record) -> None:
    anonymous = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous", "accessKeyId": ""}
    evidence.write(
        "a.json", [record(1, userIdentity=anonymous), record(2, userIdentity={"type": "AWSService", "invokedBy": "s"})]
    )
    evidence.load()
    assert evidence.query(
        "select access_key_id, user_identity_arn, invoked_by, field_faults from events order by record_number"
    ) == [
        (None, None, None, None),
        (None, None, "s", None),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "data_read"),
        ({"eventName": "PutObject", "readOnly": False}, "data_write"),
        ({"eventCategory": "Management", "managementEvent": True}, "management"),
        ({"eventCategory": "NetworkActivity"}, "other"),
        ({"eventCategory": None}, "data_read"),
        ({"eventCategory": None, "managementEvent": None, "readOnly": None}, "data_read"),
        (
            {"eventCategory": None, "managementEvent": None, "readOnly": None, "eventName": "DeleteObjects"},
            "data_write",
        ),
        ({"eventCategory": None, "managementEvent": None, "eventName": "ListBuckets"}, "management"),
        ({"readOnly": None}, "data_read"),
        ({"readOnly": None, "eventName": "PutObject"}, "data_write"),
    ],
)
def test_the_class_of_a_record_is_said_or_told_by_its_name(
    evidence: Any, record: Record, changes: dict[str, Any], expected: str
) -> None:
    evidence.write("a.json", [record(**changes)])
    evidence.load()
    assert evidence.query("select record_class from events") == [(expected,)]


def test_calls_on_identities_name_their_target_and_policy(evidence: Any, record: Record) -> None:
    calls: list[tuple[dict[str, Any] | None, Any, Any, Any]] = [
        (
            {"userName": "eve", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            None,
            "eve",
            "arn:aws:iam::aws:policy/AdministratorAccess",
        ),
        ({"roleName": "ops", "policyName": "inline"}, None, "ops", "inline"),
        ({"roleArn": "arn:aws:iam::1:role/r"}, None, "arn:aws:iam::1:role/r", None),
        ({"name": "main-trail"}, None, "main-trail", None),
        (None, {"policy": {"arn": "arn:aws:iam::1:policy/p"}}, None, "arn:aws:iam::1:policy/p"),
        ({}, {"accessKey": {"accessKeyId": "AKIAI44QH8DHBEXAMPLE"}}, None, None),
    ]
    evidence.write(
        "a.json",
        [
            record(n, eventSource="iam.amazonaws.com", requestParameters=p, responseElements=e)
            for n, (p, e, _, _) in enumerate(calls)
        ]
        + [record(9, requestParameters={"bucketName": "b", "name": "x", "policyName": "y"})],
    )
    evidence.load()
    rows = evidence.query("select target_name, target_policy, issued_access_key_id from events order by record_number")
    assert [row[:2] for row in rows] == [*((target, policy) for _, _, target, policy in calls), (None, None)]
    assert rows[5][2] == "AKIAI44QH8DHBEXAMPLE"


def test_no_secret_reaches_the_store(evidence: Any, record: Record) -> None:
    assume = record(
        1, eventSource="sts.amazonaws.com", eventName="AssumeRole", eventCategory="Management",
        requestParameters={"roleArn": "arn:aws:iam::1:role/r", "password": SECRET, "note": f"https://h/?X-Amz-Signature={SIGNATURE}&a=1"},
        responseElements={
            "credentials": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE", "sessionToken": TOKEN, "secretAccessKey": SECRET, "expiration": "Mar 2"},
            "assumedRoleUser": {"arn": "arn:aws:sts::1:assumed-role/r/s"},
        },
    )  # fmt: skip
    escaped = record(2, responseElements={"sessionToken": f'{TOKEN}\\"x', "signInToken": TOKEN, "SigninToken": TOKEN})
    no_time = record(3, eventTime="x", responseElements={"credentials": {"sessionToken": TOKEN}})
    evidence.write("a.json", [assume, escaped, no_time])
    evidence.write("cut.json", json.dumps({"Records": [assume, escaped]})[:-900])
    evidence.write("bad.json", '{"a": {"sessionToken": "' + TOKEN + '"}, "secretAccessKey": "' + SECRET)
    evidence.write_log(
        "2026-03-02-10-00-00-0123456789ABCDEF",
        f'{"a" * 64} b [02/Mar/2026:10:00:00 +0000] 203.0.113.7 - R1 REST.GET.OBJECT k "GET /k?X-Amz-Security-Token={TOKEN}'
        f'&X-Amz-Signature={SIGNATURE} HTTP/1.1" 200 - 1 1 1 1 "https://h/?Signature={SIGNATURE}" "a" -\n'
        f"garbage ?X-Amz-Security-Token={TOKEN}\n",
    )
    evidence.write("configuration.jsonl", "", evidence.configuration.parent)
    evidence.configuration.write_text(
        json.dumps({"collected_at": "2026-03-08T09:00:00Z", "service": "sts", "operation": "X", "response": {"SessionToken": TOKEN}})
        + '\n{"service": 1, "SessionToken": "' + TOKEN + '"}\n'
    )  # fmt: skip
    evidence.load()
    everything = ""
    for path in evidence.store.folder.glob("*.parquet"):
        everything += repr(pq.ParquetFile(path).read().to_pylist())
    for name in ("manifest.json",):
        everything += (evidence.store.folder / name).read_text()
    assert "ASIAIOSFODNN7EXAMPLE" in everything
    for secret in (TOKEN, SIGNATURE, SECRET):
        assert secret not in everything
    for number in (1, 2):
        assert TOKEN not in repr(raw_record(evidence.store, "cloudtrail", "a.json", number))
        assert SECRET not in repr(raw_record(evidence.store, "cloudtrail", "a.json", number))
    name = "2026-03-02-10-00-00-0123456789ABCDEF"
    assert not {TOKEN, SIGNATURE} & set(raw_record(evidence.store, "access_log", name, 1).replace("&", "=").split("="))
    [row] = evidence.query(
        "select issued_access_key_id, issued_principal_arn, issued_expiration, target_name from events where event_name = 'AssumeRole'"
    )
    assert row == ("ASIAIOSFODNN7EXAMPLE", "arn:aws:sts::1:assumed-role/r/s", "Mar 2", "arn:aws:iam::1:role/r")


def test_two_trails_deliver_each_event_twice_and_one_counts(evidence: Any, record: Record) -> None:
    evidence.write("trail-a/a.json.gz", [record(n) for n in range(1, 6)])
    evidence.write("trail-b/b.json.gz", [record(n) for n in range(3, 9)])
    evidence.load()
    assert evidence.query("select count(*), count(distinct event_id) from events") == [(8, 8)]
    assert evidence.query("select count(*) filter (is_copy) from events_all") == [(3,)]
    assert evidence.source("trail-a/a.json.gz")["duplicates"] == 0
    assert (evidence.source("trail-b/b.json.gz")["duplicates"], evidence.source("trail-b/b.json.gz")["records"]) == (
        3,
        6,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"recipientAccountId": "444455556666"}, {"sourceIPAddress": "198.51.100.1"}, {"addendum": {"reason": "UPDATED_DATA"}},
        {"additionalEventData": {"x": 1}}, {"serviceEventDetails": {"x": 1}}, {"eventID": "other"}, {"errorCode": "AccessDenied"},
        {"tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "keyExchange": "X25519MLKEM768"}},
    ],
)  # fmt: skip
def test_records_that_share_an_id_and_differ_are_kept(evidence: Any, record: Record, change: dict[str, Any]) -> None:
    evidence.write("a.json", [record(1), record(1, **change)])
    evidence.load()
    assert evidence.query("select count(*) from events") == [(2,)]


def test_spacing_and_the_order_of_fields_make_no_difference_between_copies(evidence: Any, record: Record) -> None:
    made = record(1)
    evidence.write("a.json", json.dumps({"Records": [made]}, separators=(",", ":")))
    evidence.write("b.json", json.dumps({"Records": [made]}, indent=4))
    evidence.write("c.json", json.dumps({"Records": [dict(reversed(made.items()))]}))
    evidence.write("d.jsonl", json.dumps(made))
    evidence.write("e.json", json.dumps({"Events": [{"CloudTrailEvent": json.dumps(made)}]}))
    evidence.load()
    assert evidence.query("select source_file from events") == [("a.json",)]
    assert evidence.query("select sum(duplicates) from sources") == [(4,)]


def test_events_without_an_id_are_copies_only_when_all_is_equal(evidence: Any, record: Record) -> None:
    evidence.write("a.json", [record(1, eventID=None), record(1, eventID=None), record(2, eventID=None)])
    evidence.load()
    assert evidence.query("select count(*) from events") == [(2,)]


def test_real_records_in_logstash_form_have_their_times(evidence: Any, shared_data: Any) -> None:
    [path] = (shared_data / "cloudtrail" / "otrf").iterdir()
    evidence.write(path.name, path.read_bytes())
    evidence.load()
    expected = sorted(json.loads(line)["@timestamp"][:19] for line in path.read_text().splitlines())
    rows = evidence.query("select strftime(event_time, '%Y-%m-%dT%H:%M:%S') from events order by event_time")
    assert [time for (time,) in rows] == expected
    assert len(rows) == 103
    assert evidence.query("select count(*) from events where record_class like 'data_%'") == [(9,)]
    assert evidence.query("select * from rejects") == []


def test_real_records_of_one_account_are_all_read(shared_data: Any, tmp_path: Any, evidence: Any) -> None:
    for path in (shared_data / "cloudtrail" / "invictus").rglob("*.json*"):
        evidence.write(path.relative_to(shared_data).as_posix(), path.read_bytes())
    evidence.load()
    assert evidence.query(
        "select count(*), min(event_time), max(event_time), count(distinct source_file), count(field_faults) from events_all"
    ) == [(2900, datetime(2023, 7, 10, 11, 42, 18), datetime(2023, 7, 10, 12, 37, 50), 55, 0)]
    assert evidence.query("select * from rejects") == []


# --- whatever a record holds -------------------------------------------------------------------------------------

# no shrinking: each example is a load
QUIET = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    derandomize=False,
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path, *(found for key, item in value.items() for found in _paths(item, (*path, key)))]
    if isinstance(value, list):
        return [path, *(found for index, item in enumerate(value) for found in _paths(item, (*path, index)))]
    return [path]


@st.composite
def mutated(draw: st.DrawFn, record: dict[str, Any]) -> Any:
    made = copy.deepcopy(record)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_paths(made)))
        if not path:
            continue
        holder = made
        for step in path[:-1]:
            holder = holder[step]
        if isinstance(holder, dict) and draw(st.booleans()):
            del holder[path[-1]]
        else:
            holder[path[-1]] = draw(JUNK)
    return draw(JUNK) if draw(st.integers(0, 20)) == 0 else made


def _loaded(folder: Any, data: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    path = folder / "x.json"
    path.write_bytes(data)
    with connect(threads=1) as connection:
        result = load(connection, "cloudtrail", [Task(1, "cloudtrail", str(path), "x.json", False)], str(folder), "x")
    rows = [row for part in result.parts for row in pq.ParquetFile(folder / part).read().to_pylist()]
    return sorted(rows, key=lambda row: row["record_number"]), result.rejects


@settings(QUIET, max_examples=10)
@given(data=st.data())
def test_no_mutation_raises_and_the_neighbours_survive(
    data: st.DataObject, record: Record, tmp_path_factory: Any
) -> None:
    folder = tmp_path_factory.mktemp("mutated")
    odd = [data.draw(mutated(record(n))) for n in range(2, 14)]
    rows, rejects = _loaded(folder, json.dumps({"Records": [record(1), *odd, record(99)]}).encode())
    numbers = [row["record_number"] for row in rows]
    insights = sum(1 for item in odd if isinstance(item, dict) and item.get("eventType") == documents.INSIGHT_TYPE)
    assert len(rows) + len(rejects) + insights == 14
    assert {1, 14} <= set(numbers)
    assert not set(numbers) & {reject["number"] for reject in rejects}
    by_number = {row["record_number"]: row for row in rows}
    assert by_number[1]["key"] == "part-1"
    assert by_number[14]["key"] == "part-99"


@settings(QUIET, max_examples=8)
@given(data=st.data())
def test_the_slow_way_gives_the_rows_of_the_fast_way(
    data: st.DataObject, record: Record, tmp_path_factory: Any
) -> None:
    folder = tmp_path_factory.mktemp("ways")
    made = [data.draw(mutated(record(n))) for n in range(1, 13)]
    fast = _loaded(folder, json.dumps({"Records": made}).encode())
    slow = _loaded(folder, b"\xef\xbb\xbf" + json.dumps({"Records": made}).encode())
    names = [column.name for column in EVENTS if column.name in (fast[0] or [{}])[0]]
    plain = [{name: row[name] for name in names} for row in fast[0]]
    again = [{name: row[name] for name in names} for row in slow[0]]
    for one, other in zip(plain, again, strict=True):
        assert _comparable(one) == _comparable(other)
    assert sorted(reject["number"] for reject in slow[1]) == sorted(reject["number"] for reject in fast[1])


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    # JSON text may be spelt differently (\\u00e9 or é): its value counts
    decoded = {
        name: json.loads(row[name]) if row[name] else None
        for name in ("request_parameters", "response_elements", "resources")
        if name in row
    }
    return {**row, **decoded}
