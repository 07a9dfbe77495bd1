"""How is a playbook executed without hanging, and without anything that happens to be installed on the machine?

By papermill, and differently from its own engine in five things: the kernel is the running interpreter whatever
kernelspecs are installed; the wait for the kernel's reply is cut into slices, since a reply is otherwise lost now and
then and the run waits for ever; every cell has a time limit, and a cell that passed it says so in the notebook; widgets
capture no output and leave no state; and papermill's `execute_notebook` is not used, since it changes the whole process's
working folder as it writes, and a kernel that another thread starts at that moment begins there. The kernel is spoken to
over sockets in a private folder, not over ports.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager
from papermill.exceptions import PapermillExecutionError
from papermill.execute import raise_for_execution_errors
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from ir_kit.errors import one_line
from ir_kit.record.markup import without_escapes
from ir_kit.record.playbooks import check_parameters, playbook_name

CELL_TIMEOUT = 1800
SLICE_SECONDS = 0.25
LONGEST_SOCKET_FOLDER = 85  # a socket's path has 104 characters on macOS, 108 on Linux

logging.getLogger("papermill").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Outcome:
    """How one playbook ended: ``completed``, or ``failed`` with its error in one line."""

    playbook: str
    notebook: str
    outcome: str
    seconds: float
    error: str | None
    parameters: Mapping[str, Any]


def execute_playbooks(
    jobs: Mapping[Path, Mapping[str, Any]],
    staging: Path,
    *,
    cell_timeout: int = CELL_TIMEOUT,
    done: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """How did each of these playbooks end? They run two at a time where there are the cores.

    Parameters
    ----------
    jobs : mapping of Path to mapping
        What the run gives to each stored notebook.
    staging : Path
        The run's data folder; executed notebooks go below ``notebooks/``.
    cell_timeout : int
        Seconds that one cell may take.
    done : callable
        Called with each outcome as it comes, in the thread that ran the playbook.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cancelled = threading.Event()

    def run(notebook: Path) -> Outcome:
        outcome = execute_playbook(notebook, jobs[notebook], staging, cell_timeout=cell_timeout, cancelled=cancelled)
        if not cancelled.is_set():
            done(outcome)
        return outcome

    with ThreadPoolExecutor(max_workers=min(2, cores)) as pool:
        try:
            return list(pool.map(run, jobs))
        except BaseException:
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def execute_playbook(
    notebook: Path,
    given: Mapping[str, Any],
    staging: Path,
    *,
    cell_timeout: int = CELL_TIMEOUT,
    cancelled: threading.Event | None = None,
) -> Outcome:
    """How did this playbook end? Its notebook is written below ``staging/notebooks`` either way, the error in it."""
    began = monotonic()
    document = load_notebook_node(str(notebook))
    document = parameterize_notebook(document, dict(given), kernel_name="python3", language="python")
    error = None
    try:
        environment = {"IR_KIT_STAGING": str(staging.absolute())}
        execute_cells(document, environment, cell_timeout, cancelled or threading.Event())
        raise_for_execution_errors(document, None)
    except CellTimeoutError:
        error = f"a cell ran longer than {cell_timeout} s and was stopped"
    except PapermillExecutionError as failure:
        error = f"{failure.ename}: {failure.evalue}"
    except OSError:
        raise  # the run folder cannot be written: no playbook's fault
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
    error = error and one_line(without_escapes(error), 500)
    document.metadata.papermill.update(input_path=notebook.name, output_path=notebook.name)
    path = staging / "notebooks" / notebook.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(document) + "\n", encoding="utf-8", errors="backslashreplace")
    ending, seconds = "failed" if error else "completed", round(monotonic() - began, 3)
    values = check_parameters(notebook, given)
    return Outcome(playbook_name(notebook), notebook.name, ending, seconds, error, values)


