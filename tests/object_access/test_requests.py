"""One request, seen once or twice; whose it was; what it disclosed."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from ir_kit.case_opening import open_case
from ir_kit.object_access import questions as object_access
from ir_kit.object_access.findings import findings
from simulator import at
from simulator.issuing import assume_role, get_session_token
from simulator.requests import DeletedKey

pytestmark = pytest.mark.slow

START = "2026-03-03T10:00:00+00:00"

OWNER = "7" * 64


def line(
    small: Any,
    request_id: str,
    *,
    host: str,
    operation: str = "REST.GET.OBJECT",
    key: str = "a.txt",
    bucket: str = "papers",
    requester: str | None = None,
    agent: str = "thief/2.0",
    uri: str | None = None,
    status: str = "200 -",
    kind: str = "AuthHeader",
    time: str = "03/Mar/2026:10:00:00",
    sent: str = "10",
) -> str:
    who = requester or small.key.principal_arn
    return (
        f"{OWNER} {bucket} [{time} +0000] 192.0.2.1 {who} {request_id} {operation} {key} "
        f'"{uri or f"GET /{key} HTTP/1.1"}" {status} {sent} 10 9 8 '
        f'"-" "{agent}" - {host} SigV4 TLS_AES_128_GCM_SHA256 {kind} papers.s3.amazonaws.com TLSv1.3 - - -'
    )


def by_id(frame: pd.DataFrame, request: Any) -> pd.DataFrame:
    return frame[frame["request_id"] == request.request_id]


def only(frame: pd.DataFrame, request: Any) -> Any:
    (row,) = by_id(frame, request).to_dict("records")
    return row


def test_a_request_in_both_logs_is_one_row_graded_a(small: Any) -> None:
    request = small.s3("GetObject", duration_ms=4_000_000)  # CloudTrail says when it ended, more than an hour later
    row = only(object_access.requests(small.open()), request)
    assert (row["seen_in"], row["attribution"], row["access_key_id"]) == ("both", "A", small.key.access_key_id)
    assert row["event_time"] - row["received_time"] == pd.Timedelta(seconds=4_000)
    assert row["disagreement"] is None or pd.isna(row["disagreement"])
    assert (row["verdict"], row["counted_in"], row["read_extent"]) == ("new", "lower", "whole")


def test_the_parent_of_a_batch_delete_has_no_key_and_its_rows_have(small: Any) -> None:
    request = small.s3(
        "DeleteObjects", key=None, deleted=[DeletedKey("x y.txt", size=3), DeletedKey("z", error_code="AccessDenied")]
    )
    case = small.open()
    rows = by_id(object_access.requests(case), request).sort_values("event_name")
    assert list(rows["event_name"]) == ["DeleteObject", "DeleteObject", "DeleteObjects"]
    assert sorted(rows["key"].dropna()) == ["x y.txt", "z"] and rows["key"].isna().sum() == 1
    assert set(rows["attribution"]) == {"A"} and set(rows["user_agent"]) == {"thief/2.0"}
    destroyed = object_access.destruction(case).set_index("key")
    assert destroyed.loc["x y.txt", "outcome"] == "success" and destroyed.loc["z", "outcome"] == "denied"
    assert len(destroyed) == 2


def test_a_batch_delete_whose_keys_no_log_holds_is_one_row_with_a_null_key(small: Any) -> None:
    small.world.bucket("vault", data_events=True)
    small.s3("DeleteObjects", "vault", key=None, deleted=[DeletedKey("x"), DeletedKey("y")])
    destroyed = object_access.destruction(small.open())
    assert len(destroyed) == 1 and destroyed["key"].isna().all()
    assert list(destroyed["kind"]) == ["deleted"] and list(destroyed["recoverable_status"]) == ["unknown"]


def test_a_copy_has_two_halves_and_the_reading_one_names_the_source(small: Any) -> None:
    request = small.s3("CopyObject", "papers", "copy.txt", copy_source=("exports", "e/1.txt"))
    rows = by_id(object_access.requests(small.open()), request).set_index("event_name")
    assert rows.loc["CopyObject", "bucket"] == "papers" and rows.loc["CopyObject", "copy_source"] == "exports/e/1.txt"
    half = rows.loc["CopyObjectSource"]
    assert (half["bucket"], half["key"], half["seen_in"], half["attribution"]) == ("exports", "e/1.txt", "both", "A")
    assert (half["copied"], half["disclosed"]) == ("inside", "nothing")


def test_a_copy_to_a_bucket_that_nobody_knows_is_counted_as_leaving(small: Any) -> None:
    small.s3("CopyObject", "elsewhere", "copy.txt", copy_source=("papers", "e/1.txt"), object_size=700)
    case = small.open()
    (row,) = object_access.requests(case).to_dict("records")
    assert (row["event_name"], row["copied"], row["disclosed"]) == ("CopyObjectSource", "unknown", "copied_out")
    bound = object_access.bounds(case).set_index("bucket").loc["papers"]
    assert (bound["objects_lower"], bound["objects_copied_out"], bound["bytes_copied_out"], bound["bytes_lower"]) == (
        0,
        1,
        700,
        0,
    )
    assert bound["objects_upper_logged"] == 1


def test_without_a_list_of_buckets_the_record_says_whose_the_destination_is(small: Any) -> None:
    small.world.bucket("archive", data_events=True)
    there = small.s3("CopyObject", "archive", "copy.txt", copy_source=("papers", "e/1.txt"))
    onto_itself = small.s3("CopyObject", "archive", "a.txt", copy_source=("archive", "a.txt"))
    small.open()
    configuration = small.folder / "small" / "evidence" / "configuration.jsonl"
    configuration.write_text("")
    rows = object_access.requests(open_case("small", str(small.folder)))
    halves = rows[rows["event_name"] == "CopyObjectSource"].set_index("request_id")
    assert list(halves.loc[there.request_id, ["copied", "disclosed"]]) == ["inside", "nothing"]
    assert halves.loc[onto_itself.request_id, "copied"] == "inside"


def test_a_request_id_that_two_requests_share_by_accident_does_not_join_them(small: Any) -> None:
    request = small.s3("GetObject")
    case = small.open([line(small, request.request_id, host="other=", key="b.txt", time="05/Mar/2026:10:00:00")])
    rows = by_id(object_access.requests(case), request).set_index("key")
    assert rows.loc["a.txt", "seen_in"] == "both" and rows.loc["b.txt", "seen_in"] == "server_access_log"
    assert rows.loc["b.txt", "attribution"] in ("C", "D")


def test_what_the_logs_say_differently_is_kept(small: Any) -> None:
    request = small.s3("GetObject", bytes_sent=10)
    small.world.buckets["papers"].log_holes = [(at("2026-03-03T09:00:00Z"), at("2026-03-03T11:00:00Z"))]
    row = only(
        object_access.requests(small.open([line(small, request.request_id, host=request.host_id, sent="7")])), request
    )
    assert (row["seen_in"], row["disagreement"], row["bytes_sent"], row["read_extent"]) == ("both", "bytes", 7, "part")


def test_an_event_that_is_delivered_again_with_an_addendum_is_one_request(small: Any) -> None:
    request = small.s3("PutObject", customer_key=True)
    read = small.s3("GetObject")
    small.open()
    for file in (small.folder / "small" / "evidence" / "cloudtrail").rglob("*_CloudTrail_*.json.gz"):
        again = [
            one | {"addendum": {"reason": "UPDATED_DATA"}}
            for one in json.loads(gzip.decompress(file.read_bytes()))["Records"]
            if one["requestID"] in (request.request_id, read.request_id)
        ]
        if again:
            file.with_name(f"again-{file.name}").write_bytes(gzip.compress(json.dumps({"Records": again}).encode()))
    case = open_case("small", str(small.folder))
    assert only(object_access.requests(case), read)["seen_in"] == "both"
    assert object_access.bounds(case).set_index("bucket").loc["papers", "bytes_lower"] == 10
    assert list(object_access.destruction(case)["kind"]) == ["encrypted_customer_key"]


def test_an_operation_without_a_name_here_joins_its_event_and_a_select_reads(small: Any) -> None:
    request = small.s3("GetObject")
    small.world.buckets["papers"].log_holes = [(at("2026-03-03T09:00:00Z"), at("2026-03-03T11:00:00Z"))]
    both = line(small, request.request_id, host=request.host_id, operation="REST.GET.OBJECT_SOMEHOW")
    select = line(small, "ALONE0123456789A", host="h=", bucket="exports", operation="REST.SELECT.OBJECT_CONTENT")
    case = small.open([both, select])
    assert only(object_access.requests(case), request)["seen_in"] == "both"
    assert object_access.hours(case)["cloudtrail_only"].sum() == 0
    bounds = object_access.bounds(case).set_index("bucket")
    assert (bounds.loc["exports", "objects_all"], bounds.loc["exports", "bytes_all"]) == (1, 10)


def test_a_presigned_uri_names_its_key(small: Any) -> None:
    request = small.s3("GetObject", "exports", presigned_seconds=3600)
    row = only(object_access.requests(small.open()), request)
    assert (row["attribution"], row["access_key_id"], row["seen_in"]) == (
        "B",
        small.key.access_key_id,
        "server_access_log",
    )


def test_a_key_in_the_query_of_a_request_signed_in_its_header_names_nobody(small: Any) -> None:
    text = line(
        small,
        "ABCDEF0123456789",
        host="h=",
        bucket="exports",
        uri="GET /a.txt?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE HTTP/1.1",
    )
    (row,) = object_access.requests(small.open([text])).to_dict("records")
    assert row["attribution"] != "B" and row["access_key_id"] != "AKIAIOSFODNN7EXAMPLE"


def test_a_key_in_the_query_of_a_request_signed_in_its_header_settles_no_address_and_agent(small: Any) -> None:
    small.world.long_term_key(small.world.users["app"], small.world.stream("second"), small.key.created)
    uri = f"GET /a.txt?AWSAccessKeyId={small.key.access_key_id} HTTP/1.1"
    text = line(small, "ABCDEF0123456789", host="h=", bucket="exports", uri=uri)
    (row,) = object_access.requests(small.open([text])).to_dict("records")
    assert row["attribution"] == "D" and len(row["candidates"]) == 2


def test_the_only_key_that_there_was_is_the_one(small: Any) -> None:
    request = small.s3("GetObject", "exports")
    row = only(object_access.requests(small.open()), request)
    assert (row["attribution"], row["attribution_basis"]) == ("C", "the only credential that could be in use")


def test_a_session_token_beside_the_key_leaves_two_candidates(small: Any) -> None:
    known = {"address": "192.0.2.1", "agent": "aws-cli/2"}
    token = get_session_token(small.world, at("2026-03-03T09:00:00Z"), small.key, **known)
    during = small.s3("GetObject", "exports")
    after = small.s3("GetObject", "exports", time="2026-03-05T10:00:00+00:00")
    rows = object_access.requests(small.open())
    row = only(rows, during)
    assert row["attribution"] == "D" and pd.isna(row["access_key_id"])
    assert set(row["candidates"]) == {small.key.access_key_id, token.access_key_id}
    assert only(rows, after)["attribution"] == "C"


def test_without_a_list_of_keys_no_lifetime_settles_anything(small: Any) -> None:
    request = small.s3("GetObject", "exports")
    settings = small.folder / "small" / "evidence" / "configuration.jsonl"
    case_folder = small.folder
    small.world.users.clear()  # IAM was not asked for the keys of this user
    row = only(object_access.requests(small.open()), request)
    assert settings.exists() and case_folder.exists()
    assert (row["attribution"], list(row["candidates"])) == ("D", [small.key.access_key_id])


def test_address_and_agent_seen_with_one_key_alone_settle_it(small: Any) -> None:
    second = small.world.long_term_key(small.world.users["app"], small.world.stream("second"), small.key.created)
    small.s3("GetObject")  # CloudTrail: this address and agent with the leaked key
    request = small.s3("GetObject", "exports", time="2026-03-03T12:00:00+00:00")
    row = only(object_access.requests(small.open()), request)
    assert (row["attribution"], row["attribution_basis"]) == ("C", "address and agent seen with it alone")
    assert second.access_key_id not in row["candidates"]


def test_another_keys_request_of_the_same_user_stays_out(small: Any) -> None:
    second = small.world.long_term_key(small.world.users["app"], small.world.stream("second"), small.key.created)
    request = small.s3("GetObject", by=second)
    assert by_id(object_access.requests(small.open()), request).empty


def test_a_role_session_is_told_by_its_arn(small: Any) -> None:
    small.world.role("reader")
    child = assume_role(
        small.world, at("2026-03-03T09:50:00Z"), small.key, "reader", "s1", address="192.0.2.1", agent="aws-cli/2"
    )
    request = small.s3("GetObject", "exports", by=child)
    row = only(object_access.requests(small.open()), request)
    assert (row["attribution"], row["access_key_id"]) == ("C", child.access_key_id)
    assert row["principal_arn"] == child.principal_arn


def test_anonymous_and_failed_authentication_and_lifecycle_are_nobodys(small: Any) -> None:
    small.s3("GetObject", by=small.world.anonymous())
    small.s3("GetObject", "exports", error_code="SignatureDoesNotMatch")
    small.world.s3(
        at("2026-03-03T11:00:00Z"),
        small.world.service("s3"),
        "S3.EXPIRE.OBJECT",
        "papers",
        "a.txt",
        address="s3.amazonaws.com",
    )
    assert object_access.requests(small.open()).empty


def test_failed_reads_listings_and_heads_read_nothing(small: Any) -> None:
    small.s3("GetObject", error_code="AccessDenied")
    small.s3("HeadObject", key="b.txt")
    small.s3("ListObjects", key=None, prefix="customers/")
    case = small.open()
    rows = object_access.requests(case).set_index("event_name")
    assert dict(rows["disclosed"]) == {"GetObject": "nothing", "HeadObject": "names", "ListObjects": "names"}
    assert rows.loc["ListObjects", "prefix"] == "customers/"
    assert object_access.bounds(case).set_index("bucket").loc["papers", "objects_all"] == 0


def test_ranges_count_their_bytes_and_one_object(small: Any) -> None:
    for first in (0, 5):
        small.s3("GetObject", byte_range=(first, first + 4), bytes_sent=5)
    case = small.open()
    (found,) = object_access.objects(case).to_dict("records")
    assert (
        found["requests"],
        found["part_reads"],
        found["whole_reads"],
        found["bytes_sent"],
        found["object_size"],
    ) == (2, 2, 0, 10, 10)


@pytest.mark.parametrize(
    "key", ['<script>alert("x")</script>.html', "a%2Fb%20c.csv", "50% off + more.csv", "名簿-ü.csv", "line\nbreak.txt"]
)
def test_hostile_keys_stay_as_they_are(small: Any, key: str) -> None:
    small.s3("GetObject", key=key)
    (row,) = object_access.requests(small.open()).to_dict("records")
    assert (row["key"], row["seen_in"], row["disagreement"]) == (key, "both", None)


def test_overwritten_is_what_was_there_before(small: Any) -> None:
    small.s3("HeadObject", key="old.txt", time="2026-03-02T10:00:00+00:00")
    small.s3("PutObject", key="old.txt")
    small.s3("PutObject", key="new.txt")
    small.s3("PutObject", key="mine.txt", customer_key=True)
    small.s3("PutObject", key="old.txt", time="2026-03-04T10:00:00+00:00", error_code="AccessDenied")
    found = object_access.destruction(small.open())
    assert list(zip(found["key"], found["kind"], found["outcome"], strict=True)) == [
        ("mine.txt", "encrypted_customer_key", "success"),
        ("old.txt", "overwritten", "success"),
        ("old.txt", "overwritten", "denied"),
    ]


def test_versions_tell_what_can_be_brought_back(small: Any) -> None:
    small.world.buckets["papers"].versioned = True
    small.s3("DeleteObject", key="a.txt")
    small.s3("DeleteObject", key="b.txt", version_id="v1")
    small.s3("DeleteObject", "exports", key="c.txt")
    found = object_access.destruction(small.open()).set_index("key")["recoverable_status"]
    assert dict(found) == {"a.txt": "yes", "b.txt": "no", "c.txt": "no"}


def test_a_shortened_expiry_is_destruction_of_the_whole_bucket(small: Any) -> None:
    rule = {"LifecycleConfiguration": {"Rule": {"Status": "Enabled", "ID": "x", "Expiration": {"Days": 1}}}}
    small.s3("PutBucketLifecycle", key=None, parameters=rule)
    (row,) = object_access.destruction(small.open()).to_dict("records")
    assert (row["kind"], row["bucket"], row["outcome"], row["verdict"]) == (
        "expiry_shortened",
        "papers",
        "success",
        "new",
    )


def test_a_service_set_reading_is_listed_beside_the_bounds(small: Any) -> None:
    small.world.call(
        at("2026-03-03T10:00:00Z"), small.key, "athena", "StartQueryExecution", address="192.0.2.1", agent="aws-cli/2",
        parameters={"queryString": "select 1", "resultConfiguration": {"outputLocation": "s3://loot-7/x/"}},
    )  # fmt: skip
    (row,) = object_access.service_reads(small.open()).to_dict("records")
    assert (row["event_name"], list(row["buckets"]), row["outcome"], row["reads_seen"]) == (
        "StartQueryExecution",
        ["loot-7"],
        "success",
        0,
    )


def test_a_hole_in_the_access_log_is_dated_and_kept_out_of_the_loss(small: Any) -> None:
    small.world.buckets["papers"].log_holes = [(at("2026-03-03T12:00:00Z"), at("2026-03-03T14:00:00Z"))]
    for number in range(400):
        time = at("2026-03-03T00:00:00Z") + timedelta(minutes=3 * number)
        small.s3("GetObject", key=f"{number}.txt", time=time.isoformat())
    case = small.open()
    (hole,) = object_access.holes(case).to_dict("records")
    assert (hole["start_time"], hole["end_time"], hole["cloudtrail_requests"]) == (
        pd.Timestamp("2026-03-03T12:00:00Z"), pd.Timestamp("2026-03-03T14:00:00Z"), 40,
    )  # fmt: skip
    assert (loss := object_access.losses(case).to_dict("records"))[0]["lost"] == 0 and loss[0]["requests"] == 360
    hours = object_access.hours(case)
    assert hours["cloudtrail_only"].sum() == 40 and hours["server_access_log_only"].sum() == 0


def test_reasoning_that_fails_where_it_can_be_tried_is_not_used(small: Any) -> None:
    """The same address and agent sign with one key in one bucket and with the other in another."""
    second = small.world.long_term_key(small.world.users["app"], small.world.stream("second"), small.key.created)
    small.world.bucket("vault", access_log=True, data_events=True)
    for number in range(120):
        time = (at(START) + timedelta(minutes=number)).isoformat()
        small.s3("GetObject", "papers", time=time)
        small.s3("GetObject", "vault", time=time, by=second)
    small.s3("GetObject", "exports", agent="once/1.0")
    small.world.call(at(START), small.key, "sts", "GetCallerIdentity", address="192.0.2.1", agent="once/1.0")
    case = small.open()
    tried = object_access.calibration(case).set_index("attribution")
    assert (tried.loc["C", "requests"], tried.loc["C", "right"], bool(tried.loc["C", "used"])) == (240, 0, False)
    rows = object_access.requests(case)
    assert set(rows.loc[rows["seen_in"] == "server_access_log", "attribution"]) == {"D"}
    told = next(one for one in findings(case) if one.question_id == "attribution_calibration")
    assert told.values["c_used"] is False and "not used" in told.statement


def _label(small: Any, label: str) -> None:
    labels = small.folder / "small" / "labels.csv"
    labels.parent.mkdir(exist_ok=True)
    head = "labelled_at,analyst,access_key_id,source_ip_address,user_agent,start_time,end_time,label,note"
    who = f"2026-03-09T00:00:00Z,me,{small.key.access_key_id},192.0.2.1,thief/2.0"
    labels.write_text(f"{head}\n{who},2026-03-03T09:00:00Z,2026-03-03T11:00:00Z,{label},ours\n")


@pytest.mark.parametrize(("label", "counted"), [("intruder", "lower"), ("unknown", "likely"), ("owner", "owner")])
def test_an_expiry_counts_as_its_runs_label_says(small: Any, label: str, counted: str) -> None:
    rule = {"LifecycleConfiguration": {"Rule": {"Status": "Enabled", "ID": "x", "Expiration": {"Days": 1}}}}
    small.s3("PutBucketLifecycle", key=None, parameters=rule)
    _label(small, label)
    (row,) = object_access.destruction(small.open()).to_dict("records")
    assert (row["verdict"], row["counted_in"]) == ("new", counted)


def test_reads_that_a_label_gives_to_the_owner_leave_the_bounds(small: Any) -> None:
    small.s3("GetObject")
    _label(small, "owner")
    bound = object_access.bounds(small.open()).set_index("bucket").loc["papers"]
    assert (bound["objects_lower"], bound["objects_upper_logged"], bound["objects_all"]) == (0, 0, 1)
