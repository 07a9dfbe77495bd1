"""Which log covered a bucket when: data events, the access log, both, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from ir_kit.coverage.visibility import BLIND
from ir_kit.domain.frames import rows_of
from ir_kit.domain.intervals import between

# parts of a class that selectors leave out for as long as they are in effect, and not for a moment of doubt
NEVER_RECORDED = frozenset(
    {"prefix", "objects", "principal", "event_name", "combination", "from_console", "vpc_endpoint_id", "error_code",
     "read_only", "request"}
)  # fmt: skip
KINDS = ("blind", "both", "data_events", "data_events_only", "access_log_only", "partial", "uncertain")
Row = Mapping[str, Any]


class LogCoverage:
    """Which hours of the window did which log cover, for one bucket?

    Parameters
    ----------
    data, log : rows of `visibility.visible`
        Of one class of data events, and of the access log.
    objects_only : bool
        Of objects alone, listings that data events may leave out leave no doubt.
    """

    def __init__(
        self,
        bucket: str,
        window: tuple[Any, Any],
        data: Sequence[Row],
        log: Sequence[Row],
        *,
        objects_only: bool = False,
    ) -> None:
        self.bucket, self.window = bucket, window
        edges = [row[name] for row in (*data, *log) for name in ("start_time", "end_time")]
        spans = between(edges, *window)
        logs = [_state(log, span.start) for span in spans]
        clear = [number for number, state in enumerate(logs) if state != "uncertain"]
        for number, state in enumerate(logs):
            # on before and after a stretch of doubt, the access log was on in it: what did not come was not delivered
            before = next((logs[other] for other in reversed(clear) if other < number), None)
            after = next((logs[other] for other in clear if other > number), None)
            if state == "uncertain" and before == after == "logged":
                logs[number] = "doubtful"
        states = [_state(data, span.start, objects_only) for span in spans]
        self.pieces = [
            (span.start, span.end, *both) for span, both in zip(spans, zip(states, logs, strict=True), strict=True)
        ]

    def hours(self, kind: str) -> float:
        """How many hours were of this kind? See `spans`."""
        return float(sum((end - start) / pd.Timedelta(hours=1) for start, end in self.spans(kind)))

    def spans(self, kind: str) -> list[tuple[Any, Any]]:
        """Stretches of a kind, which are times in which there was nothing, one log or both, or that is ``uncertain``.

        Parameters
        ----------
        kind : {'blind', 'both', 'data_events', 'data_events_only', 'access_log_only', 'partial', 'uncertain'}
            ``data_events``: whatever the access log did. ``partial``: of the ``uncertain``, where data events alone were
            on, and never for all requests.
        """
        kind = {"alone": "access_log_only", "named": "data_events", "partly": "partial"}.get(kind, kind)
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
        merged: list[tuple[Any, Any]] = []
        for start, end, data, log in self.pieces:
            if kind in _kinds(data, log):
                adjoins = bool(merged) and merged[-1][1] == start
                start = merged.pop()[0] if adjoins else start
                merged.append((start, end))
        return merged


def _state(rows: Sequence[Row], time: datetime, objects_only: bool = False) -> str:
    row = next((row for row in rows if row["start_time"] <= time < row["end_time"]), {"state": "unknown"})
    left_out = set() if row.get("left_out") is None else set(row["left_out"])
    if row["state"] != "uncertain" or row.get("record_class") == "server_access_log":
        return str(row["state"])
    if left_out & NEVER_RECORDED:
        return "partial"
    return "logged" if objects_only and left_out == {"listings"} else "uncertain"


def _kinds(data: str, log: str) -> tuple[str, ...]:
    if data == "logged":
        return "data_events", "both" if log in ("logged", "doubtful") else "data_events_only"
    if log == "logged":
        return ("access_log_only",)
    if data in BLIND and log in BLIND:
        return ("blind",)
    return ("uncertain", "partial") if data == "partial" and log in BLIND else ("uncertain",)


def log_coverage(
    visibility: pd.DataFrame | None,
    buckets: list[str],
    window: tuple[Any, Any],
    record_class: str = "data_read",
    *,
    objects_only: bool = False,
) -> dict[str, LogCoverage]:
    """For each of these buckets, which hours of the window were covered, and by what?"""
    rows: dict[tuple[str, str], list[Row]] = {}
    if visibility is not None:
        for row in rows_of(visibility[visibility["bucket"].isin(buckets)]):
            rows.setdefault((row["bucket"], row["record_class"]), []).append(row)
    return {
        bucket: LogCoverage(
            bucket, window, rows.get((bucket, record_class), []), rows.get((bucket, "server_access_log"), []),
            objects_only=objects_only,
        )
        for bucket in buckets
    }  # fmt: skip
