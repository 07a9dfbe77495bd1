"""What is the owner's? The places of the baseline, or what is steady through the window where there is none.

In a baseline every place counts as the owner's, but for those that look new inside it: that come late, stay for few
days, share neither address nor agent with the rest, and do what the rest does not, or come in its last hours: what
began an hour before the window is no more the owner's than what begins an hour after. Without a baseline the owner's are
the places that were there from the start of the window and on most of its days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ir_kit.sessions.agents import same_make
from ir_kit.sessions.deeds import compare
from ir_kit.sessions.places import Place, Together, is_weekend

LEAST_SPAN, LEAST_DAYS = 48, 3  # hours; days
STEADY, HOURS_A_DAY, DAILY = (
    0.5,
    3,
    0.85,
)  # share of the days with so many hours each; share of the days whatever the hours
PROBED = 2  # different calls refused, that a service of the owner's would not try
FEW_DAYS = 0.25  # of the baseline's, within which a late arrival may be an intruder's
EVE = 24  # hours, the baseline's last, that by themselves make nothing the owner's
LEAST_BLOCKS = 4


@dataclass
class Profile:
    """The owner's places, for one lineage of credentials."""

    basis: str  # "baseline", "window" or "none"
    days: int  # that the basis holds
    places: list[Place] = field(default_factory=list)
    suspects: list[Place] = field(default_factory=list)  # of the baseline, left out
    arrivals: list[Place] = field(default_factory=list)  # of the window, where there is no baseline

    @cached_property
    def together(self) -> Together:
        return Together(self.places)

    @property
    def what(self) -> str:
        return "the baseline" if self.basis == "baseline" else "what is steady in the window"

    @cached_property
    def families(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for place in self.places:
            found.setdefault(place.agent.family or "", []).append(place)
        return found


def clusters(listed: list[Place]) -> list[list[Place]]:
    """Places of one block whose agents are of one make: one installation, through its versions."""
    found: list[list[Place]] = []
    for place in listed:
        for cluster in found:
            if cluster[0].block == place.block and same_make(cluster[0].agent, place.agent):
                cluster.append(place)
                break
        else:
            found.append([place])
    return found


@dataclass
class Candidates:
    """Places of a baseline that came late, and the rest that they are to be compared with."""

    profile: Profile
    rest: Together
    late: list[tuple[list[Place], list[Together]]] = field(default_factory=list)
    eve: int = 0  # the hour with which the baseline's last ones begin

    @property
    def groups(self) -> list[Together]:
        """What has to be known of deeds before these can be told."""
        return [self.rest, *(one for _, listed in self.late for one in listed)] if self.late else []

    def settled(self) -> Profile:
        """The profile, without those that do what the rest does not."""
        profile = self.profile
        for cluster, listed in self.late:
            on_the_eve = min(hour for place in cluster for hour in place.hours) >= self.eve
            if on_the_eve or any(compare(one, self.rest, self.rest, "the rest").foreign for one in listed):
                profile.suspects += cluster
        profile.places = [place for place in profile.places if place not in profile.suspects]
        return profile


def from_baseline(listed: list[Place], days: int) -> Candidates:
    """The owner's places by a baseline of so many days, and those that may look new inside it."""
    found = Candidates(Profile("baseline", days, listed), Together([]))
    if not listed or days < 7:
        return found
    start = min(hour for place in listed for hour in place.hours)
    found.eve = max(hour for place in listed for hour in place.hours) - EVE + 1
    late: list[list[Place]] = []
    for cluster in clusters(listed):
        hours = sorted({hour for place in cluster for hour in place.hours})
        active = {hour // 24 for hour in hours}
        gap = max((b - a for a, b in zip(hours, hours[1:], strict=False)), default=0)
        if hours[0] - start > max(24 * days / 3, gap) and len(active) <= max(2, FEW_DAYS * days):
            late.append(cluster)
    coming = {id(place) for cluster in late for place in cluster}
    found.rest = Together([place for place in listed if id(place) not in coming])
    if found.rest.events < LEAST_DAYS or len(found.rest.days) < LEAST_DAYS:
        return found
    for cluster in late:
        known = any(
            place.block == other.block or same_make(place.agent, other.agent)
            for place in cluster
            for other in found.rest.places
        )
        if not known:
            found.late.append((cluster, [Together([place]) for place in cluster]))
    return found


def from_window(listed: list[Place]) -> Profile:
    """The owner's places without a baseline: there from the start, and on most days, and not refused all sorts of
    things.
    """
    direct = [place for place in listed if place.forwarded < place.events]
    hours = [hour for place in direct for hour in place.hours]
    if not hours or max(hours) - min(hours) < LEAST_SPAN:
        return Profile("none", 0)
    start, end = min(hours), max(hours)
    core: list[Place] = []
    arrived: list[list[Place]] = []
    passing: list[list[Place]] = []
    for cluster in clusters(direct):
        late, steady = _habit(_hours(cluster), start, end)
        probing = any(place.refused_acts >= PROBED for place in cluster)
        if steady and not late and not probing:
            core += cluster
        elif late or probing:
            arrived.append(cluster)
        else:
            passing.append(cluster)
    core += _moved(passing, arrived, start, end)
    core += _wanderers([place for place in direct if place not in core], start, end)
    if not core:
        return Profile("none", 0)
    days = len({hour // 24 for hour in _hours(core)})
    return Profile("window", days, core, arrivals=[p for cluster in arrived for p in cluster if p not in core])


def _hours(listed: list[Place]) -> set[int]:
    return {hour for place in listed for hour in place.hours}


def _habit(hours: set[int], start: int, end: int) -> tuple[bool, bool]:
    """Did it come late, by its own rhythm; and is it steady? Whoever works on working days alone is measured by these."""
    listed = sorted(hours)
    active = {hour // 24 for hour in listed}
    weekend = {is_weekend(day) for day in active}
    days = [day for day in range(start // 24, end // 24 + 1) if is_weekend(day) in weekend]
    first = max(start, 24 * days[0])
    gap = max((b - a for a, b in zip(listed, listed[1:], strict=False)), default=0)
    late = listed[0] - first > max(6, gap)
    share = len(active) / len(days)
    often = share >= DAILY or (share >= STEADY and len(hours) >= HOURS_A_DAY * len(active))
    return late, len(active) >= LEAST_DAYS and often


def _moved(passing: list[list[Place]], arrived: list[list[Place]], start: int, end: int) -> list[Place]:
    """Places of the same make that take over from each other, and are steady in all: a service that moved."""
    found: list[Place] = []
    for first in passing:
        last = max(_hours(first))
        for then in arrived:
            begins = min(_hours(then))
            if not same_make(first[0].agent, then[0].agent) or not -3 <= begins - last <= 24:
                continue
            late, steady = _habit(_hours(first) | _hours(then), start, end)
            if steady and not late and not any(place.refused_acts >= PROBED for place in then):
                found += first + then
                break
    return found


def _wanderers(listed: list[Place], start: int, end: int) -> list[Place]:
    """Places of an agent that moves about, and is steady in all: of a laptop, or of a service that comes from ever
    other networks, none of which holds half of its hours.
    """
    found: list[Place] = []
    by_family: dict[str | None, list[Place]] = {}
    for place in listed:
        by_family.setdefault(place.agent.family, []).append(place)
    for group in by_family.values():
        sizes: dict[str | None, int] = {}
        for place in group:
            sizes[place.block] = sizes.get(place.block, 0) + len(place.hours)
        few = len(sizes) < LEAST_BLOCKS or 2 * max(sizes.values()) > sum(sizes.values())
        if (few and not group[0].agent.portable) or any(place.refused_acts >= PROBED for place in group):
            continue
        late, steady = _habit(_hours(group), start, end)
        if steady and not late:
            found += group
    return found
