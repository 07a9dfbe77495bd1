"""What is the owner's: the sources of the baseline, or what is steady through the window; and was what was done the owner's?

What began an hour before the window is no more the owner's than what begins an hour after. Each measure of behaviour is
set against the owner's own habit: an owner who meets a new prefix every day is not surprised by another.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from ir_kit.case import Case
from ir_kit.sessions.sources import KINDS, Source, SourceGroup, describe, is_weekend, longest_pause, same_family

LEAST_SPAN, LEAST_DAYS = 48, 3  # hours; days
STEADY, HOURS_A_DAY, DAILY = 0.5, 3, 0.85  # share of the days with so many hours each; share whatever the hours
FEW_DAYS = 0.25  # of the baseline's, within which a late arrival may be an intruder's
EVE = 24  # hours, the baseline's last, that by themselves make nothing the owner's
LEAST_BLOCKS = 4
DEVIATES = 0.5  # of the values or of the events of a kind
LEAST_MIX, LEAST_RATE = 20, 60
APART, FASTER = 0.2, 3
REFUSED, REFUSALS = 0.2, 3
THIN_EVENTS, THIN_DAYS = 30, 3
WHAT = {"baseline": "the baseline", "window": "what is steady in the window"}  # that others are compared with


@dataclass
class OwnerBaseline:
    """The owner's sources, for one lineage of credentials."""

    basis: str  # "baseline", "window" or "none"
    days: int  # that the basis holds
    sources: list[Source] = field(default_factory=list)
    suspects: list[Source] = field(default_factory=list)  # of the baseline, left out
    arrivals: list[Source] = field(default_factory=list)  # of the window, where there is no baseline
    window: list[Source] = field(default_factory=list)  # all of the lineage's, whoever's they are

    @cached_property
    def together(self) -> SourceGroup:
        """All of the owner's sources as one."""
        return SourceGroup(self.sources)

    @property
    def warning(self) -> str:
        """What may mislead in a comparison with it; empty if nothing."""
        days, parts = len(self.together.days), []
        if self.basis == "none":
            parts.append("nothing to compare with: neither a baseline nor use that is steady through the window")
        elif self.basis == "window":
            parts.append("no baseline: the owner is taken to be what was there from the window's start on most of its "
                         "days; an intruder who was, too, counts as the owner")  # fmt: skip
        elif not self.sources:
            parts.append("the baseline holds no use of this principal: whatever it does is new")
        elif days < 7:
            parts.append(f"a short baseline: this principal was in use on {days} days of it")
        if self.suspects:
            parts.append("the baseline may contain the intruder: late, new-looking behaviour is left out")
        return "; ".join(parts)


def installations(listed: Iterable[Source]) -> list[SourceGroup]:
    """Sources of one block whose user agents are of one family: one installation, through its versions."""
    groups: list[list[Source]] = []
    for source in listed:
        of_block = (group for group in groups if group[0].block == source.block)
        fitting = next((group for group in of_block if same_family(group[0].user_agent, source.user_agent)), None)
        if fitting is None:
            groups.append(fitting := [])
        fitting.append(source)
    return [SourceGroup(group) for group in groups]


def from_baseline(case: Case, listed: list[Source], days: int) -> OwnerBaseline:
    """The owner's sources by a baseline of so many days, without those that look new inside it."""
    baseline = OwnerBaseline("baseline", days, listed)
    if not listed or days < 7:
        return baseline
    start, end = min(baseline.together.hours), max(baseline.together.hours)
    late = []
    for group in installations(listed):
        first_third = max(8 * days, longest_pause(group.hours))
        if len(group.days) <= max(2, FEW_DAYS * days) and min(group.hours) - start > first_third:
            late.append(group)
    rest = SourceGroup([source for source in listed if not any(source in group.sources for group in late)])
    if not late or rest.events < LEAST_DAYS or len(rest.days) < LEAST_DAYS:
        return baseline
    parts = {source: SourceGroup([source]) for group in late for source in group.sources}
    describe(case, [rest, *parts.values()])
    for group in late:
        pairs = [(source, other) for source in group.sources for other in rest.sources]
        if any(one.block == other.block or same_family(one.user_agent, other.user_agent) for one, other in pairs):
            continue
        on_eve = min(group.hours) > end - EVE
        if on_eve or any(compare(parts[source], rest, rest, "").deviations for source in group.sources):
            baseline.suspects += group.sources
    sources = [source for source in listed if source not in baseline.suspects]
    return OwnerBaseline("baseline", days, sources, baseline.suspects)


