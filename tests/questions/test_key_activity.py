"""Sessions and whose they look like, what is first seen, what was tried in vain."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ir_kit.errors import ParameterError
from ir_kit.key_activity import questions as key_activity

World = Any
ROLE = "ASIAROLEROLEROLEROLE"
OFFICE = {"address": "203.0.113.10", "agent": "Boto3/1.26"}
AWAY = {"address": "198.51.100.77", "agent": "rclone/1.64"}
LABELS = "labelled_at,analyst,access_key_id,source_ip_address,user_agent,start_time,end_time,label,note\n"


def usual(world: World, days: int = 5) -> None:
    """The owner's use in the baseline: reads of papers from the office."""
    for day in range(1, days + 1):
        world.object_call(f"2026-02-{day:02d}T10:00:00", world.owner, "GetObject", "papers", "a.txt", **OFFICE)


def only(world: World, **fields: Any) -> pd.Series:
    frame = key_activity.sessions(world.case(**fields))
    assert len(frame) == 1
    return frame.iloc[0]


# runs of use


@pytest.mark.parametrize(("second", "sessions"), [("10:29:59", 1), ("10:30:00", 2)])
def test_a_pause_of_thirty_minutes_ends_a_session(world: World, second: str, sessions: int) -> None:
    for time in ("10:00:00", second):
        world.call(time, world.owner, "ListUsers")
    assert len(key_activity.sessions(world.case())) == sessions


