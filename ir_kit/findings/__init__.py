"""Findings: what a stakeholder may read, each with its status, its confidence and what would make it wrong.

`model` is the record, `status` the rules of status and confidence (the only place where they are decided),
``of_PLAYBOOK`` the questions.
"""

from __future__ import annotations

from ir_kit.findings.model import Confidence, EvidenceRows, Finding, Status, Subject, Window, schema
from ir_kit.findings.of_key_activity import key_activity
from ir_kit.findings.of_scoping import scoping

__all__ = [
    "Confidence",
    "EvidenceRows",
    "Finding",
    "Status",
    "Subject",
    "Window",
    "key_activity",
    "schema",
    "scoping",
]
