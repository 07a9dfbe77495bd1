"""Where the evidence ends, knowledge ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

import ir_kit.coverage
from ir_kit.coverage.visibility import visibility_of

QUESTION = Path(ir_kit.coverage.__file__).with_name("evidence_end.sql").read_text()


def test_a_setting_is_not_carried_past_the_end_of_the_evidence(account: Any) -> None:
    account.stands({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]})
    account.hums()
    table = visibility_of(account.replay(), account.window.start + timedelta(hours=20))
    for _, rows in table.groupby(["bucket", "record_class"], dropna=False):
        assert rows["start_time"].iloc[-1] <= account.window.start + timedelta(hours=20)
        assert rows["end_time"].iloc[-1] == account.window.end
        assert rows["state"].iloc[-1] == "unknown"
    region = table[table["bucket"].isna()]
    assert list(region["state"]) == ["logged", "unknown"]
    assert region["basis"].iloc[-1] == "the evidence ends at 2026-03-02 20:00:00"
    unended = visibility_of(account.replay())
    pd.testing.assert_frame_equal(unended, visibility_of(account.replay(), account.window.end))


@pytest.mark.parametrize(
    ("record", "answer", "end"),
    [
        ("2026-03-02 10:00", "2026-03-05 00:00", "2026-03-05 00:00"),
        # what came after the collection is not known on the day of the last record either
        ("2026-03-02 10:00", "2026-03-02 12:00", "2026-03-02 12:00"),
        # records of after the last answer were gathered later; a quiet evening of their last day is no gap
        ("2026-03-02 10:00", "2026-03-01 12:00", "2026-03-03 00:00"),
        ("2026-03-02 10:00", None, "2026-03-03 00:00"),
        (None, "2026-03-08 00:00", "2026-03-08 00:00"),
        (None, None, None),
    ],
)
def test_the_evidence_ends_with_the_last_answer_or_the_day_of_a_later_record(
    record: str | None, answer: str | None, end: str | None
) -> None:
    database = duckdb.connect()
    for name, column, time in (
        ("events", "event_time", record), ("access_log_lines", "event_time", None), ("settings", "collected_at", answer),
    ):  # fmt: skip
        database.execute(
            f"create table {name} as select cast(? as timestamp) as {column} where ? is not null", [time, time]
        )
    (found,) = database.execute(QUESTION).fetchall()
    assert found == (datetime.fromisoformat(end) if end else None,)
