"""Runs of use, and whose they look like.

A run is one credential from one address with one user agent, a pause of 30 minutes ending it. Whose it looks like is
judged of its *place*, the address and the agent with all that was done there (`judging`), against the owner's places
(`owners`); places that one hand seems to use make an operator (`operators`). Runs come from CloudTrail; requests that
access logs alone show join them, or are runs of their own (`log_runs`). A call that an AWS service made for the
principal shows the service's address: it is judged by the direct use beside it. The analyst's labels come first, and
teach (`taught`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from weakref import WeakKeyDictionary

import pandas as pd

from ir_kit.case import Case
from ir_kit.credentials.lineage import reached_credentials
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import is_service_address
from ir_kit.sessions import log_runs, operators, places
from ir_kit.sessions.agents import agent_of
from ir_kit.sessions.familiarity import session_hours
from ir_kit.sessions.forwarded import judge_forwarded
from ir_kit.sessions.judging import Judge, Judgement, Look, ago
from ir_kit.sessions.labels import read_labels
from ir_kit.sessions.networks import networks
from ir_kit.sessions.owners import Profile, from_baseline, from_window
from ir_kit.sessions.places import Place, Row, lineage_of
from ir_kit.sessions.taught import Labels, taught

COLUMNS = {
    "session_id": "varchar", "operator_id": "varchar", "access_key_id": "varchar", "source_ip_address": "varchar",
    "user_agent": "varchar", "start_time": "timestamp", "end_time": "timestamp", "event_count": "bigint",
    "error_count": "bigint", "bytes_sent": "bigint", "novelty": "double", "verdict": "varchar", "reasons": "varchar",
    "label": "varchar", "is_responder": "boolean", "forwarded": "boolean", "seen_in": "varchar",
    "log_request_count": "bigint", "log_bytes_sent": "bigint", "reach_start": "timestamp", "reach_end": "timestamp",
}  # fmt: skip
BASES = {
    "principal": "varchar", "basis": "varchar", "days": "bigint", "places": "bigint", "events": "bigint",
    "arrivals_inside": "bigint", "arrivals": "varchar", "warning": "varchar",
}  # fmt: skip


def sessions(case: Case) -> pd.DataFrame:
    """When were reached credentials in use in the window, and whose use does each run look like?

    Returns
    -------
    DataFrame
        One row per session, in the order of time. Kept in the case, where SQL reads it as ``sessions`` (reasons one a
        line there).
    """
    reached_credentials(case)
    frame = case.answer("sessions", lambda: _runs(case).sessions())
    return frame.assign(reasons=frame["reasons"].map(_lines).astype("object"))


def baselines(case: Case) -> pd.DataFrame:
    """What was each principal's use compared with, how much of it is there, and may it hold the intruder itself?

    Returns
    -------
    DataFrame
        One row per lineage of reached credentials, by its principal.
    """
    reached_credentials(case)
    frame = case.answer("session_baselines", lambda: _runs(case).baselines())
    return frame.assign(arrivals=frame["arrivals"].map(_lines).astype("object"))


def _lines(text: object) -> list[str]:
    return text.split("\n") if isinstance(text, str) and text else []


_MADE: WeakKeyDictionary[Case, _Runs] = WeakKeyDictionary()


def _runs(case: Case) -> _Runs:
    if case not in _MADE:
        _MADE[case] = _Runs(case)
    return _MADE[case]


class _Runs:
    """Everything that one answer needs, step by step."""

    def __init__(self, case: Case) -> None:
        self.case = case
        reached = reached_credentials(case)
        self.has_log = log_runs.prepare(case)
        places.prepare(case, reached)
        self.reached = {row["access_key_id"]: row for row in rows_of(reached)}
        self.held = rows_of(case.ask("sessions/baseline_held"))[0]
        by_lineage: dict[str, list[Place]] = defaultdict(list)
        for place in places.places(case):
            by_lineage[place.lineage].append(place)
        self.places = {lineage: by_lineage.get(lineage, []) for lineage in self._lineages()}
        self.profiles = self._profiles()

    def _lineages(self) -> list[str]:
        return list(dict.fromkeys(lineage_of(row["lineage"]) for row in self.reached.values()))

    def _profiles(self) -> dict[str, Profile]:
        """The owner's places: of the baseline, where the evidence holds one, else of the window."""
        if not self.held["event_count"]:
            return {
                lineage: from_window([one for one in listed if one.period == "window"])
                for lineage, listed in self.places.items()
            }
        found = {
            lineage: from_baseline(
                [one for one in listed if one.period == "baseline" and one.forwarded < one.events],
                int(self.held["days"]),
            )
            for lineage, listed in self.places.items()
        }
        places.fill(self.case, [group for one in found.values() for group in one.groups])
        return {lineage: one.settled() for lineage, one in found.items()}

    def sessions(self) -> pd.DataFrame:
        runs = self._found()
        labels = Labels(read_labels(self.case.incident.folder))
        for row in runs:
            start, end = row["start_time"], row["end_time"]
            row["session_id"] = _id(
                row["access_key_id"], row["source_ip_address"], row["user_agent"], start.isoformat()
            )
            row["forwarded"] = bool(row["forwarded_count"]) or is_service_address(row["source_ip_address"])
            row["is_responder"] = bool(self.reached[row["access_key_id"]]["is_responder"])
            row["label"] = labels.of(row["access_key_id"], row["source_ip_address"], row["user_agent"], start, end)
            row["lineage"] = lineage_of(self.reached[row["access_key_id"]]["lineage"])
        judged = self._judged(runs)
        plain = {place: replace(one, reasons=list(one.reasons)) for place, one in judged.items()}
        operators.associate(list(plain.values()))
        operators.learn(list(judged.values()), taught(runs))
        operators.associate(list(judged.values()))
        names = operators.operators(list(judged.values()))
        firsts = self._firsts()
        for row in runs:
            place = _place(row)
            if place not in judged:
                continue
            one = plain[place] if row["label"] else judged[place]  # a label teaches others, not the run that it is of
            row["verdict"], row["novelty"] = one.verdict, one.novelty
            row["operator_id"] = names[id(judged[place])]
            row["reasons"] = [*one.reasons, *_sooner(row, firsts), *_labelled(row)]
        judge_forwarded(self.case, [row for row in runs if row["forwarded"]],
                        [row for row in runs if not row["forwarded"]], self.places)  # fmt: skip
        self._count(runs)
        for row in runs:
            row["reasons"] = "\n".join(row["reasons"])
        return frame_of(runs, COLUMNS)

    def _found(self) -> list[Row]:
        log = rows_of(self.case.ask("sessions/log_runs")) if self.has_log else []
        return log_runs.with_log_runs(rows_of(self.case.ask("sessions/sessions")), log)

    def _judged(self, runs: list[Row]) -> dict[tuple[str, str, str], Judgement]:
        """Each place of direct use, by lineage, address and agent."""
        wanted = {_place(row) for row in runs if not row["forwarded"]}
        starts: dict[tuple[str, str, str], list[pd.Timestamp]] = defaultdict(list)
        for row in runs:
            starts[_place(row)].append(row["start_time"])
        files = networks(self.case.incident.folder)
        looks: list[tuple[Judge, Look]] = []
        for lineage, listed in self.places.items():
            window = [one for one in listed if one.period == "window"]
            judge = Judge(self.profiles[lineage], window, self.case.incident.known_good, files)
            for place in window:
                if (lineage, *place.key) in wanted:
                    place.starts = starts[lineage, *place.key]
                    looks.append((judge, judge.look(place)))
        asked = [(judge, look) for judge, look in looks if not look.is_owners and judge.profile.basis != "none"]
        profiles = {id(judge.profile): judge.profile.together for judge, _ in asked}
        places.fill(self.case, [*profiles.values(), *(one for _, look in asked for one in (look.mine, look.related))])
        foreign = places.foreign_deeds(self.case, [one for profile in self.profiles.values() for one in profile.places])
        found = {
            (where := (look.place.lineage, *look.place.key)): judge.judge(look, foreign.get(where, []))
            for judge, look in looks
        }
        operators.agree(list(found.values()))
        return found

    def _firsts(self) -> dict[tuple[str, str], pd.Timestamp]:
        """When was each address first seen with each lineage?"""
        firsts: dict[tuple[str, str], pd.Timestamp] = {}
        for lineage, listed in self.places.items():
            for one in listed:
                where = (lineage, one.address or "")
                firsts[where] = min(one.first, firsts.get(where, one.first))
        return firsts

    def _count(self, runs: list[Row]) -> None:
        """How many requests that access logs alone show are in each run."""
        if not self.has_log:
            return
        hours = session_hours(frame_of([row | {"reasons": ""} for row in runs], COLUMNS))
        counts = log_runs.counted(self.case, hours)
        for row in runs:
            seen = counts.get(row["session_id"])
            if seen:
                row["log_request_count"], row["log_bytes_sent"] = seen["request_count"], seen["bytes_sent"]
                row["seen_in"] = "both" if row["seen_in"] == "cloudtrail" else row["seen_in"]

    def baselines(self) -> pd.DataFrame:
        rows = []
        for lineage, profile in self.profiles.items():
            told = [
                f"{one.address} with {one.agent.family}, first {one.first:%Y-%m-%d %H:%M}, {one.events:,} calls on "
                f"{len(one.days)} days"
                for one in profile.suspects
            ]
            rows.append(
                {
                    "principal": lineage.split("\n")[0],
                    "basis": profile.basis,
                    "days": profile.days,
                    "places": len(profile.places),
                    "events": profile.together.events,
                    "arrivals_inside": len(profile.suspects),
                    "arrivals": "\n".join(told),
                    "warning": _warning(profile),
                }
            )
        return frame_of(rows, BASES)


