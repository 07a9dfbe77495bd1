"""Configuration answers: JSON lines, one per AWS API call that was made, to rows of the view ``settings``.

A refused call is a row with the answer ``unknown``; an error that says "nothing is configured" is the answer ``absent``. They are never
the same thing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ir_kit.ingest.loading import Loaded, Task
from ir_kit.ingest.reading import read_file
from ir_kit.ingest.redaction import redacted

# errors that answer the question: this setting does not exist
ABSENT = ("NoSuch", "NotFound", "DoesNotExist", "NotExists")


def answer_of(error_code: str | None) -> str:
    """Does this error answer the question (``absent``) or leave it open (``unknown``)?"""
    if error_code is None:
        return "answered"
    return "absent" if any(word in error_code for word in ABSENT) else "unknown"


def setting_of(line: str) -> dict[str, Any] | str:
    """Which call and which answer does this line record? A dict by column names, or why it cannot be read."""
    try:
        call = json.loads(line, strict=False)
    except (ValueError, RecursionError) as fault:
        return f"not JSON: {fault}"
    if (
        not isinstance(call, dict)
        or not isinstance(call.get("service"), str)
        or not isinstance(call.get("operation"), str)
    ):
        return "not a configuration answer: no service and operation"
    error = call.get("error")
    if error is not None and not isinstance(error, dict):
        return "not a configuration answer: error is no object"
    if error is None and "response" not in call:
        return "not a configuration answer: neither response nor error"
    try:
        moment = datetime.fromisoformat(str(call.get("collected_at")))
    except ValueError:
        return "collected_at is missing or is no time"
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    error_code = str(error.get("Code") or "Unknown") if error is not None else None
    return {
        "collected_at": moment.replace(tzinfo=None),
        "account_id": _text(call.get("account")),
        "aws_region": _text(call.get("region")),
        "service": call["service"],
        "operation": call["operation"],
        "parameters": _json(call.get("parameters") or {}),
        "response": None if error is not None else _json(call.get("response")),
        "answer": answer_of(error_code),
        "error_code": error_code,
        "error_message": _text(error.get("Message")) if error is not None else None,
    }


def settings_of(task: Task, loaded: Loaded) -> Iterator[dict[str, Any]]:
    """The rows of one configuration file; what cannot be read becomes rejects, and the file's facts go to ``loaded``."""
    facts: dict[str, Any] = {"sha256": None, "state": "read", "damage": None}
    loaded.sources[task.source_id] = facts
    try:
        content = read_file(task.location)
    except OSError as error:
        facts["damage"] = f"cannot be read: {error.strerror}"
        loaded.reject(task.source_id, 0, facts["damage"], 0, "")
        return
    facts["sha256"] = content.sha256
    for number, line in enumerate(content.data.decode("utf-8", errors="replace").split("\n"), start=1):
        if not line.strip():
            continue
        answer = setting_of(line)
        if isinstance(answer, str):
            loaded.reject(task.source_id, number, answer, len(line.encode()), line)
        else:
            yield {**answer, "source_file": task.name, "line_number": number, "source_id": task.source_id}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _json(value: Any) -> str:
    # a digest's signature is evidence, not a secret
    keep = value.get("Metadata") if isinstance(value, dict) else None
    shown = redacted(value)
    if keep is not None:
        shown["Metadata"] = keep
    text = json.dumps(shown, ensure_ascii=False, sort_keys=True)
    return text.encode("utf-8", errors="replace").decode("utf-8")
