"""What the analyst's labels say of runs that were not labelled themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from ir_kit.sessions.agents import agent_of
from ir_kit.sessions.labels import Label, label_of
from ir_kit.sessions.places import Row


@dataclass
class Taught:
    """How many labelled runs there are of each place, address and agent."""

    owner: Counter[tuple[str, str]] = field(default_factory=Counter)
    intruder: Counter[tuple[str, str]] = field(default_factory=Counter)
    owner_addresses: Counter[str] = field(default_factory=Counter)
    owner_agents: Counter[str] = field(default_factory=Counter)
    intruder_addresses: Counter[str] = field(default_factory=Counter)
    intruder_agents: Counter[str] = field(default_factory=Counter)


class Labels:
    """The labels of an incident, found by credential, address and agent."""

    def __init__(self, labels: Iterable[Label]) -> None:
        self._by: dict[tuple[str, str, str], list[Label]] = defaultdict(list)
        for label in labels:
            self._by[label.access_key_id, label.source_ip_address, label.user_agent].append(label)

    def of(
        self, key: str, address: str | None, agent: str | None, start: pd.Timestamp, end: pd.Timestamp
    ) -> str | None:
        """What did the analyst say last of a run? None: nothing."""
        found = self._by.get((key, address or "", agent or ""))
        return label_of(found, key, address, agent, start, end) if found else None


def taught(runs: Iterable[Row]) -> Taught:
    """What do the labelled runs teach of others?"""
    found = Taught()
    for row in runs:
        if row["label"] not in ("owner", "intruder") or row["forwarded"]:
            continue
        key = (row["source_ip_address"] or "", agent_of(row["user_agent"]).family or "")
        mine = row["label"] == "owner"
        (found.owner if mine else found.intruder)[key] += 1
        (found.owner_addresses if mine else found.intruder_addresses)[key[0]] += 1
        (found.owner_agents if mine else found.intruder_agents)[key[1]] += 1
    return found
