"""Raw logs into the evidence store: only what is new or changed, all of it or nothing."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import duckdb

from ir_kit.errors import EvidenceError
from ir_kit.evidence.configuration import setting_of
from ir_kit.evidence.copies import find_copies
from ir_kit.evidence.database import connect
from ir_kit.evidence.loading import Loaded, Task, load
from ir_kit.evidence.reading import read_file
from ir_kit.evidence.rows import REJECTS, SETTINGS, SOURCES, table_rows, write_table
from ir_kit.evidence.store import KINDS, Manifest, Store
from ir_kit.evidence.walking import Found, found_files
from ir_kit.evidence.workers import load_side_by_side
from ir_kit.incident import Incident

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes to read."""

SMALL = 4 << 20  # less than this to read: another process would take longer to start than to help
CHUNK = 48 << 20
FILE_COST = 2_000  # to open a file costs as much as to read this many bytes more


@dataclass
class IngestReport:
    """What a load found and did."""

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
    incident : Incident
    progress : callable, optional
        Called with bytes done and bytes to do.

    Returns
    -------
    IngestReport

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
        with _locked(store.folder / ".lock"), _uncollected():
            try:
                return _ingest(incident, store, progress)
            except BaseException:
                store.sweep()
                raise
    except OSError as error:
        raise _disk_error(error, store.folder) from error
    except duckdb.IOException as error:
        raise EvidenceError(
            f"the evidence store cannot be written: {str(error).splitlines()[0]}", store.folder, "make room"
        ) from error


def _ingest(incident: Incident, store: Store, progress: Progress | None) -> IngestReport:
    manifest = store.manifest()
    found = list(found_files(incident, store.folder))
    roots = {
        (kind, n): str(path) for kind, source in _SOURCE_KINDS for n, path in enumerate(incident.source_paths(source))
    }
    known = {(row["kind"], row["source"], row["path"]): row for row in table_rows(store.folder, manifest.sources)}
    if not roots:
        raise EvidenceError(
            "the incident names no sources", incident.path, "name the folders of the logs under sources"
        )
    if not found and not known:
        raise EvidenceError("the sources hold no file", ", ".join(roots.values()), "check the paths under sources")
    report = IngestReport()
    sources, tasks = _compared(found, known, roots, report)
    order = {(kind, root): number for (kind, number), root in reversed(roots.items())}
    report.missing = [root for root in dict.fromkeys(roots.values()) if not os.path.exists(root)]
    here = {(row["kind"], row["source"], row["path"]) for row in sources}
    for key, row in known.items():
        if key not in here and (row["kind"], row["source"]) in order:
            sources.append({**row, "present": False})
            report.vanished.append(row["path"])
    sources.sort(key=lambda row: (row["kind"], order[row["kind"], row["source"]], row["path"]))
    for rank, row in enumerate(sources):
        row["rank"] = rank
    # known already, all of it, in the same order: nothing to write
    if not tasks and manifest.sources and sources == sorted(known.values(), key=lambda row: int(row["rank"])):
        return _finished(report, sources)
    generation = manifest.generation + 1
    loaded = _load_all(tasks, sources, store.folder, generation, progress)
    _write(store, manifest, generation, sources, loaded, {task.source_id for task, _ in tasks})
    return _finished(report, sources)


_SOURCE_KINDS = (("cloudtrail", "cloudtrail"), ("access_log", "access_logs"), ("configuration", "configuration"))


_BLANK: dict[str, Any] = dict.fromkeys(SOURCES.names)


