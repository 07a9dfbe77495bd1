"""A small incident with evidence that costs nothing to read, and runs over the notebooks beside this file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ir_kit.incident import Incident, new_incident
from ir_kit.record.runs import RunResult, run_playbooks

NOTEBOOKS = Path(__file__).parent / "notebooks"
SOURCE = "111122223333_CloudTrail.json"
FIELDS = {
    "title": "Leaked <key>",
    "access_keys": ["AKIAIOSFODNN7EXAMPLE"],
    "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
    "sources": {"cloudtrail": ["evidence/cloudtrail"], "access_logs": []},
}
RECORD = {
    "kind": "cloudtrail",
    "source": "evidence/cloudtrail",
    "path": SOURCE,
    "bytes": 2,
    "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",  # of {}
}


class FakeEvidence:
    """One source file of two bytes."""

    def ingest(self, incident: Incident) -> None:
        return None

    def facts(self, incident: Incident) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return [RECORD], {"caller_arn": "arn:aws:iam::111122223333:role/ir", "ignored_files": 1}


@pytest.fixture(scope="session")
def notebooks() -> Path:
    return NOTEBOOKS


@pytest.fixture
def fields() -> dict[str, Any]:
    return FIELDS


@pytest.fixture
def record() -> dict[str, Any]:
    return RECORD


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with one incident in it."""
    folder = tmp_path_factory.mktemp("records") / "runs"
    new_incident(folder, "INC-1", FIELDS)
    source = folder / "INC-1" / "evidence" / "cloudtrail" / SOURCE
    source.parent.mkdir(parents=True)
    source.write_text("{}")
    return folder


@pytest.fixture(scope="module")
def run(runs: Path) -> Callable[..., RunResult]:
    """Runs the playbooks of one situation."""

    def run_situation(situation: str, *playbooks: str, **options: Any) -> RunResult:
        options = {"evidence": FakeEvidence(), "playbooks_dir": NOTEBOOKS / situation, **options}
        return run_playbooks("INC-1", runs, list(playbooks), **options)

    return run_situation