def from_window(listed: list[Source]) -> OwnerBaseline:
    """The owner's sources without a baseline: there from the start, on most days, and not refused all sorts of things."""
    hours = SourceGroup(listed).hours
    if not hours or max(hours) - min(hours) < LEAST_SPAN:
        return OwnerBaseline("none", 0)
    start, end = min(hours), max(hours)
    groups = [(group, *habit(group, start, end)) for group in installations(listed)]
    arrived = [group for group, late, _ in groups if late or group.probes]
    core = [source for group, _, steady in groups if steady and group not in arrived for source in group.sources]
    for before in [group for group, _, steady in groups if not steady and group not in arrived]:
        for after in arrived:  # a service that moved: they take over from each other, and are steady in all
            agents, both = (before.sources[0].user_agent, after.sources[0].user_agent), before.sources + after.sources
            takes_over = same_family(*agents) and -3 <= min(after.hours) - max(before.hours) <= 24
            if takes_over and habit(SourceGroup(both), start, end) == (False, True) and not after.probes:
                core += both
                break
    core += roaming_clients([source for source in listed if source not in core], start, end)
    if not core:
        return OwnerBaseline("none", 0)
    arrivals = [source for group in arrived for source in group.sources if source not in core]
    return OwnerBaseline("window", len(SourceGroup(core).days), core, arrivals=arrivals)


