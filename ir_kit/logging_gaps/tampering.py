"""Acts against logging, done or tried, and what each cost in sight. Putting it back is none."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.log_delivery import CLOUDTRAIL, LOGGING
from ir_kit.coverage.logging_timeline import LoggingTimeline, logging_timeline
from ir_kit.coverage.states import CLASSES, Scope
from ir_kit.coverage.trails import INSTANT
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.intervals import Span, between
from ir_kit.domain.outcome import outcome_of
from ir_kit.logging_gaps.tampering_acts import Act, act_of

COLUMNS = {
    "event_time": "timestamp", "event_name": "varchar", "target": "varchar", "access_key_id": "varchar",
    "principal_arn": "varchar", "outcome": "varchar", "effect": "varchar", "event_id": "varchar", "aws_region":
    "varchar", "source_ip_address": "varchar", "error_code": "varchar", "blind_hours": "double",
}  # fmt: skip
BLIND = ("not_logged", "unknown", "lost")


def tampering(case: Case) -> pd.DataFrame:
    """Who took logging away, or tried to, and what did it cost in sight?

    Returns
    -------
    DataFrame
        One row per act in the window, whoever did it; empty if none. ``blind_hours``: hours for which classes and
        buckets that were logged just before were blind after it, summed; 0 where it failed, null where that cannot be
        told. Also written to ``logging_gaps/tampering``.

    Notes
    -----
    Cannot see: acts while nothing recorded management events; writes into log buckets without data events. Config
    recorders and flow logs are no logs of S3 and left out; GuardDuty is a detector, and its rows say so.
    """
    frame = tampering_of(case, logging_timeline(case))
    case.write_table("logging_gaps/tampering", frame)
    return frame


def tampering_of(case: Case, replayed: LoggingTimeline) -> pd.DataFrame:
    """The table for a replay; see `tampering`."""
    takes = log_destinations(replayed)
    found = []
    for row in rows_of(case.ask("logging_gaps/tampering", log_buckets=sorted(takes))):
        act = act_of(replayed, takes, row)
        if act is None:
            continue
        outcome = outcome_of(row["error_code"])
        cost: float | None = 0.0
        words = f"failed ({row['error_code']}): no gap"
        if outcome == "success":
            cost, words = _cost(replayed, act, row["event_time"])
        found.append(
            {
                **{name: row[name] for name in COLUMNS if name in row}, "target": act.target, "principal_arn":
                row["user_identity_arn"], "outcome": outcome, "effect": "; ".join(part for part in (act.effect, words)
                if part), "blind_hours": cost,
            }
        )  # fmt: skip
    return frame_of(found, COLUMNS)


def log_destinations(replayed: LoggingTimeline) -> dict[str, set[str]]:
    """Which buckets take logs, and of which services?"""
    found: dict[str, set[str]] = {}
    for bucket, _ in replayed.destinations:
        found.setdefault(bucket, set()).add(CLOUDTRAIL)
    for one in replayed.access_logs.values():
        for point in one.target.points:
            if point.value:
                found.setdefault(point.value[0], set()).add(LOGGING)
    return found


def _cost(replayed: LoggingTimeline, act: Act, time: datetime) -> tuple[float | None, str]:
    """Hours for which what was logged just before was blind after it, class by class."""
    end = min(act.until or replayed.window.end, replayed.window.end)
    if act.lines_of:
        return _lines_cost(replayed, act.lines_of, time, end)
    if act.trail is None:
        return None, ""
    hours: dict[str, list[float]] = {}
    scopes = [Scope("management", None, region) for region in replayed.regions]
    scopes += [Scope(kind, bucket, region) for bucket, region in replayed.buckets.items() for kind in CLASSES[1:]]
    for scope in scopes:
        if replayed.state(scope, Span(time - INSTANT, time)).state != "logged":
            continue
        spans = between(replayed.edges(scope), time, end) if time < end else []
        blind = _blind_from([(span, replayed.state(scope, span).state) for span in spans])
        if blind:
            hours.setdefault(scope.record_class, []).append(blind / timedelta(hours=1))
    if not hours:
        return 0.0, "cost nothing that was logged just before: another trail recorded it, or nothing did"
    parts = []
    for kind, amounts in hours.items():
        of = (
            f"{len(amounts)} {'Regions' if kind == 'management' else 'buckets'}"
            if len(amounts) > 1
            else "one " + ("Region" if kind == "management" else "bucket")
        )
        parts.append(f"{kind} of {of} blind for {max(amounts):.1f} hours")
    return sum(map(sum, hours.values())), f"until {end:%Y-%m-%d %H:%M:%S}: {', '.join(parts)}"


def _lines_cost(replayed: LoggingTimeline, bucket: str, time: datetime, end: datetime) -> tuple[float, str]:
    if time >= end or replayed.access_logs.state(bucket, time - INSTANT).state not in (
        "logged",
        "uncertain",
    ):
        return 0.0, "whether it was on just before is not known"
    spans = between(replayed.access_logs[bucket].edges(), time, end)
    blind = _blind_from([(span, replayed.access_logs.state(bucket, span.start).state) for span in spans])
    hours = blind / timedelta(hours=1)
    return hours, f"until {end:%Y-%m-%d %H:%M:%S}: server_access_log blind for {hours:.1f} hours after settling"


def _blind_from(states: list[tuple[Span, str]]) -> timedelta:
    """How much of the time from the act to the first span that was logged again was blind?"""
    found = timedelta()
    for span, state in states:
        if state == "logged":
            break
        found += span.end - span.start if state in BLIND else timedelta()
    return found
