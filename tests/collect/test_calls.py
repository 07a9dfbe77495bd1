"""Facts on calls and what is written down of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

from ir_kit.aws.faults import StoppedError
from ir_kit.aws.guard import RefusedCall
from ir_kit.collect.calls import Calls, plain

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)


class Account:
    """Clients that answer from a list, and remember what was asked."""

    region = "us-east-1"
    paginates = True

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), []

    def client(self, service: str, region: str | None = None) -> Any:
        def call(**parameters: Any) -> Any:
            self.asked.append((service, region, parameters))
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return dict(answer)

        class Client(SimpleNamespace):
            def __getattr__(self, name: str) -> Any:
                return call

        paginator = SimpleNamespace(
            _pagination_cfg={
                "input_token": "Marker",
                "output_token": "Marker",
                "more_results": "IsTruncated",
                "result_key": "Users",
            }
        )
        return Client(can_paginate=lambda name: self.paginates, get_paginator=lambda name: paginator)


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "x")


def calls_to(tmp_path: Path, *answers: Any) -> tuple[Calls, Account]:
    account = Account(*answers)
    return Calls(account, tmp_path / "calls.jsonl", lambda: NOW), account


def test_an_answer_is_written_as_the_contract_says(tmp_path: Path) -> None:
    made = datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    calls, _ = calls_to(
        tmp_path, {"Rules": [{"Date": made}], "Value": b"\x00\x01", "ResponseMetadata": {"RequestId": "r"}}
    )
    calls.account = "111122223333"
    calls.ask("s3", "GetBucketPolicy", {"Bucket": "b"}, "eu-west-1")
    assert calls.lines() == [
        {
            "collected_at": "2026-03-10T09:00:00Z", "account": "111122223333", "region": "eu-west-1", "service": "s3",
            "operation": "GetBucketPolicy", "parameters": {"Bucket": "b"},
            "response": {"Rules": [{"Date": "2026-03-01T00:00:00Z"}], "Value": "AAE="},
        }
    ]  # fmt: skip


def test_a_refusal_is_an_answer_without_its_secrets(tmp_path: Path) -> None:
    token = "A1b2" * 30
    calls, _ = calls_to(tmp_path, refused("AccessDenied", f"not you, X-Amz-Security-Token={token}"))
    answer = calls.ask("s3", "GetBucketPolicy", {"Bucket": "b"})
    assert answer == ({}, "AccessDenied")
    calls.write(tmp_path / "configuration.jsonl")
    assert token not in (tmp_path / "configuration.jsonl").read_text() + (tmp_path / "calls.jsonl").read_text()


@pytest.mark.parametrize(
    "fault", [EndpointConnectionError(endpoint_url="https://x"), ResponseParserError("<html>"), OSError("gone")]
)
def test_what_is_no_answer_of_aws_is_written_down_too(tmp_path: Path, fault: Exception) -> None:
    calls, _ = calls_to(tmp_path, fault)
    assert calls.ask("s3", "GetBucketPolicy", {"Bucket": "b"}).code == type(fault).__name__


def test_expired_credentials_stop_everything(tmp_path: Path) -> None:
    calls, account = calls_to(tmp_path, refused("ExpiredToken"))
    with pytest.raises(StoppedError):
        calls.ask("s3", "GetBucketPolicy", {"Bucket": "b"})
    with pytest.raises(StoppedError):
        calls.ask("s3", "GetBucketAcl", {"Bucket": "b"})
    assert len(account.asked) == 1
    assert calls.lines() == []


def test_a_region_that_knows_no_credentials_stops_nothing_where_another_accepted_them(tmp_path: Path) -> None:
    calls, _ = calls_to(tmp_path, {}, refused("UnrecognizedClientException"))
    calls.ask("cloudtrail", "DescribeTrails", {}, "us-east-1")
    assert calls.ask("cloudtrail", "DescribeTrails", {}, "me-south-1").code == "UnrecognizedClientException"


def test_an_operation_off_the_list_is_not_made(tmp_path: Path) -> None:
    calls, account = calls_to(tmp_path, {})
    with pytest.raises(RefusedCall):
        calls.ask("s3", "DeleteBucket", {"Bucket": "b"})
    assert account.asked == []


def test_each_page_is_a_call_of_its_own(tmp_path: Path) -> None:
    pages = [{"Users": ["a"], "IsTruncated": True, "Marker": "m"}, {"Users": ["b"], "IsTruncated": False}]
    calls, _ = calls_to(tmp_path, *pages)
    assert calls.listed("iam", "ListUsers", "Users") == ["a", "b"]
    assert [line["parameters"] for line in calls.lines()] == [{}, {"Marker": "m"}]


def test_an_answer_goes_on_where_botocore_has_no_paginator(tmp_path: Path) -> None:
    calls, account = calls_to(
        tmp_path, {"Rules": [1], "NextContinuationToken": "t"}, {"Rules": [2], "NextToken": "n"}, {}
    )
    account.paginates = False
    assert calls.listed("s3", "ListBucketInventoryConfigurations", "Rules", {"Bucket": "b"}) == [1, 2]
    assert [parameters for _, _, parameters in account.asked] == [
        {"Bucket": "b"}, {"Bucket": "b", "ContinuationToken": "t"}, {"Bucket": "b", "NextToken": "n"},
    ]  # fmt: skip


def test_what_was_answered_is_not_asked_again_and_what_was_refused_is(tmp_path: Path) -> None:
    first, _ = calls_to(tmp_path, {"Policy": "{}"}, refused("NoSuchBucketPolicy"), refused("AccessDenied"))
    for bucket in "abc":
        first.ask("s3", "GetBucketPolicy", {"Bucket": bucket})
    with (tmp_path / "calls.jsonl").open("a") as file:
        file.write('{"service": "s3", "operation": "GetBuck')  # cut off by a kill
    second, account = calls_to(tmp_path, {"Policy": "now"})
    assert [second.ask("s3", "GetBucketPolicy", {"Bucket": bucket}).code for bucket in "abc"] == [
        "", "NoSuchBucketPolicy", "",
    ]  # fmt: skip
    assert [parameters for _, _, parameters in account.asked] == [{"Bucket": "c"}]


def test_the_file_is_in_an_order_that_hangs_on_the_calls_alone(tmp_path: Path) -> None:
    orders = []
    for name, buckets in (("one", "abc"), ("two", "cab")):
        (tmp_path / name).mkdir()
        calls, _ = calls_to(tmp_path / name, {}, {}, {})
        for bucket in buckets:
            calls.ask("s3", "GetBucketAcl", {"Bucket": bucket})
        calls.write(tmp_path / name / "configuration.jsonl")
        orders.append((tmp_path / name / "configuration.jsonl").read_bytes())
    assert orders[0] == orders[1]


def test_a_digests_signature_is_evidence_and_stays(tmp_path: Path) -> None:
    calls, _ = calls_to(tmp_path)
    for _ in range(2):
        calls.note("s3", "HeadObject", {"Bucket": "b", "Key": "k"}, "us-east-1", {"Metadata": {"signature": "ab" * 40}})
    assert [json.dumps(line["response"]) for line in calls.lines()] == [
        json.dumps({"Metadata": {"signature": "ab" * 40}})
    ]


def test_times_without_a_zone_are_utc() -> None:
    assert plain([datetime(2026, 3, 1, 0, 0, 0, 5)]) == ["2026-03-01T00:00:00.000005Z"]  # noqa: DTZ001
