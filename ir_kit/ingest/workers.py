"""Loading by several processes that import this package alone.

`multiprocessing` would import the caller's main module again in each of them (a script without a guard would start its own load there, and wait
for the lock that its parent holds), or fork the caller, which is not safe where it has threads, as a notebook's kernel has.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue

from ir_kit.errors import EvidenceError
from ir_kit.ingest.loading import Loaded, Task, load
from ir_kit.ingest.store import connect

# glibc keeps what documents of a mebibyte took, instead of fetching it from the system anew for each, and Arrow asks glibc
_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",
}


class WorkerPool:
    """So many processes that load, for as long as the block lasts; killed where it ends with an exception."""

    def __init__(self, processes: int) -> None:
        # isolated from the caller's folder, which may hold a module by a name that the package imports
        package = str(Path(__file__).parents[2])
        program = f"import sys; sys.path.insert(0, {package!r}); from ir_kit.ingest.workers import serve; serve()"
        self.idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self.children = [
            subprocess.Popen(
                [sys.executable, "-P", "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                process_group=0,
                env={**os.environ, **_MEMORY},
            )
            for _ in range(processes)
        ]
        for child in self.children:
            self.idle.put(child)

    def load(self, kind: str, tasks: list[Task], folder: str, prefix: str) -> Loaded:
        """What `loading.load` answers in a process that is idle, or raises there.

        Raises
        ------
        EvidenceError
            The process has ended before its work.
        """
        child = self.idle.get()
        assert child.stdin and child.stdout
        try:
            pickle.dump((kind, tasks, folder, prefix), child.stdin)
            child.stdin.flush()
            answer = pickle.load(child.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise EvidenceError(
                "a process that was reading evidence has ended",
                folder,
                "see that memory suffices, and run ir-kit ingest again; the store is as it was",
            ) from error
        finally:
            self.idle.put(child)  # one that has ended, too: nobody must wait for one that never comes back
        if isinstance(answer, Loaded):
            return answer
        raise answer

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for child in self.children:
            if kind:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
            assert child.stdin and child.stdout
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()  # each ends when it reads the end of its input
            child.wait()
            child.stdout.close()


def serve() -> None:
    """Load what comes on standard input until it ends; the answers go to standard output."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not mix with the answers
    gc.disable()  # nothing here goes in circles, and the process ends with the load
    connection = connect(threads=1)
    while True:
        try:
            work = pickle.load(source)
        except EOFError:
            os._exit(0)  # to take a process apart piece by piece takes a tenth of a second
        answer: Loaded | Exception
        try:
            answer = load(connection, *work)
        except Exception as error:
            answer = error
        try:
            pickle.dump(answer, target)
            target.flush()
        except BrokenPipeError:
            # who asked is gone, and no manifest will ever name these
            for part in answer.parts if isinstance(answer, Loaded) else ():
                Path(work[2], part).unlink(missing_ok=True)
            os._exit(1)
