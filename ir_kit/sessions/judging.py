"""Whose use does a place look like? Address, agent and what was done, set against the owner's places.

`docs/decisions/operators.md` has the table of verdicts and what novelty means.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from ir_kit.domain.principals import agent_matches, in_networks
from ir_kit.incident import KnownGood
from ir_kit.sessions.agents import same_make
from ir_kit.sessions.deeds import THIN_EVENTS, Deeds, apart_by_handshake, compare
from ir_kit.sessions.networks import Networks, is_private
from ir_kit.sessions.owners import Profile
from ir_kit.sessions.places import KINDS, Place, Row, Together

KNOWN, NEAR, STRANGE = "known", "near", "strange"
WEIGHTS = {KNOWN: 0.0, NEAR: 0.3, STRANGE: 1.0}
MOVES, FEW_DAYS = 0.2, 5  # days with a new network, of the days of an agent; fewer days tell nothing of it
ALIKE_EVENTS, ALIKE_HOURS = 200, 24
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)


@dataclass
class Judgement:
    """What was found of a place."""

    place: Place
    verdict: str
    novelty: float
    reasons: list[str] = field(default_factory=list)
    address: str = STRANGE
    agent: str = STRANGE
    foreign: bool = False  # was something done there that the owner never does?


@dataclass
class Look:
    """What is seen of a place before anybody asks what was done there: whose are its address and its agent?"""

    place: Place
    address: str
    agent: str
    with_agent: list[Place]
    told: list[str]
    mine: Together
    related: Together

    @property
    def is_owners(self) -> bool:
        return self.address == self.agent == KNOWN


@dataclass
class Judge:
    """One lineage's owner, and the places of the window that may be somebody else's."""

    profile: Profile
    window: list[Place]
    known_good: KnownGood
    networks: Networks

    def look(self, place: Place) -> Look:
        """Whose are the address and the agent of a place of the window?"""
        address, at_address, told_address = self._address(place)
        agent, with_agent, told_agent = self._agent(place)
        if address == NEAR and agent != STRANGE and not any(same_make(one.agent, place.agent) for one in at_address):
            address, at_address = STRANGE, []  # a neighbour of the owner's that is no installation of this client
        related = {id(one): one for one in at_address + with_agent}
        told = [*told_address, *told_agent]
        return Look(place, address, agent, with_agent, told, Together([place]), Together(list(related.values())))

    def judge(self, look: Look, foreign: list[Row]) -> Judgement:
        """Whose does a place look like, now that what was done there is known?

        Parameters
        ----------
        foreign : list of dict
            Of a place whose address and agent are the owner's: what of its deeds is not, as `foreign_deeds` says.
        """
        place, profile = look.place, self.profile
        found = Judgement(place, "unclear", 0.5, list(look.told), look.address, look.agent)
        if profile.basis == "none":
            if look.is_owners:
                found.verdict, found.novelty = "familiar", 0.0
            found.reasons.append("no baseline: nothing to compare with")
            return found
        if look.is_owners:
            shares = [max(row["foreign_count"] / row["value_count"], row["foreign_event_count"] / row["event_count"])
                      for row in foreign]  # fmt: skip
            found.reasons += [
                f"{row['foreign_count']} of {row['value_count']} {KINDS[row['kind']]} not in {profile.what}"
                for row in foreign
            ]
            found.verdict, found.novelty = "familiar", round(0.3 * max(shares, default=0.0), 4)
        else:
            self._weigh(found, look)
        if profile.basis == "window":
            found.reasons.append(
                f"no baseline: compared with what was steady through the window ({profile.days} days, "
                f"{len(profile.places)} places)"
            )
        return found

    def _weigh(self, found: Judgement, look: Look) -> None:
        profile = self.profile
        if look.agent == KNOWN and look.address == STRANGE:
            other = apart_by_handshake(look.mine, look.related)
            if other:
                found.agent = STRANGE
                found.reasons.append(other)
        related = (
            look.related
            if STRANGE not in (found.address, found.agent) or found.address != found.agent
            else Together([])
        )
        deeds = compare(look.mine, related, profile.together, profile.what)
        if found.agent == KNOWN and found.address == NEAR:
            deeds.odd = []  # the same client beside itself: its pace and its hours are its own affair
        found.reasons += [*deeds.foreign, *deeds.odd, *deeds.notes]
        found.foreign = bool(deeds.foreign)
        found.verdict, ease = self._verdict(found, deeds, look.with_agent)
        what = min(1.0, deeds.share * (1.0 if deeds.foreign else 0.5) + 0.5 * bool(deeds.odd))
        found.novelty = round(0.35 * ease * WEIGHTS[found.address] + 0.35 * WEIGHTS[found.agent] + 0.3 * what, 4)

    # address and agent

    def _address(self, place: Place) -> tuple[str, list[Place], list[str]]:
        profile = self.profile
        same = [one for one in profile.places if one.address == place.address]
        if same:
            days = len({day for one in same for day in one.days})
            return KNOWN, same, [f"address seen on {days} of {profile.days} days of {self._basis}"]
        if in_networks(place.address, self.known_good.source_ips):
            return KNOWN, [], ["address known good by the incident file"]
        through = [one for one in profile.places if one.endpoints & place.endpoints]
        if through and is_private(place.address):
            return KNOWN, through, [f"address is new, but came through the owner's VPC endpoint {min(place.endpoints)}"]
        if not profile.days:
            return STRANGE, [], []
        told = [f"address in none of {profile.days} days of {self._basis} ({profile.together.events:,} events)"]
        suspects = [one for one in profile.suspects if one.address == place.address]
        if suspects:
            first = min(one.first for one in suspects)
            told = [
                f"address in the baseline first on {first:%Y-%m-%d}, where it looks new as well, so it is not taken for "
                f"the owner's"
            ]
        told += self._network(place)
        near = [one for one in profile.places if one.block and one.block == place.block]
        if near:
            return NEAR, near, [*told, f"address lies in the owner's block {place.block}"]
        return STRANGE, [], told

    def _network(self, place: Place) -> list[str]:
        told = []
        system = self.networks.system_of(place.address)
        if system:
            theirs = {self.networks.system_of(one.address) for one in self.profile.places}
            told.append(f"network {system}, {'also' if system in theirs else 'none of'} the owner's")
        region = self.networks.amazons(place.address)
        if region:
            told.append(f"an address of Amazon's own ({region})")
        return told

    def _agent(self, place: Place) -> tuple[str, list[Place], list[str]]:
        profile = self.profile
        same = profile.families.get(place.agent.family or "", [])
        if same:
            days = len({day for one in same for day in one.days})
            return KNOWN, same, [f"user agent seen on {days} of {profile.days} days of {self._basis}"]
        if any(agent_matches(text, self.known_good.user_agents) for text in (place.agent.family, *sorted(place.spelt))):
            return KNOWN, [], ["user agent known good by the incident file"]
        if not profile.days:
            return STRANGE, [], []
        told = [f"user agent in none of {profile.days} days of {self._basis} ({profile.together.events:,} events)"]
        near = [one for one in profile.places if same_make(one.agent, place.agent)]
        if near:
            versions = sorted({one.agent.version or "?" for one in near})
            return NEAR, near, [*told, f"another version of the owner's {place.agent.tool} ({', '.join(versions[:3])})"]
        return STRANGE, [], told

    @property
    def _basis(self) -> str:
        return "the baseline" if self.profile.basis == "baseline" else "the window's steady use"

    # verdict

    def _verdict(self, found: Judgement, deeds: Deeds, with_agent: list[Place]) -> tuple[str, float]:
        """The verdict, and how much of the address's strangeness remains."""
        place, address, agent = found.place, found.address, found.agent
        if STRANGE not in (address, agent):
            if self.profile.together.events < THIN_EVENTS and not deeds.foreign:
                return "unclear", 1.0
            if deeds.foreign:
                return ("unclear" if self._replaces(found, with_agent) else "new"), 1.0
            if deeds.odd and not self._replaces(found, with_agent):
                return "unclear", 1.0
            return "familiar", 1.0
        if agent == STRANGE:
            if address == STRANGE:
                return self._neither(place, deeds), 1.0
            return self._by_schedule(found, deeds), 1.0
        if deeds.foreign:
            return "new", 1.0
        if self._replaces(found, with_agent):
            return "familiar", 0.3
        return self._elsewhere(found, deeds, with_agent)

    def _neither(self, place: Place, deeds: Deeds) -> str:
        """Neither address nor agent is the owner's. Without a baseline that tells only where it came late, or did what
        the owner does not.
        """
        if self.profile.basis == "baseline" or place in self.profile.arrivals or deeds.foreign or deeds.odd:
            return "new"
        return "unclear"

    def _by_schedule(self, found: Judgement, deeds: Deeds) -> str:
        """Another agent on the owner's network: a job that keeps a schedule is told from a visitor."""
        place = found.place
        if not (deeds.foreign or deeds.odd):
            return "unclear"
        days, clock = _schedule(place)
        if days > 1 and not place.refused and (self.profile.basis == "window" or not deeds.foreign):
            found.reasons.append(f"begins at {clock} on {days} days, like a job")
            return "familiar" if self.profile.basis == "window" else "unclear"
        return "new"

    def _elsewhere(self, found: Judgement, deeds: Deeds, with_agent: list[Place]) -> tuple[str, float]:
        """The owner's agent, or a version of it, from a network that is not the owner's."""
        place = found.place
        moved, active = _moves(with_agent)
        share = moved / (active - 1) if active > 1 else 0.0
        if active >= FEW_DAYS and share >= MOVES:
            found.reasons.append(f"this agent came from a new network on {moved} of {active - 1} days")
            return ("familiar" if not deeds.odd and found.agent == KNOWN else "unclear"), 0.4
        if found.agent == NEAR:
            if place.agent.portable and not deeds.odd:
                return "unclear", 1.0
            return self._neither(place, deeds), 1.0
        if deeds.odd:
            return "new", 1.0
        beside = self._beside(place, with_agent)
        settled = active >= FEW_DAYS or self.profile.basis == "window"
        if beside and settled and share < MOVES / 2:
            found.reasons.append(
                f"this agent came from a new network on {moved} of {active} days, and was in use at its own place in "
                f"{beside} of the {len(place.hours)} hours"
            )
            if place.events < ALIKE_EVENTS or len(place.hours) < ALIKE_HOURS:
                return "new", 1.0
            found.reasons.append("yet what was done is in every respect what the owner does")
        return "unclear", 1.0

    def _beside(self, place: Place, with_agent: list[Place]) -> int:
        """In how many of its hours was the owner's own place of that agent in use as well?"""
        mine = {one.key for one in with_agent}
        hours = {hour for one in self.window if one.key in mine for hour in one.hours}
        return sum(hour in hours for hour in place.hours)

    def _replaces(self, found: Judgement, with_agent: list[Place]) -> bool:
        """Does it take over from a place of the owner's, which stops when it begins: a deployment, or a move?"""
        place = found.place
        if place.events < 10:
            return False
        latest = {one.key: one for one in self.window}
        end = max(one.last for one in self.window)
        for one in with_agent:
            if one.key == place.key:
                continue
            now = latest.get(one.key, one)
            before = [count for hour, count in now.hours.items() if hour < _hour(place.first)]
            before += [] if now is one else list(one.hours.values())
            after = sum(count for hour, count in now.hours.items() if hour > _hour(place.first))
            if not before or after > 0.2 * place.events or now.last - place.first > 2 * DAY:
                continue
            quiet = max(now.last, place.first)
            gap = max(_gap(one), _gap(now)) * HOUR
            if place.first - now.last > max(gap, 3 * HOUR) or end - quiet < max(gap, 12 * HOUR):
                continue
            own = {day for day in one.days | now.days}
            rate = place.events / len(place.days) / max(1.0, (sum(before)) / len(own))
            if not 0.25 <= rate <= 4:
                continue
            found.reasons.append(
                f"takes over from {now.address} with {now.agent.tool} {now.agent.version or ''}".rstrip()
                + f", last seen {ago(abs(place.first - now.last))} {'before' if now.last < place.first else 'after'}, "
                f"at {rate:.1f} times its rate"
            )
            return True
        return False


