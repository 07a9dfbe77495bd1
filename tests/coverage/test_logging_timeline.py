"""Would it have been recorded? One rule of the replay a test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from ir_kit.coverage.logging_timeline import Delivered, proven
from ir_kit.coverage.selectors import Scope
from ir_kit.coverage.visibility import visibility_of, was_logged
from ir_kit.domain.intervals import Span
from ir_kit.logging_gaps.logging_history import expired_log_objects

BUCKET_B: dict[str, Any] = {
    "EventSelectors": [
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::b/"]}],
        }
    ]
}
NONE: dict[str, Any] = {
    "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]
}
PUT_B = {
    "trailName": "main",
    "eventSelectors": [{"dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::b/"]}]}],
}
PUT_NONE = {
    "trailName": "main",
    "eventSelectors": [{"readWriteType": "All", "includeManagementEvents": True, "dataResources": []}],
}
ON = {"BucketLoggingStatus": {"xmlns": "x", "LoggingEnabled": {"TargetBucket": "lines", "TargetPrefix": "b/"}}}
OFF = {"BucketLoggingStatus": {"xmlns": "x"}}
LINES = {"LoggingEnabled": {"TargetBucket": "lines", "TargetPrefix": "b/"}}


# trails


def test_an_answer_holds_backwards_through_the_window(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    assert {account.state(hours) for hours in (0.2, 12, 23.9)} == {"logged"}
    assert account.state(12, bucket="c") == "not_logged"


def test_nothing_is_known_without_answers_events_or_files(account: Any) -> None:
    assert account.state(12) == "unknown"
    assert account.state(12, "server_access_log") == "unknown"


def test_a_stopped_trail_is_blind_until_it_is_started(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums(end=6)
    account.hums(start=9.1)
    account.came(1, "data_read", "b", key="k")
    account.trail_call(6, "StopLogging")
    account.trail_call(9, "StartLogging")
    states = [account.state(hours) for hours in (5.9, 6.05, 6.2, 8.9, 9.05, 9.2)]
    assert states == ["logged", "uncertain", "not_logged", "not_logged", "uncertain", "logged"]


@pytest.mark.parametrize("name", ["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"])
def test_a_failed_call_changes_nothing(account: Any, name: str) -> None:
    account.stands(BUCKET_B)
    account.hums()
    request = {"name": "main", "isMultiRegionTrail": False} if name == "UpdateTrail" else PUT_NONE | {"name": "main"}
    account.trail_call(6, name, request, error="AccessDenied")
    assert {account.state(hours) for hours in (5.9, 6.01, 12)} == {"logged"}


def test_what_was_selected_before_a_change_is_not_known_from_it(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    account.trail_call(12, "PutEventSelectors", PUT_B)
    assert [account.state(hours) for hours in (6, 12.05, 13)] == ["unknown", "uncertain", "logged"]


def test_records_that_came_before_a_change_prove_what_was_selected(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    account.came(3, "data_read", "b", key="a/1")
    account.came(4, "data_read", "b", key="z/1")
    account.trail_call(12, "PutEventSelectors", PUT_B)
    assert account.state(6) == "logged"
    assert account.state(6, "data_write") == "unknown"


def test_records_of_one_folder_prove_that_folder_alone(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    account.came(3, "data_read", "b", key="in/1")
    account.came(4, "data_read", "b", key="in/2")
    account.trail_call(12, "PutEventSelectors", PUT_B)
    assert account.state(6) == "uncertain"


@pytest.mark.parametrize(
    ("days", "part", "words"),
    [
        (("mon",), "prefix", "all below in/mon/"),
        (("mon", "tue", "wed"), "prefix", "all below in/"),
        (("mon", ".."), "", ""),
    ],
)
def test_records_of_several_folders_name_the_folder_that_all_share(days: Sequence[str], part: str, words: str) -> None:
    scope, span = (
        Scope("data_read", "b", "us-east-1"),
        Span(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)),
    )
    keys = [("k", "k") if day == ".." else (f"in/{day}/1", f"in/{day}/2") for day in days]
    shown = proven(scope, [Delivered(None, scope, span, 2, 2, pair) for pair in keys], None, calls=True)
    assert (shown.left_out, shown.basis.partition(", ")[2]) == ((part,) if part else (), words)


def test_new_selectors_replace_the_whole_set_and_the_other_kind(account: Any) -> None:
    account.stands(NONE)
    account.hums()
    account.trail_call(2, "PutEventSelectors", PUT_B)
    fields = [
        {"field": "eventCategory", "equals": ["Data"]},
        {"field": "resources.type", "equals": ["AWS::S3::Object"]},
        {"field": "resources.ARN", "startsWith": ["arn:aws:s3:::c/"]},
    ]
    management = [{"field": "eventCategory", "equals": ["Management"]}, {"field": "readOnly", "equals": ["false"]}]
    chosen = [{"fieldSelectors": fields}, {"fieldSelectors": management}]
    account.trail_call(8, "PutEventSelectors", {"trailName": "main", "advancedEventSelectors": chosen})
    account.trail_call(16, "PutEventSelectors", PUT_NONE)
    assert [account.state(hours) for hours in (4, 12, 20)] == ["logged", "not_logged", "not_logged"]
    assert account.state(12, "management", None) == "uncertain"
    assert account.state(12, "data_write", "c") == "logged"


def test_a_new_trail_does_not_log_until_it_is_started(account: Any) -> None:
    account.trail_call(2, "CreateTrail", {"name": "main", "s3BucketName": "logs-bucket"})
    account.trail_call(4, "StartLogging")
    account.hums(start=4.2)
    assert account.state(3, "management") in ("not_logged", "unknown")
    assert account.state(6, "management") == "logged"
    assert account.state(6, "data_read") in ("not_logged", "unknown")


def test_a_trail_named_by_its_arn_is_the_same_trail(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums(end=6)
    account.trail_call(6, "StopLogging", {"name": "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"})
    account.status(False, StopLoggingTime=account.window.start + timedelta(hours=6))
    assert account.state(8) == "not_logged"


def test_a_deleted_trail_records_no_more(account: Any) -> None:
    account.describes(time=account.window.start)
    account.status(True, time=account.window.start)
    account.selects(BUCKET_B, time=account.window.start)
    account.hums(end=6)
    account.trail_call(6, "DeleteTrail")
    assert [account.state(hours) for hours in (5, 7)] == ["logged", "not_logged"]


def test_a_trail_of_one_region_leaves_the_others_dark(account: Any) -> None:
    account.stands(BUCKET_B, IsMultiRegionTrail=False)
    account.hums()
    assert account.state(12, "management", None) == "logged"
    assert account.state(12, "management", None, "eu-west-1") != "logged"


def test_a_trail_taken_from_all_regions_leaves_them_dark_from_then_on(account: Any) -> None:
    account.stands(BUCKET_B, IsMultiRegionTrail=False)
    account.hums()
    account.came(3, region="eu-west-1")
    account.came(4, region="eu-west-1", read=False)
    account.trail_call(12, "UpdateTrail", {"name": "main", "isMultiRegionTrail": False})
    states = [account.state(hours, "management", None, "eu-west-1") for hours in (3.5, 13)]
    assert states[0] == "logged"
    assert states[1] in ("not_logged", "unknown")
    assert account.state(13, "management", None) == "logged"


def test_global_services_left_out_are_said(account: Any) -> None:
    account.stands(BUCKET_B, IsMultiRegionTrail=False, IncludeGlobalServiceEvents=False)
    account.hums()
    assert account.state(12, "management", None) == "uncertain"
    assert account.state(12, "management", "b") == "logged"


def test_a_trail_whose_files_are_not_held_leaves_nothing(account: Any) -> None:
    account.stands(BUCKET_B, S3BucketName="elsewhere", S3KeyPrefix="security")
    account.hums()
    assert account.state(12) == "not_logged"


def test_a_trail_that_was_pointed_elsewhere_leaves_nothing_from_then_on(account: Any) -> None:
    account.stands(BUCKET_B, S3BucketName="evil")
    account.hums(end=12)
    account.trail_call(12, "UpdateTrail", {"name": "main", "s3BucketName": "evil"})
    account.describes(time=account.window.start)
    account.came(1, "data_read", "b", key="k")
    assert account.state(6) == "logged"
    assert account.state(18) == "not_logged"


def test_a_trail_that_was_pointed_elsewhere_leaves_nothing_though_no_answer_tells_where_it_was(account: Any) -> None:
    account.stands(BUCKET_B, S3BucketName="evil")
    account.hums(end=12)
    account.trail_call(12, "UpdateTrail", {"name": "main", "s3BucketName": "evil"})
    account.came(1, "data_read", "b", key="k")
    assert [account.state(hours) for hours in (6, 18)] == ["logged", "not_logged"]


def test_a_trail_that_was_pointed_elsewhere_is_back_when_its_records_are(account: Any) -> None:
    account.stem = "/evidence/"
    account.stands(BUCKET_B)
    account.hums(end=6)
    account.trail_call(6, "UpdateTrail", {"name": "main", "s3BucketName": "evil"})
    account.came(1, "data_read", "b", key="k")
    account.hums(start=12)
    assert [account.state(hours) for hours in (3, 6.2, 11.9, 12.1, 20)] == [
        "logged", "not_logged", "not_logged", "logged", "logged",
    ]  # fmt: skip


def test_records_of_another_trail_do_not_show_that_one_that_was_pointed_elsewhere_is_held(account: Any) -> None:
    account.stem = "/evidence/"
    account.stands(BUCKET_B, S3BucketName="evil")
    other = "arn:aws:cloudtrail:us-east-1:111122223333:trail/second"
    account.describes(name="second", S3BucketName="second-logs")
    account._answer("GetTrailStatus", {"Name": other}, {"IsLogging": True}, None)
    account._answer("GetEventSelectors", {"TrailName": other}, {"TrailARN": other, **NONE}, None)
    account.hums()
    account.trail_call(12, "UpdateTrail", {"name": "main", "s3BucketName": "evil"})
    account.came(1, "data_read", "b", key="k")
    assert [account.state(18), account.state(18, "management")] == ["not_logged", "logged"]


def test_records_of_one_trail_do_not_show_what_another_of_which_little_is_known_recorded(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums(end=6)
    account.came(1, "data_read", "b", key="k")
    account.trail_call(6, "StopLogging")
    account.trail_call(9, "StartLogging")
    account.hums(start=9.1)
    account.came(10, "data_read", "b", key="k")
    account.trail_call(20, "DeleteTrail", {"name": "second"})
    assert [account.state(hours) for hours in (3, 8, 12)] == ["logged", "unknown", "logged"]


def test_of_two_trails_the_one_that_goes_on_counts(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    other = "arn:aws:cloudtrail:us-east-1:111122223333:trail/second"
    account.describes(name="second")
    account._answer("GetTrailStatus", {"Name": other}, {"IsLogging": True}, None)
    account._answer("GetEventSelectors", {"TrailName": other}, {"TrailARN": other, **BUCKET_B}, None)
    account.trail_call(6, "StopLogging")
    account.trail_call(9, "StartLogging")
    assert {account.state(hours) for hours in (5.9, 6.01, 8, 9.01)} == {"logged"}


def test_a_trail_of_data_events_beside_one_of_management_events_in_the_same_bucket(account: Any) -> None:
    account.stands({"EventSelectors": [{**BUCKET_B["EventSelectors"][0], "IncludeManagementEvents": False}]})
    other = "arn:aws:cloudtrail:us-east-1:111122223333:trail/second"
    account.describes(name="second")
    account._answer("GetTrailStatus", {"Name": other}, {"IsLogging": True}, None)
    account._answer("GetEventSelectors", {"TrailName": other}, {"TrailARN": other, **NONE}, None)
    account.hums()
    assert [account.state(12, kind) for kind in ("management", "data_read")] == ["logged", "logged"]
    assert account.state(12, "data_read", "c") == "not_logged"


def test_files_alone_prove_management_events_from_the_first_to_the_last(account: Any) -> None:
    account.hums(start=6, end=18)
    states = [account.state(hours, "management", None) for hours in (3, 12, 23)]
    assert states == ["unknown", "logged", "unknown"]
    assert account.state(12) == "unknown"


def test_a_change_made_in_the_dark_is_not_carried_over_it(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums(end=6)
    account.hums(start=9.1)
    account.trail_call(6, "StopLogging")
    account.trail_call(9, "StartLogging")
    assert account.state(3) == "unknown", "selectors may have been widened while nothing was recorded"
    assert account.state(12) == "logged"


def test_an_answer_that_records_refute_does_not_hold_backwards(account: Any) -> None:
    blind = {
        "EventSelectors": [
            {"IncludeManagementEvents": False, "DataResources": BUCKET_B["EventSelectors"][0]["DataResources"]}
        ]
    }
    account.stands(blind)
    account.hums()
    assert account.state(12) == "unknown", "the trail recorded management events, so its selectors were others"


def test_answers_that_differ_without_a_change_between_leave_it_open(account: Any) -> None:
    account.describes()
    account.status(True)
    account.selects(BUCKET_B, time=account.window.start)
    account.selects(NONE, time=account.window.start + timedelta(hours=20))
    account.hums()
    assert account.state(12) == "uncertain"


def test_a_policy_that_denies_cloudtrail_makes_delivery_doubtful_unless_records_came(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums(end=12)
    denies = {"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}
    account.bucket_call(12, "PutBucketPolicy", "logs-bucket", {"bucketPolicy": denies})
    assert [account.state(hours) for hours in (6, 18)] == ["logged", "uncertain"]
    account.hums(start=12.5)
    assert account.state(18) == "logged"


def test_a_failed_policy_change_makes_nothing_doubtful(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums(end=12)
    account.bucket_call(12, "DeleteBucketPolicy", "logs-bucket", error="AccessDenied")
    assert account.state(11.4) == "logged"


def test_a_disabled_key_makes_delivery_doubtful(account: Any) -> None:
    key = "arn:aws:kms:us-east-1:111122223333:key/k-1"
    account.stands(BUCKET_B, KmsKeyId=key)
    account.hums(end=12)
    account.bucket_call(12, "DisableKey", "", {"keyId": "k-1"}, source="kms.amazonaws.com")
    assert [account.state(hours) for hours in (6, 13)] == ["logged", "uncertain"]


def test_log_objects_that_expired_before_they_were_collected_are_lost(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums(start=20)
    rule = {"Rules": [{"Status": "Enabled", "Expiration": {"Days": 1}, "Filter": {"Prefix": ""}}]}
    account.answers("GetBucketLifecycleConfiguration", "logs-bucket", rule)
    assert [account.state(hours) for hours in (6, 22)] == ["lost", "logged"]
    replayed, day = account.replay(), datetime(2026, 3, 2, tzinfo=UTC)
    replayed.window = Span(day, day + timedelta(hours=24))
    [(kind, subject, start, end, words, _)] = expired_log_objects(replayed)
    assert (kind, subject, start) == ("log_objects_expired", "trail main", day)
    assert day + timedelta(hours=6) < end <= day + timedelta(hours=20.5)
    assert "log objects expire after 1 days" in words
    replayed.window = Span(day + timedelta(hours=21), day + timedelta(hours=24))
    assert not list(expired_log_objects(replayed))  # all is held


def test_expiry_of_other_prefixes_loses_nothing(account: Any) -> None:
    account.stands(BUCKET_B, S3KeyPrefix="trail")
    account.stem = "/evidence/logs-bucket/trail/"
    account.hums(start=20)
    rule = {"Rules": [{"Status": "Enabled", "Expiration": {"Days": 1}, "Filter": {"Prefix": "tmp/"}}]}
    account.answers("GetBucketLifecycleConfiguration", "logs-bucket", rule)
    assert account.state(19.5) in ("logged", "uncertain")


def test_spans_that_integrity_lost_are_lost(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    start = account.window.start
    lost = [
        {
            "aws_region": "us-east-1",
            "start_time": start + timedelta(hours=6),
            "end_time": start + timedelta(hours=7),
            "basis": "gone",
        }
    ]
    found = visibility_of(account.replay(lost))
    rows = found[(found["bucket"] == "b") & (found["record_class"] == "data_read")]
    assert list(rows["state"]) == ["logged", "lost", "logged"]


def test_a_region_that_falls_silent_is_in_doubt(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums(start=-72, end=10, step=0.4)
    account.hums(start=18, step=0.4)
    assert [account.state(hours) for hours in (9, 14, 20)] == ["logged", "uncertain", "logged"]


# server access logs


def test_a_status_of_xmlns_alone_switches_access_logging_off(account: Any) -> None:
    account.stands(NONE)
    account.hums()
    account.line(1)
    account.answers("GetBucketLogging", "b", {})
    account.bucket_call(6, "PutBucketLogging", "b", OFF)
    states = [account.state(hours, "server_access_log") for hours in (3, 6.5, 7.1)]
    assert states == ["logged", "uncertain", "not_logged"]


def test_access_logging_takes_an_hour_to_come_on(account: Any) -> None:
    account.stands(NONE)
    account.hums()
    account.answers("GetBucketLogging", "b", LINES)
    account.bucket_call(2, "PutBucketLogging", "b", OFF)
    account.bucket_call(6, "PutBucketLogging", "b", ON)
    account.line(8)
    states = [account.state(hours, "server_access_log") for hours in (5, 6.5, 7.1, 20)]
    assert states == ["not_logged", "uncertain", "logged", "logged"]


def test_a_refused_switch_off_is_no_gap(account: Any) -> None:
    account.stands(NONE)
    account.hums()
    account.answers("GetBucketLogging", "b", LINES)
    account.line(1)
    account.bucket_call(6, "PutBucketLogging", "b", OFF, error="AccessDenied")
    assert account.state(6.5, "server_access_log") == "logged"


def test_an_access_log_that_is_silent_while_cloudtrail_sees_requests_is_in_doubt(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    account.answers("GetBucketLogging", "b", LINES)
    for hour in range(24):
        for minute in (10, 20, 30):
            account.came(hour + minute / 60, "data_read", "b", key="k")
            if not 13 <= hour < 17:
                account.line(hour + minute / 60)
    states = [account.state(hours, "server_access_log") for hours in (12.5, 13.5, 16.5, 17.5)]
    assert states == ["logged", "uncertain", "uncertain", "logged"]


def test_access_logs_that_nobody_holds_do_not_count(account: Any) -> None:
    account.stands(NONE)
    account.hums()
    account.answers("GetBucketLogging", "b", LINES)
    assert account.state(12, "server_access_log") == "not_logged"


def test_an_access_log_that_was_redirected_to_where_no_line_is_held_of_is_gone(account: Any) -> None:
    account.stands(NONE)
    account.hums()
    for hour in range(6):
        account.line(hour)
    away = {"LoggingEnabled": {"TargetBucket": "junk", "TargetPrefix": ""}}
    account.bucket_call(6, "PutBucketLogging", "b", {"BucketLoggingStatus": away})
    account.answers("GetBucketLogging", "b", away)
    states = [account.state(hours, "server_access_log") for hours in (3, 6.5, 8, 20)]
    assert states == ["logged", "uncertain", "not_logged", "not_logged"]


def test_of_an_access_log_into_a_bucket_of_which_no_line_is_held_nothing_is_known(account: Any) -> None:
    account.stands(NONE)
    account.hums()
    account.answers("GetBucketLogging", "b", {"LoggingEnabled": {"TargetBucket": "others", "TargetPrefix": ""}})
    account.answers("GetBucketLogging", "c", LINES)
    account.line(1, "c")
    assert account.state(12, "server_access_log") == "unknown"
    assert account.state(12, "server_access_log", "c") == "logged"


def test_an_answer_of_later_that_lines_refute_does_not_switch_the_access_log_off(account: Any) -> None:
    account.stands(NONE)
    account.hums()
    account.answers("GetBucketLogging", "b", {})
    account.line(2)
    account.line(20)
    assert [account.state(hours, "server_access_log") for hours in (12, 22)] == ["logged", "unknown"]


def test_an_answer_of_later_that_silence_refutes_does_not_switch_the_access_log_on(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    account.answers("GetBucketLogging", "b", LINES)
    account.answers("GetBucketLogging", "c", LINES)
    account.line(1, "c")
    for hour in (1, 2, 3):
        account.came(hour, "data_read", "b", key="k")
    assert account.state(20, "server_access_log") == "unknown"


def test_requests_that_the_access_log_alone_holds_put_a_trail_in_doubt(account: Any) -> None:
    def at(hours: float) -> Any:
        return account.window.start + timedelta(hours=hours)

    account.stands(BUCKET_B)
    account.hums()
    account.unseen = [{"bucket": "b", "record_class": "data_read", "start_time": at(1.2), "end_time": at(2.8)}]
    assert [account.state(hours) for hours in (0.5, 1.5, 2.5, 3.5, 4.5)] == [
        "logged", "uncertain", "uncertain", "logged", "logged",
    ]  # fmt: skip
    assert account.state(1.5, "data_write") == "logged"


def test_a_kms_key_on_the_access_log_bucket_makes_delivery_doubtful(account: Any) -> None:
    account.stands(NONE)
    account.hums()
    account.answers("GetBucketLogging", "b", LINES)
    account.line(1)
    content = {
        "ServerSideEncryptionConfiguration": {
            "Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        }
    }
    account.bucket_call(6, "PutBucketEncryption", "lines", content)
    assert [account.state(hours, "server_access_log") for hours in (3, 12)] == ["logged", "uncertain"]


# the table and what is made of it


def test_the_window_is_tiled_for_each_bucket_and_class(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    account.trail_call(6, "StopLogging")
    account.trail_call(9, "StartLogging")
    found = visibility_of(account.replay())
    for _, rows in found.groupby(["bucket", "aws_region", "record_class"], dropna=False):
        assert rows["start_time"].iloc[0] == account.window.start
        assert rows["end_time"].iloc[-1] == account.window.end
        assert list(rows["end_time"][:-1]) == list(rows["start_time"][1:])
    assert set(found[found["bucket"] == "b"]["record_class"]) == {
        "management",
        "data_read",
        "data_write",
        "server_access_log",
    }


def test_nothing_found_means_nothing_was_where_the_whole_scope_was_logged(account: Any) -> None:
    account.stands(BUCKET_B)
    account.hums()
    table = visibility_of(account.replay())
    later = Span(account.window.start, account.window.end + timedelta(hours=1))
    assert was_logged(table, account.window, "data_read", "b")
    assert not was_logged(table, account.window, "data_read", "c")
    assert not was_logged(table, later, "data_read", "b")
    assert not was_logged(table.iloc[0:0], account.window, "data_read", "b")
    assert isinstance(table, pd.DataFrame)
