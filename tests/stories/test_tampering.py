"""A story of tampering: what is told of the logging is held against what was so, minute by minute."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ir_kit.logging_gaps import questions as logging_gaps

BLIND = ("not_logged", "lost", "unknown")
Minute = tuple[str | None, str, Any, str, str, str]  # bucket, class, time, truth, state, basis


def _beside(name: str) -> Any:
    found = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert found and found.loader
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


tampering_world = _beside("tampering_world")


@pytest.fixture(scope="module", params=["lifecycle stands", pytest.param("taken back", marks=pytest.mark.slow)])
def story(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Any:
    """The story, once with the lifecycle in force to the end, once with it taken back after it did its work."""
    return tampering_world.open_story(tmp_path_factory.mktemp("tampering"), request.param == "taken back")


@pytest.fixture(scope="module")
def visibility(story: Any) -> pd.DataFrame:
    return logging_gaps.visibility(story.case)


@pytest.fixture(scope="module")
def acts(story: Any) -> pd.DataFrame:
    return logging_gaps.tampering(story.case)


@pytest.fixture(scope="module")
def minutes(story: Any, visibility: pd.DataFrame) -> list[Minute]:
    """Each minute of each bucket and class: what was true of it, and what is told."""
    moments = story.moments()
    told: dict[tuple[str | None, str], list[tuple[str, str] | None]] = {}
    for row in visibility.to_dict("records"):
        scope = (row["bucket"] if isinstance(row["bucket"], str) else None, row["record_class"])
        states = told.setdefault(scope, [None] * len(moments))
        for number in range(*(_first_minute(row[edge]) for edge in ("start_time", "end_time"))):
            assert states[number] is None
            states[number] = row["state"], row["basis"]
    truth = story.truth()
    assert set(told) == set(truth)
    return [
        (*scope, moment, so, *(said or ("none", "")))
        for scope in truth
        for moment, so, said in zip(moments, truth[scope], told[scope], strict=True)
    ]


def _first_minute(time: pd.Timestamp) -> int:
    """The first whole minute of the window that is not before a time."""
    return -int((tampering_world.START - time) // timedelta(minutes=1))


def _of(minutes: list[Minute], *truths: str) -> Iterator[Minute]:
    return (one for one in minutes if one[3] in truths)


def _summary(found: list[Minute]) -> Counter[Any]:
    """What is wrong, short enough to be read."""
    return Counter((bucket, kind, f"{time:%d %Hh}", so, said) for bucket, kind, time, so, said, _ in found)


def test_the_truth_holds_each_kind_of_blindness(minutes: list[Minute]) -> None:
    hours = Counter(so for _, _, _, so, _, _ in minutes)
    assert set(hours) == {"logged", "not_logged", "lost", "mixed", "settling"}
    assert all(count > 60 for count in hours.values())


def test_no_blind_minute_is_called_logged(minutes: list[Minute]) -> None:
    wrong = [one for one in _of(minutes, "not_logged", "lost") if one[4] == "logged"]
    assert not wrong, _summary(wrong)


def test_no_blind_minute_is_missed(minutes: list[Minute]) -> None:
    missed = [one for one in _of(minutes, "not_logged", "lost") if one[4] not in BLIND]
    assert not missed, _summary(missed)


def test_no_logged_minute_is_called_blind(minutes: list[Minute]) -> None:
    wrong = [one for one in _of(minutes, "logged") if one[4] in BLIND]
    assert not wrong, _summary(wrong)


def test_a_logged_minute_is_in_doubt_only_next_to_lines_that_expired(story: Any, minutes: list[Minute]) -> None:
    """Lines of the hours before the expiry may have gone with a file that came before it: nobody can tell which."""
    doubtful = [one for one in _of(minutes, "logged") if one[4] != "logged"]
    assert {(bucket, kind) for bucket, kind, *_ in doubtful} <= {(tampering_world.LEDGERS, "server_access_log")}
    assert all("expire after 1 days" in one[5] and one[2] < story.expired for one in doubtful)
    assert len(doubtful) < 4 * 60


def test_expired_log_objects_stand_among_the_contradictions(story: Any) -> None:
    rows = logging_gaps.contradictions(story.case)
    said = rows[rows["kind"] == "log_objects_expired"]
    assert len(said) and set(said["start_time"]) == {pd.Timestamp(story.case.incident.window.start)}
    assert (said["end_time"] <= story.expired).all() and said["statement"].str.contains("expire after 1 days").all()


def test_minutes_of_which_some_lines_expired_are_uncertain(minutes: list[Minute]) -> None:
    mixed = list(_of(minutes, "mixed"))
    assert {one[4] for one in mixed} == {"uncertain"}, _summary(mixed)


def test_what_missing_and_modified_files_held_is_lost(minutes: list[Minute]) -> None:
    of_trails = [one for one in _of(minutes, "lost") if one[1] != "server_access_log"]
    hours = {time.replace(minute=0) for _, _, time, *_ in of_trails}
    assert hours == {*tampering_world.DELETED, *tampering_world.ALTERED}
    recorded = [one for one in of_trails if one[1] == "management" or one[0] in tampering_world.WITH_DATA_EVENTS]
    assert {one[4] for one in recorded} == {"lost"}
    assert all("log file missing" in one[5] or "log file modified" in one[5] for one in recorded)


def test_every_log_file_has_its_exact_state(story: Any) -> None:
    frame = logging_gaps.integrity(story.case)
    assert dict(zip(frame["log_file"], frame["state"], strict=True)) == story.integrity
    assert not frame["log_file"].duplicated().any()
    assert Counter(story.integrity.values()) == {"valid": len(frame) - 3, "missing": 2, "modified": 1}


def test_the_stop_is_a_restart_of_the_chain_and_no_break(story: Any) -> None:
    states = Counter(logging_gaps.digest_chain(story.case)["state"])
    assert states["restart"] == 1 and set(states) == {"valid", "restart"}


def test_failed_attempts_are_told_and_cost_no_sight(acts: pd.DataFrame) -> None:
    failed = acts[acts["outcome"] != "success"]
    told = list(zip(failed["event_time"], failed["event_name"], failed["error_code"], strict=True))
    assert told == list(tampering_world.FAILED)
    assert failed["outcome"].tolist() == ["error", "denied", "denied", "denied"]
    assert failed["blind_hours"].tolist() == [0.0] * 4


def test_no_minute_around_the_failed_attempts_is_in_doubt(minutes: list[Minute]) -> None:
    times = [time for time, *_ in tampering_world.FAILED]
    start, end = min(times) - timedelta(hours=1), max(times) + timedelta(hours=1)
    near = [one for one in _of(minutes, "logged") if start <= one[2] < end]
    assert near and {one[4] for one in near} == {"logged"}


def test_each_act_that_succeeded_is_told_once_and_putting_back_never(acts: pd.DataFrame) -> None:
    done = acts[acts["outcome"] == "success"]
    assert list(zip(done["event_time"], done["event_name"], strict=True)) == list(tampering_world.DONE)
    assert set(acts["source_ip_address"]) == {tampering_world.AWAY}


def test_each_act_is_told_with_the_hours_that_it_took(acts: pd.DataFrame) -> None:
    done = acts[acts["outcome"] == "success"].set_index("event_name")["blind_hours"]
    band, world = timedelta(minutes=5), tampering_world
    hour = timedelta(hours=1)
    stop = (world.STARTED - world.STOPPED - band) / hour
    assert done["StopLogging"] == pytest.approx(7 * stop)  # management, and reads and writes of three buckets
    assert done["PutEventSelectors"] == pytest.approx(2 * (world.WIDENED - world.NARROWED - band) / hour)
    assert done["PutBucketLogging"] == pytest.approx((world.LOGS_ON - world.LOGS_OFF - hour) / hour)
