"""The finding: what a stakeholder reads, with its status, severity, confidence and what would make it wrong.

The record (its JSON Schema ships beside this file), the rules of status, severity and confidence, and the builder with
the words that all playbooks share. Decided here and nowhere else: a zero is ``not_observed`` only where the question's
whole scope was logged, else ``not_knowable``; above zero a finding is ``observed`` where rows show it and ``inferred``
where it is reasoned from rows, and its limits name the part of the scope that was not logged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from ir_kit.case import Case

SCHEMA_FILE = Path(__file__).parent / "finding.schema.json"
EVENT_IDS = 20

Status = Literal["observed", "inferred", "not_observed", "not_knowable"]
Confidence = Literal["high", "medium", "low"]
Severity = Literal["critical", "high", "medium", "low", "info"]
Actor = Literal["intruder", "owner", "unknown"]
Value = str | int | float | bool | None
Time = Annotated[
    datetime,
    PlainSerializer(lambda time: time.astimezone(UTC).isoformat().replace("+00:00", "Z"), when_used="json"),
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(_Model):
    """The half-open stretch of time that a statement speaks of."""

    start: Time
    end: Time


class Subject(_Model):
    """Whom or what a statement is about; what is not given is not narrowed."""

    access_key_id: str | None = None
    principal_arn: str | None = None
    bucket: str | None = None
    record_class: str | None = None

    def named(self) -> dict[str, str]:
        """The parts that are given."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class EvidenceRows(_Model):
    """Rows of a result table that a statement rests on."""

    table: str
    rows: int = Field(ge=0)
    event_ids: Annotated[list[str], Field(max_length=EVENT_IDS)] | None = None
    request_ids: Annotated[list[str], Field(max_length=EVENT_IDS)] | None = None


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
        content: dict[str, Any] = self.model_dump(mode="json")
        content["subject"] = self.subject.named()
        content["evidence"] = [
            {name: value for name, value in rows.items() if value is not None} for rows in content["evidence"]
        ]
        return json.dumps(content, ensure_ascii=False, sort_keys=True)


