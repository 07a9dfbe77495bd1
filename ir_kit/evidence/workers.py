"""Loading by several processes, each a fresh interpreter that imports this package alone.

`multiprocessing` would import the caller's main module again in each of them: a script without a guard would start its own load there, and wait
for the lock that its parent holds. So the processes are plain children that read pickled work from standard input and answer on standard
output. A child whose parent is gone reads the end of its input, and ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ir_kit.evidence.parts import Loaded, Task

Work = tuple[str, "list[Task]", str, str]
"""What `loading.load` is given beside its connection."""

# glibc keeps what documents of a mebibyte took, instead of fetching it from the system anew for each, and Arrow asks glibc; no threads for
# algebra
_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip


class Workers:
    """Processes that load, for as long as the block lasts; none where none was needed."""

    def __init__(self) -> None:
        self.children: list[subprocess.Popen[bytes]] = []
        self.idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()

    def __enter__(self) -> Workers:
        return self

    def start(self, pieces: int) -> None:
        """Start as many as there are cores, but no more than there are pieces of work; one alone is none."""
        # isolated from the caller's folder, which may hold a module by a name that the package imports
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        program = f"import sys; sys.path.insert(0, {package!r}); from ir_kit.evidence.workers import serve; serve()"
        wanted = min(os.cpu_count() or 1, pieces)
        for _ in range(wanted if wanted > 1 else 0):
            child = subprocess.Popen(
                [sys.executable, "-P", "-c", program],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **_MEMORY},
            )  # fmt: skip
            self.children.append(child)
            self.idle.put(child)

    def load(self, work: list[Work]) -> Iterator[tuple[int, Loaded]]:
        """What came of each piece of work, with its place in the list, as each is done.

        Raises
        ------
        OSError, duckdb.Error
            As `loading.load` raised it in the process; the others are ended.
        """
        if not self.children:
            self.start(max(len(work), 2))

        def done(number: int) -> tuple[int, Loaded]:
            child = self.idle.get()
            assert child.stdin is not None and child.stdout is not None
            try:
                pickle.dump(work[number], child.stdin)
                child.stdin.flush()
                answer = pickle.load(child.stdout)
            except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
                raise OSError(f"a process that was reading evidence has ended: {error}") from error
            self.idle.put(child)
            if isinstance(answer, BaseException):
                raise answer
            return number, answer

        with ThreadPoolExecutor(len(self.children)) as threads:
            futures = [threads.submit(done, number) for number in range(len(work))]
            try:
                for future in as_completed(futures):
                    yield future.result()
            except BaseException:
                for future in futures:
                    future.cancel()
                for child in self.children:
                    child.kill()
                raise

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            child.wait()


def serve() -> None:
    """Do the work that comes on standard input until there is no more."""
    source, target = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not mix with the answers
    from ir_kit.evidence.database import connect
    from ir_kit.evidence.loading import Loaded, load

    gc.disable()  # nothing here goes in circles, and the process ends with the load
    connection = connect(threads=1)  # to make one takes as long as to read a file
    while True:
        try:
            arguments: Work = pickle.load(source)
        except EOFError:
            return
        answer: Loaded | BaseException
        try:
            answer = load(connection, *arguments)
        except Exception as error:
            answer = error
        try:
            pickle.dump(answer, target)
            target.flush()
        except BrokenPipeError:
            # who asked is gone, and no manifest will ever name these
            for part in answer.parts if isinstance(answer, Loaded) else ():
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(arguments[2], part))
            return
