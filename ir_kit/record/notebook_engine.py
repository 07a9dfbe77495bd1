"""How is one notebook executed without hanging, and without anything that happens to be installed on the machine?

A papermill engine, registered as ``ir-kit``. Against papermill's own it differs in four things: the kernel is the
running interpreter whatever kernelspecs are installed; the wait for the kernel's reply is cut into slices, since a
reply is otherwise lost now and then and the run waits for ever; every cell has a time limit, and a cell that passed it
says so in the notebook; widgets capture no output and leave no state. The kernel is spoken to over sockets in a private
folder, not over ports. Notebooks have names of a scheme of their own: papermill's handler of local files changes the
whole process's working folder while it writes, and a kernel that another thread starts at that moment begins there.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.iorw import papermill_io

__all__ = ["ENGINE_NAME", "START_TIMEOUT", "IrKitEngine", "file_name"]

ENGINE_NAME = "ir-kit"
START_TIMEOUT = 120
_SLICE_SECONDS = 0.25
_LONGEST_SOCKET_FOLDER = 85  # a socket's path has 104 characters on macOS, 108 on Linux

logging.getLogger("papermill").addHandler(logging.NullHandler())


_SCHEME = "ir-kit-file:"


def file_name(path: Path) -> str:
    """What papermill is to call this notebook, so that nothing but `_Files` reads or writes it."""
    return _SCHEME + str(path.absolute()).replace("{", "{{").replace("}", "}}")  # papermill fills in braces


class _Files:
    """Notebooks in files, read and written where they are."""

    @staticmethod
    def read(name: str) -> str:
        return Path(name.removeprefix(_SCHEME)).read_text(encoding="utf-8")

    @staticmethod
    def write(text: str, name: str) -> None:
        Path(name.removeprefix(_SCHEME)).write_text(text, encoding="utf-8")

    @staticmethod
    def pretty_path(name: str) -> str:
        return name


class _RunningInterpreter(KernelSpecManager):  # type: ignore[misc]
    """The one kernel there is: this interpreter, without the user's start-up files and without the current folder."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        argv += ["--InteractiveShellApp.ignore_cwd=True", "--HistoryManager.enabled=False"]
        return KernelSpec(argv=argv, display_name="ir-kit", language="python")


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    def __init__(self, nb_man: Any, *, folder: Path, cancelled: threading.Event, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self.folder = folder
        self.cancelled = cancelled
        self.cell_index: int | None = None
        self.widget_registry: dict[str, Any] = {}  # no Output widget that takes a cell's output away

    def create_kernel_manager(self) -> AsyncKernelManager:
        transport: dict[str, Any] = {"transport": "tcp", "ip": "127.0.0.1"}
        if len(str(self.folder)) <= _LONGEST_SOCKET_FOLDER:
            transport = {"transport": "ipc", "ip": str(self.folder / "kernel")}
        self.km = AsyncKernelManager(
            kernel_name=self.kernel_name,
            kernel_spec_manager=_RunningInterpreter(),
            connection_file=str(self.folder / "kernel.json"),
            **transport,
        )
        return self.km

    def start_new_kernel_client(self, **options: Any) -> Any:
        client = super().start_new_kernel_client(**options)
        wait_for_message = client.shell_channel.get_msg

        async def get_msg(timeout: float | None = None) -> Any:
            deadline = None if timeout is None else monotonic() + timeout
            while not self.cancelled.is_set():
                left = _SLICE_SECONDS if deadline is None else deadline - monotonic()
                try:
                    return await wait_for_message(timeout=max(0.0, min(_SLICE_SECONDS, left)))
                except Empty:
                    if left <= 0:
                        raise
            raise Empty

        client.shell_channel.get_msg = get_msg
        return client

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        self.cell_index = cell_index
        try:
            return super().execute_cell(cell, cell_index, **options)
        except (CellTimeoutError, DeadKernelError):
            self.shutdown_kernel = "immediate"  # it would not answer
            raise


class IrKitEngine(Engine):  # type: ignore[misc]
    """Executes a notebook for :mod:`ir_kit.record.execution`; see the module's text."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        execution_timeout: int,
        environment: Mapping[str, str] | None = None,
        cancelled: threading.Event | None = None,
        start_timeout: int = START_TIMEOUT,
        **_: Any,
    ) -> None:
        """Run every cell; leave the error in the notebook where there is one, and raise it."""
        with tempfile.TemporaryDirectory(prefix="ir-kit-") as name, open(Path(name) / "stderr", "w+b") as errors:
            client = _Client(
                nb_man,
                folder=Path(name),
                cancelled=cancelled or threading.Event(),
                kernel_name=kernel_name,
                timeout=execution_timeout,
                startup_timeout=start_timeout,
                iopub_timeout=60,
                store_widget_state=False,
                log=logging.getLogger("papermill"),
            )
            try:
                client.execute(
                    env=_environment(environment or {}, Path(name)), stdout=errors.fileno(), stderr=errors.fileno()
                )
            except CellTimeoutError:
                message = f"the cell ran longer than {execution_timeout} s and was stopped"
                _leave_error(nb_man, client.cell_index, "CellTimeoutError", message)
                raise
            except Exception as error:
                errors.seek(0)
                last = errors.read()[-4000:].decode("utf-8", "replace").strip().rpartition("\n")[2]
                message = f"{error} ({last})" if last else str(error)
                _leave_error(nb_man, client.cell_index, type(error).__name__, message)
                raise
            finally:
                _end_loop()


def _environment(extra: Mapping[str, str], folder: Path) -> dict[str, str]:
    package = str(Path(__file__).resolve().parents[2])
    # ipykernel drops the first entry of the path where it is the working folder, so an entry of no use comes first
    search_path = os.pathsep.join(filter(None, [str(folder / "nothing"), package, os.environ.get("PYTHONPATH")]))
    fixed = {"PYTHONHASHSEED": "0", "PYTHONPATH": search_path, "IPYTHONDIR": str(folder / "ipython")}
    return {**os.environ, **fixed, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **extra}


def _end_loop() -> None:
    """End what a stopped cell left waiting, or it complains when the interpreter ends."""
    loop = ensure_event_loop()
    if loop.is_running():
        return
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    loop.close()


def _leave_error(nb_man: Any, cell_index: int | None, name: str, message: str) -> None:
    """Put into the notebook what papermill does not: which cell was stopped, and why."""
    code = [index for index, cell in enumerate(nb_man.nb.cells) if cell.cell_type == "code"]
    index = cell_index if cell_index is not None else next(iter(code), None)
    if index is None:
        return
    cell = nb_man.nb.cells[index]
    cell.outputs.append(type(cell)(output_type="error", ename=name, evalue=message, traceback=[f"{name}: {message}"]))
    nb_man.cell_exception(cell, cell_index=index)


papermill_engines.register(ENGINE_NAME, IrKitEngine)
papermill_io.register(_SCHEME, _Files)
