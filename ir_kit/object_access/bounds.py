"""How much may be missing: what a measured loss of the access log allows for, and why bounds are no narrower."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ir_kit.attribution.completeness import CONFIDENCE


def most_lost(lines: int, loss: float) -> int:
    """How many lines may have been lost beside these, if each is lost with this chance?

    Returns
    -------
    int
        The smallest count that is not exceeded at 95 % (negative binomial), and no less than the loss foretells on
        average.
    """
    if lines <= 0 or loss <= 0.0:
        return 0
    mean = lines * loss / (1.0 - loss)
    if mean > 400:
        return math.ceil(mean + 1.645 * math.sqrt(mean / (1.0 - loss)))
    chance = math.exp((lines + 1) * math.log1p(-loss))
    total, count = chance, 0
    while total < CONFIDENCE:
        chance *= loss * (lines + 1 + count) / (count + 1)
        count += 1
        total += chance
    return max(count, math.ceil(mean))


def with_upper(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of ``object_access/bounds.sql`` with its upper bounds, and why they are no narrower.

    No upper bound where the bucket was blind, or selectors left out a part of its requests; none of objects where that
    is so of writes, since a copy out of the bucket is one, and sends no bytes. Lost lines are taken to carry what
    delivered ones do.
    """
    blind, partial, log_only, copies = (row[f"{name}_hours"] for name in ("blind", "partial", "log_only", "copies"))
    lost, requests, share = (row[f"loss_{name}"] for name in ("lost", "requests", "upper"))
    lines, is_measured, doubt = row["log_only_requests"], share is not None, row["uncertain_hours"] - partial
    inferred, ambiguous = row["objects_likely"] - row["objects_lower"], row["objects_seen"] - row["objects_likely"]
    allowed, sent = most_lost(lines, share) if is_measured and log_only and share < 1.0 else 0, row["bytes_seen"]
    if allowed:
        mean = row["log_only_bytes"] / lines
        variance = max(row["log_only_squared_bytes"] / lines - mean * mean, 0.0)
        sent += math.ceil(allowed * mean + 1.645 * math.sqrt(allowed * variance))
    reasons = {
        f"for {partial:,.1f} hours data events were on for a part of the requests alone and no access log covered the "
        "rest, so there is no upper bound": partial,
        f"neither log covered the bucket for {blind:,.1f} hours of the window, so there is no upper bound": blind,
        f"for {copies:,.1f} hours copies out of the bucket, which are writes, were not all recorded, so there is no "
        "upper bound on objects": copies > 0,
        f"{inferred:,} objects rest on inferred attribution (C) or on sessions that are unclear": inferred,
        f"{ambiguous:,} objects were read by one of several credentials that cannot be told apart (D)": ambiguous,
        f"for {log_only:,.1f} hours the access log ran alone, and what it loses could not be measured":
            log_only and row["upper_basis"] == "logged_only",
        f"for {log_only:,.1f} hours the access log ran alone; where both ran it lacked {lost or 0:,} of {requests or 0:,} "
        f"requests (at most {share or 0:.2%}), which allows for {allowed:,} more":
            log_only and row["upper_basis"] != "logged_only" and is_measured,
        f"for {doubt:,.1f} hours it is uncertain whether a log covered the bucket": doubt > 0,
    }  # fmt: skip
    return {
        **row, "allowed_requests": allowed, "objects_upper_logged": row["objects_seen"] + allowed, "bytes_upper_logged": sent,
        "objects_upper": None if row["upper_basis"] == "blind" else row["objects_seen"] + allowed,
        "bytes_upper": None if blind or partial else sent,
        "width_reason": "; ".join(reason for reason, applies in reasons.items() if applies)
        or "CloudTrail recorded every read and named its credential",
    }  # fmt: skip
