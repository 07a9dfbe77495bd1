"""Facts on GuardDuty findings as the start of an incident."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_kit.errors import IncidentError
from ir_kit.guardduty import GuardDutyFinding, read_finding
from ir_kit.incident import load_incident, new_incident

FINDING: dict[str, Any] = {
    "AccountId": "111122223333",
    "Arn": "arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/f",
    "CreatedAt": "2026-03-02T11:00:00.000Z",
    "Id": "f",
    "Partition": "aws",
    "Region": "us-east-1",
    "Resource": {
        "ResourceType": "S3Bucket",
        "AccessKeyDetails": {
            "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "PrincipalId": "AIDACKCEVSQ6C2EXAMPLE",
            "UserName": "deploy",
            "UserType": "IAMUser",
        },
        "S3BucketDetails": [
            {"Arn": "arn:aws:s3:::customer-records", "Name": "customer-records", "Type": "Destination"}
        ],
    },
    "SchemaVersion": "2.0",
    "Service": {
        "Action": {
            "ActionType": "AWS_API_CALL",
            "AwsApiCallAction": {"Api": "GetObject", "ServiceName": "s3.amazonaws.com"},
        },
        "EventFirstSeen": "2026-03-02T10:20:30.000Z",
        "EventLastSeen": "2026-03-03T14:00:01.000Z",
        "ServiceName": "guardduty",
        "Count": 7,
    },
    "Severity": 8,
    "Title": "The API GetObject was invoked from a Tor exit node.",
    "Type": "UnauthorizedAccess:S3/TorIPCaller",
    "UpdatedAt": "2026-03-03T14:30:00.000Z",
}


def camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: camel(item) for key, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value


EVENT = {
    "version": "0",
    "id": "c8c4daa7-a20c-2f03-0070-b7393dd542ad",
    "detail-type": "GuardDuty Finding",
    "source": "aws.guardduty",
    "account": "111122223333",
    "time": "2026-03-02T11:05:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": camel(FINDING),
}
SEQUENCE: dict[str, Any] = {
    "Type": "AttackSequence:S3/CompromisedData",
    "Title": "Potential data compromise of one or more S3 buckets",
    "Resource": {"ResourceType": "AttackSequence"},
    "Service": {
        "EventFirstSeen": "2026-03-02T10:00:00Z",
        "EventLastSeen": "2026-03-02T11:00:00Z",
        "Detection": {
            "Sequence": {
                "Actors": [
                    {"Id": "1", "User": {"Name": "deploy", "Type": "IAMUser", "CredentialUid": "AKIAIOSFODNN7EXAMPLE"}},
                    {
                        "Id": "2",
                        "User": {"Name": "role", "Type": "AssumedRole", "CredentialUid": "ASIAIOSFODNN7EXAMPLE"},
                    },
                    {"Id": "3", "Process": {"Name": "curl"}},
                ]
            }
        },
    },
}


def without(finding: dict[str, Any], *path: str) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(finding))
    place = copy
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return copy


def parsed(finding: Any) -> GuardDutyFinding:
    with TemporaryDirectory() as folder:
        return read_finding(saved(Path(folder), finding))._replace(file="finding.json")


def incident_from_finding(finding: Any, access_keys: list[str] | None = None) -> dict[str, Any]:
    return parsed(finding).incident_fields(access_keys or [])


def saved(folder: Path, value: Any) -> Path:
    path = folder / "finding.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@pytest.mark.parametrize("shape", [FINDING, EVENT, {"Findings": [FINDING]}, [FINDING], [EVENT]])
def test_every_shape_of_a_finding_gives_the_same_incident(tmp_path: Path, shape: Any) -> None:
    fields = read_finding(saved(tmp_path, shape)).incident_fields()
    assert fields == incident_from_finding(FINDING)


def test_the_key_and_title_are_the_findings() -> None:
    fields = incident_from_finding(FINDING)
    assert fields["access_keys"] == ["AKIAIOSFODNN7EXAMPLE"]
    assert fields["title"] == "The API GetObject was invoked from a Tor exit node."


def test_the_window_is_a_day_wider_on_both_sides_and_starts_on_the_hour() -> None:
    window = incident_from_finding(FINDING)["window"]
    assert window == {"start": datetime(2026, 3, 1, 10, tzinfo=UTC), "end": datetime(2026, 3, 4, 15, tzinfo=UTC)}


def test_an_end_on_the_hour_stays_there() -> None:
    window = incident_from_finding(SEQUENCE)["window"]
    assert window == {"start": datetime(2026, 3, 1, 10, tzinfo=UTC), "end": datetime(2026, 3, 3, 11, tzinfo=UTC)}


def test_the_baseline_is_the_28_days_before_the_window() -> None:
    fields = incident_from_finding(FINDING)
    assert fields["baseline"] == {"start": datetime(2026, 2, 1, 10, tzinfo=UTC), "end": fields["window"]["start"]}


def test_a_findings_bucket_does_not_narrow_the_scope() -> None:
    assert {"buckets", "sensitive_buckets"}.isdisjoint(incident_from_finding(FINDING))


def test_an_attack_sequence_gives_the_keys_of_all_its_actors() -> None:
    assert incident_from_finding(SEQUENCE)["access_keys"] == ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"]


def test_a_finding_without_the_time_of_its_events_goes_by_its_own() -> None:
    finding = without(without(FINDING, "Service", "EventFirstSeen"), "Service", "EventLastSeen")
    window = incident_from_finding(finding)["window"]
    assert window == {"start": datetime(2026, 3, 1, 11, tzinfo=UTC), "end": datetime(2026, 3, 4, 15, tzinfo=UTC)}


def test_a_given_key_comes_after_the_findings() -> None:
    fields = incident_from_finding(FINDING, ["ASIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"])
    assert fields["access_keys"] == ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"]


def test_a_given_key_serves_where_the_finding_has_none() -> None:
    finding = without(FINDING, "Resource", "AccessKeyDetails")
    assert incident_from_finding(finding, ["AKIAIOSFODNN7EXAMPLE"])["access_keys"] == ["AKIAIOSFODNN7EXAMPLE"]


def test_a_finding_without_a_key_says_what_its_type_lacks() -> None:
    finding = without(FINDING, "Resource", "AccessKeyDetails")
    with pytest.raises(IncidentError) as caught:
        incident_from_finding(finding)
    assert str(caught.value) == (
        "a finding of type UnauthorizedAccess:S3/TorIPCaller without a usable access key id: finding.json; "
        "name the leaked key with --access-key"
    )


def test_the_word_in_a_sample_finding_is_no_key() -> None:
    sample = json.loads(json.dumps(FINDING))
    sample["Resource"]["AccessKeyDetails"]["AccessKeyId"] = "GeneratedFindingAccessKeyId"
    with pytest.raises(IncidentError, match="without a usable access key id"):
        incident_from_finding(sample)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not JSON, Expecting value: .*finding.json:1;"),
        ('{\n"a": 1,\n}', "not JSON, .*finding.json:3;"),
        ("[" * 100_000, "not JSON"),
        ({"Findings": [FINDING, FINDING]}, "2 findings where one is wanted: .*; keep the one"),
        ({"Findings": []}, "0 findings where one is wanted"),
        ({"Records": []}, "not a GuardDuty finding"),
        ("3", "not a GuardDuty finding"),
        ({"detail-type": "GuardDuty Finding", "detail": {}}, "not a GuardDuty finding"),
    ],
)
def test_what_is_not_one_finding_is_refused(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(IncidentError, match=says) as caught:
        read_finding(saved(tmp_path, content))
    assert len(str(caught.value).splitlines()) == 1


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(IncidentError, match="the finding cannot be read"):
        read_finding(tmp_path / "none.json")


def test_a_time_that_is_none_is_refused() -> None:
    finding = json.loads(json.dumps(FINDING).replace("2026-03-02T10:20:30.000Z", "soon"))
    with pytest.raises(IncidentError, match="not an ISO 8601 time 'soon' in a finding of type"):
        incident_from_finding(finding)


def test_a_findings_fields_make_an_incident_that_loads(tmp_path: Path) -> None:
    new_incident(tmp_path, "INC-1", {**incident_from_finding(FINDING), "sources": {}})
    assert load_incident("INC-1", tmp_path).access_keys == ("AKIAIOSFODNN7EXAMPLE",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("2026-03-02T10:20:30Z"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Resource", "Service", "EventFirstSeen", "Title", "Detection", "Sequence", "Actors", "detail"]
            ),
            inner,
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_any_json_is_an_incident_or_an_incident_error(value: Any) -> None:
    try:
        fields = incident_from_finding(value, ["AKIAIOSFODNN7EXAMPLE"])
    except IncidentError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert fields["window"]["start"] < fields["window"]["end"]


def test_a_finding_names_key_principal_buckets_and_times() -> None:
    facts = parsed(FINDING)
    assert facts == parsed(EVENT)
    assert facts.access_keys == ("AKIAIOSFODNN7EXAMPLE",)
    assert facts.principals == ("IAMUser deploy",)
    assert facts.buckets == ("customer-records",)
    assert facts.first_seen == datetime(2026, 3, 2, 10, 20, 30, tzinfo=UTC)
    assert facts.line().startswith(
        "GuardDuty UnauthorizedAccess:S3/TorIPCaller; key AKIAIOSFODNN7EXAMPLE; principal IAM"
    )


def test_a_finding_of_an_iam_type_names_no_bucket() -> None:
    finding = without(FINDING, "Resource", "S3BucketDetails")
    finding["Type"] = "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS"
    assert parsed(finding).buckets == ()
    assert parsed(finding).access_keys == ("AKIAIOSFODNN7EXAMPLE",)


def test_an_attack_sequence_names_its_resources() -> None:
    sequence = json.loads(json.dumps(SEQUENCE))
    sequence["Service"]["Detection"]["Sequence"]["Resources"] = [
        {"ResourceType": "S3_BUCKET", "Uid": "arn:aws:s3:::customer-records"},
        {"ResourceType": "S3_BUCKET", "Name": "app-exports", "Uid": "arn:aws:s3:::app-exports"},
        {
            "ResourceType": "ACCESS_KEY",
            "Uid": "AKIAI44QH8DHBEXAMPLE",
            "Data": {"AccessKey": {"UserName": "backup", "UserType": "IAMUser", "PrincipalId": "AIDAEXAMPLE"}},
        },
    ]
    facts = parsed(sequence)
    assert facts.buckets == ("customer-records", "app-exports")
    assert facts.access_keys == ("AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE")
    assert facts.principals == ("IAMUser backup", "IAMUser deploy", "AssumedRole role")
