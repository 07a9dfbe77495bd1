"""Whose use does a source look like? Address, user agent and behaviour, set against the owner's sources.

`docs/decisions/operators.md` has the table of verdicts and what novelty means.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from ir_kit.domain.principals import agent_matches, in_networks
from ir_kit.incident import KnownGood
from ir_kit.sessions.agents import same_family
from ir_kit.sessions.baseline import OwnerBaseline
from ir_kit.sessions.behaviour import THIN_EVENTS, Behaviour, compare, differs_by_handshake
from ir_kit.sessions.networks import Networks, is_private
from ir_kit.sessions.sources import KINDS, Row, Source, SourceGroup, longest_pause

KNOWN, NEAR, STRANGE = "known", "near", "strange"
WEIGHTS = {KNOWN: 0.0, NEAR: 0.3, STRANGE: 1.0}
MOVES, FEW_DAYS = 0.2, 5  # days with a new network, of the days of a client; fewer days say nothing of it
ALIKE_EVENTS, ALIKE_HOURS = 200, 24
HOUR = pd.Timedelta(hours=1)
Compared = tuple[str, list[Source], list[str]]  # known, near or strange; the owner's sources that share it; in words


@dataclass
class Assessment:
    """A source set against the owner's: first its address and user agent, then what was done, then the verdict."""

    source: Source
    address: str
    user_agent: str
    owners_of_client: list[Source]
    itself: SourceGroup
    related: SourceGroup
    reasons: list[str]
    verdict: str = "unclear"
    novelty: float = 0.5
    deviates: bool = False  # was something done that the owner never does?
    behaviour: Behaviour = field(default_factory=Behaviour)

    @property
    def is_owners(self) -> bool:
        """Are address and user agent both the owner's?"""
        return self.address == self.user_agent == KNOWN


