"""The finding record: one JSON object a line in ``findings.jsonl``. Its JSON Schema ships beside this file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from ir_kit.case import Case

SCHEMA_FILE = Path(__file__).parent / "finding.schema.json"
EVENT_IDS = 20

Status = Literal["observed", "inferred", "not_observed", "not_knowable"]
Confidence = Literal["high", "medium", "low"]
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
    actor: Literal["intruder", "owner", "unknown"] | None
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
    found: dict[str, Any] = Finding.model_json_schema(mode="serialization")
    # what is not given is left out of a line, so nothing of a subject or of evidence but its table and rows is required
    for name in ("Subject", "EvidenceRows"):
        definition = found["$defs"][name]
        definition["required"] = [one for one in definition.get("required", []) if one in ("table", "rows")]
        if not definition["required"]:
            del definition["required"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def write_findings(case: Case, playbook: str, findings: Iterable[Finding]) -> list[Finding]:
    """Write a playbook's findings to the case's staging folder, in their order; give them back."""
    listed = list(findings)
    path = case.staging / "findings" / f"{playbook}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(finding.line() + "\n" for finding in listed), encoding="utf-8")
    return listed
