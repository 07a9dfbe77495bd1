"""Requests that access logs alone hold, in the runs of use that they belong to."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ir_kit.key_activity import questions as key_activity
from ir_kit.object_access import questions as object_access

Small = Any
THIEF = "192.0.2.1"


def theirs(case: Any) -> pd.DataFrame:
    frame = key_activity.sessions(case)
    return frame[frame["source_ip_address"] == THIEF].reset_index(drop=True)


def test_they_join_the_run_that_they_touch(small: Small) -> None:
    small.s3("GetObject", time="2026-03-03T10:00:00+00:00")
    for minute in (5, 20, 45, 58):
        small.s3("GetObject", "exports", f"{minute}.csv", time=f"2026-03-03T10:{minute:02d}:00+00:00")
    case = small.open()
    (row,) = theirs(case).to_dict("records")
    assert (row["seen_in"], row["event_count"], row["log_request_count"], row["log_bytes_sent"]) == ("both", 1, 4, 40)
    requests = object_access.requests(case)
    assert set(requests.loc[requests["source_ip_address"] == THIEF, "session_id"]) == {row["session_id"]}


def test_they_are_a_run_of_their_own_where_cloudtrail_saw_nothing_near(small: Small) -> None:
    small.s3("GetObject", time="2026-03-03T10:00:00+00:00")
    for minute in (0, 10, 20):
        small.s3("GetObject", "exports", f"{minute}.csv", time=f"2026-03-04T02:{minute:02d}:00+00:00")
    case = small.open()
    frame = theirs(case)
    assert list(frame["seen_in"]) == ["cloudtrail", "server_access_log"]
    alone = frame.iloc[1]
    assert (alone["event_count"], alone["log_request_count"], alone["bytes_sent"]) == (3, 3, 30)
    assert (alone["verdict"], alone["access_key_id"]) == ("new", small.key.access_key_id)
    assert frame["operator_id"].nunique() == 1
    requests = object_access.requests(case).query("bucket == 'exports'")
    assert set(requests["session_id"]) == {alone["session_id"]} and set(requests["verdict"]) == {"new"}
    assert set(requests["counted_in"]) == {"likely"}  # graded C: reasoned, so it is no lower bound


def test_what_could_be_anothers_joins_nothing(small: Small) -> None:
    second = small.world.long_term_key(small.world.users["app"], small.world.stream("second"), small.key.created)
    for key, minute in ((small.key, 0), (second, 1)):
        small.s3("GetObject", time=f"2026-03-03T10:0{minute}:00+00:00", by=key)
    small.s3("GetObject", "exports", "a.csv", time="2026-03-03T10:05:00+00:00")
    case = small.open()
    assert set(object_access.requests(case).query("bucket == 'exports'")["attribution"]) == {"D"}
    assert list(theirs(case)["seen_in"]) == ["cloudtrail"]


def test_every_event_is_still_in_one_session(small: Small) -> None:
    for hour in (1, 2, 9):
        small.s3("GetObject", time=f"2026-03-04T0{hour}:00:00+00:00")
        small.s3("GetObject", "exports", f"{hour}.csv", time=f"2026-03-04T0{hour}:29:00+00:00")
    case = small.open()
    count = key_activity.events(case).attrs["rows"]
    sessions = key_activity.sessions(case)
    assert int(sessions.loc[sessions["seen_in"] != "server_access_log", "event_count"].sum()) == count