def test_address_agent_and_credential_each_part_sessions(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers")
    world.call("10:00", world.owner, "ListUsers", address="192.0.2.1")
    world.call("10:00", world.owner, "ListUsers", agent="x")
    world.assume("10:00", world.owner, "ops", ROLE)
    world.call("10:01", world.role_session("ops", "work", ROLE, "10:00"), "ListUsers")
    assert len(key_activity.sessions(world.case())) == 4


def test_several_events_of_one_second_stay_in_one_session(world: World) -> None:
    for _ in range(40):
        for time in ("10:00:00", "11:00:00"):
            world.call(time, world.owner, "ListUsers")
    frame = key_activity.sessions(world.case())
    assert list(frame["event_count"]) == [40, 40]
    assert (frame["start_time"] == frame["end_time"]).all()


def test_sessions_are_cut_to_the_window(world: World) -> None:
    for time in ("2026-02-28T23:50:00", "2026-03-01T00:05:00", "2026-03-07T23:59:00", "2026-03-08T00:00:00"):
        world.call(time, world.owner, "ListUsers")
    frame = key_activity.sessions(world.case())
    assert list(frame["event_count"]) == [1, 1]


def test_bytes_are_those_of_data_events_and_null_without_any(world: World) -> None:
    world.object_call("10:00", world.owner, "GetObject", "papers", "a.txt", sent=40)
    world.object_call("10:01", world.owner, "GetObject", "papers", "b.txt", sent=2)
    world.call("12:00", world.owner, "ListUsers")
    assert key_activity.sessions(world.case())["bytes_sent"].to_list() == [42, pd.NA]


def test_failed_calls_are_counted_as_errors(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers")
    world.call("10:01", world.owner, "ListRoles", error="AccessDenied")
    row = only(world)
    assert (row["event_count"], row["error_count"]) == (2, 1)


def test_the_id_of_a_session_does_not_depend_on_what_else_there_is(world: World, tmp_path: Any) -> None:
    world.call("10:00", world.owner, "ListUsers")
    first = only(world)["session_id"]
    other = type(world)(tmp_path / "again")
    other.call("09:00", other.owner, "ListUsers", address="192.0.2.1")
    other.call("10:00", other.owner, "ListUsers")
    assert key_activity.sessions(other.case())["session_id"].iloc[1] == first


def test_one_place_is_one_operator_whatever_the_credential(world: World) -> None:
    world.assume("10:00", world.owner, "ops", ROLE, **AWAY)
    world.call("10:01", world.role_session("ops", "work", ROLE, "10:00"), "ListUsers", **AWAY)
    world.call("10:02", world.owner, "ListUsers", **OFFICE)
    frame = key_activity.sessions(world.case()).set_index("source_ip_address")
    assert frame.loc["198.51.100.77", "operator_id"].nunique() == 1
    assert frame["operator_id"].nunique() == 2


# whose they look like


def test_the_owners_address_and_agent_are_familiar_whatever_is_done(world: World) -> None:
    usual(world)
    world.call("10:00", world.owner, "ListUsers", **OFFICE)
    row = only(world)
    assert row["verdict"] == "familiar" and 0 < row["novelty"] < 1
    assert "address seen on 5 of 5 days of the baseline" in list(row["reasons"])


def test_a_new_address_and_agent_are_new_whatever_is_done(world: World) -> None:
    usual(world)
    world.object_call("10:00", world.owner, "GetObject", "papers", "a.txt", **AWAY)
    row = only(world)
    assert row["verdict"] == "new"
    assert row["reasons"][0] == "address in none of 5 days of the baseline (5 events)"


def test_a_stranger_of_the_baselines_last_hours_is_no_more_familiar_than_one_of_the_window(world: World) -> None:
    usual(world, 28)
    world.object_call("2026-02-28T23:59:59", world.owner, "GetObject", "papers", "a.txt", **AWAY)
    world.object_call("10:00", world.owner, "GetObject", "papers", "a.txt", **AWAY)
    row = only(world)
    assert row["verdict"] == "new" and "where it looks new as well" in row["reasons"][0]


@pytest.mark.parametrize("place", [OFFICE | {"address": "192.0.2.1"}, OFFICE | {"agent": "Boto3/1.40"}])
def test_one_unknown_of_two_is_unclear_while_the_owner_might_do_it(world: World, place: dict[str, str]) -> None:
    usual(world)
    world.object_call("10:00", world.owner, "GetObject", "papers", "b.txt", **place)
    assert only(world)["verdict"] == "unclear"


@pytest.mark.parametrize("place", [OFFICE | {"address": "192.0.2.1"}, OFFICE | {"agent": "Boto3/1.40"}])
def test_one_unknown_of_two_is_new_where_what_was_done_is_foreign(world: World, place: dict[str, str]) -> None:
    usual(world)
    world.object_call("10:00", world.owner, "GetObject", "plans", "b.txt", **place)
    assert only(world)["verdict"] == "new"


def test_what_is_known_good_is_the_owners(world: World) -> None:
    usual(world)
    world.call("10:00", world.owner, "ListUsers", address="192.0.2.200", agent="deploy-tool/9.1")
    good = {"source_ips": ["192.0.2.0/24"], "user_agents": ["deploy-tool/*"]}
    assert only(world, known_good=good)["verdict"] == "familiar"


def test_without_a_baseline_nothing_can_be_told(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    row = only(world, baseline=None)
    assert (row["verdict"], row["novelty"]) == ("unclear", 0.5)
    assert list(row["reasons"]) == ["no baseline: nothing to compare with"]


def test_a_baseline_of_which_no_event_is_held_is_none(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    case = world.case()
    assert key_activity.sessions(case)["verdict"].iloc[0] == "unclear"
    assert key_activity.first_seen(case).empty


def test_a_key_that_slept_through_a_baseline_that_is_held_is_new(world: World) -> None:
    world.call("2026-02-10T10:00:00", world.admin, "ListUsers", **OFFICE)
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    assert only(world)["verdict"] == "new"


def test_the_owners_session_of_another_role_is_compared_with_the_keys_baseline(world: World) -> None:
    usual(world)
    world.assume("10:00", world.owner, "reports", ROLE, **OFFICE)
    world.call("10:01", world.role_session("reports", "work", ROLE, "10:00"), "ListUsers", **OFFICE)
    assert set(key_activity.sessions(world.case())["verdict"]) == {"familiar"}


def test_one_place_is_not_the_owners_with_the_key_and_somebody_elses_with_its_role(world: World) -> None:
    """What the role does is a part of what the key does: by itself its mixture of calls is unlike the key's."""
    after = OFFICE | {"agent": "Boto3/1.27"}
    for day in range(1, 11):
        for name in ("GetObject", "PutObject"):
            for minute in range(10, 30):
                time = f"2026-02-{day:02d}T10:{minute}:00"
                world.object_call(time, world.owner, name, "papers", "a.txt", read=name == "GetObject", **OFFICE)
    world.assume("10:00", world.owner, "ops", ROLE, **after)
    session = world.role_session("ops", "work", ROLE, "10:00")
    for minute in range(10, 35):
        for name, who in (("GetObject", world.owner), ("PutObject", world.owner), ("GetObject", session)):
            world.object_call(f"10:{minute}", who, name, "papers", "a.txt", read=name == "GetObject", **after)
    frame = key_activity.sessions(world.case()).set_index("access_key_id")
    assert set(frame["verdict"]) == {"familiar"}
    assert "the same address and agent are the owner's with another credential" in list(frame.loc[ROLE, "reasons"])


def test_a_role_session_is_compared_with_the_roles_other_sessions(world: World) -> None:
    usual(world)
    old = world.role_session("reports", "old", "ASIAOLDOLDOLDOLDOLD2", "2026-02-10T06:00:00")
    world.call("2026-02-10T06:01:00", old, "ListUsers", address="203.0.113.11", agent="report/1")
    world.assume("10:00", world.owner, "reports", ROLE, **OFFICE)
    world.call("10:01", world.role_session("reports", "work", ROLE, "10:00"), "ListUsers", address="203.0.113.11",
               agent="report/1")  # fmt: skip
    assert set(key_activity.sessions(world.case())["verdict"]) == {"familiar"}


@pytest.mark.parametrize(("place", "verdict"), [(OFFICE, "familiar"), (AWAY, "new")])
def test_a_forwarded_call_is_judged_by_the_direct_use_beside_it(
    world: World, place: dict[str, str], verdict: str
) -> None:
    usual(world)
    world.assume("10:00", world.owner, "ops", ROLE, **place)
    who = world.role_session("ops", "work", ROLE, "10:00", invokedBy="cloudformation.amazonaws.com")
    world.call("10:05", who, "CreateRole", address="cloudformation.amazonaws.com", agent="cloudformation.amazonaws.com")
    frame = key_activity.sessions(world.case()).query("forwarded")
    assert list(frame["verdict"]) == [verdict]
    assert "address and agent are not compared" in frame["reasons"].iloc[0][0]


def test_a_forwarded_call_by_itself_is_never_new(world: World) -> None:
    usual(world)
    who = world.owner | {"invokedBy": "athena.amazonaws.com"}
    world.call("10:05", who, "ListUsers", address="athena.amazonaws.com", agent="athena.amazonaws.com")
    assert only(world)["verdict"] == "unclear"


# labels


def label(world: World, *rows: str) -> None:
    folder = world.runs / "small"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "labels.csv").write_text(LABELS + "".join(row + "\n" for row in rows), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "owner"),
        ({"address": "192.0.2.1"}, None),
        ({"agent": "x"}, None),
        ({"end": "2026-03-02T09:59:59Z"}, None),
    ],
)
def test_a_label_is_matched_by_key_address_agent_and_overlap(
    world: World, change: dict[str, str], expected: str | None
) -> None:
    given = {**AWAY, "end": "2026-03-02T10:00:00Z", **change}
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    world.call("10:10", world.owner, "ListUsers", **AWAY)
    label(
        world,
        f"2026-03-09T00:00:00Z,anna,{world.key},{given['address']},{given['agent']},2026-03-02T09:00:00Z,{given['end']},owner,",
    )
    found = only(world)["label"]
    assert (None if pd.isna(found) else found) == expected


def test_the_latest_label_holds(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    place = f"{world.key},198.51.100.77,rclone/1.64,2026-03-02T10:00:00Z,2026-03-02T10:00:00Z"
    label(world, f"2026-03-09T02:00:00Z,anna,{place},intruder,", f"2026-03-09T01:00:00Z,anna,{place},owner,")
    assert only(world)["label"] == "intruder"


def test_a_label_without_a_time_is_an_error_that_names_the_line(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    label(world, f"2026-03-09T02:00:00Z,anna,{world.key},a,b,yesterday,2026-03-02T10:00:00Z,owner,")
    with pytest.raises(ParameterError, match=r"labels\.csv:2"):
        key_activity.sessions(world.case())


# first seen


def test_an_address_of_the_baseline_is_not_first_seen(world: World) -> None:
    usual(world)
    world.object_call("10:00", world.owner, "GetObject", "papers", "a.txt", **OFFICE)
    assert key_activity.first_seen(world.case()).empty


def test_each_kind_of_value_is_first_seen_on_its_own(world: World) -> None:
    usual(world)
    world.object_call("10:00", world.owner, "PutObject", "plans", "a", region="eu-west-1", error="AccessDenied", **AWAY)
    frame = key_activity.first_seen(world.case()).set_index("kind")
    assert frame["value"].to_dict() == {
        "source_ip_address": "198.51.100.77", "user_agent": "rclone/1.64", "aws_region": "eu-west-1",
        "event_name": "PutObject", "bucket": "plans",
    }  # fmt: skip
    assert (frame["error_count"] == 1).all()


def test_what_another_session_of_the_role_used_before_is_not_first_seen(world: World) -> None:
    world.call("2026-02-10T10:00:00", world.role_session("ops", "old", "ASIAOLDOLDOLDOLDOLD2", "2026-02-10T09:00:00"),
               "ListUsers", **OFFICE)  # fmt: skip
    world.assume("10:00", world.owner, "ops", ROLE, **AWAY)
    session = world.role_session("ops", "work", ROLE, "10:00")
    world.call("10:01", session, "ListUsers", **OFFICE)
    world.call("10:02", session, "ListRoles", **OFFICE)
    frame = key_activity.first_seen(world.case()).query(f"access_key_id == '{ROLE}'")
    assert list(frame["value"]) == ["ListRoles"]


# probing, actions, events


def test_refused_calls_and_missing_buckets_are_probing_and_other_errors_are_not(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers", error="AccessDenied")
    world.call("10:01", world.owner, "CreateUser", error="EntityAlreadyExists")
    world.call("10:02", world.owner, "ListRoles")
    world.object_call("10:03", world.owner, "HeadBucket", "acme-backup", error="NoSuchBucket")
    world.object_call("10:04", world.owner, "ListObjects", "acme-dump", error="NoSuchBucket")
    world.object_call("10:05", world.owner, "GetObject", "papers", "x", error="NoSuchKey")
    world.object_call("10:06", world.owner, "GetBucketPolicy", "papers", error="NoSuchBucketPolicy")
    world.call("10:07", world.admin, "ListUsers", error="AccessDenied")
    frame = key_activity.probing(world.case())
    assert list(zip(frame["event_name"], frame["kind"], frame["attempts"], strict=True)) == [
        ("ListUsers", "refused", 1), ("HeadBucket", "missing_bucket", 1), ("ListObjects", "missing_bucket", 1),
    ]  # fmt: skip


def test_actions_are_counted_by_hour(world: World) -> None:
    for time in ("10:00", "10:59", "11:00"):
        world.call(time, world.owner, "ListUsers", error="AccessDenied" if time == "10:59" else None)
    frame = key_activity.actions(world.case())
    assert list(zip(frame["hour"].dt.hour, frame["event_count"], frame["error_count"], strict=True)) == [
        (10, 2, 1),
        (11, 1, 0),
    ]


def test_every_event_of_the_window_is_written_once_with_its_session(world: World) -> None:
    for time in ("10:00", "10:05", "11:00"):
        world.call(time, world.owner, "ListUsers", userAgent=None)
    world.call("2026-03-08T00:00:00", world.owner, "ListUsers")
    case = world.case()
    frame = key_activity.events(case)
    sessions = key_activity.sessions(case)
    assert frame.attrs["rows"] == len(frame) == 3
    assert list(frame["session_id"]) == [
        sessions["session_id"][0],
        sessions["session_id"][0],
        sessions["session_id"][1],
    ]
    written = pq.read_table(case.staging / "tables" / "key_activity" / "events.parquet")
    assert written.num_rows == 3 and str(written.schema.field("event_time").type) == "timestamp[us, tz=UTC]"


def test_answers_without_a_row_keep_their_columns_and_types(world: World) -> None:
    world.call("10:00", world.admin, "ListUsers")
    case = world.case()
    for ask in (
        key_activity.sessions,
        key_activity.first_seen,
        key_activity.probing,
        key_activity.actions,
        key_activity.events,
    ):
        assert ask(case).empty
    schema = pq.read_schema(case.staging / "tables" / "key_activity" / "sessions.parquet")
    assert (
        str(schema.field("reasons").type).startswith("list<")
        and str(schema.field("start_time").type) == "timestamp[us, tz=UTC]"
    )


# labels teach


def _said(world: World, time: str, place: dict[str, str], label_: str) -> str:
    return f"2026-03-09T00:00:00Z,anna,{world.key},{place['address']},{place['agent']},{time},{time},{label_},"


@pytest.mark.parametrize(("said", "verdict"), [("owner", "familiar"), ("unknown", "new")])
def test_runs_alike_to_a_labelled_one_follow_it_and_say_so(world: World, said: str, verdict: str) -> None:
    usual(world)
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    world.call("12:00", world.owner, "ListUsers", **AWAY)
    label(world, _said(world, "2026-03-02T10:00:00Z", AWAY, said))
    frame = key_activity.sessions(world.case())
    assert list(frame["verdict"]) == ["new", verdict]
    assert any("labelled owner" in reason for reason in frame["reasons"][1]) is (said == "owner")


def test_a_label_that_contradicts_the_verdict_says_so(world: World) -> None:
    usual(world)
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    label(world, _said(world, "2026-03-02T10:00:00Z", AWAY, "owner"))
    row = only(world)
    assert (row["verdict"], row["label"]) == ("new", "owner")
    assert list(row["reasons"])[-1] == "labelled owner by the analyst, against the verdict new"


def test_a_place_labelled_the_intruders_is_no_longer_familiar_elsewhere(world: World) -> None:
    usual(world)
    for time in ("10:00", "12:00"):
        world.object_call(time, world.owner, "GetObject", "papers", "a.txt", **OFFICE)
    label(world, _said(world, "2026-03-02T10:00:00Z", OFFICE, "intruder"))
    frame = key_activity.sessions(world.case())
    assert list(frame["verdict"]) == ["familiar", "unclear"]
    assert frame["novelty"][1] >= 0.7


def test_a_label_that_is_none_is_an_error_that_names_the_line(world: World) -> None:
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    label(world, _said(world, "2026-03-02T10:00:00Z", AWAY, "thief"))
    with pytest.raises(ParameterError, match=r"labels\.csv:2"):
        key_activity.sessions(world.case())


# operators and what they are compared with


def test_what_shares_an_address_with_somebody_new_is_new(world: World) -> None:
    usual(world)
    world.call("10:00", world.owner, "ListUsers", **AWAY)
    world.object_call("13:00", world.owner, "GetObject", "papers", "a.txt", **(AWAY | {"agent": OFFICE["agent"]}))
    frame = key_activity.sessions(world.case())
    assert list(frame["verdict"]) == ["new", "new"]
    assert frame["operator_id"].nunique() == 1


def test_operators_sum_up_their_sessions_and_the_most_unusual_comes_first(world: World) -> None:
    usual(world)
    world.object_call("09:00", world.owner, "GetObject", "papers", "a.txt", **OFFICE)
    for time in ("10:00", "12:00"):
        world.call(time, world.owner, "ListUsers", **AWAY)
    frame = key_activity.operators(world.case())
    assert list(zip(frame["verdict"], frame["sessions"], frame["event_count"], strict=True)) == [
        ("new", 2, 2), ("familiar", 1, 1),
    ]  # fmt: skip
    assert list(frame["source_ip_addresses"][0]) == [AWAY["address"]] and list(frame["tools"][0]) == ["rclone"]


def test_how_much_baseline_there_is_is_said(world: World) -> None:
    usual(world)
    world.call("10:00", world.owner, "ListUsers", **OFFICE)
    row = key_activity.baseline(world.case()).iloc[0]
    assert (row["basis"], row["days"], row["events"]) == ("baseline", 5, 5)
    assert row["warning"] == "a short baseline: this principal was in use on 5 days of it"


def test_an_act_is_in_the_session_of_its_key_address_agent_and_time(world: World) -> None:
    from ir_kit.sessions.session_table import session_of

    world.call("10:00", world.owner, "ListUsers", **AWAY)
    world.call("12:00", world.owner, "ListUsers", **AWAY)
    case = world.case()
    sessions = key_activity.sessions(case)
    start = sessions["start_time"].iloc[0]
    names = sessions[["access_key_id", "source_ip_address", "user_agent"]].iloc[0].to_dict()
    times = [start, start + pd.Timedelta(minutes=29), start + pd.Timedelta(minutes=31), start + pd.Timedelta(hours=2)]
    acts = pd.DataFrame([names | {"time": time} for time in times] + [names | {"time": start, "user_agent": None}])
    placed = session_of(case, acts, time="time")
    first, second = sessions["session_id"]
    assert [None if pd.isna(name) else name for name in placed["session_id"]] == [first, first, None, second, None]
    assert session_of(case, acts.head(0), time="time").empty
