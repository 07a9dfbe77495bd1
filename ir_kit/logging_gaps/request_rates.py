"""How many requests does each bucket get in a day? As logged, or, where blind, by a named assumption."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from ir_kit.logging_gaps.prices import Between, Prices

DAY = timedelta(days=1)
ENOUGH = 12.0  # hours of a day that were logged, for its rate to count as a day's
DATA = ("data_read", "data_write")


@dataclass(frozen=True)
class Rate:
    """Requests a day: low is the mean over the logged hours, high the busiest logged day, unless assumed."""

    per_day: Between
    basis: str  # measured, assumed
    words: str


def hours_by_day(start: datetime, end: datetime) -> dict[date, float]:
    """How many hours of each day lie in this stretch?"""
    found: dict[date, float] = {}
    while start < end:
        night = datetime.combine(start.date() + DAY, time(), start.tzinfo)
        found[start.date()] = (min(night, end) - start).total_seconds() / 3600
        start = night
    return found


def measured_rates(
    days: Iterable[Mapping[str, Any]],
    logged: Mapping[tuple[str, str], Mapping[date, float]] | None = None,
    still_on: Collection[tuple[str, str]] = (),
) -> dict[str, Rate]:
    """How many requests a day does each bucket get, by what was logged?

    Parameters
    ----------
    days : iterable of mapping
        Rows of `logging_gaps/requests_by_day`.
    logged : mapping, optional
        By bucket and record class, the hours of each day that were logged, from visibility. Without it a class counts
        as logged from its first record of the bucket on.
    still_on : collection, optional
        Bucket and ``data_events`` or ``server_access_log``, where it is on now: without `logged`, its hours last until
        the last record of that kind in any bucket, else until the bucket's own last.

    Returns
    -------
    dict
        By bucket. Of the access log and data events the one that shows more counts: neither shows requests that were
        not made.
    """
    counts: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    ends: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for row in days:
        kind = "data_events" if row["record_class"] in DATA else "server_access_log"
        day = row["day"].date() if isinstance(row["day"], datetime) else row["day"]
        counts[row["bucket"], kind][day] += int(row["requests"])
        ends[row["bucket"], kind] += [row["first_time"], row["last_time"]]
    found: dict[str, Rate] = {}
    last = {one: max(max(times) for (_, kind), times in ends.items() if kind == one) for _, one in ends}
    for (bucket, kind), by_day in sorted(counts.items()):
        if logged is None:
            until = last[kind] if (bucket, kind) in still_on else max(ends[bucket, kind])
            start, end = min(ends[bucket, kind]), until + timedelta(seconds=1)
            hours: Mapping[date, float] = hours_by_day(start, max(end, start + timedelta(hours=1)))
        else:
            classes = DATA if kind == "data_events" else (kind,)
            known = [logged.get((bucket, one), {}) for one in classes]
            hours = {day: min(one.get(day, 0.0) for one in known) for day in set().union(*known)}
        rate = _rate(by_day, hours, "data events" if kind == "data_events" else "the access log")
        if rate and (bucket not in found or rate.per_day.low > found[bucket].per_day.low):
            found[bucket] = rate
    return found


def _rate(by_day: Mapping[date, int], hours: Mapping[date, float], source: str) -> Rate | None:
    total = sum(length for length in hours.values() if length > 0)
    if total <= 0:
        return None
    requests = sum(count for day, count in by_day.items() if hours.get(day, 0) > 0)
    mean = requests / total * 24
    busiest = max((by_day.get(day, 0) / length * 24 for day, length in hours.items() if length >= ENOUGH), default=mean)
    words = (
        f"{requests:,} requests in {total:,.0f} logged hours of {source}, {mean:,.0f} a day, "
        f"{busiest:,.0f} on the busiest day"
    )
    return Rate(Between(mean, max(mean, busiest)), "measured", words)


def rates(
    measured: Mapping[str, Rate], buckets: Iterable[str], log_buckets: Sequence[str], prices: Prices
) -> dict[str, Rate]:
    """The rate of each bucket: measured, or assumed from the account's other buckets or from fixed numbers."""
    known = {name: rate for name, rate in measured.items() if name not in log_buckets}
    fixed = prices.assumed("blind_requests_per_day")
    if len(known) > 1:
        span = Between(min(r.per_day.low for r in known.values()), max(r.per_day.high for r in known.values()))
        words = (
            f"from as few as the quietest logged bucket of the account ({span.low:,.0f} a day) "
            f"to as many as the busiest ({span.high:,.0f})"
        )
    else:
        span = Between(
            min([fixed.low, *(r.per_day.low for r in known.values())]),
            max([fixed.high, *(r.per_day.high for r in known.values())]),
        )
        words = f"from {span.low:,.0f} to {span.high:,.0f} a day, for want of logged buckets to compare with"
    assumed = Rate(span, "assumed", f"no log shows its requests: assumed {words}")
    return {name: measured.get(name, assumed) for name in buckets}
