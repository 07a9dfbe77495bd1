"""Raw logs into the evidence store: only what is new or changed, all of it or nothing."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from ir_kit.errors import EvidenceError
from ir_kit.incident import Incident
from ir_kit.ingest.configuration_lines import settings_of
from ir_kit.ingest.generation import write_generation
from ir_kit.ingest.loading import Loaded, Task, load
from ir_kit.ingest.store import KINDS, SOURCES, Store, connect, table_rows
from ir_kit.ingest.walking import SOURCE_KINDS, found_files
from ir_kit.ingest.workers import WorkerPool

CHUNK = 48 << 20
SMALL = 4 << 20  # less than this to read: another process would take longer to start than to help
FILE_COST = 2_000  # to open a file costs as much as to read this many bytes more

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes to read."""


@dataclass
class IngestReport:
    """What a load read and did."""

    read: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unchanged: int = 0
    ignored: int = 0
    totals: dict[str, dict[str, int]] = field(default_factory=dict)

    def summary_lines(self) -> list[str]:
        """The load in a few lines for a terminal."""
        lines = []
        for kind, numbers in sorted(self.totals.items()):
            lines.append(f"{kind}: " + ", ".join(f"{value:,} {name}" for name, value in numbers.items()))
        lines.append(f"{len(self.read):,} files read, {self.unchanged:,} unchanged, {self.ignored:,} ignored")
        for what, paths in (
            ("files changed since they were read", self.changed),
            ("files no longer there; their rows stay, marked", self.vanished),
            ("sources that do not exist", self.missing),
        ):
            if paths:
                lines.append(f"{len(paths):,} {what}: {', '.join(paths[:3])}{', ...' if len(paths) > 3 else ''}")
        return lines


