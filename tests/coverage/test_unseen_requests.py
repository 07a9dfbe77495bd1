"""Requests that the access log holds and CloudTrail does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import duckdb

import ir_kit.coverage

QUESTION = Path(ir_kit.coverage.__file__).with_name("unseen_requests.sql").read_text()
DAY = datetime.fromisoformat("2026-03-02")


def runs(lines: list[int], unseen: list[int]) -> list[tuple[datetime, datetime]]:
    """The runs of hours that lack requests, of a bucket with so many lines in each hour, the last of them unseen."""
    database = duckdb.connect()
    database.execute("create table events (bucket varchar, request_id varchar)")
    database.execute(
        "create table access_log_lines (bucket varchar, event_time timestamp, operation varchar, http_status integer, "
        "request_id varchar, requester varchar)"
    )
    for hour, (count, lacking) in enumerate(zip(lines, unseen, strict=True)):
        for number in range(count):
            time, name = DAY + timedelta(hours=hour, minutes=number), f"{hour}-{number}"
            line = ["b", time, "REST.GET.OBJECT", 200, name, None]
            database.execute("insert into access_log_lines values (?, ?, ?, ?, ?, ?)", line)
            if number < count - lacking:
                database.execute("insert into events values ('b', ?)", [name])
    return [
        (start, end)
        for _, record_class, start, end in database.execute(QUESTION).fetchall()
        if record_class == "data_read"
    ]


def test_hours_that_lack_three_requests_and_more_than_a_tenth_are_a_run() -> None:
    found = runs([5, 5, 5, 0, 5, 5, 40], [0, 3, 2, 0, 1, 0, 4])
    first = DAY + timedelta(hours=1, minutes=2)
    assert found == [(first, DAY + timedelta(hours=4, minutes=4, seconds=1))]


def test_fewer_than_three_requests_and_logs_without_a_request_in_common_say_nothing() -> None:
    assert runs([5, 5, 5], [0, 2, 0]) == []
    assert runs([5, 5], [5, 5]) == []
