"""How the findings of a playbook are put together: the parts that all of them share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ir_kit.case import Case
from ir_kit.findings.model import EVENT_IDS, EvidenceRows, Finding, Subject, Value, Window, finding_id
from ir_kit.findings.status import Scope, at_most, confidence_of, limits_of, status_of

Actor = Literal["intruder", "owner", "unknown"]


@dataclass(frozen=True)
class Maker:
    """Makes the findings of one playbook on one case."""

    case: Case
    playbook: str

    @property
    def window(self) -> Window:
        window = self.case.incident.window
        return Window(start=window.start, end=window.end)

    @property
    def keys(self) -> Subject:
        """The incident's key, where there is but one."""
        keys = self.case.incident.access_keys
        return Subject(access_key_id=keys[0]) if len(keys) == 1 else Subject()

    def make(
        self,
        question_id: str,
        question: str,
        statement: str,
        *,
        count: int,
        values: dict[str, Value],
        scope: Scope,
        evidence: Iterable[EvidenceRows],
        actor: Actor | None = None,
        subject: Subject | None = None,
        inferred: bool = False,
        partly_inferred: bool = False,
        limits: Sequence[str] = (),
        doubtful: bool = False,
    ) -> Finding:
        """One finding; `count` decides between something and nothing, `scope` what nothing means."""
        about = self.keys if subject is None else subject
        confidence = confidence_of(count, scope, inferred=inferred, partly_inferred=partly_inferred)
        return Finding(
            id=finding_id(self.playbook, question_id, about, self.window),
            playbook=self.playbook,
            question_id=question_id,
            question=question,
            statement=statement,
            status=status_of(count, scope, inferred=inferred),
            actor=actor,
            values=values,
            confidence=at_most(confidence, "low") if doubtful else confidence,
            window=self.window,
            subject=about,
            evidence=list(evidence),
            limits=limits_of(scope, *limits),
        )


def rows_in(table: str, frame: pd.DataFrame, event_ids: Iterable[object] = ()) -> EvidenceRows:
    """The rows of a table that a statement rests on, with the first events among them."""
    ids = [str(one) for one in event_ids if isinstance(one, str)]
    listed = list(dict.fromkeys(ids))[:EVENT_IDS]
    return EvidenceRows(table=table, rows=len(frame), event_ids=listed or None)


def number(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: ``1 event``, ``1,200 events``, ``no events``."""
    plural = many or f"{one}s"
    return f"no {plural}" if count == 0 else f"{count:,} {one if count == 1 else plural}"


def listed(names: Iterable[object], most: int = 4) -> str:
    """Names in a sentence, the first few of them."""
    given = [str(name) for name in dict.fromkeys(names)]
    shown = given[:most]
    rest = len(given) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def responders_left_out(case: Case, count: int, one: str = "event") -> str:
    """The sentence that says what was left out as the investigation's own; empty where no responder is named."""
    if not case.incident.responders:
        return ""
    return f"Left out as the investigation's own ({listed(case.incident.responders)}): {number(count, one)}."


def actor_of(verdicts: Iterable[str], labels: Iterable[str | None]) -> Actor:
    """Whose acts are these, going by the sessions that hold them? The analyst's label comes before the verdict."""
    found: set[Actor] = set()
    for verdict, label in zip(verdicts, labels, strict=True):
        if label in ("owner", "intruder"):
            found.add("owner" if label == "owner" else "intruder")
        elif label is None:
            found.add({"new": "intruder", "familiar": "owner"}.get(verdict, "unknown"))  # type: ignore[arg-type]
        else:
            found.add("unknown")
    return found.pop() if len(found) == 1 else "unknown"
