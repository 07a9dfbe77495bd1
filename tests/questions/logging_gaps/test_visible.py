"""Where the evidence ends, knowledge ends."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from ir_kit.coverage import visible as module

T = "2026-03-{}T00:00:00Z"


class _Asked:
    def __init__(self, last_record: str | None, last_answer: str | None) -> None:
        self.times = {"last_record": pd.Timestamp(last_record), "last_answer": pd.Timestamp(last_answer)}

    def ask(self, question: str) -> pd.DataFrame:
        assert question == "coverage/evidence_end"
        return pd.DataFrame({name: pd.Series([time], dtype="datetime64[us, UTC]") for name, time in self.times.items()})


def row(start: str, end: str, state: str, bucket: str | None = "b") -> dict[str, Any]:
    return {
        "bucket": bucket, "aws_region": "us-east-1", "record_class": "data_read", "start_time": pd.Timestamp(T.format(start)),
        "end_time": pd.Timestamp(T.format(end)), "state": state, "basis": "a trail", "left_out": [],
    }  # fmt: skip


def clipped(*rows: dict[str, Any], last_record: str | None, last_answer: str | None) -> list[tuple[str, str, str]]:
    frame = module._up_to_the_end(_Asked(last_record, last_answer), pd.DataFrame(rows))  # type: ignore[arg-type]
    return [(f"{r.start_time:%d}", f"{r.end_time:%d}", r.state) for r in frame.itertuples()]


def test_a_setting_is_not_carried_past_the_last_answer() -> None:
    told = clipped(row("01", "08", "logged"), last_record="2026-03-02T10:00:00Z", last_answer="2026-03-05T00:00:00Z")
    assert told == [("01", "05", "logged"), ("05", "08", "unknown")]


def test_what_came_after_the_collection_is_not_known_on_the_day_of_the_last_record_either() -> None:
    asked = _Asked("2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z")
    frame = module._up_to_the_end(asked, pd.DataFrame([row("01", "03", "logged")]))  # type: ignore[arg-type]
    assert [f"{one:%d %H}" for one in frame["end_time"]] == ["02 12", "03 00"]
    assert frame["state"].tolist() == ["logged", "unknown"]


def test_records_of_after_the_last_answer_were_gathered_later() -> None:
    told = clipped(row("01", "04", "logged"), last_record="2026-03-02T10:00:00Z", last_answer="2026-03-01T12:00:00Z")
    assert told == [("01", "03", "logged"), ("03", "04", "unknown")]


def test_a_quiet_evening_of_the_last_day_is_no_gap() -> None:
    told = clipped(row("01", "03", "logged"), last_record="2026-03-02T10:00:00Z", last_answer=None)
    assert told == [("01", "03", "logged")]


def test_an_interval_that_begins_after_the_end_is_unknown() -> None:
    rows = (row("01", "04", "logged"), row("04", "08", "not_logged"))
    told = clipped(*rows, last_record="2026-03-01T10:00:00Z", last_answer=None)
    assert told == [("01", "02", "logged"), ("02", "08", "unknown")]


@pytest.mark.parametrize("last_answer", ["2026-03-08T00:00:00Z", "2026-04-01T00:00:00Z"])
def test_evidence_that_outlives_the_window_changes_nothing(last_answer: str) -> None:
    rows = (row("01", "08", "logged"), row("01", "08", "logged", None))
    assert clipped(*rows, last_record=None, last_answer=last_answer) == [("01", "08", "logged")] * 2
