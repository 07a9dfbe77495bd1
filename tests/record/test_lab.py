"""Working copies of the playbooks: they follow their originals, and nobody's edits are written over."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from ir_kit.errors import IncidentError, ParameterError
from ir_kit.record.lab import SETTINGS, lab_command, lab_environment, open_lab, working_copies

PARAMETERS = 'incident: str = "demo"  # the incident\nruns: str = "runs"  # the folder'


def notebook(source: str, outputs: list[object] | None = None) -> str:
    cells = [
        {"cell_type": "code", "id": "parameters", "metadata": {"tags": ["parameters"]}, "source": PARAMETERS},
        {"cell_type": "code", "id": "ask", "metadata": {}, "source": source, "outputs": outputs or []},
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "playbooks" / "01_scoping.ipynb"
    path.parent.mkdir()
    path.write_text(notebook("first"))
    return path


@pytest.fixture
def copy(tmp_path: Path, original: Path) -> Path:
    """The working copy, as it was made."""
    assert working_copies([original], tmp_path / "lab", "INC-1") == []
    return tmp_path / "lab" / original.name


def test_a_copy_names_the_incident_in_its_parameters(copy: Path) -> None:
    source = "".join(json.loads(copy.read_text())["cells"][0]["source"])
    assert source == PARAMETERS.replace("demo", "INC-1")


def test_the_original_is_left_as_it_was(original: Path, copy: Path) -> None:
    assert original.read_text() == notebook("first")


def test_outputs_are_no_edit_and_stay(original: Path, copy: Path) -> None:
    ran = json.loads(copy.read_text())
    ran["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "seen"}]
    copy.write_text(json.dumps(ran))
    assert working_copies([original], copy.parent, "INC-1") == []
    assert "seen" in copy.read_text()


def test_an_untouched_copy_follows_its_original(original: Path, copy: Path) -> None:
    original.write_text(notebook("second"))
    assert working_copies([original], copy.parent, "INC-1") == []
    assert "second" in copy.read_text()


def test_a_copy_that_somebody_edited_stays_and_the_new_original_lies_beside_it(original: Path, copy: Path) -> None:
    copy.write_text(copy.read_text().replace("first", "mine"))
    original.write_text(notebook("second"))
    (note,) = working_copies([original], copy.parent, "INC-1")
    assert "mine" in copy.read_text()
    beside = copy.with_name(re.findall(r"\S+\.ipynb", note)[-1])
    assert beside != copy and "second" in beside.read_text()


def test_edits_alone_are_no_news(original: Path, copy: Path) -> None:
    copy.write_text(copy.read_text().replace("first", "mine"))
    assert working_copies([original], copy.parent, "INC-1") == []
    assert "mine" in copy.read_text()
    assert [path.name for path in copy.parent.glob("*.ipynb")] == [copy.name]


def test_a_copy_that_is_no_notebook_any_more_is_not_written_over(original: Path, copy: Path) -> None:
    copy.write_text("torn")
    original.write_text(notebook("second"))
    assert len(working_copies([original], copy.parent, "INC-1")) == 1
    assert copy.read_text() == "torn"


def test_a_copy_that_was_removed_comes_back(original: Path, copy: Path) -> None:
    copy.unlink()
    working_copies([original], copy.parent, "INC-1")
    assert copy.is_file()


def test_jupyterlab_asks_nobody_for_news_and_keeps_no_widgets_state() -> None:
    settings = json.loads((SETTINGS / "labconfig" / "default_setting_overrides.json").read_text())
    assert settings["@jupyterlab/apputils-extension:notification"] == {"checkForUpdates": False, "fetchNews": "false"}
    assert settings["@jupyter-widgets/jupyterlab-manager:plugin"] == {"saveState": False}


def test_the_users_own_configuration_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/etc/own")
    environment = lab_environment(Path("runs"), "INC-1")
    assert environment["JUPYTER_CONFIG_PATH"] == f"{SETTINGS}{os.pathsep}/etc/own"
    assert environment["IR_KIT_INCIDENT"] == "INC-1"
    assert Path(environment["IR_KIT_RUNS"]).is_absolute()


def test_the_first_playbook_is_open(tmp_path: Path) -> None:
    command = lab_command(tmp_path, "00_evidence.ipynb")
    assert "--LabApp.default_url=/lab/tree/00_evidence.ipynb" in command
    assert command[-1] == str(tmp_path)


def test_without_playbooks_or_incident_nothing_is_opened(tmp_path: Path, original: Path) -> None:
    with pytest.raises(ParameterError, match="No playbooks"):
        open_lab(tmp_path, "", tmp_path / "absent")
    with pytest.raises(IncidentError):
        open_lab(tmp_path, "INC-9", original.parent)
