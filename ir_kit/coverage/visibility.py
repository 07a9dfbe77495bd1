"""Whether a request would have been recorded: for each bucket, class and time of the window, and for one exact request.

Python replays what sets cannot: `trails`, `bucket_logging` and `log_buckets` give settings over time, `recording` joins
them to what was delivered, `replays` fetches it all. Everything that says "nobody did" takes its right to say so from
`is_logged`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.replaying import replay
from ir_kit.coverage.replays import Replay
from ir_kit.coverage.selectors import LISTINGS, Request, records, s3_request
from ir_kit.coverage.states import CLASSES, RANK, Scope, State
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.intervals import Span, between

COLUMNS = {
    "bucket": "varchar", "aws_region": "varchar", "record_class": "varchar", "start_time": "timestamp", "end_time":
    "timestamp", "state": "varchar", "basis": "varchar", "left_out": "varchar[]",
}  # fmt: skip
ORDER = (*CLASSES, "server_access_log")
BLIND = ("not_logged", "lost", "unknown")
MINOR = frozenset({"minor_services"})


def visibility(case: Case, lost: pd.DataFrame | None = None) -> pd.DataFrame:
    """Would a request on this bucket have been recorded, hour by hour of the window, and would the record be in the
    evidence?

    Parameters
    ----------
    lost : DataFrame, optional
        Spans whose records were recorded and are gone, as integrity tells them: ``aws_region``, ``start_time``,
        ``end_time``, ``basis``, and ``trail_name`` where the records of one trail alone are gone.

    Returns
    -------
    DataFrame
        One row per bucket, class and interval, and per Region (null bucket) for all other management events; intervals
        tile the window. Empty where there is neither a bucket nor a Region. ``left_out`` says which part of an
        ``uncertain`` class is in doubt.

    Notes
    -----
    Cannot see: a change made while nothing recorded management events; requests that neither log ever records (field
    guide 2.5).
    """
    if lost is not None:
        frame = visibility_of(replay(case, lost))
        return frame
    return case.answer("visibility", lambda: visibility_of(replay(case)))


def visibility_of(replayed: Replay) -> pd.DataFrame:
    """The table for a replay; see `visibility`."""
    rows: list[dict[str, object]] = []
    window = replayed.window
    scopes = [Scope("management", None, region) for region in replayed.regions]
    for bucket, place in replayed.buckets.items():
        scopes += [Scope(record_class, bucket, place) for record_class in CLASSES]
    for scope in scopes:
        spans = between(replayed.edges(scope), window.start, window.end)
        rows += _rows(
            scope.bucket, scope.aws_region, scope.record_class, ((span, replayed.state(scope, span)) for span in spans)
        )
    for bucket, region in replayed.buckets.items():
        own = between(replayed.access_log_edges(bucket), window.start, window.end)
        states = ((span, replayed.access_log_state(bucket, span)) for span in own)
        rows += _rows(bucket, region, "server_access_log", states)
    rows.sort(
        key=lambda row: (
            row["bucket"] is not None,
            str(row["bucket"]),
            str(row["aws_region"]),
            ORDER.index(str(row["record_class"])),
        )
    )
    return frame_of(rows, COLUMNS)


def _rows(
    bucket: str | None, region: str | None, record_class: str, states: Iterable[tuple[Span, State]]
) -> list[dict[str, object]]:
    """Equal neighbours as one row."""
    found: list[dict[str, object]] = []
    for span, state in states:
        if found and (found[-1]["state"], found[-1]["basis"]) == (state.state, state.basis):
            found[-1]["end_time"] = span.end
            continue
        found.append(
            {
                "bucket": bucket, "aws_region": region, "record_class": record_class, "start_time": span.start,
                "end_time": span.end, "state": state.state, "basis": state.basis, "left_out": list(state.left_out),
            }
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Recorded:
    """What became of the record of a request: its `state`, in which trails and logs (`where`), and why."""

    state: str
    where: list[str]
    basis: str


def would_be_recorded(
    case: Case | Replay,
    bucket: str | None,
    key: str | None,
    event_name: str,
    read_only: bool,
    principal_arn: str | None,
    time: datetime,
    aws_region: str | None = None,
    event_source: str = "s3.amazonaws.com",
) -> Recorded:
    """Would this request have been recorded at this time, and where?

    Parameters
    ----------
    bucket, key : str or None
        None for a call that names none. A call that names a bucket and no key is a listing where its name is one of
        those, and otherwise a management event.
    principal_arn : str or None
        None where it is not known: a selector that filters on it then answers ``uncertain``.
    aws_region : str, optional
        The bucket's own Region by default.

    Returns
    -------
    Recorded
        ``logged`` and ``where`` names each trail (and ``server_access_log``) that holds it.
    """
    replayed = case if isinstance(case, Replay) else replay(case)
    region = aws_region or (replayed.buckets.get(bucket) if bucket else None)
    data = (
        event_source == "s3.amazonaws.com"
        and bucket is not None
        and (key is not None or event_name in LISTINGS or _is_batch(event_name))
    )
    request = (
        s3_request(bucket, key, event_name, read_only, principal_arn)
        if data
        else Request(event_name, event_source, "Management", read_only, principal_arn=principal_arn, bucket=bucket)
    )
    record_class = "management" if not data else "data_read" if read_only else "data_write"
    scope = Scope(record_class, bucket if event_source == "s3.amazonaws.com" else None, region)
    moment = timedelta(microseconds=1)
    found = replayed.states(scope, Span(time, time + moment), lambda selectors: records(selectors, request))
    if bucket is not None and event_source == "s3.amazonaws.com":
        line = replayed.access_log_state(bucket, Span(time, time + moment))
        found.append(State(line.state, line.basis, line.left_out, "server_access_log"))
    top = max(found, key=lambda one: RANK[one.state]).state
    same = [one for one in found if one.state == top]
    where = sorted({one.where for one in same if one.where}) if top in ("logged", "uncertain") else []
    return Recorded(top, where, "; ".join(dict.fromkeys(one.basis for one in same)))


def _is_batch(event_name: str) -> bool:
    return event_name == "DeleteObjects"


def blind_time(visible: pd.DataFrame) -> pd.DataFrame:
    """For how many hours of the window was each bucket blind, in each class?

    Returns
    -------
    DataFrame
        One row per bucket (or Region) and class: blind_hours (``not_logged``, ``lost`` or ``unknown``),
        uncertain_hours, logged_hours.
    """
    totals: dict[tuple[str | None, str | None, str], dict[str, float]] = {}
    for row in rows_of(visible):
        hours = (row["end_time"] - row["start_time"]) / timedelta(hours=1)
        kind = "blind_hours" if row["state"] in BLIND else f"{row['state']}_hours"
        one = totals.setdefault((row["bucket"], row["aws_region"], row["record_class"]), {})
        one[kind] = one.get(kind, 0.0) + hours
    columns = {"bucket": "varchar", "aws_region": "varchar", "record_class": "varchar"}
    hours_columns = dict.fromkeys(("blind_hours", "uncertain_hours", "logged_hours"), "double")
    rows = [
        {
            "bucket": bucket,
            "aws_region": region,
            "record_class": kind,
            **{name: one.get(name, 0.0) for name in hours_columns},
        }
        for (bucket, region, kind), one in totals.items()
    ]
    return frame_of(rows, columns | hours_columns)


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
    chosen = [
        row
        for row in rows_of(visible)
        if row["record_class"] == record_class
        and row["bucket"] == bucket
        and (bucket or region is None or row["aws_region"] == region)
    ]
    inside = [row for row in chosen if row["start_time"] < end and start < row["end_time"]]
    of = f"{record_class} of {bucket}" if bucket else f"{record_class} in {region or 'every Region seen'}"
    scopes = {(row["bucket"], row["aws_region"]) for row in inside}
    covered = sum((min(row["end_time"], end) - max(row["start_time"], start) for row in inside), timedelta())
    faults = [
        row
        for row in inside
        if not (row["state"] == "logged" or (row["state"] == "uncertain" and _minor(row, ignoring)))
    ]
    gap = covered < (end - start) * max(1, len(scopes))
    if inside and not faults and not gap:
        noted = sorted({part for row in inside for part in row["left_out"] if part in ignoring})
        return "logged", f"{of} was logged throughout" + (f", but for {', '.join(noted)}" if noted else "")
    if not inside:
        return "not_logged", f"nothing is known of the logging of {of}"
    hours: dict[str, float] = {}
    for row in faults:
        length = (min(row["end_time"], end) - max(row["start_time"], start)) / timedelta(hours=1)
        hours[row["state"]] = hours.get(row["state"], 0.0) + length
    told = ", ".join(
        f"{amount:.1f} hours {state}" for state, amount in sorted(hours.items(), key=lambda one: RANK[one[0]])
    )
    whole = "partly" if any(row not in faults for row in inside) or set(hours) <= {"uncertain"} else "not_logged"
    return whole, f"{of}: {told or 'the table does not cover the time'} ({faults[0]['basis'] if faults else 'no row'})"


def _minor(row: dict[str, object], ignoring: frozenset[str]) -> bool:
    left_out = row["left_out"]
    parts = set(left_out) if left_out is not None else set()  # type: ignore[call-overload]
    return bool(parts) and parts <= ignoring
