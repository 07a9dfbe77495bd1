"""Playbook 05: what could have happened unseen, and what to switch on at what price?

The parts, one module each: `visibility` (the replay), `tampering`, `contradictions`, `integrity`, `completeness`,
`recommendations`. Here each is asked of a case with what the others know.
"""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from ir_kit.attribution import completeness as compared
from ir_kit.attribution.operation_names import AUTHENTICATION_FAILURES, operation_names
from ir_kit.case import Case
from ir_kit.coverage import integrity as checked
from ir_kit.coverage import visibility as replayed
from ir_kit.coverage.visibility import visible
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.logging_gaps import contradictions as contradicted
from ir_kit.logging_gaps import recommendations as advised
from ir_kit.logging_gaps import tampering as acted
from ir_kit.object_access.bounds import clopper_pearson, watched
from ir_kit.tables import types_of

__all__ = [
    "access_log_losses", "blind_time", "completeness", "contradictions", "digest_chain", "integrity", "recommendations",
    "tampering", "trails", "visibility", "visible", "worst_first",
]  # fmt: skip
SLACK = timedelta(days=1)  # by which the two logs may differ on when a request was
HOUR = pd.Timedelta(hours=1)
WORST = ("missing", "modified", "altered", "unlisted", "unproven", "restart", "unverified", "not_held")
STATES = ("not_logged", "lost", "unknown", "uncertain", "logged")


def visibility(case: Case) -> pd.DataFrame:
    """Would a request on each bucket have been recorded, at each moment of the window, and would its record be in the
    evidence?

    Returns
    -------
    DataFrame
        One row per bucket (or Region, with a null bucket), class and interval; intervals tile the window. What lost
        files held is ``lost``. Also written to ``logging_gaps/visibility``.

    Notes
    -----
    Cannot see: changes made while nothing recorded management events; requests that neither log ever records.
    """
    frame = visible(case)
    case.write_table("logging_gaps/visibility", frame)
    return frame


def blind_time(case: Case) -> pd.DataFrame:
    """For how many hours of the window was each bucket blind, in each class?

    Returns
    -------
    DataFrame
        One row per bucket (or Region, with a null bucket) and class: the hours in each state; ``blind_hours`` are those
        ``not_logged``, ``lost`` or ``unknown``. Also written to ``logging_gaps/blind_time``.
    """
    totals: dict[tuple[str | None, str | None, str], dict[str, float]] = {}
    for row in rows_of(visible(case)):
        hours = totals.setdefault((row["bucket"], row["aws_region"], row["record_class"]), dict.fromkeys(STATES, 0.0))
        hours[row["state"]] += (row["end_time"] - row["start_time"]) / HOUR
    rows = [
        {
            "bucket": bucket, "aws_region": region, "record_class": kind,
            "blind_hours": sum(hours[state] for state in replayed.BLIND),
            **{f"{state}_hours": amount for state, amount in hours.items()},
        }
        for (bucket, region, kind), hours in totals.items()
    ]  # fmt: skip
    frame = frame_of(rows, types_of("logging_gaps/blind_time"))
    case.write_table("logging_gaps/blind_time", frame)
    return frame


def trails(case: Case) -> pd.DataFrame:
    """What could each trail see, before and after each change of it? See `contradictions.trail_history`."""
    return contradicted.trail_history(case)


def tampering(case: Case) -> pd.DataFrame:
    """Who took logging away, or tried to, and what did it cost in sight? See `tampering.tampering`."""
    return acted.tampering(case)


def contradictions(case: Case) -> pd.DataFrame:
    """Where does the evidence speak against itself? See `contradictions.contradictions`."""
    return contradicted.contradictions(case)


def integrity(case: Case) -> pd.DataFrame:
    """Is each log file what CloudTrail delivered? See `integrity.log_integrity`."""
    return checked.log_integrity(case)


def digest_chain(case: Case) -> pd.DataFrame:
    """Where does each chain of digests run, start and break? See `integrity.digest_chain`."""
    return checked.digest_chain(case)


def worst_first(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of `integrity` or `digest_chain` with what is wrong before what is right, else in their order."""
    return frame.sort_values("state", key=lambda states: states.map(_worth), kind="stable").reset_index(drop=True)


def _worth(state: str) -> int:
    return WORST.index(state) if state in WORST else len(WORST)


def completeness(case: Case) -> pd.DataFrame:
    """How many requests does each log hold, and how many both, in the hours in which both were on?

    Returns
    -------
    DataFrame
        One row per bucket and hour of the window in which both were on and either holds a request; empty if none.
        Also written to ``logging_gaps/completeness``.
    """
    window = case.incident.window
    between = {"match_start": window.start - SLACK, "match_end": window.end + SLACK}
    case.engine.provide("operation_names", operation_names())
    case.engine.provide("collisions", case.ask("attribution/collisions", **between))
    counted = case.ask("attribution/completeness", authentication_failures=list(AUTHENTICATION_FAILURES), **between)
    seen = visible(case)
    buckets = sorted(set(seen["bucket"].dropna()))
    ends = (pd.Timestamp(window.start), pd.Timestamp(window.end))
    frame = compared.hours_of_both(counted, watched(seen, buckets, ends, objects_only=True))
    case.write_table("logging_gaps/completeness", frame)
    return frame


def access_log_losses(case: Case) -> pd.DataFrame:
    """What does the access log of each bucket in scope lack, where CloudTrail can tell?

    Returns
    -------
    DataFrame
        One row per bucket in scope: hours (rows of ``logging_gaps/completeness``) and the sums of these; both_hours (in
        which both logs were on), hole_hours (of these, without any delivery), lost (outside of holes), loss_upper
        (upper 95 % limit of the share that is lost; null where nothing was compared).
    """
    window = case.incident.window
    seen = visible(case)
    hours = completeness(case)
    holes = compared.holes(hours)
    buckets = sorted(set(seen["bucket"].dropna()))
    ends = (pd.Timestamp(window.start), pd.Timestamp(window.end))
    hours_by = watched(seen, buckets, ends, objects_only=True)
    both = {bucket: watch.hours("both") for bucket, watch in hours_by.items()}
    counts = ("cloudtrail_requests", "matched", "server_access_log_only", "cloudtrail_only")
    rows = []
    for bucket in buckets:
        own, gaps = hours[hours["bucket"] == bucket], holes[holes["bucket"] == bucket]
        silent = sum((gap["end_time"] - gap["start_time"]) / HOUR for gap in rows_of(gaps))
        lost = int(own["cloudtrail_only"].sum()) - int(gaps["cloudtrail_requests"].sum())
        of = int(own["cloudtrail_requests"].sum()) - int(gaps["cloudtrail_requests"].sum())
        rows.append(
            {
                "bucket": bucket, **{name: int(own[name].sum()) for name in counts},
                "both_hours": max(both[bucket], float(len(own))), "hole_hours": float(silent), "lost": lost,
                "loss_upper": clopper_pearson(lost, of)[1] if of else None, "hours": len(own),
            }
        )  # fmt: skip
    doubles = dict.fromkeys(("both_hours", "hole_hours", "loss_upper"), "double")
    return frame_of(rows, {"bucket": "varchar", **dict.fromkeys((*counts, "lost", "hours"), "bigint"), **doubles})


def recommendations(case: Case, substantial_usd: float | None = None) -> pd.DataFrame:
    """What to switch on, in which order, at what price, and how? See `recommendations.recommendations`; rates count
    the hours of the window that were logged.
    """
    return advised.recommendations(case, substantial_usd=substantial_usd, visibility=visible(case))
