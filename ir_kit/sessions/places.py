"""Places of use: one address with one user agent, by one lineage of credentials, and all that was done there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.sessions.agents import Agent, agent_of
from ir_kit.sessions.networks import block_of

KINDS = {"event_name": "calls", "aws_region": "Regions", "bucket": "buckets", "prefix": "prefixes"}
EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
NAMED = ("lineage_id", "period", "source_ip_address", "user_agent")
Row = dict[str, Any]


@dataclass
class Value:
    """One value of a kind: how often it was seen, and on which day first (days since 1970)."""

    events: int
    first_day: int


@dataclass(eq=False)
class Place:
    """One address with one agent (the AWS CLI's commands left out), in the baseline or in the window."""

    lineage: str
    period: str
    address: str | None
    agent: Agent
    spelt: set[str] = field(default_factory=set)  # the agent with its commands, as it stands in the logs
    events: int = 0
    refused: int = 0
    refused_acts: int = 0
    forwarded: int = 0
    first: pd.Timestamp = EPOCH
    last: pd.Timestamp = EPOCH
    endpoints: set[str] = field(default_factory=set)
    hours: Counter[int] = field(default_factory=Counter)  # events by hour since 1970
    starts: list[pd.Timestamp] = field(default_factory=list)  # of its runs

    @property
    def key(self) -> tuple[str, str]:
        return self.address or "", self.agent.family or ""

    @cached_property
    def block(self) -> str | None:
        return block_of(self.address)

    @cached_property
    def days(self) -> set[int]:
        return {hour // 24 for hour in self.hours}


@dataclass(eq=False)
class Together:
    """Several places taken as one. What was done there is known once `fill` has asked for it."""

    places: list[Place]
    deeds: dict[str, dict[str, Value]] = field(default_factory=lambda: defaultdict(dict))
    acts: dict[str, dict[int, Counter[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Counter)))

    @cached_property
    def events(self) -> int:
        return sum(place.events for place in self.places)

    @cached_property
    def refused(self) -> int:
        return sum(place.refused for place in self.places)

    @cached_property
    def hours(self) -> Counter[int]:
        total: Counter[int] = Counter()
        for place in self.places:
            total.update(place.hours)
        return total

    @cached_property
    def days(self) -> list[int]:
        return sorted({day for place in self.places for day in place.days})


def is_weekend(day: int) -> bool:
    """Days are counted from 1970-01-01, a Thursday."""
    return day % 7 in (2, 3)


def lineage_of(text: str | None) -> str:
    """The name of a lineage in SQL: its principals, one a line."""
    return str(text or "")


def prepare(case: Case, reached: pd.DataFrame) -> None:
    """Make the relations that `key_activity/uses` joins, and that itself."""
    credentials, principals = [], set()
    for row in rows_of(reached):
        lineage = lineage_of(row["lineage"])
        credentials.append({"access_key_id": row["access_key_id"], "lineage_id": lineage})
        principals |= {(lineage, name) for name in [*lineage.split("\n"), row["principal_arn"]] if name}
    listed = [{"lineage_id": lineage, "principal": name} for lineage, name in sorted(principals)]
    case.engine.provide(
        "credential_lineages", frame_of(credentials, {"access_key_id": "varchar", "lineage_id": "varchar"})
    )
    case.engine.provide("lineage_principals", frame_of(listed, {"lineage_id": "varchar", "principal": "varchar"}))
    case.derive("uses", "sessions/uses")


def places(case: Case) -> list[Place]:
    """Where and with what was each lineage of credentials used, in the baseline and in the window?

    Returns
    -------
    list of Place
        One per lineage, period, address and agent; in the order of these.
    """
    found: dict[tuple[str, ...], Place] = {}
    frame = case.ask("sessions/place_hours")
    named = frame[list(NAMED)].fillna("")
    edges = [0, *(named.ne(named.shift()).any(axis=1).to_numpy().nonzero()[0][1:]), len(frame)]
    hours = (frame["hour"].astype("datetime64[us, UTC]").astype("int64") // 3_600_000_000).tolist()
    counts = frame["event_count"].tolist()
    sums = {name: frame[name].to_numpy() for name in ("event_count", "refused_count", "forwarded_count")}
    firsts, lasts, endpoints = frame["first_time"], frame["last_time"], frame["vpc_endpoint_id"]
    for start, stop in zip(edges, edges[1:], strict=False) if len(frame) else ():
        place = _place_of(found, frame, start)
        place.events += int(sums["event_count"][start:stop].sum())
        place.refused += int(sums["refused_count"][start:stop].sum())
        place.forwarded += int(sums["forwarded_count"][start:stop].sum())
        first, last = firsts.iloc[start], lasts.iloc[stop - 1]  # hours are in order
        place.first = first if not place.hours else min(place.first, first)
        place.last = last if not place.hours else max(place.last, last)
        place.hours.update(dict(zip(hours[start:stop], counts[start:stop], strict=True)))
        place.endpoints |= {str(name) for name in endpoints.iloc[start:stop].dropna().unique()}
    refused = case.ask("sessions/refusals")
    for index in range(len(refused)):
        place = _place_of(found, refused, index)
        place.refused_acts += int(refused["refused_acts"].iloc[index])
    return list(found.values())


def _place_of(found: dict[tuple[str, ...], Place], frame: pd.DataFrame, index: int) -> Place:
    lineage, period, address, spelt = (frame[name].iloc[index] for name in NAMED)
    address, spelt = (None if pd.isna(text) else str(text) for text in (address, spelt))
    agent = agent_of(spelt)
    key = (lineage, period, address or "", agent.family or "")
    if key not in found:
        found[key] = Place(lineage, period, address, agent)
    found[key].spelt.add(spelt or "")
    return found[key]


def fill(case: Case, groups: Iterable[Together]) -> None:
    """Ask what was done at each of these groups of places; all of them at once, for each costs a look at all uses."""
    listed = [group for group in groups if group.places]
    if not listed:
        return
    rows = [row | {"group_id": number} for number, group in enumerate(listed) for row in _named(group.places)]
    names = {"group_id": "bigint"} | dict.fromkeys(NAMED, "varchar")
    case.engine.provide("place_groups", frame_of(rows, names))
    for row in rows_of(case.ask("sessions/deeds")):
        day = int(row["first_day"].timestamp()) // 86_400
        listed[row["group_id"]].deeds[row["kind"]][row["value"]] = Value(row["event_count"], day)
    for row in rows_of(case.ask("sessions/daily_acts")):
        day = int(row["day"].timestamp()) // 86_400
        listed[row["group_id"]].acts[row["seen_in"]][day][row["act"]] += row["event_count"]


def _named(listed: Iterable[Place]) -> list[Row]:
    return [
        {
            "lineage_id": place.lineage,
            "period": place.period,
            "source_ip_address": place.address or "",
            "user_agent": spelt,
        }
        for place in listed
        for spelt in sorted(place.spelt)
    ]


def foreign_deeds(case: Case, owners: Iterable[Place]) -> dict[tuple[str, str, str], list[Row]]:
    """What of each place's calls, Regions and buckets is at none of the owner's places?

    Returns
    -------
    dict
        By lineage, address and agent: rows as of ``key_activity/own_deeds``; nothing where all of it is the owner's.
    """
    case.engine.provide("owner_places", frame_of(_named(owners), dict.fromkeys(NAMED, "varchar")))
    found: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows_of(case.ask("sessions/own_deeds")):
        family = agent_of(row["user_agent"]).family or ""
        found[row["lineage_id"], row["source_ip_address"] or "", family].append(row)
    return found
