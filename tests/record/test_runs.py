from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ir_kit.errors import EvidenceError, IncidentError, IrKitError, ParameterError
from ir_kit.record.runs import run_playbooks


def left_in(runs: Path) -> list[str]:
    return sorted(path.name for path in (runs / "INC-1").iterdir() if path.name.startswith("."))


class NoKernel:
    """Evidence that must not be asked: everything before it was to fail."""

    def ingest(self, incident):
        raise AssertionError("the run was started")


@pytest.mark.parametrize(
    ("situation", "options", "error"),
    [
        ("own_parameter", {"parameters": {"limt": 9}}, "Unknown parameter 'limt'"),
        ("own_parameter", {"parameters": {"limit": "nine"}}, "give int"),
        ("no_parameters_cell", {}, "no cell tagged 'parameters'"),
        ("no_such_situation", {}, "No playbooks"),
    ],
)
def test_a_wrong_parameter_stops_before_anything_is_started(run, runs, situation, options, error):
    with pytest.raises(ParameterError, match=error):
        run(situation, evidence=NoKernel(), **options)
    assert left_in(runs) == []


def test_an_unknown_playbook_is_refused_and_the_known_ones_are_named(run):
    with pytest.raises(ParameterError, match="choose from: first, broken, third"):
        run("one_fails_among_three", "fourth", evidence=NoKernel())


def test_an_unknown_incident_is_refused(tmp_path, notebooks):
    with pytest.raises(IncidentError):
        run_playbooks("INC-2", tmp_path, playbooks_dir=notebooks / "own_parameter", evidence=NoKernel())


class Failing:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def ingest(self, incident):
        raise self.error


@pytest.mark.parametrize(
    ("raised", "expected", "text"),
    [
        (EvidenceError("no source"), EvidenceError, "no source"),
        (OSError(errno.ENOSPC, "No space left on device"), IrKitError, "The disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), IrKitError, r"Read-only file system\): /x"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
def test_a_run_that_ends_early_leaves_nothing(run, runs, raised, expected, text):
    before = sorted((runs / "INC-1").iterdir())
    with pytest.raises(expected, match=text):
        run("own_parameter", evidence=Failing(raised))
    assert sorted((runs / "INC-1").iterdir()) == before
