"""What is the owner's? The sources of the baseline, or what is steady through the window where there is none.

In a baseline every source counts as the owner's, but for those that look new inside it: that come late, stay for few
days, share neither block nor family of client with the rest, and do what the rest does not, or come in its last hours:
what began an hour before the window is no more the owner's than what begins an hour after. Without a baseline the
owner's are the sources that were there from the start of the window and on most of its days.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import agent_family, agent_matches, in_networks, same_role
from ir_kit.sessions.agents import same_family
from ir_kit.sessions.behaviour import compare
from ir_kit.sessions.sources import Source, SourceGroup, describe, is_weekend, longest_pause

LEAST_SPAN, LEAST_DAYS = 48, 3  # hours; days
STEADY, HOURS_A_DAY, DAILY = 0.5, 3, 0.85  # share of the days with so many hours each; share whatever the hours
PROBED = 2  # different calls refused, that a service of the owner's would not try
FEW_DAYS = 0.25  # of the baseline's, within which a late arrival may be an intruder's
EVE = 24  # hours, the baseline's last, that by themselves make nothing the owner's
LEAST_BLOCKS = 4
VALUES = {"principal_arn": "varchar", "kind": "varchar", "value": "varchar", "is_owners": "boolean"}


@dataclass
class OwnerBaseline:
    """The owner's sources, for one lineage of credentials."""

    basis: str  # "baseline", "window" or "none"
    days: int  # that the basis holds
    sources: list[Source] = field(default_factory=list)
    suspects: list[Source] = field(default_factory=list)  # of the baseline, left out
    arrivals: list[Source] = field(default_factory=list)  # of the window, where there is no baseline

    @cached_property
    def together(self) -> SourceGroup:
        """All of the owner's sources as one."""
        return SourceGroup(self.sources)

    @property
    def what(self) -> str:
        """The name of what others are compared with."""
        return "the baseline" if self.basis == "baseline" else "what is steady in the window"

    @property
    def warning(self) -> str:
        """What may mislead in a comparison with it; empty if nothing."""
        parts = []
        if self.basis == "none":
            parts.append("nothing to compare with: neither a baseline nor use that is steady through the window")
        elif self.basis == "window":
            parts.append("no baseline: the owner is taken to be what was there from the window's start on most of its "
                         "days; an intruder who was, too, is not told apart")  # fmt: skip
        elif not self.sources:
            parts.append("the baseline holds no use of this principal: whatever it does is new")
        elif len(self.together.days) < 7:
            parts.append(f"a short baseline: this principal was in use on {len(self.together.days)} days of it")
        if self.suspects:
            parts.append("the baseline may itself hold the intruder: what came late looks new there, and is left out")
        return "; ".join(parts)


def installations(listed: Iterable[Source]) -> list[list[Source]]:
    """Sources of one block whose user agents are of one family: one installation, through its versions."""
    groups: list[list[Source]] = []
    for source in listed:
        for group in groups:
            if group[0].block == source.block and same_family(group[0].user_agent, source.user_agent):
                group.append(source)
                break
        else:
            groups.append([source])
    return groups


def active_hours(listed: Iterable[Source]) -> set[int]:
    """The hours since 1970 in which any of these was in use."""
    return {hour for source in listed for hour in source.hours}


