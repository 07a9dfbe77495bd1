"""Which playbooks are there, and how did each of them end?"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from ir_kit.errors import ParameterError, one_line
from ir_kit.record.markup import without_escapes

__all__ = ["CELL_TIMEOUT", "Outcome", "execute_playbook", "execute_playbooks", "find_playbooks", "playbook_name"]

CELL_TIMEOUT = 1800
_MOST_KERNELS = 2


@dataclass(frozen=True)
class Outcome:
    """How one playbook ended: ``completed``, or ``failed`` with its error in one line."""

    playbook: str
    notebook: str
    outcome: str
    seconds: float
    error: str | None
    parameters: Mapping[str, Any]


def playbook_name(notebook: Path | str) -> str:
    """What is the playbook called that is stored as ``NN_name.ipynb``?"""
    stem = Path(notebook).stem
    number, _, name = stem.partition("_")
    return name if number.isdigit() and name else stem


def find_playbooks(folder: Path, wanted: Sequence[str] | None = None) -> list[Path]:
    """Which notebooks are to be run, in the order of their numbers?

    Parameters
    ----------
    folder : Path
        Where the playbooks are stored.
    wanted : sequence of str, optional
        ``scoping``, ``01_scoping`` or ``01_scoping.ipynb``; all of the folder where it is None or empty.

    Raises
    ------
    ParameterError
        There is no such playbook, or none at all.
    """
    stored = sorted(folder.glob("[0-9]*.ipynb"))
    if not stored:
        raise ParameterError("No playbooks", folder, "run from a checkout, or name their folder")
    if not wanted:
        return stored
    chosen = set()
    for name in wanted:
        found = [path for path in stored if name in (path.name, path.stem, playbook_name(path))]
        if not found:
            known = ", ".join(playbook_name(path) for path in stored)
            raise ParameterError(f"No playbook {name!r}", folder, f"choose from: {known}")
        chosen.update(found)
    return sorted(chosen)


def execute_playbooks(
    jobs: Sequence[tuple[Path, Mapping[str, Any], Mapping[str, Any]]],
    staging: Path,
    *,
    cell_timeout: int = CELL_TIMEOUT,
    done: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """How did each of these playbooks end? They run two at a time where there are the cores.

    Parameters
    ----------
    jobs : sequence of (notebook, given, effective)
        The stored notebook, the parameters that the run sets, and all values it then has.
    staging : Path
        The run's data folder; executed notebooks go below ``notebooks/``.
    cell_timeout : int
        Seconds that one cell may take.
    done : callable
        Told of each outcome as it comes, in the thread that ran the playbook.

    Returns
    -------
    list of Outcome
        One per job, in the order of `jobs`.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cancelled = threading.Event()

    def run(job: tuple[Path, Mapping[str, Any], Mapping[str, Any]]) -> Outcome:
        outcome = execute_playbook(*job, staging=staging, cell_timeout=cell_timeout, cancelled=cancelled)
        if not cancelled.is_set():
            done(outcome)
        return outcome

    with ThreadPoolExecutor(max_workers=max(1, min(_MOST_KERNELS, cores, len(jobs)))) as pool:
        futures = [pool.submit(run, job) for job in jobs]
        try:
            return [future.result() for future in futures]
        except BaseException:
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def execute_playbook(
    notebook: Path,
    given: Mapping[str, Any],
    effective: Mapping[str, Any],
    *,
    staging: Path,
    cell_timeout: int = CELL_TIMEOUT,
    cancelled: threading.Event | None = None,
) -> Outcome:
    """How did this playbook end? Its notebook is kept below ``staging/notebooks`` either way, the error in it."""
    # papermill takes seconds to import: a wrong parameter is told of before
    from papermill import execute_notebook

    from ir_kit.record.notebook_engine import ENGINE_NAME, file_name

    kept = staging / "notebooks" / notebook.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    began = monotonic()
    error: str | None = None
    try:
        execute_notebook(
            file_name(notebook),
            file_name(kept),
            parameters=dict(given),
            engine_name=ENGINE_NAME,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            execution_timeout=cell_timeout,
            environment={"IR_KIT_STAGING": str(staging.absolute())},
            cancelled=cancelled,
        )
    except Exception as failure:
        name = type(failure).__name__
        if name == "CellTimeoutError":
            error = f"a cell ran longer than {cell_timeout} s and was stopped"
        elif isinstance(failure, OSError):
            raise  # the run folder cannot be written: no playbook's fault
        elif name == "PapermillExecutionError":
            error = f"{getattr(failure, 'ename', '')}: {getattr(failure, 'evalue', '')}"
        else:
            error = f"{name}: {failure}"
        error = one_line(without_escapes(error), 500)
    seconds = round(monotonic() - began, 3)
    _tidy(kept, notebook, error)
    return Outcome(
        playbook_name(notebook), notebook.name, "failed" if error else "completed", seconds, error, dict(effective)
    )


def _tidy(kept: Path, notebook: Path, error: str | None) -> None:
    """Leave a readable notebook with relative names in it and, where it failed, with the error."""
    try:
        executed = json.loads(kept.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        executed = json.loads(notebook.read_text(encoding="utf-8"))
    record = executed["metadata"].setdefault("papermill", {})
    record["input_path"] = record["output_path"] = notebook.name
    if error:
        record["exception"] = True
        code = [cell for cell in executed["cells"] if cell["cell_type"] == "code"]
        if code and not any(output["output_type"] == "error" for cell in code for output in cell["outputs"]):
            failure = {"output_type": "error", "ename": "Error", "evalue": error, "traceback": [error]}
            code[0]["outputs"].append(failure)
    text = json.dumps(executed, ensure_ascii=False, indent=1, sort_keys=True)
    kept.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
