"""Was what was done what the owner does? Which values, how often refused, in which mixture, how fast, and when.

Each measure is set against the owner's own habit: how often the owner does something new, how much the owner's days
differ among themselves. So an owner who meets a new prefix every day is not surprised by one.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from ir_kit.sessions.places import KINDS, Together, is_weekend

FOREIGN = 0.5  # of the values or of the events of a kind
LEAST_MIX, LEAST_RATE = 20, 60
APART, FASTER = 0.2, 3
REFUSED, REFUSALS = 0.2, 3
THIN_EVENTS, THIN_DAYS = 30, 3


@dataclass
class Deeds:
    """What was found: `foreign` says what the owner never does, `odd` how else it is unlike the owner's use."""

    foreign: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    share: float = 0.0  # the largest share of foreign values


def compare(place: Together, known: Together, everything: Together, what: str) -> Deeds:
    """Is what was done at a place what was done at those that it is related to?

    Parameters
    ----------
    place : Together
        The place in question.
    known : Together
        The owner's places that share its address or agent.
    everything : Together
        All of the owner's places, which stand in where `known` is thin.
    what : str
        The name of what it is compared with: ``the baseline``.
    """
    thin = known.events < THIN_EVENTS or len(known.days) < THIN_DAYS
    reference = everything if thin else known
    found = Deeds()
    _values(place, reference, everything, what, found)
    _refusals(place, reference, found)
    if not thin:
        _mixture(place, reference, found)
        _pace(place, reference, found)
        _times(place, reference, found)
    return found


def _values(place: Together, reference: Together, everything: Together, what: str, found: Deeds) -> None:
    for kind, plural in KINDS.items():
        values = place.deeds.get(kind)
        if not values:
            continue
        known = reference.deeds.get(kind, {})
        if not known and kind in ("aws_region", "prefix"):
            continue  # the other log does not tell, or no bucket has several
        foreign = [name for name in values if name not in known]
        if not foreign:
            continue
        share = len(foreign) / len(values)
        events = sum(values[name].events for name in foreign) / sum(value.events for value in values.values())
        anywhere = sum(name in everything.deeds.get(kind, {}) for name in foreign)
        told = f"{len(foreign)} of {len(values)} {plural} not in {what}"
        if anywhere:
            told += f" here ({anywhere} of them elsewhere)"
        found.share = max(found.share, share, events)
        usual = _arrivals(reference, kind) * len(place.days)
        if max(share, events) >= FOREIGN and len(foreign) > usual + 2 * math.sqrt(usual):
            found.foreign.append(told)
        else:
            found.notes.append(told)


def _arrivals(reference: Together, kind: str) -> float:
    """How many new values of this kind does the owner meet on a day, once the first third of the days has gone?"""
    days = reference.days
    later = days[len(days) // 3 :]
    if len(days) < 3 or not later:
        return 0.0
    first = later[0]
    return sum(value.first_day >= first for value in reference.deeds.get(kind, {}).values()) / len(later)


def _refusals(place: Together, reference: Together, found: Deeds) -> None:
    share = place.refused / place.events if place.events else 0.0
    usual = reference.refused / reference.events if reference.events else 0.0
    if place.refused >= REFUSALS and share >= REFUSED and share > 3 * usual:
        found.foreign.append(f"{place.refused} of {place.events} calls refused or on buckets that do not exist")


def _mixture(place: Together, reference: Together, found: Deeds) -> None:
    """The share of the calls that would have to be others to make it the owner's mixture, and that of the owner's own
    days.
    """
    log = max(place.acts, key=lambda name: sum(sum(day.values()) for day in place.acts[name].values()), default="")
    mine: Counter[str] = Counter()
    for counts in place.acts.get(log, {}).values():
        mine.update(counts)
    days = reference.acts.get(log, {})
    theirs: Counter[str] = Counter()
    for counts in days.values():
        theirs.update(counts)
    if mine.total() < LEAST_MIX or theirs.total() < LEAST_MIX:
        return
    own = [_apart(counts, theirs) for counts in days.values() if counts.total() >= LEAST_MIX]
    apart = _apart(mine, theirs)
    if apart >= max(APART, 1.25 * max(own)) if own else apart >= 2 * APART:
        found.odd.append(f"mixture of calls differs by {apart:.0%} (the owner's days by {max(own, default=0):.0%})")


def _apart(one: Counter[str], other: Counter[str]) -> float:
    a, b = one.total(), other.total()
    return sum(abs(one[name] / a - other[name] / b) for name in {*one, *other}) / 2


def _pace(place: Together, reference: Together, found: Deeds) -> None:
    most, usual = max(place.hours.values()), max(reference.hours.values())
    if most >= LEAST_RATE and most > FASTER * usual:
        found.odd.append(f"{most:,} calls in the busiest hour (the owner's: {usual:,})")


def _times(place: Together, reference: Together, found: Deeds) -> None:
    """Hours of day, on working days and at weekends, in which the owner is never active, an hour's grace given."""
    if len(reference.hours) < LEAST_MIX:
        return
    kinds = {is_weekend(hour // 24) for hour in reference.hours}
    active = {(is_weekend(hour // 24), (hour + shift) % 24) for hour in reference.hours for shift in (-1, 0, 1)}
    outside = 0
    for hour, count in place.hours.items():
        weekend = is_weekend(hour // 24)
        if weekend not in kinds and len(reference.days) < 7:
            continue  # so short a baseline has no weekend to compare with
        outside += count * ((weekend, hour % 24) not in active)
    if outside / place.events >= 0.8:
        found.odd.append(f"{outside} of {place.events} calls at hours in which the owner is never active")


def apart_by_handshake(place: Together, known: Together) -> str | None:
    """Does a client that names itself like the owner's speak TLS, or sign, like none of the owner's? None: it does not."""
    mine, theirs = place.deeds.get("handshake", {}), known.deeds.get("handshake", {})
    if not mine or not theirs or known.events < THIN_EVENTS or len(known.days) < THIN_DAYS:
        return None
    events = sum(value.events for value in mine.values())
    other = sum(value.events for name, value in mine.items() if name not in theirs)
    if other / events < 0.9:
        return None
    return f"handshake ({next(iter(mine))}) is none of the {len(theirs)} of this agent"
