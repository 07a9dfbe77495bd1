"""How complete is the access log, where CloudTrail can tell? Hour by hour, its holes, and its loss outside of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.object_access.bounds import Watched, clopper_pearson

Row = Mapping[str, Any]
HOUR = pd.Timedelta(hours=1)
ENOUGH = 1_000  # so many requests, and a bucket's own loss is taken before that of all buckets
CHANCE = 1e-6  # less likely than this, and silence is a hole and no accident


def hours_of_both(counted: pd.DataFrame, seen: Mapping[str, Watched]) -> pd.DataFrame:
    """The hours of the answer in which both logs were on.

    An hour of which it is not known whether the logs were on counts when both hold requests of it.
    """
    rows = []
    spans = {bucket: watch.spans("both") for bucket, watch in seen.items()}
    dark = {bucket: watch.spans("blind") for bucket, watch in seen.items()}
    for row in rows_of(counted):
        hour, bucket = row["hour"], row["bucket"]
        inside = any(start <= hour and hour + HOUR <= end for start, end in spans.get(bucket, ()))
        unknown = any(start <= hour and hour + HOUR <= end for start, end in dark.get(bucket, ())) or bucket not in seen
        evident = unknown and row["matched"] > 0
        if inside or evident:
            rows.append(row)
    names = {"bucket": "varchar", "hour": "timestamp"}
    counts = ("cloudtrail_requests", "matched", "server_access_log_only", "cloudtrail_only")
    return frame_of(rows, names | dict.fromkeys(counts, "bigint"))


def holes(completeness: pd.DataFrame) -> pd.DataFrame:
    """When did nothing of the access log come, although requests were made?

    Returns
    -------
    DataFrame
        One row per bucket and run of hours without a single line while CloudTrail holds more requests than could be
        lost by accident: bucket, start_time, end_time, cloudtrail_requests; empty if none.
    """
    silent = completeness["matched"] + completeness["server_access_log_only"] == 0
    loud = completeness[~silent]
    lost, of = int(loud["cloudtrail_only"].sum()), int(loud["cloudtrail_requests"].sum())
    share = max(clopper_pearson(lost, of)[1] if of else 0.5, 1e-4)
    rows: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for row in rows_of(completeness.assign(silent=silent).sort_values(["bucket", "hour"])):
        last = runs[-1] if runs else None
        if not row["silent"]:
            if last and last["bucket"] == row["bucket"]:
                last["open"] = False
            continue
        if last and last["bucket"] == row["bucket"] and last["open"]:
            last["end_time"] = row["hour"] + HOUR
            last["cloudtrail_requests"] += row["cloudtrail_requests"]
        else:
            begun = {"bucket": row["bucket"], "start_time": row["hour"], "end_time": row["hour"] + HOUR, "open": True}
            runs.append(begun | {"cloudtrail_requests": row["cloudtrail_requests"]})
    for run in runs:
        if share ** run["cloudtrail_requests"] < CHANCE:
            rows.append(run)
    names = {"bucket": "varchar", "start_time": "timestamp", "end_time": "timestamp", "cloudtrail_requests": "bigint"}
    return frame_of(rows, names)


def losses(completeness: pd.DataFrame, gaps: pd.DataFrame) -> dict[str | None, dict[str, Any]]:
    """What share of requests does the access log lack, hours without any delivery apart?

    Returns
    -------
    dict
        By bucket, and under None for all of them together: requests, lost, lower, upper (each limit at 95 %),
        hole_hours, bucket (whose it is). A bucket that has too few requests of its own has none here. Empty where the
        logs nowhere ran together.
    """
    counts: dict[str | None, list[int]] = {}
    spans: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for row in rows_of(gaps):
        spans.setdefault(row["bucket"], []).append((row["start_time"], row["end_time"]))
    for row in rows_of(completeness):
        if any(start <= row["hour"] < end for start, end in spans.get(row["bucket"], ())):
            continue
        for name in (row["bucket"], None):
            count = counts.setdefault(name, [0, 0])
            count[0] += row["cloudtrail_requests"]
            count[1] += row["cloudtrail_only"]
    found: dict[str | None, dict[str, Any]] = {}
    for bucket, (requests, lost) in counts.items():
        if not requests or (bucket is not None and requests < ENOUGH):
            continue
        lower, upper = clopper_pearson(lost, requests)
        silent = sum(
            (end - start) / HOUR for name, listed in spans.items() if bucket in (None, name) for start, end in listed
        )
        found[bucket] = {
            "bucket": bucket,
            "requests": requests,
            "lost": lost,
            "lower": lower,
            "upper": upper,
            "hole_hours": silent,
        }
    return found


def sentence(loss: Row | None, bucket: str | None = None, gaps: pd.DataFrame | None = None) -> str:
    """How complete is the access log, in one sentence for a stakeholder?"""
    where = f"the access log of {bucket}" if bucket else "the access logs"
    if loss is None:
        return f"How complete {where} is cannot be said: at no time did both logs run together."
    share = loss["lost"] / loss["requests"]
    text = (
        f"Of {loss['requests']:,} requests that CloudTrail recorded, {where} lacked {loss['lost']:,} ({share:.2%}, "
        f"and with 95 % confidence not more than {loss['upper']:.2%})"
    )
    mine = rows_of(gaps[gaps["bucket"] == bucket] if bucket else gaps) if gaps is not None else []
    if mine:
        told = ", ".join(f"{row['start_time']:%d %b %H:%M} to {row['end_time']:%d %b %H:%M}" for row in mine[:3])
        text += f", and for {loss['hole_hours']:,.0f} hours nothing was delivered at all ({told} UTC)"
    return text + "."