def from_baseline(case: Case, listed: list[Source], days: int) -> OwnerBaseline:
    """The owner's sources by a baseline of so many days, without those that look new inside it."""
    baseline = OwnerBaseline("baseline", days, listed)
    if not listed or days < 7:
        return baseline
    start, end = min(active_hours(listed)), max(active_hours(listed))
    late = []
    for group in installations(listed):
        hours = active_hours(group)
        few = len({hour // 24 for hour in hours}) <= max(2, FEW_DAYS * days)
        if few and min(hours) - start > max(8 * days, longest_pause(hours)):  # after its first third
            late.append(group)
    coming = {source for group in late for source in group}
    rest = SourceGroup([source for source in listed if source not in coming])
    if rest.events < LEAST_DAYS or len(rest.days) < LEAST_DAYS:
        return baseline
    foreign = [
        (group, [SourceGroup([source]) for source in group]) for group in late
        if not any(source.block == other.block or same_family(source.user_agent, other.user_agent)
                   for source in group for other in rest.sources)
    ]  # fmt: skip
    if foreign:
        describe(case, [rest, *(part for _, parts in foreign for part in parts)])
    for group, parts in foreign:
        if min(active_hours(group)) > end - EVE or any(compare(part, rest, rest, "").deviations for part in parts):
            baseline.suspects += group
    baseline.sources = [source for source in listed if source not in baseline.suspects]
    return baseline


def from_window(listed: list[Source]) -> OwnerBaseline:
    """The owner's sources without a baseline: there from the start, on most days, and not refused all sorts of things."""
    direct = [source for source in listed if source.forwarded < source.events]
    hours = active_hours(direct)
    if not hours or max(hours) - min(hours) < LEAST_SPAN:
        return OwnerBaseline("none", 0)
    start, end = min(hours), max(hours)
    groups = [(group, *habit(active_hours(group), start, end)) for group in installations(direct)]
    arrived = [group for group, late, _ in groups if late or _probes(group)]
    core = [source for group, _, steady in groups if steady and group not in arrived for source in group]
    passing = [group for group, _, steady in groups if not steady and group not in arrived]
    core += moved_services(passing, arrived, start, end)
    core += roaming_clients([source for source in direct if source not in core], start, end)
    if not core:
        return OwnerBaseline("none", 0)
    arrivals = [source for group in arrived for source in group if source not in core]
    return OwnerBaseline("window", len({hour // 24 for hour in active_hours(core)}), core, arrivals=arrivals)


def _probes(listed: Iterable[Source]) -> bool:
    return any(source.refused_calls >= PROBED for source in listed)


def habit(hours: set[int], start: int, end: int) -> tuple[bool, bool]:
    """Did it come late, by its own rhythm; and is it steady? Whoever works on working days alone is measured by these."""
    active = {hour // 24 for hour in hours}
    weekend = {is_weekend(day) for day in active}
    days = [day for day in range(start // 24, end // 24 + 1) if is_weekend(day) in weekend]
    late = min(hours) - max(start, 24 * days[0]) > max(6, longest_pause(hours))
    share = len(active) / len(days)
    often = share >= DAILY or (share >= STEADY and len(hours) >= HOURS_A_DAY * len(active))
    return late, len(active) >= LEAST_DAYS and often


def moved_services(passing: list[list[Source]], arrived: list[list[Source]], start: int, end: int) -> list[Source]:
    """Sources of one family that take over from each other, and are steady in all: a service that moved."""
    moved: list[Source] = []
    for before in passing:
        for after in arrived:
            pause = min(active_hours(after)) - max(active_hours(before))
            takes_over = same_family(before[0].user_agent, after[0].user_agent) and -3 <= pause <= 24
            if takes_over and habit(active_hours(before + after), start, end) == (False, True) and not _probes(after):
                moved += before + after
                break
    return moved


def roaming_clients(listed: list[Source], start: int, end: int) -> list[Source]:
    """Sources of a client that moves about, and is steady in all: a laptop, or a service that none of its networks holds half of."""
    roaming: list[Source] = []
    by_client: dict[str, list[Source]] = defaultdict(list)
    for source in listed:
        by_client[source.client].append(source)
    for group in by_client.values():
        sizes: Counter[str | None] = Counter()
        for source in group:
            sizes[source.block] += len(source.hours)
        many = len(sizes) >= LEAST_BLOCKS and 2 * max(sizes.values()) <= sizes.total()
        roams = (many or group[0].user_agent.portable) and not _probes(group)
        if roams and habit(active_hours(group), start, end) == (False, True):
            roaming += group
    return roaming


def owner_baseline_values(
    case: Case, reached: pd.DataFrame, acted: pd.DataFrame, between: dict[str, Any]
) -> tuple[pd.DataFrame, bool]:
    """Which addresses and user agents of the requests between `match_start` and `match_end` are the owner's?

    For requests that no session holds. What was done is not weighed: a request alone says little of that.

    Parameters
    ----------
    reached : DataFrame
        The compromised credentials with their ``lineage``, the principals that each came from, one a line.
    acted : DataFrame
        ``access_key_id`` and ``principal_arn``: as whom each of them acted.

    Returns
    -------
    (DataFrame, bool)
        One row per principal, kind and value, with is_owners; and whether there is a baseline to compare with.
    """
    lineage = dict(zip(reached["access_key_id"], reached["lineage"], strict=True)) if "lineage" in reached else {}
    names: dict[str, set[str]] = defaultdict(set)
    for key, arn in zip(acted["access_key_id"], acted["principal_arn"], strict=True):
        names[arn] |= {arn, *filter(None, str(lineage.get(key) or "").split("\n"))}
    principals = sorted(set().union(*names.values()))
    baseline: dict[str | None, set[tuple[str, str | None]]] = defaultdict(set)
    asked_of = []
    for row in rows_of(case.ask("sessions/baseline_values", principals=principals, **between)):
        is_agent = row["kind"] == "user_agent"
        value = row["kind"], agent_family(row["value"]) if is_agent else row["value"]
        if row["period"] == "baseline":
            baseline[row["principal"]].add(value)
        else:
            asked_of.append((row, is_agent, value))
    for arn in names:
        names[arn] |= {name for name in baseline if name and same_role(name, arn)}
    good = case.incident.known_good
    rows = [
        {
            "principal_arn": row["principal"], "kind": row["kind"], "value": row["value"],
            "is_owners": (agent_matches(row["value"], good.user_agents) if is_agent
                          else in_networks(row["value"], good.source_ips))
            or any(value in baseline.get(name, ()) for name in names.get(row["principal"], ()))
        }
        for row, is_agent, value in asked_of
    ]  # fmt: skip
    return frame_of(rows, VALUES), bool(baseline)
