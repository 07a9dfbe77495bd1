"""JupyterLab on working copies of the playbooks, so that what is tried there never changes the stored ones.

The copies lie beside the incident file, in ``lab/``. One that nobody edited follows its original; one that somebody did
stays as it is, and a changed original is put beside it. JupyterLab is told to ask nobody for news and to keep no
widget's state in a notebook.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ir_kit.errors import ParameterError
from ir_kit.incident import load_incident

__all__ = ["lab_command", "lab_environment", "open_lab", "working_copies"]

NOBODYS = ".lab"  # where no incident is named; none can have that name
ORIGINALS = ".originals.json"
SETTINGS = Path(__file__).with_name("jupyter")
_INCIDENT = re.compile(r'(?m)^(incident: str = )"[^"\n]*"')


def open_lab(runs: Path, incident: str, playbooks: Path) -> tuple[list[str], subprocess.Popen[bytes]]:
    """Open JupyterLab with this incident chosen; what is to be said of the working copies, and the server.

    Parameters
    ----------
    runs : Path
        The folder of all incidents.
    incident : str
        The incident's name; empty for none.
    playbooks : Path
        Where the stored playbooks lie.

    Raises
    ------
    IncidentError, ParameterError
        There is no such incident, or no playbook.
    """
    name = load_incident(incident, runs).incident if incident else ""
    stored = sorted(playbooks.glob("[0-9]*.ipynb"))
    if not stored:
        raise ParameterError("no playbooks", playbooks, "work from a checkout of ir-kit")
    folder = runs / name / "lab" if name else runs / NOBODYS
    said = working_copies(stored, folder, name)
    return said, subprocess.Popen(lab_command(folder, stored[0].name), env=lab_environment(runs, name))


def lab_command(folder: Path, first: str) -> list[str]:
    """The command that opens JupyterLab on this folder, with this notebook open."""
    # JupyterLab asks its makers for news and newer versions unless told not to; nothing here calls out
    quiet = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    opened = f"--LabApp.default_url=/lab/tree/{first}"
    return [sys.executable, "-m", "jupyterlab", *quiet, opened, str(folder.absolute())]


def lab_environment(runs: Path, incident: str) -> dict[str, str]:
    """The environment of the server and its kernels: the folder of all incidents, the incident, the settings."""
    config = os.pathsep.join(filter(None, [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")]))
    environment = {**os.environ, "IR_KIT_RUNS": str(runs.absolute()), "JUPYTER_CONFIG_PATH": config}
    return {**environment, "IR_KIT_INCIDENT": incident} if incident else environment


def working_copies(originals: Sequence[Path], folder: Path, incident: str) -> list[str]:
    """Bring the working copies in step with their originals; in sentences, what could not be brought in step.

    Parameters
    ----------
    originals : sequence of Path
    folder : Path
        Where the copies lie.
    incident : str
        What the copies' parameter `incident` says; as in the original where it is empty.

    Returns
    -------
    list of str
        One per copy that has edits while its original has changed: the new original lies beside it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / ORIGINALS
    known: dict[str, str] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    said = []
    for original in originals:
        text = _with_incident(original.read_text(encoding="utf-8"), incident)
        copy, content = folder / original.name, _content(text)
        mine = _content(copy.read_text(encoding="utf-8")) if copy.is_file() else None
        if mine in (None, known.get(original.name)) and mine != content:
            _write(copy, text)
        elif mine not in (None, content) and known.get(original.name) != content:
            beside = copy.with_name(f"{copy.stem}.{content[:8]}.ipynb")
            _write(beside, text)
            said.append(f"{copy.name} has edits of its own, and its original has changed: that is {beside.name}")
        known[original.name] = content
    _write(record, json.dumps(known, indent=1, sort_keys=True))
    return said


def _with_incident(text: str, incident: str) -> str:
    """The notebook with this incident in its parameters cell."""
    if not incident:
        return text
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            source = _INCIDENT.sub(lambda found: f'{found[1]}"{incident}"', "".join(cell["source"]))
            cell["source"] = source.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _content(text: str) -> str:
    """A hash of what somebody wrote in a notebook: its cells without their outputs; of the text where it is none."""
    try:
        cells: list[Mapping[str, Any]] = json.loads(text)["cells"]
        written: Any = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    except (ValueError, KeyError, TypeError):
        written = text
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
