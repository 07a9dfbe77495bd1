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
from collections.abc import Sequence
from pathlib import Path

from ir_kit.incident import load_incident
from ir_kit.record.playbooks import find_playbooks

SETTINGS = Path(__file__).with_name("jupyter")


def open_lab(runs: Path, incident: str, playbooks: Path) -> tuple[list[str], subprocess.Popen[bytes]]:
    """Open JupyterLab with this incident (none where it is empty): notes on the working copies, and the server.

    Raises
    ------
    IncidentError, ParameterError
        There is no such incident, or no playbook.
    """
    name = load_incident(incident, runs).incident if incident else ""
    stored = find_playbooks(playbooks)
    folder = runs / name / "lab" if name else runs / ".lab"  # no incident can have that name
    notes = working_copies(stored, folder, name)
    return notes, subprocess.Popen(lab_command(folder, stored[0].name), env=lab_environment(runs, name))


def lab_command(folder: Path, first: str) -> list[str]:
    """The command that opens JupyterLab on this folder, with this notebook open."""
    # JupyterLab asks its makers for news and newer versions unless told not to; nothing here calls out
    quiet = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command = [sys.executable, "-m", "jupyterlab", *quiet, f"--LabApp.default_url=/lab/tree/{first}"]
    return [*command, str(folder.absolute())]


def lab_environment(runs: Path, incident: str) -> dict[str, str]:
    """The environment of the server and its kernels: the folder of all incidents, the incident, the settings."""
    config = os.pathsep.join(filter(None, [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")]))
    environment = {**os.environ, "IR_KIT_RUNS": str(runs.absolute()), "JUPYTER_CONFIG_PATH": config}
    return {**environment, "IR_KIT_INCIDENT": incident} if incident else environment


def working_copies(originals: Sequence[Path], folder: Path, incident: str) -> list[str]:
    """Bring the working copies in step with their originals; one sentence per copy that could not be.

    That is a copy with edits whose original has changed: the new original lies beside it. Each copy's parameter
    `incident` says this incident; what the original says, where it is empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / ".originals.json"
    digests: dict[str, str] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    notes = []
    for original in originals:
        notebook = json.loads(original.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if incident and "parameters" in cell["metadata"].get("tags", []):
                line = rf'\g<1>"{incident}"'
                cell["source"] = re.sub(r'(?m)^(incident: str = )"[^"\n]*"', line, "".join(cell["source"]))
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        copy, before, digest = folder / original.name, digests.get(original.name), source_digest(text)
        current = source_digest(copy.read_text(encoding="utf-8")) if copy.is_file() else None
        if current is None or current == before != digest:
            copy.write_text(text, encoding="utf-8")
        elif digest not in (current, before):
            beside = copy.with_name(f"{copy.stem}.{digest[:8]}.ipynb")
            beside.write_text(text, encoding="utf-8")
            notes.append(f"{copy.name} has edits of its own, and its original has changed: that is {beside.name}")
        digests[original.name] = digest
    partial = record.with_suffix(".partial")
    partial.write_text(json.dumps(digests, indent=1, sort_keys=True), encoding="utf-8")
    os.replace(partial, record)
    return notes


def source_digest(text: str) -> str:
    """A hash of what somebody wrote in a notebook: its cells without their outputs; of the text where it is none."""
    try:
        text = json.dumps([[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(text)["cells"]])
    except (ValueError, KeyError, TypeError):
        text = json.dumps(text)
    return hashlib.sha256(text.encode()).hexdigest()
