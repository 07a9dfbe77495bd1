"""Whether a request would have been recorded, and the record be in the evidence: the table, and what is read off it.

Everything that says "nobody did" takes its right to say so from here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage import integrity
from ir_kit.coverage.logging_timeline import LoggingTimeline, logging_timeline
from ir_kit.coverage.states import CLASSES, RANK, State
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.intervals import LATEST, Span, between, united

COLUMNS = {
    "bucket": "varchar", "aws_region": "varchar", "record_class": "varchar", "start_time": "timestamp", "end_time":
    "timestamp", "state": "varchar", "basis": "varchar", "left_out": "varchar[]",
}  # fmt: skip
ORDER = (*CLASSES, "server_access_log")
BLIND = ("not_logged", "lost", "unknown")
MINOR = frozenset({"minor_services"})


def visible(case: Case) -> pd.DataFrame:
    """Would a request on this bucket have been recorded, at each moment of the window, and would its record be in the
    evidence?

    Returns
    -------
    DataFrame
        One row per bucket, class and interval, and per Region (null bucket) for all other management events; intervals
        tile the window. Empty where there is neither a bucket nor a Region. ``left_out`` says which part of an
        ``uncertain`` class is in doubt. No table is written.

    Notes
    -----
    Cannot see: a change made while nothing recorded management events; requests that neither log ever records (field
    guide 2.5).
    """

    def compute() -> pd.DataFrame:
        end = case.ask("coverage/evidence_end")["evidence_end"].iloc[0]
        timeline = logging_timeline(case, integrity.lost_spans(case))
        return visibility_of(timeline, LATEST if pd.isna(end) else end.to_pydatetime())

    return case.answer("visible", compute)


def visibility_of(timeline: LoggingTimeline, end: datetime = LATEST) -> pd.DataFrame:
    """The table for a timeline; see `visible`.

    Parameters
    ----------
    end : datetime, optional
        When the evidence ends: from then on nothing is known, since a setting is not carried on.
    """
    rows: list[dict[str, Any]] = []
    window = timeline.window
    ended = State("unknown", f"the evidence ends at {end:%Y-%m-%d %H:%M:%S}")

    def add(bucket: str | None, region: str | None, record_class: str, edges: list[datetime], state_at: Any) -> None:
        first = len(rows)
        for span in between([*edges, end], window.start, window.end):
            state = ended if span.start >= end else state_at(span)
            if len(rows) > first and (rows[-1]["state"], rows[-1]["basis"]) == (state.state, state.basis):
                rows[-1]["end_time"] = span.end
                continue
            values = (
                bucket,
                region,
                record_class,
                span.start,
                span.end,
                state.state,
                state.basis,
                list(state.left_out),
            )
            rows.append(dict(zip(COLUMNS, values, strict=True)))

    for scope in timeline.scopes():
        add(scope.bucket, scope.aws_region, scope.record_class, timeline.edges(scope),
            lambda span, scope=scope: timeline.state(scope, span))  # fmt: skip
    for bucket, region in timeline.buckets.items():
        log = timeline.access_logs.get(bucket)
        add(bucket, region, "server_access_log", log.edges() if log else [],
            lambda span, bucket=bucket: timeline.access_logs.state(bucket, span.start))  # fmt: skip
    rows.sort(key=lambda row: (row["bucket"] or "", str(row["aws_region"]), ORDER.index(row["record_class"])))
    return frame_of(rows, COLUMNS)


def unlogged(visible: pd.DataFrame) -> dict[tuple[str | None, str], list[Span]]:
    """By bucket and class, the stretches in which nothing would have been recorded, in order and apart; the account's
    own calls are those of the bucket None, in the Regions that have buckets.
    """
    blind = visible[visible["state"].isin(BLIND)]
    of_buckets = blind["bucket"].notna()
    regions = set(visible.loc[visible["bucket"].notna(), "aws_region"].dropna()) or {"us-east-1"}
    chosen = blind[of_buckets | ((blind["record_class"] == "management") & blind["aws_region"].isin(regions))]
    spans: dict[tuple[str | None, str], list[Span]] = {}
    for row in rows_of(chosen[["bucket", "record_class", "start_time", "end_time"]]):
        spans.setdefault((row["bucket"], row["record_class"]), []).append(Span(row["start_time"], row["end_time"]))
    return {of: united(listed) for of, listed in spans.items()}


def is_whole(row: Any, ignoring: frozenset[str] = MINOR) -> bool:
    """Was all of a row's class logged, but for parts that may be left out?"""
    left_out = set(row["left_out"]) if row["left_out"] is not None else set()
    return row["state"] == "logged" or (row["state"] == "uncertain" and bool(left_out) and left_out <= ignoring)


def is_logged(
    visible: pd.DataFrame,
    *,
    record_class: str,
    bucket: str | None = None,
    region: str | None = None,
    start: datetime,
    end: datetime,
    ignoring: frozenset[str] = MINOR,
) -> tuple[str, str]:
    """Was the whole of a scope logged, so that nothing found means that nothing was?

    Parameters
    ----------
    bucket, region : str, optional
        A bucket, or else the management events of a Region; with neither, those of every Region in the table.
    ignoring : set of str
        Parts that may be left out (`left_out`): by default management events of KMS and the RDS Data API. Add
        ``listings`` where objects alone are asked about.

    Returns
    -------
    (str, str)
        ``logged``, ``partly`` or ``not_logged``, and a sentence. Times that the table does not cover are not logged.
    """
    of = visible["bucket"] == bucket if bucket else visible["bucket"].isna()
    if not bucket and region is not None:
        of &= visible["aws_region"] == region
    inside = visible[of & (visible["record_class"] == record_class)]
    rows = rows_of(inside[(inside["start_time"] < end) & (inside["end_time"] > start)])
    words = f"{record_class} of {bucket}" if bucket else f"{record_class} in {region or 'every Region seen'}"
    if not rows:
        return "not_logged", f"there is no evidence of the logging of {words}"
    hours: dict[str, timedelta] = {}
    covered, places = timedelta(), {row["aws_region"] for row in rows}
    faults = [row for row in rows if not is_whole(row, ignoring)]
    for row in rows:
        length = min(row["end_time"], end) - max(row["start_time"], start)
        covered += length
        if not is_whole(row, ignoring):
            hours[row["state"]] = hours.get(row["state"], timedelta()) + length
    if not faults and covered >= (end - start) * len(places):
        noted = sorted({part for row in rows for part in row["left_out"] if part in ignoring})
        return "logged", f"{words} was logged throughout" + (f", but for {', '.join(noted)}" if noted else "")
    parts = [f"{duration(hours[state])} {state}" for state in sorted(hours, key=RANK.__getitem__)]
    status = "partly" if len(faults) < len(rows) or set(hours) <= {"uncertain"} else "not_logged"
    return (
        status,
        f"{words}: {', '.join(parts)} ({faults[0]['basis']})" if faults else f"{words}: not covered throughout",
    )


def duration(time: timedelta) -> str:
    """A length of time in hours and minutes: ``2 h 55 min``, ``168 h``, ``40 s``."""
    minutes = round(time / timedelta(minutes=1))
    if not minutes:
        return f"{time / timedelta(seconds=1):.0f} s"
    parts = [f"{minutes // 60:,} h"] if minutes >= 60 else []
    return " ".join([*parts, *([f"{minutes % 60} min"] if minutes % 60 else [])])
