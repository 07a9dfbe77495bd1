"""Was what was done what the owner does? Which values, how often refused, in which mixture, how fast, and when.

Each measure is set against the owner's own habit: how often the owner does something new, how much the owner's days
differ among themselves. So an owner who meets a new prefix every day is not surprised by another.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from ir_kit.sessions.sources import KINDS, SourceGroup, is_weekend

DEVIATES = 0.5  # of the values or of the events of a kind
LEAST_MIX, LEAST_RATE = 20, 60
APART, FASTER = 0.2, 3
REFUSED, REFUSALS = 0.2, 3
THIN_EVENTS, THIN_DAYS = 30, 3


@dataclass
class Behaviour:
    """`deviations`: what the owner never does; `oddities`: how else it is unlike the owner's use; `notes`: the rest."""

    deviations: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    share: float = 0.0  # the largest share of values that the owner never showed


def is_thin(group: SourceGroup) -> bool:
    """Is there too little of it to compare with?"""
    return group.events < THIN_EVENTS or len(group.days) < THIN_DAYS


def compare(group: SourceGroup, related: SourceGroup, everything: SourceGroup, what: str) -> Behaviour:
    """Is what was done from a source what was done from those that it is related to?

    Parameters
    ----------
    group : SourceGroup
        The source in question.
    related : SourceGroup
        The owner's sources that share its address or user agent.
    everything : SourceGroup
        All of the owner's sources, which stand in where `related` is thin.
    what : str
        The name of what it is compared with: ``the baseline``.
    """
    reference = everything if is_thin(related) else related
    behaviour = Behaviour()
    _values(group, reference, everything, what, behaviour)
    share, usual = group.refused / group.events, reference.refused / max(1, reference.events)
    if group.refused >= REFUSALS and share >= REFUSED and share > 3 * usual:
        behaviour.deviations.append(f"{group.refused} of {group.events} calls refused or on buckets that do not exist")
    if reference is related:
        behaviour.oddities += [*mixture(group, reference), *_pace(group, reference), *unusual_times(group, reference)]
    return behaviour


def _values(group: SourceGroup, reference: SourceGroup, everything: SourceGroup, what: str, to: Behaviour) -> None:
    for kind, plural in KINDS.items():
        values, known = group.values.get(kind, {}), reference.values.get(kind, {})
        if not known and kind in ("aws_region", "prefix"):
            continue  # access logs do not say the Region, or no bucket has several prefixes
        unfamiliar = [name for name in values if name not in known]
        if not unfamiliar:
            continue
        share = len(unfamiliar) / len(values)
        events = sum(values[name].events for name in unfamiliar) / sum(value.events for value in values.values())
        elsewhere = sum(name in everything.values.get(kind, {}) for name in unfamiliar)
        words = f"{len(unfamiliar)} of {len(values)} {plural} not in {what}"
        words += f" here ({elsewhere} of them elsewhere)" if elsewhere else ""
        to.share = max(to.share, share, events)
        usual = new_values_a_day(reference, kind) * len(group.days)
        deviates = max(share, events) >= DEVIATES and len(unfamiliar) > usual + 2 * math.sqrt(usual)
        (to.deviations if deviates else to.notes).append(words)


def new_values_a_day(reference: SourceGroup, kind: str) -> float:
    """How many new values of this kind does the owner meet on a day, once the first third of the days has gone?"""
    days = reference.days
    if len(days) < 3:
        return 0.0
    later = days[len(days) // 3 :]
    return sum(value.first_day >= later[0] for value in reference.values.get(kind, {}).values()) / len(later)


def mixture(group: SourceGroup, reference: SourceGroup) -> list[str]:
    """The share of the calls that would have to be others to make it the owner's mixture, and that of the owner's days."""
    totals = {log: sum(counts.total() for counts in days.values()) for log, days in group.calls.items()}
    log = max(totals, key=lambda name: totals[name], default="")
    owners_days = list(reference.calls.get(log, {}).values())
    calls, owners = (sum(days, Counter()) for days in (group.calls.get(log, {}).values(), owners_days))
    if calls.total() < LEAST_MIX or owners.total() < LEAST_MIX:
        return []
    usual = max((_apart(day, owners) for day in owners_days if day.total() >= LEAST_MIX), default=None)
    apart = _apart(calls, owners)
    if apart < (2 * APART if usual is None else max(APART, 1.25 * usual)):
        return []
    return [f"mixture of calls differs by {apart:.0%} (the owner's days by {usual or 0:.0%})"]


def _apart(first: Counter[str], second: Counter[str]) -> float:
    total, other = first.total(), second.total()
    return sum(abs(first[name] / total - second[name] / other) for name in {*first, *second}) / 2


def _pace(group: SourceGroup, reference: SourceGroup) -> list[str]:
    most, usual = max(group.hours.values()), max(reference.hours.values())
    fast = most >= LEAST_RATE and most > FASTER * usual
    return [f"{most:,} calls in the busiest hour (the owner's: {usual:,})"] if fast else []


def unusual_times(group: SourceGroup, reference: SourceGroup) -> list[str]:
    """Hours of day, on working days and at weekends, in which the owner is never active, an hour's grace given."""
    if len(reference.hours) < LEAST_MIX:
        return []
    kinds = {is_weekend(hour // 24) for hour in reference.hours}
    active = {(is_weekend(hour // 24), (hour + shift) % 24) for hour in reference.hours for shift in (-1, 0, 1)}
    outside = 0
    for hour, count in group.hours.items():
        weekend = is_weekend(hour // 24)
        if weekend in kinds or len(reference.days) >= 7:  # else so short a baseline has no weekend to compare with
            outside += count * ((weekend, hour % 24) not in active)
    if outside / group.events < 0.8:
        return []
    return [f"{outside} of {group.events} calls at hours in which the owner is never active"]


def differs_by_handshake(group: SourceGroup, owners: SourceGroup) -> str | None:
    """Does a client that names itself like the owner's speak TLS, or sign, like none of the owner's? None: it does not."""
    shown, usual = group.values.get("handshake", {}), owners.values.get("handshake", {})
    if not shown or not usual or is_thin(owners):
        return None
    events = sum(value.events for value in shown.values())
    if sum(value.events for name, value in shown.items() if name not in usual) / events < 0.9:
        return None
    return f"handshake ({next(iter(shown))}) is none of the {len(usual)} of this user agent"