def _hour(time: pd.Timestamp) -> int:
    return int(time.timestamp()) // 3600


def _gap(place: Place) -> int:
    hours = sorted(place.hours)
    return max((b - a for a, b in zip(hours, hours[1:], strict=False)), default=0)


def _moves(listed: list[Place]) -> tuple[int, int]:
    """On how many days did an agent come from a network that it never came from before, and on how many was it seen?"""
    firsts: dict[str | None, int] = {}
    for place in listed:
        day = min(place.days)
        firsts[place.block] = min(day, firsts.get(place.block, day))
    days = {day for place in listed for day in place.days}
    start = min(days, default=0)
    return len({day for day in firsts.values() if day > start}), len(days)


def _schedule(place: Place) -> tuple[int, str]:
    """On how many days does it begin at one time of day, ten minutes more or less, and at which? Zero: it does not."""
    first: dict[str, int] = {}
    for start in sorted(place.starts):
        first.setdefault(f"{start:%Y-%m-%d}", start.hour * 60 + start.minute)
    minutes = sorted(first.values())
    if not minutes or minutes[-1] - minutes[0] > 10:
        return 0, ""
    return len(minutes), f"{minutes[0] // 60:02d}:{minutes[0] % 60:02d}"


def ago(span: pd.Timedelta) -> str:
    """A stretch of time in words: ``41 minutes``."""
    minutes = int(span / pd.Timedelta(minutes=1))
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
