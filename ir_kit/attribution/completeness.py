"""How complete is the access log, where CloudTrail can tell? Hour by hour, its holes, and its loss outside of them."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.visibility import log_coverage
from ir_kit.domain.documents import rows_of

CONFIDENCE = 0.95
ENOUGH = 1_000  # so many requests, and a bucket's own loss is taken before that of all buckets


def clopper_pearson(count: int, of: int) -> tuple[float, float]:
    """Within which limits may the true share lie, when `count` of `of` were counted?

    Returns
    -------
    tuple of float
        Each limit holds by itself at 95 % (one-sided); 0 and 1 where nothing was counted.

    Notes
    -----
    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial"
    (1934).
    """

    def share_where(most: int, chance: float) -> float:
        """The share at which at most so many are counted with this chance, which falls as the share rises."""
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if at_most(most, of, middle) < chance else (middle, high)
        return (low + high) / 2

    return (
        0.0 if count <= 0 or of <= 0 else share_where(count - 1, CONFIDENCE),
        1.0 if count >= of else share_where(count, 1.0 - CONFIDENCE),
    )


def at_most(count: int, of: int, share: float) -> float:
    """The chance of at most `count` out of `of`, for a count below `of` and a share between 0 and 1."""
    odds = math.log(share) - math.log1p(-share)
    chance = math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)
    chance += count * odds + of * math.log1p(-share)
    total = 0.0
    for number in range(count, -1, -1):  # from the largest down, until what is added no longer matters
        total += math.exp(chance)
        if number < of * share and math.exp(chance) < total * 1e-17:
            break
        chance += math.log(number or 1) - math.log(of - number + 1) - odds
    return min(total, 1.0)


def completeness(case: Case) -> pd.DataFrame:
    """How many requests does each log hold, and how many both, in the hours in which both were on?

    Returns
    -------
    DataFrame
        One row per bucket and hour of the window in which both were on and either holds a request; empty if none.
        Also written to ``logging_gaps/completeness``.
    """

    def compare() -> pd.DataFrame:
        case.engine.provide("log_coverage", log_coverage(case, objects_only=True))
        for relation in ("operation_names", "collisions"):
            case.derive(relation, f"attribution/{relation}")
        frame = case.ask("attribution/completeness")
        case.engine.provide("completeness", frame)
        return case.write_table("logging_gaps/completeness", frame)

    return case.once("completeness", compare)


def access_log_holes(case: Case) -> pd.DataFrame:
    """When did nothing of the access log come, although requests were made? One row per bucket and run of hours."""
    hours = completeness(case)
    loud = hours[hours["matched"] + hours["server_access_log_only"] > 0]
    upper = clopper_pearson(int(loud["cloudtrail_only"].sum()), int(loud["cloudtrail_requests"].sum()))[1]
    share = max(upper if loud["cloudtrail_requests"].any() else 0.5, 1e-4)
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
    counts = zip(frame["lost"], frame["compared"], strict=True)
    return frame.assign(loss_upper=[clopper_pearson(lost, of)[1] if of else math.nan for lost, of in counts])


def loss_rates(case: Case) -> list[dict[str, Any]]:
    """What share of requests does the access log lack, hours without any delivery apart?

    Returns
    -------
    list of dict
        One per bucket, and one with bucket None for all of them together: bucket, requests, lost, lower, upper (each
        limit at 95 %), hole_hours, and a ``sentence`` for a stakeholder. A bucket that has too few requests of its own
        has none; empty where nothing was compared.
    """
    frame, holes = access_log_losses(case).rename(columns={"compared": "requests"}), access_log_holes(case)
    rows = rows_of(frame.loc[frame["requests"] >= ENOUGH, ["bucket", "requests", "lost", "hole_hours"]])
    if frame["requests"].any():
        rows.append({"bucket": None, **frame[["requests", "lost", "hole_hours"]].sum()})
    for row in rows:
        bucket, requests, lost = row["bucket"], int(row["requests"]), int(row["lost"])
        row["lower"], row["upper"] = clopper_pearson(lost, requests)
        row["sentence"] = (
            f"{f'The access log of {bucket}' if bucket else 'The access logs'} missed {lost:,} of {requests:,} requests that "
            f"CloudTrail recorded ({lost / requests:.2%}; at most {row['upper']:.2%} at 95 % confidence)"
        )
        silent = rows_of(holes[holes["bucket"] == bucket] if bucket else holes)
        if silent:
            when = ", ".join(
                f"{hole['start_time']:%d %b %H:%M} to {hole['end_time']:%d %b %H:%M}" for hole in silent[:3]
            )
            row["sentence"] += f", and nothing was delivered for {row['hole_hours']:,.0f} h ({when} UTC)"
        row["sentence"] += "."
    return rows
