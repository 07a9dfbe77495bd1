"""Requests that access logs alone show, joined to the runs of use, or runs of their own."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd

from ir_kit.attribution.grading import grade
from ir_kit.case import Case
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.sessions.familiarity import PAUSE

Row = dict[str, Any]
LOG_USES = {
    "period": "varchar", "principal": "varchar", "access_key_id": "varchar", "event_time": "timestamp",
    "source_ip_address": "varchar", "user_agent": "varchar", "event_name": "varchar", "bucket": "varchar",
    "key": "varchar", "prefix": "varchar", "bytes_sent": "bigint", "error_code": "varchar", "http_status": "integer",
}  # fmt: skip


def prepare(case: Case) -> bool:
    """Make the relation ``log_uses``; are there access logs at all?

    Requests are graded as in object access (A to C; what is not settled, D, joins nothing).
    """
    held = bool(case.ask("sessions/log_held")["line_count"].iloc[0])
    if held:
        grade(case)
        case.derive("log_uses", "sessions/log_uses")
    else:
        case.engine.provide("log_uses", frame_of([], LOG_USES))
    return held


def with_log_runs(runs: list[Row], log_runs: list[Row]) -> list[Row]:
    """The runs, and those that access logs alone show; a run of theirs that touches one of CloudTrail's is part of it.

    Returns
    -------
    list of dict
        ``seen_in`` is set on each, and ``reach_start`` and ``reach_end``: the time within which requests belong to it.
    """
    groups: dict[tuple[str, str, str], tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for row in runs:
        groups[_caller(row)][0].append(row)
    for row in log_runs:
        groups[_caller(row)][1].append(row)
    found: list[Row] = []
    for trail, log in groups.values():
        trail.sort(key=lambda row: row["start_time"])
        for row in trail:
            row |= {
                "seen_in": "cloudtrail",
                "reach_start": row["start_time"] - PAUSE,
                "reach_end": row["end_time"] + PAUSE,
            }
        for row in log:
            touched = [
                one for one in trail
                if row["start_time"] < one["end_time"] + PAUSE and row["end_time"] > one["start_time"] - PAUSE
            ]  # fmt: skip
            for one in touched:
                one["reach_start"] = min(one["reach_start"], row["start_time"])
                one["reach_end"] = max(one["reach_end"], row["end_time"] + pd.Timedelta(seconds=1))
            if not touched:
                row |= {"seen_in": "server_access_log", "invoked_by": None, "forwarded_count": 0}
                row |= {"reach_start": row["start_time"], "reach_end": row["end_time"] + pd.Timedelta(seconds=1)}
                found.append(row)
        found += trail
    return sorted(found, key=lambda row: (row["start_time"], *_caller(row), row["seen_in"], row["number"]))


def _caller(row: Row) -> tuple[str, str, str]:
    return str(row["access_key_id"]), row["source_ip_address"] or "", row["user_agent"] or ""


def counted(case: Case, hours: pd.DataFrame) -> dict[str, Row]:
    """How many requests that access logs alone show belong to each session, and how many bytes they sent?"""
    case.engine.provide("session_hours", hours)
    return {row["session_id"]: row for row in rows_of(case.ask("sessions/log_counts"))}
