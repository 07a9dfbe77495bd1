"""The finding record and its JSON Schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from ir_kit import findings
from ir_kit.findings import EvidenceRows, Finding, Subject, finding_id
from ir_kit.incident import Window

SCHEMA_FILE = Path(findings.__file__).parent / "finding.schema.json"

WINDOW = Window(start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 3, 8, tzinfo=UTC))


def finding(**fields: object) -> Finding:
    known: dict[str, object] = {
        "id": "f-1", "playbook": "scoping", "question_id": "key_owner", "question": "Whose?", "statement": "Theirs.",
        "status": "observed", "severity": "info", "actor": None, "values": {"user_name": "legacy", "events": 3}, "confidence": "high",
        "window": WINDOW, "subject": Subject(access_key_id="AKIAIOSFODNN7EXAMPLE"),
        "evidence": [EvidenceRows(table="scoping/key_facts", rows=1)], "limits": [],
    }  # fmt: skip
    return Finding.model_validate(known | fields)


def test_the_schema_that_ships_is_the_models() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Finding.model_json_schema(mode="serialization"),
    }
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == schema


def test_a_line_is_valid_by_the_schema_and_has_its_keys_in_order() -> None:
    line = finding().line()
    content = json.loads(line)
    jsonschema.validate(content, json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    assert list(content) == sorted(content) and "\n" not in line
    assert content["window"] == {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"}
    assert content["subject"] == {"access_key_id": "AKIAIOSFODNN7EXAMPLE"}
    assert content["evidence"] == [{"table": "scoping/key_facts", "rows": 1}]


def test_a_line_has_every_field_of_the_contract() -> None:
    assert set(json.loads(finding().line())) == {
        "id",
        "playbook",
        "question_id",
        "question",
        "statement",
        "status",
        "severity",
        "actor",
        "values",
        "confidence",
        "window",
        "subject",
        "evidence",
        "limits",
    }


@pytest.mark.parametrize(
    "fields", [{"status": "none"}, {"actor": "somebody"}, {"confidence": "certain"}, {"severity": "grave"}, {"more": 1}]
)
def test_another_status_actor_confidence_or_field_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        finding(**fields)


def test_at_most_twenty_event_ids_are_named() -> None:
    with pytest.raises(ValidationError):
        EvidenceRows(table="t", rows=21, event_ids=[str(n) for n in range(21)])


def test_the_id_depends_on_the_question_its_subject_and_window_alone() -> None:
    subject = Subject(access_key_id="AKIAIOSFODNN7EXAMPLE")
    one = finding_id("scoping", "key_owner", subject, WINDOW)
    assert one == finding_id("scoping", "key_owner", subject, WINDOW)
    others = [
        finding_id("scoping", "key_last_used", subject, WINDOW), finding_id("scoping", "key_owner", Subject(), WINDOW),
        finding_id("scoping", "key_owner", subject, Window(start=WINDOW.start, end=datetime(2026, 3, 9, tzinfo=UTC))),
    ]  # fmt: skip
    assert len({one, *others}) == 4
