"""Findings: what a stakeholder may read, each with its status, its confidence and what would make it wrong.

`model` is the record, `status` the rules of status and confidence (the only place where they are decided), `seen` what
the evidence could see, from which they take what a zero means,
``of_PLAYBOOK`` the questions.
"""

from __future__ import annotations

from ir_kit.findings.model import Confidence, EvidenceRows, Finding, Status, Subject, Window, schema
from ir_kit.findings.of_bucket_exposure import bucket_exposure
from ir_kit.findings.of_key_activity import key_activity
from ir_kit.findings.of_logging_gaps import logging_gaps
from ir_kit.findings.of_object_access import object_access
from ir_kit.findings.of_scoping import scoping

__all__ = [
    "Confidence",
    "EvidenceRows",
    "Finding",
    "Status",
    "Subject",
    "Window",
    "bucket_exposure",
    "key_activity",
    "logging_gaps",
    "object_access",
    "schema",
    "scoping",
]
