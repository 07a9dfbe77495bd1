"""How much may be missing? Intervals for a share, what a measured loss allows for, and stretches of time in which
nothing looked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ir_kit.coverage.bucket_hours import LogCoverage as Watched
from ir_kit.coverage.bucket_hours import log_coverage as watched

__all__ = ["Watched", "bound", "clopper_pearson", "lost_bytes", "most_lost", "watched"]

Row = Mapping[str, Any]
CONFIDENCE = 0.95


def clopper_pearson(found: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Within which limits may the true share lie, when `found` of `of` were seen?

    Returns
    -------
    tuple of float
        Each limit holds by itself with this confidence (one-sided); 0 and 1 where nothing was counted.

    Notes
    -----
    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial"
    (1934).
    """
    if of <= 0:
        return 0.0, 1.0
    tail = 1.0 - confidence
    lower = 0.0 if found == 0 else _root(lambda p: 1.0 - _at_most(found - 1, of, p) - tail)
    upper = 1.0 if found == of else _root(lambda p: tail - _at_most(found, of, p))
    return lower, upper


def _at_most(count: int, of: int, share: float) -> float:
    """The chance of at most `count` out of `of`."""
    if share <= 0.0:
        return 1.0
    if share >= 1.0:
        return 1.0 if count >= of else 0.0
    odds = math.log(share) - math.log1p(-share)
    term = (
        math.lgamma(of + 1)
        - math.lgamma(count + 1)
        - math.lgamma(of - count + 1)
        + count * odds
        + of * math.log1p(-share)
    )
    total, k = 0.0, count
    while k >= 0:  # from the largest index down, until what is added no longer matters
        total += math.exp(term)
        if k < of * share and math.exp(term) < total * 1e-17:
            break
        if k:
            term += math.log(k) - math.log(of - k + 1) - odds
        k -= 1
    return min(total, 1.0)


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def most_lost(seen: int, loss: float, confidence: float = CONFIDENCE) -> int:
    """How many lines may have been lost beside these, if each is lost with this chance?

    Returns
    -------
    int
        The smallest count that is not exceeded with this confidence (negative binomial), and no less than the loss
        foretells on average.
    """
    if seen <= 0 or loss <= 0.0:
        return 0
    if loss >= 1.0:
        raise ValueError("where every line is lost, none can be seen")
    mean = seen * loss / (1.0 - loss)
    if mean > 400:
        return math.ceil(mean + 1.645 * math.sqrt(mean / (1.0 - loss)))
    chance = math.exp((seen + 1) * math.log1p(-loss))
    total, count = chance, 0
    while total < confidence:
        chance *= loss * (seen + 1 + count) / (count + 1)
        count += 1
        total += chance
    return max(count, math.ceil(mean))


def lost_bytes(lost: int, seen: int, total: float, squares: float) -> int:
    """How many bytes may so many lost lines have carried, if they are like those that were seen?"""
    if lost <= 0 or seen <= 0:
        return 0
    mean = total / seen
    variance = max(squares / seen - mean * mean, 0.0)
    return math.ceil(lost * mean + 1.645 * math.sqrt(lost * variance))


def bound(bucket: str, read: Row | None, seen: Watched, writes: Watched, loss: Row | None) -> dict[str, Any]:
    """Between which limits does the number of objects read from this bucket lie, and why is it no narrower?

    Parameters
    ----------
    read : mapping or None
        The bucket's row of ``object_access/read_totals``; None where nothing was read.
    seen, writes : Watched
        Which hours were covered for reads of objects, and for writes: a copy out of the bucket is a write, and sends no bytes.
    loss : mapping or None
        What was measured where both logs ran: requests, lost, upper; None where they nowhere did.
    """
    read = read or {}

    def number(name: str) -> int:
        return int(read.get(name) or 0)

    blind, alone, uncertain = seen.hours("blind"), seen.hours("alone"), seen.hours("uncertain")
    open_ended = bool(blind or seen.hours("partly"))
    copies_open = open_ended or bool(writes.hours("blind") or writes.hours("partly"))
    lines = number("log_only_requests")
    allowed = most_lost(lines, loss["upper"]) if loss and alone and loss["upper"] < 1.0 else 0
    more_bytes = lost_bytes(
        allowed, lines, float(read.get("log_only_bytes") or 0), float(read.get("log_only_squared_bytes") or 0)
    )
    objects_upper, bytes_upper = number("objects_seen") + allowed, number("bytes_seen") + more_bytes
    basis = (
        "blind"
        if copies_open
        else "complete"
        if not alone
        else "loss_allowed"
        if loss and loss["upper"] < 1.0
        else "logged_only"
    )
    return {
        "bucket": bucket,
        "objects_lower": number("objects_lower"),
        "objects_likely": number("objects_likely"),
        "objects_upper": None if copies_open else objects_upper,
        "bytes_lower": number("bytes_lower"),
        "bytes_likely": number("bytes_likely"),
        "bytes_upper": None if open_ended else bytes_upper,
        "blind_hours": blind,
        "objects_upper_logged": objects_upper,
        "bytes_upper_logged": bytes_upper,
        "objects_all": number("objects_all"),
        "bytes_all": number("bytes_all"),
        "upper_basis": basis,
        "width_reason": _reason(read, seen, writes, loss, allowed, basis),
        "log_only_hours": alone,
        "uncertain_hours": uncertain,
        "allowed_requests": allowed,
        "loss_requests": int(loss["requests"]) if loss else None,
        "loss_lost": int(loss["lost"]) if loss else None,
        "loss_upper": float(loss["upper"]) if loss else None,
        "objects_copied_out": number("objects_copied_out"),
        "bytes_copied_out": number("bytes_copied_out"),
    }


def _reason(read: Row, seen: Watched, writes: Watched, loss: Row | None, allowed: int, basis: str) -> str:
    """The width, in words."""
    parts = []
    blind, alone, uncertain = seen.hours("blind"), seen.hours("alone"), seen.hours("uncertain")
    partly = seen.hours("partly")
    if partly:
        parts.append(
            f"for {partly:,.1f} hours data events were on for a part of the requests alone and no access log covered "
            "the rest, so there is no upper bound"
        )
    if blind:
        parts.append(f"neither log covered the bucket for {blind:,.1f} hours of the window, so there is no upper bound")
    copies = writes.hours("blind") + writes.hours("partly") - blind
    if copies > 0:
        parts.append(
            f"for {copies:,.1f} hours copies out of the bucket, which are writes, were not all recorded, so there is no upper "
            "bound on objects"
        )
    unclear = int(read.get("objects_likely") or 0) - int(read.get("objects_lower") or 0)
    if unclear:
        parts.append(f"{unclear:,} objects rest on reasoned attribution (C) or on sessions that are unclear")
    open_ = int(read.get("objects_seen") or 0) - int(read.get("objects_likely") or 0)
    if open_:
        parts.append(f"{open_:,} objects were read by one of several credentials that cannot be told apart (D)")
    if alone and basis == "logged_only":
        parts.append(f"for {alone:,.1f} hours the access log ran alone, and what it loses could not be measured")
    elif alone and loss:
        parts.append(
            f"for {alone:,.1f} hours the access log ran alone; where both logs ran it lacked {int(loss['lost']):,} of "
            f"{int(loss['requests']):,} requests (at most {loss['upper']:.2%}), which allows for {allowed:,} more"
        )
    if uncertain > partly:
        parts.append(f"for {uncertain - partly:,.1f} hours it is uncertain whether a log covered the bucket")
    return "; ".join(parts) if parts else "CloudTrail recorded every read of the window and named its key"
