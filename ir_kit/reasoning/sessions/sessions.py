"""Runs of use, and whose they look like, going by what the baseline holds of the same principals.

The comparison rests on five things: the address, the user agent (the AWS CLI's commands left out), the calls, the
Regions and the buckets. The owner's are those of the baseline, by any credential of the session's own principal or of
a principal that it came from, and those that the incident file names as known good. What was done is foreign where at
least half of the calls, of the Regions or of the buckets are in no baseline. A call that an AWS service made for the
principal shows the service's address: it is judged by the direct use beside it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.reasoning.frames import frame_of, rows_of
from ir_kit.reasoning.lineage.lineage import reached_credentials
from ir_kit.reasoning.lineage.reached import Row
from ir_kit.reasoning.principals import agent_family, agent_matches, in_networks, is_service_address
from ir_kit.reasoning.sessions.labels import label_of, read_labels

FOREIGN = 0.5
BESIDE = pd.Timedelta(hours=1)
DONE = (("event_name", "calls"), ("aws_region", "Regions"), ("bucket", "buckets"))
COLUMNS = {
    "session_id": "varchar",
    "operator_id": "varchar",
    "access_key_id": "varchar",
    "source_ip_address": "varchar",
    "user_agent": "varchar",
    "start_time": "timestamp",
    "end_time": "timestamp",
    "event_count": "bigint",
    "error_count": "bigint",
    "bytes_sent": "bigint",
    "novelty": "double",
    "verdict": "varchar",
    "reasons": "varchar",
    "label": "varchar",
    "is_responder": "boolean",
    "forwarded": "boolean",
}


def sessions(case: Case) -> pd.DataFrame:
    """When were reached credentials in use in the window, and whose use does each run look like?

    Returns
    -------
    DataFrame
        One row per session, in the order of time. Kept in the case, where SQL reads it as ``sessions`` (reasons one a
        line there).
    """
    reached_credentials(case)
    frame = case.answer("sessions", lambda: _answer(case))
    return frame.assign(reasons=frame["reasons"].map(_lines).astype("object"))


def _lines(text: object) -> list[str]:
    return text.split("\n") if isinstance(text, str) and text else []


@dataclass
class Profile:
    """What the baseline holds of some principals: for each kind, the values, with the days on which each was seen."""

    days: int
    events: int = 0
    values: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, row: Row) -> None:
        value = agent_family(row["value"]) if row["kind"] == "user_agent" else row["value"]
        known = self.values[row["kind"]]
        known[str(value)] = max(known.get(str(value), 0), int(row["days"]))
        if row["kind"] == "event_name":
            self.events += int(row["event_count"])


def _answer(case: Case) -> pd.DataFrame:
    found = rows_of(case.ask("key_activity/sessions"))
    acts: dict[tuple[Any, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows_of(case.ask("key_activity/session_acts")):
        acts[_place(row)][row["kind"]].append(row["value"])
    reached = {row["access_key_id"]: row for row in rows_of(reached_credentials(case))}
    profiles = _profiles(case, reached)
    labels = read_labels(case.incident.folder)
    for row in found:
        credential = reached[row["access_key_id"]]
        start, end = row["start_time"], row["end_time"]
        row["session_id"] = _id(
            "s", row["access_key_id"], row["source_ip_address"], row["user_agent"], start.isoformat()
        )
        row["forwarded"] = bool(row["forwarded_count"]) or is_service_address(row["source_ip_address"])
        row["is_responder"] = bool(credential["is_responder"])
        row["label"] = label_of(labels, row["access_key_id"], row["source_ip_address"], row["user_agent"], start, end)
        row["lineage"] = credential["lineage"]
        address, agent = row["source_ip_address"], agent_family(row["user_agent"])
        row["operator_id"] = _id("o", *((row["access_key_id"],) if row["forwarded"] else ()), address, agent)
        _judge(case, row, acts[_place(row)], profiles[credential["lineage"]])
    direct = _direct(found)
    for row in found:
        if row["forwarded"]:
            _judge_forwarded(row, direct)
        row["reasons"] = "\n".join(row["reasons"])
    return frame_of(found, COLUMNS)


def _place(row: Row) -> tuple[Any, ...]:
    return row["access_key_id"], row["source_ip_address"], row["user_agent"], row["number"]


def _id(kind: str, *parts: str | None) -> str:
    return (
        f"{kind}-"
        + hashlib.sha256("\x1f".join("" if part is None else part for part in parts).encode()).hexdigest()[:12]
    )


def _profiles(case: Case, reached: dict[str, Row]) -> dict[str, Profile]:
    """The owner's use by lineage: of a principal, and of those that it came from."""
    held = rows_of(case.ask("key_activity/baseline_held"))[0]
    lineages = {str(row["lineage"] or "") for row in reached.values()}
    principals = sorted({name for lineage in lineages for name in lineage.split("\n") if name})
    use = rows_of(case.ask("key_activity/baseline_use", principals=principals)) if held["event_count"] else []
    profiles = {lineage: Profile(int(held["days"])) for lineage in lineages}
    for lineage, profile in profiles.items():
        for row in use:
            if row["principal"] in lineage.split("\n"):
                profile.add(row)
    return profiles