class RunningInterpreter(AsyncKernelManager):  # type: ignore[misc]
    """The one kernel there is: this interpreter, without the user's start-up files and without the current folder."""

    kernel_spec = KernelSpec(
        argv=[sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        + ["--InteractiveShellApp.ignore_cwd=True", "--HistoryManager.enabled=False"],
        display_name="ir-kit",
        language="python",
    )


class PlaybookClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client with a kernel of its own and a wait that can be cancelled."""

    folder: Path
    cancelled: threading.Event
    cell_index = 0

    def create_kernel_manager(self) -> AsyncKernelManager:
        """The manager of the running interpreter, over sockets in the private folder where their path is not too long."""
        private = len(str(self.folder)) <= LONGEST_SOCKET_FOLDER
        self.km = RunningInterpreter(
            connection_file=str(self.folder / "kernel.json"),
            transport="ipc" if private else "tcp",
            ip=str(self.folder / "kernel") if private else "127.0.0.1",
        )
        return self.km

    def start_new_kernel_client(self, **options: Any) -> Any:
        """A client that waits for the kernel's reply in slices."""
        client = super().start_new_kernel_client(**options)
        wait_for_message = client.shell_channel.get_msg

        async def get_msg(timeout: float | None = None) -> Any:
            deadline = None if timeout is None else monotonic() + timeout
            while not self.cancelled.is_set():
                left = SLICE_SECONDS if deadline is None else deadline - monotonic()
                try:
                    return await wait_for_message(timeout=max(0.0, min(SLICE_SECONDS, left)))
                except Empty:
                    if left <= 0:
                        raise
            raise Empty

        client.shell_channel.get_msg = get_msg
        return client

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """papermill's, and a kernel that would not answer is killed at the end."""
        self.cell_index = cell_index
        try:
            return super().execute_cell(cell, cell_index, **options)
        except (CellTimeoutError, DeadKernelError):
            self.shutdown_kernel = "immediate"
            raise


def execute_cells(
    document: nbformat.NotebookNode, environment: Mapping[str, str], cell_timeout: int, cancelled: threading.Event
) -> None:
    """Run every cell in a kernel of its own; leave the error in the notebook where it could not, and raise it."""
    manager = NotebookExecutionManager(document, progress_bar=False)
    manager.notebook_start()
    with tempfile.TemporaryDirectory(prefix="ir-kit-") as name, open(Path(name) / "stderr", "w+b") as errors:
        folder, package = Path(name), str(Path(__file__).resolve().parents[2])
        client = PlaybookClient(
            manager,
            kernel_name="python3",
            timeout=cell_timeout,
            startup_timeout=120,
            iopub_timeout=60,
            store_widget_state=False,
            log=logging.getLogger("papermill"),
        )
        client.folder, client.cancelled = folder, cancelled
        client.widget_registry = {}  # no Output widget that takes a cell's output away
        # ipykernel drops the first entry of the path where it is the working folder, so an entry of no use comes first
        search_path = os.pathsep.join(filter(None, [str(folder / "nothing"), package, os.environ.get("PYTHONPATH")]))
        fixed = {"PYTHONHASHSEED": "0", "PYTHONPATH": search_path, "IPYTHONDIR": str(folder / "ipython")}
        environment = {**os.environ, **fixed, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **environment}
        try:
            client.execute(env=environment, stdout=errors.fileno(), stderr=errors.fileno())
        except Exception as error:
            errors.seek(0)
            last = errors.read()[-4000:].decode("utf-8", "replace").strip().rpartition("\n")[2]
            message = f"{error} ({last})" if last else str(error)
            if isinstance(error, CellTimeoutError):
                message = f"the cell ran longer than {cell_timeout} s and was stopped"
            # papermill does not put into the notebook which cell was stopped, and why
            code = [index for index, cell in enumerate(document.cells) if cell.cell_type == "code"]
            index = max((index for index in code if index <= client.cell_index), default=code[0])
            ename = type(error).__name__
            output = nbformat.v4.new_output("error", ename=ename, evalue=message, traceback=[f"{ename}: {message}"])
            document.cells[index].outputs.append(output)
            manager.cell_exception(document.cells[index], cell_index=index)
            raise
        finally:
            manager.notebook_complete()
            # what a stopped cell left waiting would complain when the interpreter ends
            loop = ensure_event_loop()
            if not loop.is_running():
                waiting = asyncio.all_tasks(loop)
                for task in waiting:
                    task.cancel()
                loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
                loop.close()