def _compared(
    found: list[Found],
    known: dict[tuple[str, str, str], dict[str, Any]],
    roots: dict[tuple[str, int], str],
    report: IngestReport,
) -> tuple[list[dict[str, Any]], list[tuple[Task, int]]]:
    """The sources as they are now, and the tasks for those that have to be read, with their sizes."""
    sources: list[dict[str, Any]] = []
    tasks: list[tuple[Task, int]] = []
    next_id = 1 + max((int(row["source_id"]) for row in known.values()), default=0)
    for file in found:
        key = (file.kind, roots[file.kind, file.root], file.name)
        before = known.get(key)
        unread = before is not None and before["state"] == "read" and before["sha256"] is None
        if before and not unread and (before["bytes"], before["mtime_ns"]) == (file.size, file.mtime_ns):
            sources.append({**before, "present": True, "location": file.location})
            report.unchanged += 1
            continue
        row = _BLANK.copy()
        row |= {
            "source_id": next_id, "kind": file.kind, "source": key[1], "path": file.name, "location": file.location,
            "bytes": file.size, "mtime_ns": file.mtime_ns, "present": True, "damaged": False,
            "state": "read" if file.read else "ignored", "records": 0, "duplicates": 0, "rejected": 0,
        }  # fmt: skip
        sources.append(row)
        if before:
            report.changed.append(file.name)
        if file.read:
            report.read.append(file.name)
            tasks.append((Task(next_id, file.kind, file.location, file.name, file.named), file.size))
        next_id += 1
    return sources, tasks


def _load_all(
    tasks: list[tuple[Task, int]],
    sources: list[dict[str, Any]],
    folder: Path,
    generation: int,
    progress: Progress | None,
) -> Loaded:
    """Every task done, by as many processes as that pays for; the facts of the sources amended."""
    total = sum(size for _, size in tasks) or 1
    whole = Loaded()
    # no name twice: a process whose parent was killed may still be writing
    mark = f"{generation:06d}-{secrets.token_hex(4)}"
    work = [
        ((kind, chunk, str(folder), f"{kind}-{mark}-{number:05d}"), size)
        for number, (kind, chunk, size) in enumerate(_chunks(tasks))
    ]
    done = 0
    if progress:
        progress(0, total)
    workers = min(os.cpu_count() or 1, len(work))
    if total < SMALL or workers < 2:
        with connect(threads=1) as connection:
            for arguments, size in work:
                _join(whole, load(connection, *arguments))
                done += size
                if progress:
                    progress(done, total)
    else:
        results: dict[int, Loaded] = {}
        for number, loaded in load_side_by_side([piece for piece, _ in work], workers):
            results[number] = loaded
            done += work[number][1]
            if progress:
                progress(done, total)
        for number in sorted(results):
            _join(whole, results[number])
    facts = {row["source_id"]: row for row in whole.sources}
    for row in sources:
        fact = facts.get(row["source_id"])
        if fact:
            row |= {name: fact[name] for name in ("sha256", "state", "damage")}
            row["damaged"] = fact["damage"] is not None
    return whole


def _join(whole: Loaded, piece: Loaded) -> None:
    whole.parts += piece.parts
    whole.sources += piece.sources
    whole.rejects += piece.rejects


