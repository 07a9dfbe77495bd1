"""Small worlds made in code: what each log writes of one request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator import World, at, read_truth, render
from simulator.access_log_rows import encode_once, encode_twice, line, rows
from simulator.cloudtrail_records import record, record_text
from simulator.ids import us_date
from simulator.issuing import assume_role, console_login, get_session_token

NOON = at("2026-03-02T12:00:00Z")
HERE: dict[str, Any] = {"address": "192.0.2.1", "agent": "curl/8"}


@pytest.fixture
def world() -> World:
    made = World(seed=7)
    made.bucket("papers", data_events=True, access_log=True)
    made.role("reader")
    return made


def text_of(world: World, request: Any) -> list[str]:
    return [line(world, row) for row in rows(world, request)]


def test_a_small_world_renders_with_its_truth(world: World, tmp_path: Path) -> None:
    alice = world.user("alice")
    world.s3(NOON, alice, "GetObject", "papers", "a b.txt", bytes_sent=10, **HERE)
    render(world, tmp_path)
    truth = read_truth(world, tmp_path / "truth")
    assert truth.counts["cloudtrail_events"] == truth.counts["access_log_lines"] == 1
    assert truth.requests[0]["logged_in"] == ["cloudtrail", "server_access_log"]


def test_text_and_record_of_a_request_agree(world: World) -> None:
    session = assume_role(world, NOON, world.user("alice"), "reader", "s", **HERE)
    for event in ("GetObject", "ListObjects", "DeleteObjects"):
        request = world.s3(NOON, session, event, "papers", "k" if event == "GetObject" else None, **HERE)
        assert json.loads(record_text(world, request)) == record(world, request)


def test_a_long_request_has_its_end_in_cloudtrail_and_its_start_in_the_access_log(world: World) -> None:
    request = world.s3(NOON, world.user("a"), "GetObject", "papers", "k", duration_ms=61_000, **HERE)
    assert record(world, request)["eventTime"] == "2026-03-02T12:01:01Z"
    assert "[02/Mar/2026:12:00:00 +0000]" in text_of(world, request)[0]


def test_bytes_are_floats_in_data_events_and_whole_in_management_events(world: World) -> None:
    alice = world.user("alice")
    data = record(world, world.s3(NOON, alice, "GetObject", "papers", "k", bytes_sent=7, **HERE))
    management = record(world, world.s3(NOON, alice, "GetBucketAcl", "papers", bytes_sent=7, **HERE))
    assert repr(data["additionalEventData"]["bytesTransferredOut"]) == "7.0"
    assert repr(management["additionalEventData"]["bytesTransferredOut"]) == "7"


def test_a_listing_names_a_prefix_of_arns(world: World) -> None:
    found = record(world, world.s3(NOON, world.user("a"), "ListObjects", "papers", prefix="x/", **HERE))
    assert found["resources"][0] == {"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::papers/"}
    assert found["userAgent"] == "[curl/8]"


def test_an_anonymous_requester_is_a_dash_and_an_account_of_that_name(world: World) -> None:
    request = world.s3(NOON, world.anonymous(), "GetObject", "papers", "k", error_code="AccessDenied", **HERE)
    assert record(world, request)["userIdentity"] == {
        "type": "AWSAccount", "principalId": "", "accountId": "anonymous",
    }  # fmt: skip
    assert " 192.0.2.1 - " in text_of(world, request)[0]


def test_an_authentication_failure_reaches_the_access_log_alone(world: World, tmp_path: Path) -> None:
    world.s3(NOON, world.user("a"), "GetObject", "papers", "k", error_code="SignatureDoesNotMatch", **HERE)
    render(world, tmp_path)
    assert read_truth(world, tmp_path).requests[0]["logged_in"] == ["server_access_log"]


def test_a_copy_leaves_two_rows_the_second_without_uri_and_agent(world: World) -> None:
    request = world.s3(NOON, world.user("a"), "CopyObject", "papers", "b", copy_source=("papers", "a"), **HERE)
    first, second = text_of(world, request)
    assert "REST.COPY.OBJECT b" in first
    assert "REST.COPY.OBJECT_GET a - 200" in second and "curl" not in second


def test_a_copy_out_leaves_a_row_in_the_sources_log_alone(world: World, tmp_path: Path) -> None:
    world.s3(NOON, world.user("a"), "CopyObject", "elsewhere", "b", copy_source=("papers", "a"), **HERE)
    render(world, tmp_path)
    logs = [path.read_text() for path in (tmp_path / "access-logs").rglob("*") if path.is_file()]
    assert len(logs) == 1 and "REST.COPY.OBJECT_GET" in logs[0]
    assert not list((tmp_path / "cloudtrail").rglob("*.json.gz"))


def test_a_presigned_request_shows_its_key_in_the_uri_and_not_in_parameters(world: World) -> None:
    alice = world.user("alice")
    request = world.s3(NOON, alice, "GetObject", "papers", "k", presigned_seconds=60, **HERE)
    assert f"X-Amz-Credential={alice.access_key_id}%2F20260302" in text_of(world, request)[0]
    found = record(world, request)
    assert found["additionalEventData"]["AuthenticationMethod"] == "QueryString"
    assert "X-Amz-Credential" not in found["requestParameters"]


@pytest.mark.parametrize("key", ["a b", 'q"q', "50%+", "ü/名", "<script>", "line\nbreak"])
def test_keys_are_encoded_without_space_or_quote(key: str) -> None:
    for encoded in (encode_once(key), encode_twice(key)):
        assert not set(encoded) & set(' "\n<>') and encoded.isascii()


def test_a_session_of_a_user_stays_that_user(world: World) -> None:
    child = get_session_token(world, NOON, world.user("alice"), **HERE)
    identity = child.user_identity()
    assert identity["type"] == "IAMUser" and identity["accessKeyId"].startswith("ASIA")
    assert identity["sessionContext"]["attributes"]["creationDate"] == "2026-03-02T12:00:00Z"


def test_a_console_sign_in_names_no_key_and_its_keys_carry_its_second(world: World) -> None:
    world.user("bob")
    keys = console_login(world, NOON, "bob", **HERE)
    login = record(world, keys[0].issued_by)
    assert "accessKeyId" not in login["userIdentity"] and login["eventType"] == "AwsConsoleSignIn"
    assert {key.user_identity()["sessionContext"]["attributes"]["creationDate"] for key in keys} == {login["eventTime"]}


def test_reached_are_children_issued_inside_the_window(world: World) -> None:
    alice, carol = world.user("alice"), world.user("carol")
    world.incident_keys = [alice]
    assume_role(world, at("2026-02-20T00:00:00Z"), alice, "reader", "before", **HERE)
    child = assume_role(world, NOON, alice, "reader", "one", **HERE)
    grandchild = assume_role(world, NOON, child, "reader", "two", **HERE)
    assume_role(world, NOON, carol, "reader", "other", **HERE)
    assert world.reached() == [alice, child, grandchild]


def test_midnight_is_twelve_in_the_morning() -> None:
    assert us_date(at("2026-03-02T00:05:00Z")) == "Mar 2, 2026 12:05:00 AM"
    assert us_date(at("2026-03-02T12:05:00Z"), comma=True) == "Mar 2, 2026, 12:05:00 PM"
