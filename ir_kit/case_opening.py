"""Opening an incident: its file is validated, what is new in its sources is loaded, and a case stands for it."""

from __future__ import annotations

import os
from pathlib import Path

from ir_kit.case import Case
from ir_kit.incident import load_incident
from ir_kit.ingest.loader import ingest

STAGING = "IR_KIT_STAGING"
DEFAULT_INCIDENT = "demo"


def open_case(incident: str, runs: str = "runs") -> Case:
    """Open the incident of ``RUNS/INCIDENT/incident.yaml``: validate its file and load what is new in its sources.

    Returns
    -------
    Case
        Answers go to the run that is being made, or to ``RUNS/INCIDENT/draft`` where a notebook is run by itself.

    Raises
    ------
    IncidentError, EvidenceError

    Notes
    -----
    A notebook's own defaults stand for what `ir-kit lab` was opened with; anything else means what it says.
    """
    staging = os.environ.get(STAGING)
    if staging is None:
        if not Path(runs).is_absolute() and not Path(runs).is_dir():
            above = Path("..") / runs  # JupyterLab works in playbooks/
            runs = os.environ.get("IR_KIT_RUNS") or (str(above) if above.is_dir() else runs)
        if incident == DEFAULT_INCIDENT:
            incident = os.environ.get("IR_KIT_INCIDENT", incident)
    opened = load_incident(incident, runs)
    if staging is None:
        ingest(opened)
    case = Case(opened, Path(staging) if staging else opened.folder / "draft")
    case.staging.mkdir(parents=True, exist_ok=True)
    return case
