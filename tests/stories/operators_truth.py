"""Verdicts set against the truth, by events."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from operators_stories import QUIET, STORIES, tell

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.key_activity import questions as key_activity


@dataclass
class Score:
    """Events by actor and verdict, over so many seeds."""

    seeds: int = 0
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def of(self, actor: str) -> int:
        return sum(count for (who, _), count in self.events.items() if who == actor)

    def share(self, actor: str, verdict: str) -> float:
        total = self.of(actor)
        return self.events[actor, verdict] / total if total else float("nan")

    @property
    def recall(self) -> float:
        return self.share("intruder", "new")

    @property
    def accused(self) -> float:
        return self.share("owner", "new")

    @property
    def unclear(self) -> float:
        """Of all events."""
        total = sum(self.events.values())
        return sum(count for (_, verdict), count in self.events.items() if verdict == "unclear") / total

    def add(self, other: Score) -> None:
        self.seeds += other.seeds
        self.events += other.events
        self.faults += other.faults


def score_case(case: Case, actors: dict[str, str], name: str) -> Score:
    """Each event of the window by its actor and by the verdict of its session."""
    key_activity.events(case)
    events = pd.read_parquet(
        case.staging / "tables" / "key_activity" / "events.parquet", columns=["event_id", "session_id"]
    )
    sessions = key_activity.sessions(case).set_index("session_id")
    found = Score(1)
    verdicts = events["session_id"].map(sessions["verdict"])
    missed: dict[tuple[str, str, str], int] = Counter()
    for event, session, verdict in zip(events["event_id"], events["session_id"], verdicts, strict=True):
        actor = actors[event]
        found.events[actor, verdict] += 1
        if (actor, verdict) not in (("owner", "familiar"), ("intruder", "new")):
            row = sessions.loc[session]
            missed[
                actor, verdict, f"{row['source_ip_address']} {row['user_agent'][:60]} :: {' | '.join(row['reasons'])}"
            ] += 1
    found.faults = [f"{name}: {n} events, {actor} {verdict}: {why}" for (actor, verdict, why), n in missed.items()]
    return found


def score(name: str, seed: int, baseline: bool = True, folder: Path | None = None) -> Score:
    """One story of one seed."""
    tale = tell(name, seed)
    with tempfile.TemporaryDirectory(dir=folder) as runs:
        tale.write(Path(runs), baseline)
        case = open_case("story", runs)
        return score_case(case, tale.actors, f"{name} {seed} {'with' if baseline else 'without'} baseline")


def table(scores: dict[tuple[str, bool], Score]) -> str:
    """As text: one line per story, with and without a baseline."""
    lines = [
        f"{'story':22} {'baseline':8} {'n':>3} {'intruder':>9} {'recall':>7} {'owner':>9} {'new':>7} {'unclear':>8}"
    ]
    for (name, baseline), one in scores.items():
        recall = f"{one.recall:7.3f}" if one.of("intruder") else "  quiet"
        lines.append(
            f"{name:22} {'yes' if baseline else 'no':8} {one.seeds:3} {one.of('intruder'):9,} {recall} "
            f"{one.of('owner'):9,} {one.accused:7.2%} {one.unclear:8.2%}"
        )
    return "\n".join(lines)


__all__ = ["QUIET", "STORIES", "Score", "score", "score_case", "table", "tell"]
