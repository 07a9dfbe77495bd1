"""The finding: what a stakeholder reads, with its status, severity, confidence and what would make it wrong.

The record (its JSON Schema ships beside this file), the rules of status, severity and confidence, and the builder with
the words that all playbooks share. Decided here and nowhere else: a zero is ``not_observed`` only where the question's
whole scope was logged, else ``not_knowable``; above zero a finding is ``observed`` where rows show it and ``inferred``
where it follows from rows, and its limits name the part of the scope that was not logged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from ir_kit.case import Case
from ir_kit.incident import Window

EVENT_IDS = 20

Status = Literal["observed", "inferred", "not_observed", "not_knowable"]
Confidence = Literal["high", "medium", "low"]
Severity = Literal["critical", "high", "medium", "low", "info"]
Actor = Literal["intruder", "owner", "unknown"]
Value = str | int | float | bool | None
Ids = Annotated[list[str], Field(max_length=EVENT_IDS)]
NOT_GIVEN: Any = Field(default=None, exclude_if=lambda value: value is None)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Subject(_Model):
    """Whom or what a statement is about; what is not given is not narrowed."""

    access_key_id: str | None = NOT_GIVEN
    principal_arn: str | None = NOT_GIVEN
    bucket: str | None = NOT_GIVEN
    record_class: str | None = NOT_GIVEN


class EvidenceRows(_Model):
    """Rows of a result table that a statement rests on."""

    table: str
    rows: int = Field(ge=0)
    event_ids: Ids | None = NOT_GIVEN
    request_ids: Ids | None = NOT_GIVEN


class Finding(_Model):
    """One answer to one question, about one subject."""

    id: str = Field(description="stable across runs on the same evidence")
    playbook: str
    question_id: str
    question: str
    statement: str = Field(description="one sentence that a stakeholder can read")
    status: Status
    severity: Severity = Field(description="how much it matters: findings are written most severe first")
    actor: Actor | None
    values: dict[str, Value] = Field(description="the numbers of the statement by name, as in the tables")
    confidence: Confidence
    window: Window
    subject: Subject
    evidence: list[EvidenceRows]
    limits: list[str] = Field(description="what would make the statement wrong or incomplete, in sentences")

    def line(self) -> str:
        """The finding as a line of JSON, keys in order, what is not given left out of subject and evidence."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)


def finding_id(playbook: str, question_id: str, subject: Subject, window: Window) -> str:
    """An id that is the same for the same question about the same subject and window, whatever the answer is."""
    content = [playbook, question_id, subject.model_dump(), window.model_dump(mode="json")]
    return "f-" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def write_findings(case: Case, playbook: str, findings: Iterable[Finding]) -> list[Finding]:
    """Write a playbook's findings to the case's staging folder, most severe first; give them back."""
    order = get_args(Severity)
    listed = sorted(findings, key=lambda finding: order.index(finding.severity))
    path = case.staging / "findings" / f"{playbook}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(finding.line() + "\n" for finding in listed), encoding="utf-8")
    return listed


@dataclass(frozen=True)
class Scope:
    """How much of a question's scope was logged.

    `whole`: all of it, as configuration and delivered files show, or not, or (None) that was not checked. `blind`: the
    part that was not logged or not checked, in a sentence; `gap`: for how long, as ``not logged for 2 h``.
    `access_logs_only`: access logs alone covered a part, and their delivery is best effort. `unsure`: something beside
    the scope was not logged that bears on it, so that a zero is not sure.
    """

    whole: bool | None
    blind: str = ""
    access_logs_only: bool = False
    unsure: bool = False
    gap: str = ""

    def none(self, evidence_of: str, what: str, risk: str = "it") -> str:
        """The statement of a zero: no evidence of something, but for how long `what` was not logged."""
        but = f", but {what} were {self.gap}: {risk} cannot be ruled out" if self.gap else ""
        return f"No evidence {evidence_of}{but}."


CONFIGURATION = Scope(True)
"""What AWS answered: nothing had to be logged for it."""


def status_of(count: int, scope: Scope, *, inferred: bool = False) -> Status:
    """Which status has a count over this scope, `inferred` where rows do not show it directly?"""
    if count > 0:
        return "inferred" if inferred else "observed"
    return "not_observed" if scope.whole is True else "not_knowable"


def confidence_of(count: int, scope: Scope, *, inferred: bool = False, partly_inferred: bool = False) -> Confidence:
    """How sure is a finding?

    Notes
    -----
    What rows show is ``high``, what is inferred from them ``medium``, a count of both ``medium``. A zero is ``high``
    over a scope that was logged whole, ``low`` where that is not known or not so. Where access logs alone covered a
    part, or a zero is unsure for what lies beside its scope, ``medium`` at most.
    """
    if count == 0 and scope.whole is not True:
        return "low"
    capped = scope.access_logs_only or (scope.unsure if count == 0 else inferred or partly_inferred)
    return "medium" if capped else "high"