def _chunks(tasks: list[tuple[Task, int]]) -> Iterator[tuple[str, list[Task], int]]:
    """Tasks in pieces of one kind, with their bytes: large pieces first, for each has a cost of its own; small ones last, so that all end together."""
    processes = os.cpu_count() or 1
    for kind in KINDS:
        unpacking = 1 if kind == "cloudtrail" else 8  # access logs lie unpacked
        ours = [(task, size) for task, size in tasks if task.kind == kind]
        left = sum(size for _, size in ours) + len(ours) * FILE_COST * unpacking
        chunk: list[Task] = []
        size = weight = 0
        for task, length in ours:
            limit = min(max(left * 2 // (3 * processes), SMALL * unpacking), CHUNK * unpacking)
            if chunk and weight + length > limit:
                yield kind, chunk, size
                left -= weight
                chunk, size, weight = [], 0, 0
            chunk.append(task)
            size += length
            weight += length + FILE_COST * unpacking
        if chunk:
            yield kind, chunk, size


def _write(
    store: Store, before: Manifest, generation: int, sources: list[dict[str, Any]], loaded: Loaded, fresh: set[int]
) -> None:
    """Everything that a generation of the store needs, and its manifest last."""
    folder, mark = store.folder, f"{generation:06d}"
    manifest = Manifest(generation=generation, parts={kind: list(before.parts[kind]) for kind in KINDS})
    for part in loaded.parts:
        manifest.parts[part.split("-")[0]].append(part)
    by_id = {int(row["source_id"]): row for row in sources}
    settings = [row for row in table_rows(store.folder, before.settings) if row["source_id"] in by_id]
    for row in sources:
        if row["kind"] == "configuration" and row["source_id"] in fresh:
            settings += _settings(row, loaded)
    rejects = [row for row in table_rows(store.folder, before.rejects) if row["source_id"] in by_id]
    rejects += [
        {**row, "source_file": by_id[row["source_id"]]["path"], "kind": by_id[row["source_id"]]["kind"]}
        for row in loaded.rejects
    ]
    rejects = [row for row in rejects if by_id[row["source_id"]]["state"] == "read"]
    rejects.sort(key=lambda row: (by_id[row["source_id"]]["rank"], row["number"]))
    counts: dict[int, int] = {}
    for row in rejects:
        counts[row["source_id"]] = counts.get(row["source_id"], 0) + 1
    for row in sources:
        row["rejected"] = counts.get(row["source_id"], 0)
    manifest.rejects = write_table(folder, f"rejects-{mark}.parquet", rejects, REJECTS)
    manifest.settings = write_table(folder, f"settings-{mark}.parquet", settings, SETTINGS)
    for kind in KINDS:
        new = [folder / part for part in loaded.parts if part.startswith(kind)]
        everything = [folder / part for part in manifest.parts[kind]]
        manifest.copies[kind] = f"copies-{kind}-{mark}.parquet"
        find_copies(kind, new, everything, by_id, folder, manifest.copies[kind])
    manifest.sources = write_table(folder, f"sources-{mark}.parquet", sources, SOURCES)
    store.replace_manifest(manifest)


def _settings(row: dict[str, Any], loaded: Loaded) -> list[dict[str, Any]]:
    """The rows of one configuration file; what cannot be read becomes rejects."""
    try:
        content = read_file(Path(row["location"]))
    except OSError as error:
        row["damaged"], row["damage"] = True, f"cannot be read: {error.strerror}"
        loaded.reject(row["source_id"], 0, row["damage"], 0, "")
        return []
    row["sha256"] = content.sha256
    answers = []
    for number, line in enumerate(content.data.decode("utf-8", errors="replace").split("\n"), start=1):
        if not line.strip():
            continue
        answer = setting_of(line)
        if isinstance(answer, str):
            loaded.reject(row["source_id"], number, answer, len(line.encode()), line)
        else:
            answers.append({**answer, "source_file": row["path"], "line_number": number, "source_id": row["source_id"]})
    row["records"] = len(answers)
    times = sorted(answer["collected_at"] for answer in answers)
    row["first_time"], row["last_time"] = (times[0], times[-1]) if times else (None, None)
    return answers


def _finished(report: IngestReport, sources: list[dict[str, Any]]) -> IngestReport:
    report.ignored = sum(1 for row in sources if row["state"] == "ignored")
    for row in sources:
        if row["state"] != "read":
            continue
        totals = report.totals.setdefault(
            row["kind"], dict.fromkeys(("files", "records", "copies", "rejected", "damaged"), 0)
        )
        totals["files"] += 1
        totals["records"] += row["records"] or 0
        totals["copies"] += row["duplicates"] or 0
        totals["rejected"] += row["rejected"] or 0
        totals["damaged"] += bool(row["damaged"])
    return report


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which looks through the rows of all sources again and again, and finds nothing."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    """One load at a time in a store; another waits for it."""
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _disk_error(error: OSError, folder: Path) -> Exception:
    if error.errno == errno.ENOSPC:
        return EvidenceError(
            "the disk is full", folder, "make room and run ir-kit ingest again; the store is as it was"
        )
    return EvidenceError(
        f"the evidence store cannot be written: {error.strerror or error}", folder, "check its permissions"
    )
