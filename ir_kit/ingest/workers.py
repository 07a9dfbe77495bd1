"""Loading by several processes that import this package alone.

`multiprocessing` would import the caller's main module again in each of them: a script without a guard would start its own load there, and wait
for the lock that its parent holds; and to fork the caller is not safe where it has threads, as a notebook's kernel has. So one plain child is
started, imports what loading needs, and forks the others: what is imported once is there for all. Each reads pickled work from a pipe of its own
and answers on another. A process whose parent is gone reads the end of its input, and ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import chain
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING

from ir_kit.errors import EvidenceError

if TYPE_CHECKING:
    from ir_kit.ingest.parts import Loaded, Task
    from ir_kit.ingest.walking import Found

Work = tuple[str, "list[Task]", str, str]
"""What `loading.load` is given beside its connection."""

# glibc keeps what documents of a mebibyte took, instead of fetching it from the system anew for each, and Arrow asks glibc; no threads for
# algebra, nor one of Arrow's own: who forks has one thread
_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 30), "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false",
}  # fmt: skip


SMALL = 4 << 20  # less than this to read: another process would take longer to start than to help


class Workers:
    """Processes that load, for as long as the block lasts; none where none was needed.

    Parameters
    ----------
    kinds : iterable of str
        What there may be to load.
    """

    def __init__(self, kinds: Iterable[str] = ()) -> None:
        self.kinds = [kind for kind in kinds if kind != "configuration"]
        self.children: list[subprocess.Popen[bytes]] = []
        self.pipes: list[tuple[IO[bytes], IO[bytes]]] = []
        self.idle: SimpleQueue[tuple[IO[bytes], IO[bytes]]] = SimpleQueue()

    def __enter__(self) -> Workers:
        return self

    def awaited(self, found: Iterator[Found]) -> Iterator[Found]:
        """These files, all of which will be read: look ahead, and start once there is enough for every core."""
        cores, ahead, size = os.cpu_count() or 1, [], 0
        for file in found:
            ahead.append(file)
            size += file.size * file.read
            if size > SMALL * cores:
                self.start()
                break
        return chain(ahead, found)

    def start(self) -> None:
        """Start as many as there are cores; one alone is none."""
        wanted = os.cpu_count() or 1
        if wanted < 2:
            return
        # isolated from the caller's folder, which may hold a module by a name that the package imports
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        program = f"import sys; sys.path.insert(0, {package!r}); from ir_kit.ingest.workers import serve; serve()"
        theirs: list[tuple[int, int]] = []
        for _ in range(wanted):
            asked, asking = os.pipe()
            answered, answering = os.pipe()
            theirs.append((asked, answering))
            self.pipes.append((os.fdopen(asking, "wb"), os.fdopen(answered, "rb")))
            self.idle.put(self.pipes[-1])
        # where to fork is known to be safe, one child for all of them
        for pairs in [theirs] if sys.platform == "linux" else [[pair] for pair in theirs]:
            ends = [end for pair in pairs for end in pair]
            self.children.append(
                subprocess.Popen(
                    [sys.executable, "-P", "-c", program, ",".join(self.kinds), *map(str, ends)],
                    stdin=subprocess.DEVNULL, pass_fds=ends, process_group=0, env={**os.environ, **_MEMORY},
                )
            )  # fmt: skip
        for end in (end for pair in theirs for end in pair):
            os.close(end)

    def load(self, work: Iterable[Work]) -> Iterator[tuple[int, Loaded]]:
        """What came of each piece of work, with its place among them, as each is done.

        Raises
        ------
        EvidenceError
            A process has ended before its work. So are the others then, as they are where anything else is raised.
        OSError, duckdb.Error
            As `loading.load` raised it in the process.
        """
        if not self.children:
            self.start()

        def done(number: int, piece: Work) -> tuple[int, Loaded]:
            asking, answered = pipes = self.idle.get()
            try:
                pickle.dump(piece, asking)
                asking.flush()
                answer = pickle.load(answered)
            except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
                raise EvidenceError(
                    "a process that was reading evidence has ended",
                    piece[2],
                    "see that memory suffices, and run ir-kit ingest again; the store is as it was",
                ) from error
            finally:
                self.idle.put(pipes)  # of a process that has ended, too: nobody must wait for one that never comes back
            if isinstance(answer, BaseException):
                raise answer
            return number, answer

        with ThreadPoolExecutor(len(self.pipes)) as threads:
            futures = []
            try:
                for number, piece in enumerate(work):
                    futures.append(threads.submit(done, number, piece))
                for future in as_completed(futures):
                    yield future.result()
            except BaseException:
                for future in futures:
                    future.cancel()
                for child in self.children:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(child.pid, signal.SIGKILL)
                raise
        self.dismiss()

    def dismiss(self) -> None:
        """There is no more work: each process ends when it reads the end of its input."""
        for pipes in self.pipes:
            for pipe in pipes:
                with contextlib.suppress(OSError):
                    pipe.close()

    def __exit__(self, *_: object) -> None:
        self.dismiss()
        for child in self.children:
            child.wait()


def serve() -> None:
    """Do the work that comes on the first of the pipes that the arguments name after the kinds; a fork for each pair more does what comes on that."""
    os.dup2(2, 1)  # whatever prints must not mix with what the caller prints
    from ir_kit.ingest.loading import loader_of

    for kind in filter(None, sys.argv[1].split(",")):
        loader_of(kind)  # imported before the forks, for all of them
    ends = [int(word) for word in sys.argv[2:]]
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    mine = pairs[0]
    forks: list[int] = []
    for pair in pairs[1:]:
        fork = os.fork()
        if not fork:
            mine, forks = pair, []
            break
        forks.append(fork)
    for end in (end for pair in pairs if pair is not mine for end in pair):
        os.close(end)
    _serve(os.fdopen(mine[0], "rb"), os.fdopen(mine[1], "wb"))
    for fork in forks:
        os.waitpid(fork, 0)
    os._exit(0)  # to take a process apart piece by piece takes a tenth of a second


def _serve(source: IO[bytes], target: IO[bytes]) -> None:
    from ir_kit.ingest.loading import Loaded, load
    from ir_kit.ingest.store import connect

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
