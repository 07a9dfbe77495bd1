"""How complete is the access log, where CloudTrail can tell? Hour by hour, its holes, and its loss outside of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ir_kit.attribution.operation_names import AUTHENTICATION_FAILURES, operation_names
from ir_kit.attribution.statistics import clopper_pearson
from ir_kit.case import Case
from ir_kit.coverage.visibility import log_coverage
from ir_kit.domain.documents import rows_of

Row = Mapping[str, Any]
ENOUGH = 1_000  # so many requests, and a bucket's own loss is taken before that of all buckets


def completeness(case: Case) -> pd.DataFrame:
    """How many requests does each log hold, and how many both, in the hours in which both were on?

    Returns
    -------
    DataFrame
        One row per bucket and hour of the window in which both were on and either holds a request; empty if none.
        Also written to ``logging_gaps/completeness``.
    """

    def compare() -> pd.DataFrame:
        case.engine.provide("operation_names", operation_names())
        case.engine.provide("collisions", case.ask("attribution/collisions"))
        case.engine.provide("log_coverage", log_coverage(case, objects_only=True))
        frame = case.ask("attribution/completeness", authentication_failures=list(AUTHENTICATION_FAILURES))
        case.write_table("logging_gaps/completeness", frame)
        return frame

    return case.once("completeness", compare)


def access_log_holes(case: Case) -> pd.DataFrame:
    """When did nothing of the access log come, although requests were made? One row per bucket and run of hours."""
    hours = completeness(case)
    loud = hours[hours["matched"] + hours["server_access_log_only"] > 0]
    lost, requests = int(loud["cloudtrail_only"].sum()), int(loud["cloudtrail_requests"].sum())
    case.engine.provide("completeness", hours)
    share = max(clopper_pearson(lost, requests)[1] if requests else 0.5, 1e-4)
    return case.once("access_log_holes", lambda: case.ask("attribution/access_log_holes", lost_share=share))


def access_log_losses(case: Case) -> pd.DataFrame:
    """What does the access log of each bucket lack, where CloudTrail can tell?

    Returns
    -------
    DataFrame
        One row per bucket that is in scope (``in_scope``) or was compared: the sums of its rows of
        ``logging_gaps/completeness`` and their number (``hours``), both_hours (in which both logs were on), hole_hours
        (of these, without any delivery), compared and lost (requests outside of holes), loss_upper (upper 95 % limit
        of the share that is lost; null where nothing was compared).
    """
    case.engine.provide("access_log_holes", access_log_holes(case))
    frame = case.ask("attribution/access_log_losses")
    upper = [
        clopper_pearson(lost, of)[1] if of else None for lost, of in zip(frame["lost"], frame["compared"], strict=True)
    ]
    return frame.assign(loss_upper=pd.Series(upper, index=frame.index, dtype="float64"))


def loss_rates(case: Case) -> dict[str | None, dict[str, Any]]:
    """What share of requests does the access log lack, hours without any delivery apart?

    Returns
    -------
    dict
        By bucket, and under None for all of them together: bucket, requests, lost, lower, upper (each limit at 95 %),
        hole_hours. A bucket that has too few requests of its own has none here; empty where nothing was compared.
    """
    frame = access_log_losses(case)
    rows: list[Row] = [row for row in rows_of(frame) if row["compared"] >= ENOUGH]
    if total := int(frame["compared"].sum()):
        rows += [{"bucket": None, "compared": total, **frame[["lost", "hole_hours"]].sum()}]
    results = {}
    for row in rows:
        lower, upper = clopper_pearson(int(row["lost"]), row["compared"])
        results[row["bucket"]] = {
            "bucket": row["bucket"], "requests": row["compared"], "lost": int(row["lost"]), "lower": lower,
            "upper": upper, "hole_hours": float(row["hole_hours"]),
        }  # fmt: skip
    return results


def sentence(loss: Row | None, bucket: str | None = None, gaps: pd.DataFrame | None = None) -> str:
    """How complete is the access log, in one sentence for a stakeholder?"""
    where = f"the access log of {bucket}" if bucket else "the access logs"
    if loss is None:
        return f"How complete {where} is cannot be said: at no time did both logs run together."
    text = (
        f"Of {loss['requests']:,} requests that CloudTrail recorded, {where} lacked {loss['lost']:,} "
        f"({loss['lost'] / loss['requests']:.2%}, and with 95 % confidence not more than {loss['upper']:.2%})"
    )
    listed = rows_of(gaps[gaps["bucket"] == bucket] if bucket else gaps) if gaps is not None else []
    if listed:
        when = ", ".join(f"{row['start_time']:%d %b %H:%M} to {row['end_time']:%d %b %H:%M}" for row in listed[:3])
        text += f", and for {loss['hole_hours']:,.0f} hours nothing was delivered at all ({when} UTC)"
    return text + "."
