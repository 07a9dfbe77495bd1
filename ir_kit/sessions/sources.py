"""Sources of use: one address with one user agent, by one lineage of credentials, and all that was done from there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.attribution.grading import grade
from ir_kit.case import Case
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.sessions.agents import user_agent_of
from ir_kit.sessions.networks import block_of

KINDS = {"event_name": "calls", "aws_region": "Regions", "bucket": "buckets", "prefix": "prefixes"}
LOG_USES = {
    "period": "varchar", "principal": "varchar", "access_key_id": "varchar", "event_time": "timestamp",
    "source_ip_address": "varchar", "user_agent": "varchar", "event_name": "varchar", "bucket": "varchar",
    "key": "varchar", "prefix": "varchar", "bytes_sent": "bigint", "error_code": "varchar", "http_status": "integer",
}  # fmt: skip
NAMED = dict.fromkeys(("lineage_id", "period", "source_ip_address", "client"), "varchar")
CLIENT_MACRO = (
    "create or replace macro client_of(user_agent) as "
    r"coalesce(trim(regexp_replace(user_agent, '\s+(?:md/)?command[/#]\S+', '', 'g')), '')"
)
"""A user agent without the command that the AWS CLI writes into it, as `ir_kit.domain.principals.agent_family`."""
Row = dict[str, Any]


class Usage(NamedTuple):
    """One value of a kind: how many events show it, and on which day first (days since 1970)."""

    events: int
    first_day: int


@dataclass(eq=False)
class Source:
    """One address with one user agent, in the baseline or in the window, and its events by hour since 1970."""

    lineage: str  # its principals, one a line
    period: str
    address: str | None
    client: str  # the user agent without the AWS CLI's command
    user_agents: list[str]  # as the logs hold them
    vpc_endpoint_ids: set[str]
    events: int
    refused: int
    refused_calls: int
    forwarded: int
    first: pd.Timestamp
    last: pd.Timestamp
    hours: dict[int, int]
    starts: list[pd.Timestamp] = field(default_factory=list)  # of its sessions

    def __post_init__(self) -> None:
        self.key = self.address or "", self.client  # its name within a lineage
        self.name = dict(zip(NAMED, (self.lineage, self.period, *self.key), strict=True))  # in SQL
        self.user_agent, self.block = user_agent_of(self.client), block_of(self.address)
        self.days = {hour // 24 for hour in self.hours}


@dataclass(eq=False)
class SourceGroup:
    """Several sources taken as one. What was done from there is known once `describe` has asked for it."""

    sources: list[Source]

    def __post_init__(self) -> None:
        self.events = sum(source.events for source in self.sources)
        self.refused = sum(source.refused for source in self.sources)
        self.hours: Counter[int] = Counter()
        for source in self.sources:
            self.hours.update(source.hours)
        self.days = sorted({hour // 24 for hour in self.hours})
        self.values: dict[str, dict[str, Usage]] = defaultdict(dict)  # by kind
        self.calls: dict[str, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))  # by log and day


def is_weekend(day: int) -> bool:
    """Days are counted from 1970-01-01, a Thursday."""
    return day % 7 in (2, 3)


def longest_pause(hours: Iterable[int]) -> int:
    """The most hours from one in use to the next."""
    listed = sorted(hours)
    return max((then - now for now, then in zip(listed, listed[1:], strict=False)), default=0)


def prepare_uses(case: Case) -> None:
    """Make the relations ``log_uses``, ``uses`` and ``source_values``, which all that follows counts from.

    Requests of access logs are graded as in object access (A to C; what is not settled, D, is in no source).
    """
    case.engine.connection.execute(CLIENT_MACRO)
    if case.ask("sessions/comparison_basis")["line_count"].iloc[0]:
        grade(case)
        case.derive("log_uses", "sessions/log_uses")
    else:
        case.engine.provide("log_uses", frame_of([], LOG_USES))
    case.derive("uses", "sessions/uses")
    case.derive("source_values", "sessions/source_values")


def sources(case: Case) -> list[Source]:
    """From where and with what was each lineage of credentials used, in the baseline and in the window?"""
    return [
        Source(
            row["lineage_id"], row["period"], row["source_ip_address"] or None, row["client"], sorted(row["user_agents"]),
            set(row["vpc_endpoint_ids"]), row["event_count"], row["refused_count"], row["refused_calls"],
            row["forwarded_count"], row["first_time"], row["last_time"],
            dict(zip(row["hours"].tolist(), row["hour_counts"].tolist(), strict=True)),
        )
        for row in rows_of(case.ask("sessions/sources"))
    ]  # fmt: skip


def describe(case: Case, groups: Iterable[SourceGroup]) -> None:
    """Ask what was done from each of these groups of sources; all of them at once, for each costs a look at all uses."""
    listed = [group for group in groups if group.sources]
    if not listed:
        return
    rows = [source.name | {"group_id": index} for index, group in enumerate(listed) for source in group.sources]
    case.engine.provide("source_groups", frame_of(rows, {"group_id": "bigint"} | NAMED))
    for row in rows_of(case.ask("sessions/group_values")):
        listed[row["group_id"]].values[row["kind"]][row["value"]] = Usage(row["event_count"], row["first_day"])
    for row in rows_of(case.ask("sessions/group_calls")):
        listed[row["group_id"]].calls[row["seen_in"]][row["day"]][row["call"]] += row["event_count"]


def unfamiliar_values(case: Case, owners: Iterable[Source]) -> dict[tuple[str, str, str], list[Row]]:
    """What of each source's calls, Regions and buckets is at none of the owner's? Counts by lineage, address, client."""
    case.engine.provide("owner_sources", frame_of([source.name for source in owners], NAMED))
    rows: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows_of(case.ask("sessions/unfamiliar_values")):
        rows[row["lineage_id"], row["source_ip_address"], row["client"]].append(row)
    return rows