@dataclass
class Judge:
    """One lineage's owner, and the sources of the window that may be somebody else's."""

    baseline: OwnerBaseline
    window: list[Source]
    known_good: KnownGood
    networks: Networks

    def assess(self, source: Source) -> Assessment:
        """Whose are the address and the user agent of a source of the window?"""
        address, at_address, words = self._address(source)
        agent, with_client, more = self._user_agent(source)
        alike = any(same_family(other.user_agent, source.user_agent) for other in at_address)
        if address == NEAR and agent != STRANGE and not alike:
            address, at_address = STRANGE, []  # a neighbour of the owner's that is no installation of this client
        related = SourceGroup(list(dict.fromkeys(at_address + with_client)))
        return Assessment(source, address, agent, with_client, SourceGroup([source]), related, [*words, *more])

    def judge(self, case: Assessment, unfamiliar: list[Row]) -> None:
        """Give the verdict, once what was done is known; `unfamiliar` as `unfamiliar_values` says."""
        baseline = self.baseline
        if baseline.basis == "none":
            case.verdict, case.novelty = ("familiar", 0.0) if case.is_owners else ("unclear", 0.5)
            case.reasons.append("no baseline: nothing to compare with")
        elif case.is_owners:
            share = 0.0
            for row in unfamiliar:
                count, of, kind = row["unfamiliar_count"], row["value_count"], KINDS[row["kind"]]
                share = max(share, count / of, row["unfamiliar_events"] / row["event_count"])
                case.reasons.append(f"{count} of {of} {kind} not in {baseline.what}")
            case.verdict, case.novelty = "familiar", round(0.3 * share, 4)
        else:
            self._weigh(case)
        if baseline.basis == "window":
            basis = f"({baseline.days} days, {len(baseline.sources)} sources)"
            case.reasons.append(f"no baseline: compared with what was steady through the window {basis}")

    def _weigh(self, case: Assessment) -> None:
        if case.user_agent == KNOWN and case.address == STRANGE:
            words = differs_by_handshake(case.itself, case.related)
            if words:
                case.user_agent = STRANGE
                case.reasons.append(words)
        related = SourceGroup([]) if case.address == case.user_agent == STRANGE else case.related
        behaviour = compare(case.itself, related, self.baseline.together, self.baseline.what)
        if case.user_agent == KNOWN and case.address == NEAR:
            behaviour.oddities = []  # the same client beside itself: its pace and its hours are its own affair
        case.reasons += [*behaviour.deviations, *behaviour.oddities, *behaviour.notes]
        case.behaviour, case.deviates = behaviour, bool(behaviour.deviations)
        case.verdict, ease = self._verdict(case)
        what = min(1.0, behaviour.share * (1.0 if case.deviates else 0.5) + 0.5 * bool(behaviour.oddities))
        weights = ease * WEIGHTS[case.address], WEIGHTS[case.user_agent]
        case.novelty = round(0.35 * weights[0] + 0.35 * weights[1] + 0.3 * what, 4)

    def _address(self, source: Source) -> Compared:
        baseline = self.baseline
        same = [other for other in baseline.sources if other.address == source.address]
        if same:
            return KNOWN, same, [self._days("address", same)]
        if in_networks(source.address, self.known_good.source_ips):
            return KNOWN, [], ["address known good by the incident file"]
        through = [other for other in baseline.sources if other.vpc_endpoint_ids & source.vpc_endpoint_ids]
        if through and is_private(source.address):
            endpoint = min(source.vpc_endpoint_ids)
            return KNOWN, through, [f"address is new, but came through the owner's VPC endpoint {endpoint}"]
        if not baseline.days:
            return STRANGE, [], []
        words = [self._days("address", [])]
        suspects = [other.first for other in baseline.suspects if other.address == source.address]
        if suspects:
            since = f"address in the baseline first on {min(suspects):%Y-%m-%d}"
            words = [f"{since}, where it looks new as well, so it is not taken for the owner's"]
        system, region = self.networks.system_of(source.address), self.networks.amazon_region(source.address)
        if system:
            is_owners = system in {self.networks.system_of(other.address) for other in baseline.sources}
            words.append(f"network {system}, {'also' if is_owners else 'none of'} the owner's")
        if region:
            words.append(f"an address of Amazon's own ({region})")
        near = [other for other in baseline.sources if other.block and other.block == source.block]
        if near:
            return NEAR, near, [*words, f"address lies in the owner's block {source.block}"]
        return STRANGE, [], words

    def _user_agent(self, source: Source) -> Compared:
        same = [other for other in self.baseline.sources if other.client == source.client]
        if same:
            return KNOWN, same, [self._days("user agent", same)]
        texts = {source.client or None, *source.user_agents}
        if any(agent_matches(text, self.known_good.user_agents) for text in texts):
            return KNOWN, [], ["user agent known good by the incident file"]
        if not self.baseline.days:
            return STRANGE, [], []
        words = [self._days("user agent", [])]
        near = [other for other in self.baseline.sources if same_family(other.user_agent, source.user_agent)]
        if near:
            versions = ", ".join(sorted({other.user_agent.version or "?" for other in near})[:3])
            return NEAR, near, [*words, f"another version of the owner's {source.user_agent.tool} ({versions})"]
        return STRANGE, [], words

    def _days(self, what: str, same: list[Source]) -> str:
        """On how many days the owner used it, in words."""
        basis = "the baseline" if self.baseline.basis == "baseline" else "the window's steady use"
        if same:
            return f"{what} seen on {len(SourceGroup(same).days)} of {self.baseline.days} days of {basis}"
        return f"{what} in none of {self.baseline.days} days of {basis} ({self.baseline.together.events:,} events)"

    def _verdict(self, case: Assessment) -> tuple[str, float]:
        """The verdict, and how much of the address's strangeness remains."""
        if STRANGE not in (case.address, case.user_agent):
            if self.baseline.together.events < THIN_EVENTS and not case.deviates:
                return "unclear", 1.0
            if not case.deviates and not case.behaviour.oddities:
                return "familiar", 1.0
            if self._replaces(case):
                return ("unclear" if case.deviates else "familiar"), 1.0
            return ("new" if case.deviates else "unclear"), 1.0
        if case.user_agent == STRANGE:
            return (self._neither(case) if case.address == STRANGE else self._by_schedule(case)), 1.0
        if case.deviates:
            return "new", 1.0
        if self._replaces(case):
            return "familiar", 0.3
        return self._elsewhere(case)

    def _neither(self, case: Assessment) -> str:
        """Neither is the owner's. Without a baseline that counts only where it came late, or did what the owner does not."""
        late = self.baseline.basis == "baseline" or case.source in self.baseline.arrivals
        return "new" if late or case.deviates or case.behaviour.oddities else "unclear"

    def _by_schedule(self, case: Assessment) -> str:
        """Another user agent on the owner's network: a job that keeps a schedule is told from a visitor."""
        if not (case.deviates or case.behaviour.oddities):
            return "unclear"
        first: dict[str, int] = {}  # minute of the day at which it begins, by day
        for start in sorted(case.source.starts):
            first.setdefault(f"{start:%Y-%m-%d}", start.hour * 60 + start.minute)
        begins, without = sorted(first.values()), self.baseline.basis == "window"
        is_job = len(begins) > 1 and begins[-1] - begins[0] <= 10 and not case.source.refused
        if is_job and (without or not case.deviates):
            clock = f"{begins[0] // 60:02d}:{begins[0] % 60:02d}"
            case.reasons.append(f"begins at {clock} on {len(begins)} days, like a job")
            return "familiar" if without else "unclear"
        return "new"

    def _elsewhere(self, case: Assessment) -> tuple[str, float]:
        """The owner's client, or a version of it, from a network that is not the owner's."""
        source, odd = case.source, bool(case.behaviour.oddities)
        first: dict[str | None, int] = {}  # day, by network
        for other in case.owners_of_client:
            first[other.block] = min(*other.days, first.get(other.block, 10**9))
        moved = len(set(first.values()) - {min(first.values(), default=0)})  # days with a new network
        active = len({day for other in case.owners_of_client for day in other.days})
        share = moved / (active - 1) if active > 1 else 0.0
        if active >= FEW_DAYS and share >= MOVES:
            case.reasons.append(f"this client came from a new network on {moved} of {active - 1} days")
            return ("familiar" if not odd and case.user_agent == KNOWN else "unclear"), 0.4
        if case.user_agent == NEAR:
            return ("unclear" if source.user_agent.portable and not odd else self._neither(case)), 1.0
        if odd:
            return "new", 1.0
        keys = {other.key for other in case.owners_of_client}
        owners_hours = {hour for other in self.window if other.key in keys for hour in other.hours}
        beside = sum(hour in owners_hours for hour in source.hours)
        if beside and (active >= FEW_DAYS or self.baseline.basis == "window") and share < MOVES / 2:
            case.reasons.append(
                f"this client came from a new network on {moved} of {active} days, and was in use at its own address in "
                f"{beside} of the {len(source.hours)} hours"
            )
            if source.events < ALIKE_EVENTS or len(source.hours) < ALIKE_HOURS:
                return "new", 1.0
            case.reasons.append("yet what was done is in every respect what the owner does")
        return "unclear", 1.0

    def _replaces(self, case: Assessment) -> bool:
        """Does it take over from a source of the owner's, which stops when it begins: a deployment, or a move?"""
        source = case.source
        if source.events < 10:
            return False
        latest = {other.key: other for other in self.window}
        end = max(other.last for other in self.window)
        begins = int(source.first.timestamp()) // 3600
        for other in case.owners_of_client:
            if other.key == source.key:
                continue
            now = latest.get(other.key, other)
            before = sum(count for hour, count in now.hours.items() if hour < begins)
            before += 0 if now is other else sum(other.hours.values())
            after = sum(count for hour, count in now.hours.items() if hour > begins)
            if not before or after > 0.2 * source.events or now.last - source.first > 48 * HOUR:
                continue
            pause = max(longest_pause(other.hours), longest_pause(now.hours)) * HOUR
            quiet = end - max(now.last, source.first)
            if source.first - now.last > max(pause, 3 * HOUR) or quiet < max(pause, 12 * HOUR):
                continue
            rate = source.events / len(source.days) / max(1.0, before / len(other.days | now.days))
            if 0.25 <= rate <= 4:
                client = f"{now.user_agent.tool} {now.user_agent.version or ''}".rstrip()
                last = f"{ago(abs(source.first - now.last))} {'before' if now.last < source.first else 'after'}"
                case.reasons.append(
                    f"takes over from {now.address} with {client}, last seen {last}, at {rate:.1f} times its rate"
                )
                return True
        return False


def ago(span: pd.Timedelta) -> str:
    """A stretch of time in words: ``41 minutes``."""
    minutes = int(span / pd.Timedelta(minutes=1))
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 1440} days"