def limits_of(scope: Scope, *more: str) -> list[str]:
    """The limits of a finding: what was not logged, then what else; none twice, none empty."""
    return list(dict.fromkeys(text for text in (scope.blind, *more) if text))


@dataclass(frozen=True)
class FindingBuilder:
    """Makes the findings of one playbook on one case."""

    case: Case
    playbook: str

    def build(
        self,
        question_id: str,
        question: str,
        statement: str,
        *,
        count: int,
        values: dict[str, Value],
        scope: Scope,
        evidence: Iterable[EvidenceRows],
        severity: Severity = "info",
        actor: Actor | None = None,
        subject: Subject | None = None,
        inferred: bool = False,
        partly_inferred: bool = False,
        limits: Sequence[str] = (),
        doubtful: bool = False,
    ) -> Finding:
        """One finding; `count` decides between something and nothing, `scope` what nothing means.

        Without a `subject` it is about the incident's key, where there is but one. `severity` is that above zero; it is
        ``critical`` where somebody other than the owner took or destroyed data, or can still reach it.
        """
        incident, keys = self.case.incident, self.case.incident.access_keys
        about = subject or (Subject(access_key_id=keys[0]) if len(keys) == 1 else Subject())
        confidence = confidence_of(count, scope, inferred=inferred, partly_inferred=partly_inferred)
        status = status_of(count, scope, inferred=inferred)
        if not count:
            sensitive = about.bucket in incident.sensitive_buckets
            severity = "info" if status == "not_observed" else "medium" if sensitive else "low"
        return Finding(
            id=finding_id(self.playbook, question_id, about, incident.window),
            playbook=self.playbook,
            question_id=question_id,
            question=question,
            statement=statement,
            status=status,
            severity=severity,
            actor=actor,
            values=values,
            confidence="low" if doubtful else confidence,
            window=incident.window,
            subject=about,
            evidence=list(evidence),
            limits=limits_of(scope, *limits),
        )


def rows_in(table: str, frame: pd.DataFrame, event_ids: Iterable[object] = ()) -> EvidenceRows:
    """The rows of a table that a statement rests on, with the first events among them."""
    listed = list(dict.fromkeys(item for item in event_ids if isinstance(item, str)))[:EVENT_IDS]
    return EvidenceRows(table=table, rows=len(frame), event_ids=listed or None)


def count_noun(count: int, item: str, many: str | None = None) -> str:
    """A count with its noun: ``1 event``, ``1,200 events``, ``no events``."""
    plural = many or f"{item}s"
    return f"no {plural}" if count == 0 else f"{count:,} {item if count == 1 else plural}"


def byte_size(number: int) -> str:
    """So many bytes, in the unit that suits: ``12 B``, ``1.5 MB``."""
    unit = next((unit for unit in range(5) if abs(number) < 1000 ** (unit + 1)), 5)
    size = number / 1000**unit
    return f"{size:,.{0 if unit == 0 or size >= 100 else 1}f} {('B', 'kB', 'MB', 'GB', 'TB', 'PB')[unit]}"


def join_names(names: Iterable[object], most: int = 4) -> str:
    """Names in a sentence, the first few of them."""
    given = list(dict.fromkeys(map(str, names)))
    shown, rest = given[:most], len(given) - most
    if rest > 0:
        return f"{', '.join(shown)} and {rest:,} more"
    return " and ".join([", ".join(shown[:-1]), *shown[-1:]] if len(shown) > 1 else shown)


def responders_left_out(case: Case, count: int, item: str = "event") -> str:
    """How much of the investigation's own is left out, in a sentence; empty where no responder is named."""
    if not case.incident.responders:
        return ""
    return f"Excluded as the investigation's own ({join_names(case.incident.responders)}): {count_noun(count, item)}."


def actor_of(verdicts: Iterable[str], labels: Iterable[str | None]) -> Actor:
    """Who did it, by the sessions it belongs to? The analyst's label comes before the verdict."""
    judged: dict[str, Actor] = {"new": "intruder", "familiar": "owner"}
    labelled: dict[str, Actor] = {"owner": "owner", "intruder": "intruder"}
    actors = {
        judged.get(verdict, "unknown") if label is None else labelled.get(label, "unknown")
        for verdict, label in zip(verdicts, labels, strict=True)
    }
    return actors.pop() if len(actors) == 1 else "unknown"