def _judge(case: Case, row: Row, acts: dict[str, list[str]], profile: Profile) -> None:
    """Set novelty, verdict and reasons of a session by the baseline and by what is known good."""
    good = case.incident.known_good
    address, agent = row["source_ip_address"], agent_family(row["user_agent"])
    reasons: list[str] = []
    address_good = in_networks(address, good.source_ips)
    agent_good = agent_matches(row["user_agent"], good.user_agents)
    known_address = address_good or str(address) in profile.values["source_ip_address"]
    known_agent = agent_good or str(agent) in profile.values["user_agent"]
    for name, value, listed, kind in (
        ("address", address, address_good, "source_ip_address"),
        ("user agent", agent, agent_good, "user_agent"),
    ):
        days = profile.values[kind].get(str(value))
        if days:
            reasons.append(f"{name} seen on {days} of {profile.days} days of the baseline")
        elif listed:
            reasons.append(f"{name} known good by the incident file")
        elif profile.days:
            reasons.append(f"{name} in none of {profile.days} days of the baseline ({profile.events:,} events)")
    shares = []
    for kind, plural in DONE:
        values = acts.get(kind, [])
        foreign = [value for value in values if value not in profile.values[kind]]
        if values:
            shares.append(len(foreign) / len(values))
        if foreign and profile.days:
            reasons.append(f"{len(foreign)} of {len(values)} {plural} not in the baseline")
    if not profile.days:
        reasons.append("no baseline: nothing to compare with")
        row["verdict"] = "familiar" if known_address and known_agent else "unclear"
        row["novelty"] = 0.0 if known_address and known_agent else 0.5
    else:
        strange = [not known_address, not known_agent]
        foreign_acts = bool(shares) and max(shares) >= FOREIGN
        row["verdict"] = "familiar" if not any(strange) else "new" if all(strange) or foreign_acts else "unclear"
        parts = [*map(float, strange), *shares]
        row["novelty"] = round(sum(parts) / len(parts), 4)
    row["reasons"] = reasons


def _judge_forwarded(row: Row, direct: dict[tuple[str, pd.Timestamp], list[Row]]) -> None:
    """A service's own address says nothing of who asked: take the verdict of direct use beside it, where it agrees."""
    found = {
        other["session_id"]: other
        for principal in row["lineage"].split("\n")
        for hour in _hours(row, pd.Timedelta(0))
        for other in direct.get((principal, hour), ())
        if other["start_time"] - BESIDE <= row["end_time"] and other["end_time"] + BESIDE >= row["start_time"]
    }
    beside = list(found.values())
    verdicts = sorted({other["verdict"] for other in beside})
    by = row["invoked_by"] or row["source_ip_address"]
    row["verdict"] = verdicts[0] if len(verdicts) == 1 else "unclear"
    row["novelty"] = round(sum(other["novelty"] for other in beside) / len(beside), 4) if beside else 0.5
    row["reasons"] = [
        f"made by {by} for the principal, so its address and agent are not compared",
        f"judged by {len(beside)} direct sessions within an hour" + (f", {' and '.join(verdicts)}" if verdicts else ""),
    ]


def _direct(rows: list[Row]) -> dict[tuple[str, pd.Timestamp], list[Row]]:
    """Direct sessions by principal and by every hour that lies beside them."""
    found: dict[tuple[str, pd.Timestamp], list[Row]] = defaultdict(list)
    for row in rows:
        if not row["forwarded"]:
            for principal in row["lineage"].split("\n"):
                for hour in _hours(row, BESIDE):
                    found[principal, hour].append(row)
    return found


def _hours(row: Row, more: pd.Timedelta) -> pd.DatetimeIndex:
    return pd.date_range((row["start_time"] - more).floor("h"), (row["end_time"] + more).floor("h"), freq="h")
