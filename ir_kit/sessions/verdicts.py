"""Whose use does a source look like, and which sources does one operator seem to use?

`docs/decisions/operators.md` has the table of verdicts, what novelty means, and what ties sources to one operator.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass

import pandas as pd

from ir_kit.domain.principals import agent_matches, in_networks
from ir_kit.incident import KnownGood
from ir_kit.sessions.baseline import THIN_EVENTS, WHAT, Behaviour, OwnerBaseline, compare, differs_by_handshake
from ir_kit.sessions.sources import KINDS, Networks, Row, Source, SourceGroup, is_private, longest_pause, same_family

KNOWN, NEAR, STRANGE = "known", "near", "strange"
WEIGHTS = {KNOWN: 0.0, NEAR: 0.3, STRANGE: 1.0}
MOVES, FEW_DAYS = 0.2, 5  # days with a new network, of the days of a client; fewer days say nothing of it
ALIKE_EVENTS, ALIKE_HOURS = 200, 24
HOUR = pd.Timedelta(hours=1)
ASSOCIATED = 0.7  # novelty at least, by association
Compared = tuple[str, list[Source], list[str]]  # known, near or strange; the owner's sources that share it; in words


@dataclass(eq=False)
class Assessment:
    """A source of the window set against the owner's: its address and user agent at once, what was done by `judge`."""

    source: Source
    baseline: OwnerBaseline
    known_good: KnownGood
    networks: Networks

    def __post_init__(self) -> None:
        self.verdict, self.novelty, self.behaviour = "unclear", 0.5, Behaviour()
        self.address, at_address, words = self.compare_address()
        self.user_agent, self.owners_of_client, more = self.compare_user_agent()
        alike = any(same_family(other.user_agent, self.source.user_agent) for other in at_address)
        if self.address == NEAR and self.user_agent != STRANGE and not alike:
            self.address, at_address = STRANGE, []  # a neighbour of the owner's that is no installation of this client
        self.itself, self.reasons = SourceGroup([self.source]), [*words, *more]
        self.related = SourceGroup(list(dict.fromkeys(at_address + self.owners_of_client)))
        self.is_owners = self.address == self.user_agent == KNOWN

    def judge(self, unfamiliar: list[Row]) -> None:
        """Give the verdict, once what was done is known; `unfamiliar` as `unfamiliar_values` says."""
        baseline = self.baseline
        if baseline.basis == "none":
            self.verdict, self.novelty = ("familiar", 0.0) if self.is_owners else ("unclear", 0.5)
            self.reasons.append("no baseline: nothing to compare with")
        elif self.is_owners:
            share = 0.0
            for row in unfamiliar:
                count, of, kind = row["unfamiliar_count"], row["value_count"], KINDS[row["kind"]]
                share = max(share, count / of, row["unfamiliar_events"] / row["event_count"])
                self.reasons.append(f"{count} of {of} {kind} not in {WHAT[baseline.basis]}")
            self.verdict, self.novelty = "familiar", round(0.3 * share, 4)
        else:
            words = differs_by_handshake(self.itself, self.related)
            if words and self.user_agent == KNOWN and self.address == STRANGE:
                self.user_agent = STRANGE
                self.reasons.append(words)
            related = SourceGroup([]) if self.address == self.user_agent == STRANGE else self.related
            self.behaviour = done = compare(self.itself, related, baseline.together, WHAT[baseline.basis])
            if self.user_agent == KNOWN and self.address == NEAR:
                done.oddities = []  # the same client beside itself: its pace and its hours are its own affair
            self.reasons += [*done.deviations, *done.oddities, *done.notes]
            self.verdict, ease = self.decide()
            what = min(1.0, done.share * (1.0 if done.deviations else 0.5) + 0.5 * bool(done.oddities))
            weights = ease * WEIGHTS[self.address], WEIGHTS[self.user_agent]
            self.novelty = round(0.35 * weights[0] + 0.35 * weights[1] + 0.3 * what, 4)
        if baseline.basis == "window":
            basis = f"({baseline.days} days, {len(baseline.sources)} sources)"
            self.reasons.append(f"no baseline: compared with what was steady through the window {basis}")

    def compare_address(self) -> Compared:
        """Is the address the owner's, near one of the owner's, or strange?"""
        source, baseline = self.source, self.baseline
        if same := [other for other in baseline.sources if other.address == source.address]:
            return KNOWN, same, [self.days_seen("address", same)]
        if in_networks(source.address, self.known_good.source_ips):
            return KNOWN, [], ["address known good by the incident file"]
        through = [other for other in baseline.sources if other.vpc_endpoint_ids & source.vpc_endpoint_ids]
        if through and is_private(source.address):
            endpoint = min(source.vpc_endpoint_ids)
            return KNOWN, through, [f"address is new, but came through the owner's VPC endpoint {endpoint}"]
        if not baseline.days:
            return STRANGE, [], []
        words = [self.days_seen("address", [])]
        if suspects := [other.first for other in baseline.suspects if other.address == source.address]:
            since = f"address in the baseline first on {min(suspects):%Y-%m-%d}"
            words = [f"{since}, where it looks new as well, so it is not taken for the owner's"]
        if system := self.networks.system_of(source.address):
            is_owners = system in {self.networks.system_of(other.address) for other in baseline.sources}
            words.append(f"network {system}, {'also' if is_owners else 'none of'} the owner's")
        if region := self.networks.amazon_region(source.address):
            words.append(f"an address of Amazon's own ({region})")
        if near := [other for other in baseline.sources if other.block and other.block == source.block]:
            return NEAR, near, [*words, f"address lies in the owner's block {source.block}"]
        return STRANGE, [], words

    def compare_user_agent(self) -> Compared:
        """Is the user agent the owner's, another version of one of the owner's, or strange?"""
        source, baseline = self.source, self.baseline
        if same := [other for other in baseline.sources if other.client == source.client]:
            return KNOWN, same, [self.days_seen("user agent", same)]
        texts = {source.client or None, *source.user_agents}
        if any(agent_matches(text, self.known_good.user_agents) for text in texts):
            return KNOWN, [], ["user agent known good by the incident file"]
        if not baseline.days:
            return STRANGE, [], []
        words = [self.days_seen("user agent", [])]
        if near := [other for other in baseline.sources if same_family(other.user_agent, source.user_agent)]:
            versions = ", ".join(sorted({other.user_agent.version or "?" for other in near})[:3])
            return NEAR, near, [*words, f"another version of the owner's {source.user_agent.tool} ({versions})"]
        return STRANGE, [], words

    def days_seen(self, what: str, same: list[Source]) -> str:
        """On how many days the owner used it, in words."""
        basis = "the baseline" if self.baseline.basis == "baseline" else "the window's steady use"
        if same:
            return f"{what} seen on {len(SourceGroup(same).days)} of {self.baseline.days} days of {basis}"
        return f"{what} in none of {self.baseline.days} days of {basis} ({self.baseline.together.events:,} events)"

    def decide(self) -> tuple[str, float]:
        """The verdict, and how much of the address's strangeness remains."""
        deviates, odd = bool(self.behaviour.deviations), bool(self.behaviour.oddities)
        if self.user_agent == STRANGE:
            return (self.neither() if self.address == STRANGE else self.by_schedule()), 1.0
        if self.address == STRANGE and deviates:
            return "new", 1.0
        if self.address == STRANGE:
            return ("familiar", 0.3) if self.replaces() else self.elsewhere()
        if not deviates and self.baseline.together.events < THIN_EVENTS:
            return "unclear", 1.0
        if not deviates and not odd:
            return "familiar", 1.0
        if self.replaces():
            return ("unclear" if deviates else "familiar"), 1.0
        return ("new" if deviates else "unclear"), 1.0

    def neither(self) -> str:
        """Neither is the owner's. Without a baseline that counts only where it came late, or did what the owner does not."""
        late = self.baseline.basis == "baseline" or self.source in self.baseline.arrivals
        return "new" if late or self.behaviour.deviations or self.behaviour.oddities else "unclear"

    def by_schedule(self) -> str:
        """Another user agent on the owner's network: a job that keeps a schedule is told from a visitor."""
        if not self.behaviour.deviations and not self.behaviour.oddities:
            return "unclear"
        starts = sorted(self.source.starts, reverse=True)
        first = {f"{start:%Y-%m-%d}": start.hour * 60 + start.minute for start in starts}  # minute of each day
        begins, without = sorted(first.values()), self.baseline.basis == "window"
        is_job = len(begins) > 1 and begins[-1] - begins[0] <= 10 and not self.source.refused
        if is_job and (without or not self.behaviour.deviations):
            clock = f"{begins[0] // 60:02d}:{begins[0] % 60:02d}"
            self.reasons.append(f"begins at {clock} on {len(begins)} days, like a job")
            return "familiar" if without else "unclear"
        return "new"

    def elsewhere(self) -> tuple[str, float]:
        """The owner's client, or a version of it, from a network that is not the owner's."""
        source, odd = self.source, bool(self.behaviour.oddities)
        first: dict[str | None, int] = {}  # day, by network
        for other in self.owners_of_client:
            first[other.block] = min(*other.days, first.get(other.block, 10**9))
        moved = len(set(first.values()) - {min(first.values(), default=0)})  # days with a new network
        active = len({day for other in self.owners_of_client for day in other.days})
        share = moved / (active - 1) if active > 1 else 0.0
        if active >= FEW_DAYS and share >= MOVES:
            self.reasons.append(f"this client came from a new network on {moved} of {active - 1} days")
            return ("familiar" if not odd and self.user_agent == KNOWN else "unclear"), 0.4
        if self.user_agent == NEAR:
            return ("unclear" if source.user_agent.portable and not odd else self.neither()), 1.0
        if odd:
            return "new", 1.0
        keys = {other.key for other in self.owners_of_client}
        owners_hours = {hour for other in self.baseline.window if other.key in keys for hour in other.hours}
        beside = sum(hour in owners_hours for hour in source.hours)
        if beside and (active >= FEW_DAYS or self.baseline.basis == "window") and share < MOVES / 2:
            self.reasons.append(
                f"this client came from a new network on {moved} of {active} days, and was in use at its own address in "
                f"{beside} of the {len(source.hours)} hours"
            )
            if source.events < ALIKE_EVENTS or len(source.hours) < ALIKE_HOURS:
                return "new", 1.0
            self.reasons.append("yet what was done is in every respect what the owner does")
        return "unclear", 1.0

    def replaces(self) -> bool:
        """Does it take over from a source of the owner's, which stops when it begins: a deployment, or a move?"""
        source = self.source
        if source.events < 10:
            return False
        latest = {other.key: other for other in self.baseline.window}
        end = max(other.last for other in self.baseline.window)
        begins = int(source.first.timestamp()) // 3600
        for other in self.owners_of_client:
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
                self.reasons.append(
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


def agree(assessments: Collection[Assessment]) -> None:
    """What is the owner's with one credential, and does nothing that deviates with another, is one step nearer to it there."""
    owners = {case.source.key for case in assessments if case.verdict == "familiar"}
    for case in assessments:
        known = case.source.key in owners and case.user_agent in (KNOWN, NEAR)
        if known and case.verdict != "familiar" and not case.behaviour.deviations:
            case.verdict = "familiar" if case.verdict == "unclear" else "unclear"
            case.reasons.append("the same address and agent are the owner's with another credential")


def associate(assessments: list[Assessment]) -> None:
    """Call new what shares an address or a user agent that is not the owner's with something that is new."""
    changed = True
    while changed:
        changed = False
        new = {part: case.source for case in assessments[::-1] if case.verdict == "new" for part in strange_parts(case)}
        for case in assessments:
            if case.verdict == "unclear" and (parts := [part for part in strange_parts(case) if part in new]):
                what, other = parts[0][0], new[parts[0]]
                also = f"agent {other.user_agent.tool}" if what == "address" else f"address {other.address}"
                case.verdict, case.novelty, changed = "new", max(case.novelty, ASSOCIATED), True
                case.reasons.append(f"{what} shared with {other.events:,} calls that are new ({also})")


def strange_parts(case: Assessment) -> list[tuple[str, str]]:
    """The address and the user agent of a source, where they are not the owner's."""
    address, client = case.source.key
    parts = [("address", address)] if case.address == STRANGE else []
    return parts + ([("user agent", client)] if case.user_agent == STRANGE else [])


def learn(assessments: list[Assessment], labelled: list[tuple[str, tuple[str, str]]]) -> None:
    """Let labels, each with its session's address and client, move what is alike by one step; by two where both are the owner's."""
    alike: Counter[tuple[str, str, Hashable]] = Counter()
    for label, key in labelled:
        alike.update([(label, "address and agent", key), (label, "address", key[0]), (label, "agent", key[1])])
    for case in assessments:
        key = case.source.key
        both = [alike[label, "address and agent", key] for label in ("intruder", "owner")]
        rules: list[tuple[bool, str, str, Hashable]] = [
            (not both[1], "intruder", "address and agent", key),
            (not both[0], "owner", "address and agent", key),
            (case.address != KNOWN, "intruder", "address", key[0]),
            (case.user_agent == STRANGE, "intruder", "agent", key[1]),
            (case.verdict == "new", "owner", "address", key[0]),
            (case.verdict == "new", "owner", "agent", key[1]),
        ]
        for applies, label, what, value in rules:
            count = alike[label, what, value]
            if not applies or not count:
                continue
            noun = "session" if count == 1 else "sessions"
            case.reasons.append(f"alike in {what} to {count} {noun} labelled {label}")
            if label == "intruder":
                case.verdict = "unclear" if case.verdict == "familiar" else "new"
                case.novelty = max(case.novelty, ASSOCIATED)
            elif what == "address and agent":
                case.verdict, case.novelty = "familiar", min(case.novelty, 0.1)
            else:
                case.verdict, case.novelty = "unclear", min(case.novelty, 0.5)
            break


def operators_of(assessments: list[Assessment]) -> dict[int, str]:
    """The operator of each source, by its id; named for its earliest source, so that later evidence keeps the name."""
    groups: list[tuple[set[Hashable], list[Source]]] = []
    for case in assessments:
        shared, together = set(ties(case)), [case.source]
        for index in [index for index, group in enumerate(groups) if not shared.isdisjoint(group[0])][::-1]:
            shared, together = groups[index][0] | shared, groups[index][1] + together
            del groups[index]
        groups.append((shared, together))
    names: dict[int, str] = {}
    for _, together in groups:
        earliest = min(together, key=lambda source: (source.first, source.key, source.lineage))
        names |= {source.source_id: id_of("o-", *earliest.key) for source in together}
    return names


def ties(case: Assessment) -> Iterable[Hashable]:
    """What ties a source to others: itself with another credential, and what it shares with those of the same verdict."""
    agent, is_owner = case.source.user_agent, case.verdict == "familiar"
    yield "source", *case.source.key
    if agent.tool:
        yield is_owner, case.source.block, agent.tool, agent.language
    if not is_owner:
        yield from (part for part in strange_parts(case) if part[0] == "address" or agent.tool)


def id_of(prefix: str, *parts: str | None) -> str:
    """An id that is the same for the same parts."""
    return prefix + hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:12]
