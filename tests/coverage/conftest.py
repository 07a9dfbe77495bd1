"""A small account in memory: what was called, what was answered, what was delivered; and its replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pandas as pd
import pytest

import ir_kit.coverage
from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import Bucket, BucketInventory
from ir_kit.coverage.logging_timeline import LoggingTimeline, logging_timeline
from ir_kit.coverage.selectors import Scope
from ir_kit.domain.documents import rows_of
from ir_kit.domain.intervals import Span

DAY = datetime(2026, 3, 2, tzinfo=UTC)
ACCOUNT = "111122223333"
HOME = "us-east-1"
TRAIL = f"arn:aws:cloudtrail:{HOME}:{ACCOUNT}:trail/main"
LIST = {"logs"}
QUESTIONS = Path(ir_kit.coverage.__file__).parent
TABLES = {
    "events": "bucket varchar, event_time timestamp, record_class varchar, event_source varchar",
    "access_log_lines": "bucket varchar, event_time timestamp",
}


def at(hours: float) -> datetime:
    """So many hours after the beginning of the window."""
    return DAY + timedelta(hours=hours)


class Account:
    """One account; the window is the first 24 hours, the answers are collected a day later."""

    def __init__(self) -> None:
        self.window = Span(DAY, at(24))
        self.collected = at(48)
        self.trail_settings: list[dict[str, Any]] = []
        self.trail_events: list[dict[str, Any]] = []
        self.bucket_settings: list[dict[str, Any]] = []
        self.bucket_events: list[dict[str, Any]] = []
        self.records: list[dict[str, Any]] = []
        self.lines: list[tuple[str, datetime]] = []
        self.unseen: list[dict[str, Any]] = []
        self.buckets: dict[str, str] = {"b": HOME}
        self.stem: str | None = "/evidence/logs-bucket/"

    # answers

    def describes(self, time: datetime | None = None, name: str = "main", region: str = HOME, **fields: Any) -> None:
        one = {
            "Name": name,
            "TrailARN": f"arn:aws:cloudtrail:{region}:{ACCOUNT}:trail/{name}",
            "HomeRegion": region,
            "S3BucketName": "logs-bucket",
            "IsMultiRegionTrail": True,
            "IncludeGlobalServiceEvents": True,
            **fields,
        }
        self._answer("DescribeTrails", {}, {"trailList": [one]}, time)

    def status(self, logging: bool, time: datetime | None = None, **more: Any) -> None:
        times = {name: value.isoformat() for name, value in more.items()}
        self._answer("GetTrailStatus", {"Name": TRAIL}, {"IsLogging": logging, **times}, time)

    def selects(self, document: dict[str, Any], time: datetime | None = None) -> None:
        self._answer("GetEventSelectors", {"TrailName": TRAIL}, {"TrailARN": TRAIL, **document}, time)

    def stands(self, document: dict[str, Any], **fields: Any) -> None:
        """A trail that is on and selects this, by what was answered."""
        self.describes(**fields)
        self.status(True)
        self.selects(document)

    def _answer(self, operation: str, asked: Any, response: Any, time: datetime | None) -> None:
        self.trail_settings.append(
            {
                "collected_at": time or self.collected,
                "account_id": ACCOUNT,
                "aws_region": HOME,
                "service": "cloudtrail",
                "operation": operation,
                "parameters": json.dumps(asked),
                "response": json.dumps(response),
            }
        )

    def answers(
        self, operation: str, bucket: str, response: Any, *, answer: str = "answered", code: str | None = None
    ) -> None:
        self.bucket_settings.append(
            {
                "collected_at": self.collected,
                "account_id": ACCOUNT,
                "aws_region": HOME,
                "service": "s3",
                "operation": operation,
                "parameters": json.dumps({"Bucket": bucket}),
                "response": json.dumps(response),
                "answer": answer,
                "error_code": code,
            }
        )

    # calls

    def trail_call(
        self,
        hours: float,
        name: str,
        request: Any = None,
        *,
        error: str | None = None,
        response: Any = None,
        region: str = HOME,
    ) -> None:
        self.trail_events.append(
            {
                "event_time": at(hours),
                "event_id": f"{len(self.trail_events):04}",
                "event_source": "cloudtrail.amazonaws.com",
                "event_name": name,
                "error_code": error,
                "aws_region": region,
                "recipient_account_id": ACCOUNT,
                "request_parameters": json.dumps(request or {"name": "main"}),
                "response_elements": json.dumps(response) if response else None,
                "access_key_id": "AKIA",
                "user_identity_arn": "arn",
                "target_name": None,
            }
        )
        if error is None:
            self.came(hours, read=False, region=region)

    def bucket_call(
        self,
        hours: float,
        name: str,
        bucket: str,
        request: Any = None,
        *,
        error: str | None = None,
        source: str = "s3.amazonaws.com",
    ) -> None:
        self.bucket_events.append(
            {
                "event_time": at(hours),
                "event_id": f"b{len(self.bucket_events):04}",
                "event_source": source,
                "event_name": name,
                "error_code": error,
                "aws_region": HOME,
                "bucket": bucket,
                "request_parameters": json.dumps(request or {}),
                "access_key_id": "AKIA",
                "user_identity_arn": "arn",
            }
        )

    # deliveries

    def came(
        self,
        hours: float,
        record_class: str = "management",
        bucket: str | None = None,
        *,
        key: str | None = None,
        read: bool = True,
        region: str = HOME,
        stem: str | None = "",
    ) -> None:
        self.records.append(
            {
                "time": at(hours),
                "record_class": record_class,
                "bucket": bucket,
                "key": key,
                "read": read,
                "aws_region": region,
                "stem": self.stem if stem == "" else stem,
            }
        )

    def hums(self, start: float = 0.1, end: float = 24, step: float = 0.5, region: str = HOME) -> None:
        """Management events come all the time."""
        hours = start
        while hours < end:
            self.came(hours, read=True, region=region)
            self.came(hours + 0.01, read=False, region=region)
            hours += step

    def line(self, hours: float, bucket: str = "b") -> None:
        self.lines.append((bucket, at(hours)))

    # the replay

    def replay(self, lost: list[dict[str, Any]] | None = None) -> LoggingTimeline:
        rows: dict[str, list[dict[str, Any]]] = {
            "coverage/log_settings": self.trail_settings + self.bucket_settings,
            "coverage/log_events": self.trail_events + self.bucket_events,
            "coverage/delivered_hours": self._hours(),
            "coverage/delivered_lines": self._line_hours(),
            "coverage/unseen_requests": self.unseen,
        }

        timeline = logging_timeline(cast("Case", Replay(self, rows)))
        timeline.lost = lost or []
        return timeline

    def state(self, hours: float, record_class: str = "data_read", bucket: str | None = "b", region: str = HOME) -> str:
        timeline = self.replay()
        if record_class == "server_access_log":
            return timeline.access_logs.state(bucket or "", at(hours)).state
        moment = Span(at(hours), at(hours) + timedelta(microseconds=1))
        return timeline.state(Scope(record_class, bucket, region), moment).state

    def delivered(self, spans: list[Span]) -> list[dict[str, Any]]:
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for one in self.records:
            number = next(number for number, span in enumerate(spans) if span.holds(one["time"]))
            bucket = None if one["record_class"] == "management" else one["bucket"]
            groups.setdefault((one["stem"], one["aws_region"], one["record_class"], bucket, number), []).append(one)
        found = []
        for (stem, region, record_class, bucket, number), ones in groups.items():
            keys = [one["key"] for one in ones if one["key"] is not None]
            times = [one["time"] for one in ones]
            found.append(
                {
                    "stem": stem,
                    "aws_region": region,
                    "record_class": record_class,
                    "bucket": bucket,
                    "cut": number,
                    "records": len(ones),
                    "first_time": min(times),
                    "last_time": max(times),
                    "reads": sum(one["read"] for one in ones),
                    "first_key": min(keys, default=None),
                    "last_key": max(keys, default=None),
                }
            )
        return found

    def _hours(self) -> list[dict[str, Any]]:
        groups: dict[tuple[str, datetime], list[datetime]] = {}
        for one in self.records:
            groups.setdefault((one["aws_region"], _hour(one["time"])), []).append(one["time"])
        return [
            {
                "aws_region": region,
                "hour": hour,
                "records": len(times),
                "first_time": min(times),
                "last_time": max(times),
            }
            for (region, hour), times in sorted(groups.items())
        ]

    def _line_hours(self) -> list[dict[str, Any]]:
        seen = [
            (one["bucket"], one["time"].replace(tzinfo=None), one["record_class"], "s3.amazonaws.com")
            for one in self.records
            if one["bucket"]
        ]
        lines = [(bucket, time.replace(tzinfo=None)) for bucket, time in self.lines]
        return answer("delivered_lines", events=seen, access_log_lines=lines)


class Replay:
    """The account as a case: what it answers to the questions of the timeline."""

    def __init__(self, account: Account, rows: dict[str, list[dict[str, Any]]]) -> None:
        self.account, self.rows = account, rows
        self.incident, self.engine = SimpleNamespace(window=account.window), self

    def provide(self, name: str, frame: pd.DataFrame) -> None:
        spans = [Span(row["start_time"], row["end_time"]) for row in rows_of(frame)]
        self.rows["coverage/delivered"] = self.account.delivered(spans)

    def once(self, name: str, compute: Callable[[], Any]) -> BucketInventory:
        return BucketInventory(buckets={name: Bucket(name, region) for name, region in self.account.buckets.items()})

    def ask(self, question: str) -> pd.DataFrame:
        return pd.DataFrame(self.rows[question], dtype=object)


def answer(question: str, **rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """What the SQL of a question says of these rows."""
    with duckdb.connect() as database:
        for name, listed in rows.items():
            database.execute(f"create table {name} ({TABLES[name]})")
            if listed:
                database.executemany(f"insert into {name} values ({', '.join('?' * len(listed[0]))})", listed)
        result = database.execute((QUESTIONS / f"{question}.sql").read_text())
        names = [column[0] for column in result.description or ()]
        return [
            {name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for name, value in zip(names, row, strict=True)}
            for row in result.fetchall()
        ]  # fmt: skip


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def account() -> Account:
    """An account about which nothing is known yet."""
    return Account()


@pytest.fixture
def new_account() -> Callable[[], Account]:
    return Account