def habit(group: SourceGroup, start: int, end: int) -> tuple[bool, bool]:
    """Did it come late, by its own rhythm; and is it steady? Whoever works on working days alone is measured by these."""
    weekend = {is_weekend(day) for day in group.days}
    days = [day for day in range(start // 24, end // 24 + 1) if is_weekend(day) in weekend]
    late = min(group.hours) - max(start, 24 * days[0]) > max(6, longest_pause(group.hours))
    share = len(group.days) / len(days)
    often = share >= DAILY or (share >= STEADY and len(group.hours) >= HOURS_A_DAY * len(group.days))
    return late, len(group.days) >= LEAST_DAYS and often


def roaming_clients(listed: list[Source], start: int, end: int) -> list[Source]:
    """Sources of a client that moves about, and is steady in all: a laptop, or a service that none of its networks holds half of."""
    roaming: list[Source] = []
    for client in dict.fromkeys(source.client for source in listed):
        group, sizes = SourceGroup([source for source in listed if source.client == client]), Counter[str | None]()
        for source in group.sources:
            sizes[source.block] += len(source.hours)
        many = len(sizes) >= LEAST_BLOCKS and 2 * max(sizes.values()) <= sizes.total()
        steady = habit(group, start, end) == (False, True)
        if (many or group.sources[0].user_agent.portable) and steady and not group.probes:
            roaming += group.sources
    return roaming


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
    """Is what was done from a source what was done from those of the owner's that share its address or user agent?

    All of the owner's (`everything`) stand in where these are thin. `what` is their name in words: ``the baseline``.
    """
    reference = everything if is_thin(related) else related
    behaviour = Behaviour()
    for kind, plural in KINDS.items():
        values, known = group.values.get(kind, {}), reference.values.get(kind, {})
        if not known and kind in ("aws_region", "prefix"):
            continue  # access logs do not say the Region, or no bucket has several prefixes
        if unfamiliar := [name for name in values if name not in known]:
            total = sum(value["event_count"] for value in values.values())
            events = sum(values[name]["event_count"] for name in unfamiliar) / total
            share = max(len(unfamiliar) / len(values), events)
            elsewhere = sum(name in everything.values.get(kind, {}) for name in unfamiliar)
            words = f"{len(unfamiliar)} of {len(values)} {plural} not in {what}"
            words += f" here ({elsewhere} of them elsewhere)" if elsewhere else ""
            behaviour.share = max(behaviour.share, share)
            # how many new values the owner meets on a day, once the first third of the days has gone
            later = reference.days[len(reference.days) // 3 :] if len(reference.days) > 2 else []
            new = sum(value["day"] >= later[0] for value in known.values()) / len(later) if later else 0.0
            usual = new * len(group.days)
            deviates = share >= DEVIATES and len(unfamiliar) > usual + 2 * math.sqrt(usual)
            (behaviour.deviations if deviates else behaviour.notes).append(words)
    refused, usual = group.refused / group.events, reference.refused / max(1, reference.events)
    if group.refused >= REFUSALS and refused >= REFUSED and refused > 3 * usual:
        behaviour.deviations.append(f"{group.refused} of {group.events} calls refused or on buckets that do not exist")
    if reference is related:
        most, usual_most = max(group.hours.values()), max(reference.hours.values())
        behaviour.oddities += mixture(group, reference)
        if most >= LEAST_RATE and most > FASTER * usual_most:
            behaviour.oddities.append(f"{most:,} calls in the busiest hour (the owner's: {usual_most:,})")
        behaviour.oddities += unusual_times(group, reference)
    return behaviour


def mixture(group: SourceGroup, reference: SourceGroup) -> list[str]:
    """The share of the calls that would have to be others to make it the owner's mixture, and that of the owner's days."""
    by_log = {log: sum(days.values(), Counter[str]()) for log, days in group.calls.items()}
    log, calls = max(by_log.items(), key=lambda item: item[1].total(), default=("", Counter[str]()))
    owners_days = list(reference.calls.get(log, {}).values())
    owners = sum(owners_days, Counter[str]())
    if calls.total() < LEAST_MIX or owners.total() < LEAST_MIX:
        return []
    usual = max((distance(day, owners) for day in owners_days if day.total() >= LEAST_MIX), default=None)
    apart = distance(calls, owners)
    if apart < (2 * APART if usual is None else max(APART, 1.25 * usual)):
        return []
    return [f"mixture of calls differs by {apart:.0%} (the owner's days by {usual or 0:.0%})"]


def distance(first: Counter[str], second: Counter[str]) -> float:
    """The total variation distance of two mixtures, 0 to 1."""
    total, other = first.total(), second.total()
    return sum(abs(first[name] / total - second[name] / other) for name in {*first, *second}) / 2


def unusual_times(group: SourceGroup, reference: SourceGroup) -> list[str]:
    """Hours of day, on working days and at weekends, in which the owner is never active, an hour's grace given."""
    if len(reference.hours) < LEAST_MIX:
        return []
    kinds = {is_weekend(hour // 24) for hour in reference.hours}
    active = {(is_weekend(hour // 24), (hour + shift) % 24) for hour in reference.hours for shift in (-1, 0, 1)}
    if len(reference.days) >= 7:  # else so short a baseline has no weekend, or nothing else, to compare with
        kinds = {True, False}
    at = [(is_weekend(hour // 24), hour % 24, count) for hour, count in group.hours.items()]
    outside = sum(count for weekend, hour, count in at if weekend in kinds and (weekend, hour) not in active)
    many = outside / group.events >= 0.8
    return [f"{outside} of {group.events} calls at hours in which the owner is never active"] if many else []


def differs_by_handshake(group: SourceGroup, owners: SourceGroup) -> str | None:
    """Does a client that names itself like the owner's speak TLS, or sign, like none of the owner's? None: it does not."""
    shown, usual = group.values.get("handshake", {}), owners.values.get("handshake", {})
    if not shown or not usual or is_thin(owners):
        return None
    counts = {name: value["event_count"] for name, value in shown.items()}
    if sum(count for name, count in counts.items() if name not in usual) / sum(counts.values()) < 0.9:
        return None
    return f"handshake ({next(iter(shown))}) is none of the {len(usual)} of this user agent"