def _warning(profile: Profile) -> str:
    parts = []
    if profile.basis == "none":
        parts.append("nothing to compare with: neither a baseline nor use that is steady through the window")
    elif profile.basis == "window":
        parts.append(
            "no baseline: the owner is taken to be what was there from the window's start on most of its days; an "
            "intruder who was, too, is not told apart"
        )
    elif not profile.places:
        parts.append("the baseline holds no use of this principal: whatever it does is new")
    elif len(profile.together.days) < 7:
        parts.append(f"a short baseline: this principal was in use on {len(profile.together.days)} days of it")
    if profile.suspects:
        parts.append("the baseline may itself hold the intruder: what came late in it looks new there, and is left out")
    return "; ".join(parts)


def _place(row: Row) -> tuple[str, str, str]:
    return row["lineage"], row["source_ip_address"] or "", agent_of(row["user_agent"]).family or ""


def _id(*parts: str | None) -> str:
    text = "\x1f".join("" if part is None else part for part in parts)
    return "s-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def _sooner(row: Row, firsts: dict[tuple[str, str], pd.Timestamp]) -> list[str]:
    """For a run that is not the owner's: how long has its address been known?"""
    first = firsts.get((row["lineage"], row["source_ip_address"] or ""))
    if row["verdict"] == "familiar" or first is None or row["start_time"] <= first:
        return []
    return [f"address first seen {ago(row['start_time'] - first)} before"]


def _labelled(row: Row) -> list[str]:
    """What the analyst said, and whether the verdict says the opposite."""
    if not row["label"]:
        return []
    opposite = {"owner": "new", "intruder": "familiar"}.get(row["label"])
    against = f", against the verdict {row['verdict']}" if row["verdict"] == opposite else ""
    return [f"labelled {row['label']} by the analyst{against}"]
