"""Whose does a request look like, where no session of CloudTrail's holds it? Its address and agent against the
owner's baseline.

For requests whose credential is not settled (D), which are in no run: whether address and agent both stand in the
baseline of either log. What was done is not weighed here: a request alone says little of that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import agent_family, agent_matches, in_networks, same_role

Row = Mapping[str, Any]
PAUSE = pd.Timedelta(minutes=30)


def owners_values(
    case: Case, reached: pd.DataFrame, acted: pd.DataFrame, between: dict[str, Any]
) -> tuple[pd.DataFrame, bool]:
    """Which addresses and agents of the requests in question are the owner's?

    Parameters
    ----------
    reached : DataFrame
        The reached credentials with their ``lineage`` (the principals that each came from, one a line), where it is
        given.
    acted : DataFrame
        ``access_key_id`` and ``principal_arn``: as whom each of them acted.

    Returns
    -------
    (DataFrame, bool)
        One row per principal, kind and value, with is_owners; and whether there is a baseline to compare with.
    """
    lineage = dict(zip(reached["access_key_id"], reached["lineage"], strict=True)) if "lineage" in reached else {}
    of: dict[str, set[str]] = defaultdict(set)
    for key, arn in zip(acted["access_key_id"], acted["principal_arn"], strict=True):
        of[arn] |= {name for name in str(lineage.get(key) or "").split("\n") if name} | {arn}
    principals = sorted({name for names in of.values() for name in names})
    profile = rows_of(case.ask("sessions/owner_profile", principals=principals))
    known: dict[str, set[tuple[str, str | None]]] = defaultdict(set)
    for row in profile:
        value = agent_family(row["value"]) if row["kind"] == "user_agent" else row["value"]
        for name in (row["principal"],):
            known[str(name)].add((row["kind"], value))
    roles = {arn: {name for name in known if name == arn or same_role(name, arn)} for arn in of}
    good = case.incident.known_good
    rows: list[Row] = []
    for row in rows_of(case.ask("sessions/addresses_and_agents", **between)):
        arn, kind, value = row["principal_arn"], row["kind"], row["value"]
        if kind == "user_agent":
            is_owners = agent_matches(value, good.user_agents)
            value = agent_family(value)
        else:
            is_owners = in_networks(value, good.source_ips)
        names = of.get(arn, set()) | roles.get(arn, set())
        rows.append(row | {"is_owners": is_owners or any((kind, value) in known[name] for name in names)})
    names_of = {"principal_arn": "varchar", "kind": "varchar", "value": "varchar", "is_owners": "boolean"}
    return frame_of(rows, names_of), bool(profile)


def _reach(one: Row, edge: str) -> pd.Timestamp:
    """Until when do requests belong to a session? Those of the access log that touch it may reach further."""
    reach: pd.Timestamp | None = one.get(f"reach_{edge}")
    usual: pd.Timestamp = one["start_time"] - PAUSE if edge == "start" else one["end_time"] + PAUSE
    return usual if reach is None else reach


def _between(one: Row, other: Row) -> pd.Timestamp:
    """Where one session's requests end and the next one's begin: half way, or where the requests themselves part."""
    middle: pd.Timestamp = one["end_time"] + (other["start_time"] - one["end_time"]) / 2
    mine, theirs = _reach(one, "end"), _reach(other, "start")
    if mine < theirs:
        return min(max(middle, mine), theirs)
    return middle


def session_hours(sessions: pd.DataFrame) -> pd.DataFrame:
    """Which session would a request of this key, address and agent belong to, hour by hour?

    Returns
    -------
    DataFrame
        One row per session and hour that it reaches into. A session reaches half an hour beyond its first and last
        event, or as far as requests of the access log that touch it, and never into the half of a gap that is nearer to
        the next one.
    """
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows_of(sessions.sort_values(["start_time", "session_id"])):
        groups[str(row["access_key_id"]), row["source_ip_address"] or "", row["user_agent"] or ""].append(row)
    rows: list[Row] = []
    for (key, address, agent), listed in groups.items():
        for index, one in enumerate(listed):
            start, end = _reach(one, "start"), _reach(one, "end")
            if index:
                start = max(start, _between(listed[index - 1], one))
            if index + 1 < len(listed):
                end = min(end, _between(one, listed[index + 1]))
            known = {
                "access_key_id": key,
                "source_ip_address": address,
                "user_agent": agent,
                "start_time": start,
                "end_time": end,
            }
            known |= {name: one.get(name) for name in ("session_id", "verdict", "label")}
            rows += [known | {"hour": hour} for hour in pd.date_range(start.floor("h"), end.floor("h"), freq="h")]
    names = dict.fromkeys(
        ("session_id", "access_key_id", "source_ip_address", "user_agent", "verdict", "label"), "varchar"
    )
    return frame_of(rows, names | dict.fromkeys(("hour", "start_time", "end_time"), "timestamp"))