def ingest(incident: Incident, *, progress: Progress | None = None) -> IngestReport:
    """Load what is new or changed in the incident's sources into its evidence store.

    Parameters
    ----------
    progress : callable, optional
        Called with bytes done and bytes to do.

    Raises
    ------
    EvidenceError
        No source is named, none of them exists, none holds a file, or the disk is full. The store is then as it was.

    Notes
    -----
    A file counts as unchanged while its size and time of change are; `ir-kit verify --evidence` reads every byte again.
    """
    store = Store(incident.folder / "evidence")
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
        with locked(store.folder / ".lock"):
            try:
                report = _brought_up_to_date(incident, store, progress)
            except BaseException:
                store.sweep()
                raise
    except (OSError, duckdb.IOException) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise EvidenceError(
                "the disk is full", store.folder, "make room and run ir-kit ingest again; the store is as it was"
            ) from error
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error).splitlines()[0]
        raise EvidenceError(
            f"the evidence store cannot be written: {reason}", store.folder, "make room, or check its permissions"
        ) from error
    report.ignored = store.ignored_files()
    names = ("files", "records", "copies", "rejected", "damaged")
    for kind, *numbers in store.rows(
        """select kind, count(*), sum(records)::bigint, sum(duplicates)::bigint, sum(rejected)::bigint, count_if(damaged)
           from sources where state = 'read' group by kind"""
    ):
        report.totals[kind] = dict(zip(names, numbers, strict=True))
    return report


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One load at a time in a store; another waits for it."""
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _brought_up_to_date(incident: Incident, store: Store, progress: Progress | None) -> IngestReport:
    """Bring the store up to what lies in the sources."""
    before = store.manifest()
    roots = {
        (kind, n): str(path) for kind, source in SOURCE_KINDS for n, path in enumerate(incident.source_paths(source))
    }
    if not roots:
        raise EvidenceError(
            "the incident names no sources", incident.path, "name the folders of the logs under sources"
        )
    rows = table_rows(store.folder / before.sources) if before.sources else []
    known = {(row["kind"], row["source"], row["path"]): row for row in rows}
    report = IngestReport(missing=[root for root in dict.fromkeys(roots.values()) if not os.path.exists(root)])
    sources: dict[tuple[str, str, str], dict[str, Any]] = {}
    tasks: list[Task] = []
    next_id = 1 + max((row["source_id"] for row in rows), default=0)
    for file in found_files(incident, store.folder):
        key = (file.kind, roots[file.kind, file.root], file.name)
        row = known.get(key)
        unread = row is not None and _never_read(row)
        if row and not unread and (row["bytes"], row["mtime_ns"]) == (file.size, file.mtime_ns):
            sources[key] = {**row, "present": True, "location": file.location}
            report.unchanged += 1
            continue
        if row and row["state"] == "read" and not unread:
            report.changed.append(file.name)
        sources[key] = dict.fromkeys(SOURCES) | {
            "source_id": next_id, "kind": file.kind, "source": key[1], "path": file.name, "location": file.location,
            "bytes": file.size, "mtime_ns": file.mtime_ns, "present": True, "damaged": False,
            "state": "read" if file.read else "ignored",
        }  # fmt: skip
        if file.read:
            report.read.append(file.name)
            tasks.append(Task(next_id, file.kind, file.location, file.name, file.named, file.size))
        next_id += 1
    if not sources and not known:
        raise EvidenceError("the sources hold no file", ", ".join(roots.values()), "check the paths under sources")
    order = {(kind, root): number for (kind, number), root in reversed(roots.items())}
    for key, row in known.items():
        if key not in sources and (row["kind"], row["source"]) in order and not _never_read(row):
            sources[key] = {**row, "present": False}
            report.vanished.append(row["path"])
    loaded = _loaded(tasks, store.folder, before.generation + 1, progress)
    settings = [
        setting
        for task in tasks
        if task.kind == "configuration"
        for setting in settings_of(task, loaded)
    ]  # fmt: skip
    ranked = sorted(sources.values(), key=lambda row: (row["kind"], order[row["kind"], row["source"]], row["path"]))
    for rank, row in enumerate(ranked):
        row["rank"] = rank
        if facts := loaded.sources.get(row["source_id"]):
            row |= facts | {"damaged": facts["damage"] is not None}
    # known already, all of it, in the same order: nothing to write
    if tasks or not before.sources or ranked != sorted(rows, key=lambda row: row["rank"]):
        write_generation(store, before, ranked, loaded, settings)
    return report


def _never_read(row: dict[str, Any]) -> bool:
    """Was this to be read, and could not even be opened?"""
    return row["state"] == "read" and row["sha256"] is None


def _loaded(tasks: list[Task], folder: Path, generation: int, progress: Progress | None) -> Loaded:
    """What came of all logs among these tasks, read by as many processes as that pays for."""
    logs = [task for task in tasks if task.kind in KINDS]
    size, done = sum(task.size for task in logs), 0
    cores = os.cpu_count() or 1
    # no name twice: a process whose parent was killed may still be writing
    mark = f"{generation:06d}-{secrets.token_hex(4)}"
    work = [
        (chunk[0].kind, chunk, str(folder), f"{chunk[0].kind}-{mark}-{number:05d}")
        for number, chunk in enumerate(_chunks(logs, cores))
    ]
    results: dict[int, Loaded] = {}

    def note(number: int, loaded: Loaded) -> None:
        nonlocal done
        results[number] = loaded
        done += sum(task.size for task in work[number][1])
        if progress:
            progress(done, size)

    if progress:
        progress(0, size)
    if size < SMALL or len(work) < 2 or cores < 2:
        with connect(threads=1) as connection:
            for number, piece in enumerate(work):
                note(number, load(connection, *piece))
    else:
        with ThreadPoolExecutor(cores) as threads, WorkerPool(cores) as pool:
            futures = {threads.submit(pool.load, *piece): number for number, piece in enumerate(work)}
            for future in as_completed(futures):
                note(futures[future], future.result())
    whole = Loaded()
    for number in sorted(results):
        whole.add(results[number])
    return whole


def _chunks(tasks: list[Task], cores: int) -> Iterator[list[Task]]:
    """Tasks in pieces of one kind, several for each process, so that all processes end together."""
    limit = min(max(sum(map(_weight, tasks)) // (6 * cores), SMALL), CHUNK)
    for _, group in groupby(tasks, key=lambda task: task.kind):
        chunk: list[Task] = []
        weight = 0
        for task in group:
            if chunk and weight + _weight(task) > limit:
                yield chunk
                chunk, weight = [], 0
            chunk.append(task)
            weight += _weight(task)
        yield chunk


def _weight(task: Task) -> int:
    """What it costs to read this file, in bytes of CloudTrail's: access logs lie unpacked."""
    return FILE_COST + (task.size if task.kind == "cloudtrail" else task.size // 8)
