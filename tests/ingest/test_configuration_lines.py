"""Configuration answers: what was answered, what is absent, and what is unknown."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from ir_kit.ingest.configuration_lines import setting_of

CALL = {
    "collected_at": "2026-03-08T09:00:00Z", "account": "111122223333", "region": "us-east-1", "service": "s3",
    "operation": "GetBucketPolicy", "parameters": {"Bucket": "b"},
}  # fmt: skip


def row_of(**more: Any) -> dict[str, Any]:
    row = setting_of(json.dumps({**CALL, **more}))
    assert isinstance(row, dict), row
    return row


def test_an_answer_is_kept_as_json() -> None:
    assert row_of(response={"Policy": "{}", "B": [1]}) == {
        "collected_at": datetime(2026, 3, 8, 9), "account_id": "111122223333", "aws_region": "us-east-1", "service": "s3",
        "operation": "GetBucketPolicy", "parameters": '{"Bucket": "b"}', "response": '{"B": [1], "Policy": "{}"}',
        "answer": "answered", "error_code": None, "error_message": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("AccessDenied", "unknown"),
        ("AccessDeniedException", "unknown"),
        ("Throttling", "unknown"),
        ("ExpiredToken", "unknown"),
        ("MethodNotAllowed", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        ("NoSuchBucketPolicy", "absent"),
        ("NoSuchBucket", "absent"),
        ("NoSuchWebsiteConfiguration", "absent"),
        ("NoSuchPublicAccessBlockConfiguration", "absent"),
        ("NoSuchLifecycleConfiguration", "absent"),
        ("ReplicationConfigurationNotFoundError", "absent"),
        ("ServerSideEncryptionConfigurationNotFoundError", "absent"),
        ("ObjectLockConfigurationNotFoundError", "absent"),
        ("OwnershipControlsNotFoundError", "absent"),
        ("NoSuchEntity", "absent"),
        ("TrailNotFoundException", "absent"),
    ],
)
def test_a_refusal_is_unknown_and_only_an_answer_is_absence(code: str | None, answer: str) -> None:
    row = row_of(error={"Code": code, "Message": "m"})
    assert (row["answer"], row["response"]) == (answer, None)
    assert row["error_code"]


@pytest.mark.parametrize(
    "text",
    [
        "{oops", "[]", "1", '"x"', "{}", '{"service": "s3"}', '{"service": 1, "operation": "x", "response": {}}',
        json.dumps(CALL), json.dumps({**CALL, "error": "AccessDenied"}),
        json.dumps({**CALL, "response": {}, "collected_at": "yesterday"}),
        json.dumps({**{k: v for k, v in CALL.items() if k != "collected_at"}, "response": {}}),
    ],
)  # fmt: skip
def test_what_is_no_answer_says_why(text: str) -> None:
    assert isinstance(setting_of(text), str)


def test_times_become_utc_and_an_empty_response_is_an_answer() -> None:
    row = row_of(response={}, collected_at="2026-03-08T11:00:00+02:00")
    assert (row["collected_at"], row["answer"], row["response"]) == (datetime(2026, 3, 8, 9), "answered", "{}")


def test_a_digests_signature_is_evidence_and_other_secrets_are_not() -> None:
    row = row_of(
        service="s3", operation="HeadObject", response={"Metadata": {"signature": "ab12"}, "SessionToken": "TOKEN"}
    )
    assert "ab12" in row["response"]
    assert "TOKEN" not in row["response"]


def test_bad_lines_are_rejects_and_the_others_are_rows(evidence: Any) -> None:
    lines = [
        json.dumps({**CALL, "response": {"Policy": "{}"}}),
        "",
        "{oops",
        json.dumps({**CALL, "error": {"Code": "AccessDenied"}}),
        "[1]",
    ]
    evidence.write("configuration.jsonl", "\n".join(lines), evidence.configuration.parent)
    report = evidence.load()
    assert evidence.query("select line_number, answer, source_file from settings order by 1") == [
        (1, "answered", "configuration.jsonl"),
        (4, "unknown", "configuration.jsonl"),
    ]
    assert evidence.query("select number, kind, bytes > 0 from rejects order by 1") == [
        (3, "configuration", True),
        (5, "configuration", True),
    ]
    assert report.totals["configuration"] | {"files": 1, "records": 2, "rejected": 2} == report.totals["configuration"]
    assert evidence.store.evidence_records()[0]["records"] == 2


def test_a_changed_configuration_replaces_its_rows(evidence: Any) -> None:
    evidence.write("configuration.jsonl", json.dumps({**CALL, "response": {}}), evidence.configuration.parent)
    evidence.load()
    evidence.write(
        "configuration.jsonl",
        json.dumps({**CALL, "operation": "GetBucketAcl", "response": {}}) + "\n",
        evidence.configuration.parent,
    )
    evidence.load()
    assert evidence.query("select operation from settings") == [("GetBucketAcl",)]
    evidence.write("a.json", "[]")
    evidence.load()
    assert evidence.query("select operation from settings") == [("GetBucketAcl",)]


def test_who_collected_is_who_aws_named_last(evidence: Any) -> None:
    asked = {**CALL, "service": "sts", "operation": "GetCallerIdentity", "parameters": {}}
    lines = [
        {**asked, "collected_at": "2026-03-08T10:00:00Z", "response": {"Arn": "arn:aws:iam::111122223333:role/late"}},
        {**asked, "response": {"Arn": "arn:aws:iam::111122223333:role/early"}},
        {**asked, "collected_at": "2026-03-08T11:00:00Z", "error": {"Code": "AccessDenied"}},
    ]
    evidence.write("configuration.jsonl", "\n".join(map(json.dumps, lines)), evidence.configuration.parent)
    evidence.load()
    assert evidence.store.caller_arn() == "arn:aws:iam::111122223333:role/late"
    evidence.write("configuration.jsonl", json.dumps(lines[2]), evidence.configuration.parent)
    evidence.load()
    assert evidence.store.caller_arn() is None