def finding_id(playbook: str, question_id: str, subject: Subject, window: Window) -> str:
    """An id that is the same for the same question about the same subject and window, whatever the answer is."""
    content = [playbook, question_id, subject.named(), window.model_dump(mode="json")]
    return "f-" + hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def schema() -> dict[str, Any]:
    """The JSON Schema of a finding, as it ships in ``finding.schema.json``."""
    results: dict[str, Any] = Finding.model_json_schema(mode="serialization")
    # what is not given is left out of a line, so nothing of a subject or of evidence but its table and rows is required
    for name in ("Subject", "EvidenceRows"):
        definition = results["$defs"][name]
        definition["required"] = [item for item in definition.get("required", []) if item in ("table", "rows")]
        if not definition["required"]:
            del definition["required"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **results}


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

    Parameters
    ----------
    whole : bool or None
        True: all of it, as configuration and delivered files show. False: a part is known to be missing. None: not
        looked into.
    blind : str
        The part that was blind or was not looked into, in a sentence; empty where the whole scope was logged.
    access_logs_only : bool
        Whether a part was covered by access logs alone, which are delivered on a best-effort basis.
    unsure : bool
        Whether something beside the scope was blind that bears on it, so that a zero is not sure.
    """

    whole: bool | None
    blind: str = ""
    access_logs_only: bool = False
    unsure: bool = False


CONFIGURATION = Scope(True)
"""What AWS answered when it was asked: nothing had to be logged for it."""

_ORDER: tuple[Confidence, ...] = ("low", "medium", "high")


def status_of(count: int, scope: Scope, *, inferred: bool = False) -> Status:
    """Which status has a finding?

    Parameters
    ----------
    count : int
        What was found.
    scope : Scope
    inferred : bool
        Whether what was found is reasoned from rows and not shown by them.
    """
    if count > 0:
        return "inferred" if inferred else "observed"
    return "not_observed" if scope.whole is True else "not_knowable"


def confidence_of(count: int, scope: Scope, *, inferred: bool = False, partly_inferred: bool = False) -> Confidence:
    """How sure is a finding?

    Notes
    -----
    What rows show is ``high``, what is reasoned from them ``medium``, a count of both ``medium``. A zero is ``high``
    over a scope that was logged whole, ``low`` where that is not known or not so. Where access logs alone covered a
    part, or a zero is unsure for what lies beside its scope, ``medium`` at most.
    """
    confidence: Confidence = "medium" if inferred or partly_inferred else "high"
    if count == 0:
        confidence = "high" if scope.whole is True else "low"
    capped = scope.access_logs_only or (scope.unsure and count == 0)
    return at_most(confidence, "medium") if capped else confidence


def at_most(confidence: Confidence, limit: Confidence) -> Confidence:
    """The lesser of two confidences."""
    return min(confidence, limit, key=_ORDER.index)


def severity_of(count: int, status: Status, severity: Severity, *, sensitive: bool = False) -> Severity:
    """How much does a finding matter?

    Parameters
    ----------
    count : int
        What was found.
    status : Status
    severity : Severity
        What it is above zero. ``critical``: data was taken, was destroyed or can still be taken, or access remains in
        effect, by acts that are not the owner's.
    sensitive : bool
        Whether it speaks of a bucket that the incident names as sensitive.
    """
    if count:
        return severity
    return "info" if status == "not_observed" else "medium" if sensitive else "low"


def limits_of(scope: Scope, *more: str) -> list[str]:
    """The limits of a finding: what was blind, then what else; none twice, none empty."""
    return list(dict.fromkeys(text for text in (scope.blind, *more) if text))


@dataclass(frozen=True)
class FindingBuilder:
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
        """One finding; `count` decides between something and nothing, `scope` what nothing means."""
        about = self.keys if subject is None else subject
        confidence = confidence_of(count, scope, inferred=inferred, partly_inferred=partly_inferred)
        status = status_of(count, scope, inferred=inferred)
        sensitive = about.bucket is not None and about.bucket in self.case.incident.sensitive_buckets
        return Finding(
            id=finding_id(self.playbook, question_id, about, self.window),
            playbook=self.playbook,
            question_id=question_id,
            question=question,
            statement=statement,
            status=status,
            severity=severity_of(count, status, severity, sensitive=sensitive),
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
    ids = [str(item) for item in event_ids if isinstance(item, str)]
    listed = list(dict.fromkeys(ids))[:EVENT_IDS]
    return EvidenceRows(table=table, rows=len(frame), event_ids=listed or None)


def count_noun(count: int, item: str, many: str | None = None) -> str:
    """A count with its noun: ``1 event``, ``1,200 events``, ``no events``."""
    plural = many or f"{item}s"
    return f"no {plural}" if count == 0 else f"{count:,} {item if count == 1 else plural}"


def join_names(names: Iterable[object], most: int = 4) -> str:
    """Names in a sentence, the first few of them."""
    given = [str(name) for name in dict.fromkeys(names)]
    shown = given[:most]
    rest = len(given) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def responders_left_out(case: Case, count: int, item: str = "event") -> str:
    """The sentence that says what was left out as the investigation's own; empty where no responder is named."""
    if not case.incident.responders:
        return ""
    return f"Left out as the investigation's own ({join_names(case.incident.responders)}): {count_noun(count, item)}."


def actor_of(verdicts: Iterable[str], labels: Iterable[str | None]) -> Actor:
    """Whose acts are these, going by the sessions that hold them? The analyst's label comes before the verdict."""
    results: set[Actor] = set()
    for verdict, label in zip(verdicts, labels, strict=True):
        if label in ("owner", "intruder"):
            results.add("owner" if label == "owner" else "intruder")
        elif label is None:
            results.add({"new": "intruder", "familiar": "owner"}.get(verdict, "unknown"))  # type: ignore[arg-type]
        else:
            results.add("unknown")
    return results.pop() if len(results) == 1 else "unknown"
