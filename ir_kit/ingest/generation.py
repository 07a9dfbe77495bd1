"""A generation of the evidence store: the sources as they are now, what is new in them read, and a manifest that says so."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ir_kit.errors import EvidenceError
from ir_kit.incident import Incident
from ir_kit.ingest.configuration_lines import setting_of
from ir_kit.ingest.copies import find_copies
from ir_kit.ingest.loader import IngestReport, Progress
from ir_kit.ingest.loading import Loaded, Task, load
from ir_kit.ingest.reading import read_file
from ir_kit.ingest.store import KINDS, Manifest, Store, connect
from ir_kit.ingest.store_rows import REJECTS, SETTINGS, SOURCES, table_rows, write_table
from ir_kit.ingest.walking import SOURCE_KINDS, Found
from ir_kit.ingest.workers import SMALL, Work, Workers

CHUNK = 48 << 20
FILE_COST = 2_000  # to open a file costs as much as to read this many bytes more
_BLANK: dict[str, Any] = dict.fromkeys(SOURCES.names)


def make_generation(
    incident: Incident, found: Iterator[Found], workers: Workers, progress: Progress | None
) -> tuple[IngestReport, list[dict[str, Any]]]:
    """Bring the store up to what is found.

    Parameters
    ----------
    incident : Incident
    found : iterator of Found
        All files of the incident's sources; the first of them may be loaded before the last are found.
    workers : Workers
        Who helps where there is much to read.
    progress : callable, optional
        Called with bytes done and bytes to do.

    Returns
    -------
    report, sources
        What was found to do; and the sources, a row each, as the store now has them.

    Raises
    ------
    EvidenceError
        No source is named, or none holds a file.
    """
    store = Store(incident.folder / "evidence")
    manifest = store.manifest()
    roots = {
        (kind, n): str(path) for kind, source in SOURCE_KINDS for n, path in enumerate(incident.source_paths(source))
    }
    known = {(row["kind"], row["source"], row["path"]): row for row in table_rows(store.folder, manifest.sources)}
    if not roots:
        raise EvidenceError(
            "the incident names no sources", incident.path, "name the folders of the logs under sources"
        )
    report = IngestReport()
    sources: list[dict[str, Any]] = []
    fresh: set[int] = set()
    tasks = _compared(found, known, roots, report, sources, fresh)
    generation = manifest.generation + 1
    loaded = _load_all(tasks, store.folder, generation, workers, progress)
    if not sources and not known:
        raise EvidenceError("the sources hold no file", ", ".join(roots.values()), "check the paths under sources")
    order = {(kind, root): number for (kind, number), root in reversed(roots.items())}
    report.missing = [root for root in dict.fromkeys(roots.values()) if not os.path.exists(root)]
    here = {(row["kind"], row["source"], row["path"]) for row in sources}
    for key, row in known.items():
        if key not in here and (row["kind"], row["source"]) in order and not _never_read(row):
            sources.append({**row, "present": False})
            report.vanished.append(row["path"])
    sources.sort(key=lambda row: (row["kind"], order[row["kind"], row["source"]], row["path"]))
    facts = {row["source_id"]: row for row in loaded.sources}
    for rank, row in enumerate(sources):
        row["rank"] = rank
        fact = facts.get(row["source_id"])
        if fact:
            row |= {name: fact[name] for name in ("sha256", "state", "damage")}
            row["damaged"] = fact["damage"] is not None
    # known already, all of it, in the same order: nothing to write
    if not fresh and manifest.sources and sources == sorted(known.values(), key=lambda row: int(row["rank"])):
        return report, sources
    _write(store, manifest, generation, sources, loaded, fresh)
    return report, sources


def _compared(
    found: Iterator[Found],
    known: dict[tuple[str, str, str], dict[str, Any]],
    roots: dict[tuple[str, int], str],
    report: IngestReport,
    sources: list[dict[str, Any]],
    fresh: set[int],
) -> Iterator[tuple[Task, int]]:
    """The tasks for the files that have to be read, with their sizes; ``sources`` become the sources as they are now, ``fresh`` the tasks' ids."""
    next_id = 1 + max((int(row["source_id"]) for row in known.values()), default=0)
    for file in found:
        key = (file.kind, roots[file.kind, file.root], file.name)
        before = known.get(key)
        unread = before is not None and _never_read(before)
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
        if before and before["state"] == "read" and not unread:
            report.changed.append(file.name)
        if file.read:
            report.read.append(file.name)
            fresh.add(next_id)
            yield Task(next_id, file.kind, file.location, file.name, file.named), file.size
        next_id += 1


def _never_read(row: dict[str, Any]) -> bool:
    """Was this to be read, and could not even be opened?"""
    return row["state"] == "read" and row["sha256"] is None


def _load_all(
    tasks: Iterator[tuple[Task, int]], folder: Path, generation: int, workers: Workers, progress: Progress | None
) -> Loaded:
    """Every task done, by as many processes as that pays for."""
    # no name twice: a process whose parent was killed may still be writing
    mark = f"{generation:06d}-{secrets.token_hex(4)}"
    sizes: list[int] = []

    def work() -> Iterator[Work]:
        for number, (kind, chunk, size) in enumerate(_chunks(tasks)):
            sizes.append(size)
            yield kind, chunk, str(folder), f"{kind}-{mark}-{number:05d}"

    def loaded_here(work: list[Work]) -> Iterator[tuple[int, Loaded]]:
        with connect(threads=1) as connection:
            for number, piece in enumerate(work):
                yield number, load(connection, *piece)

    pieces = work()
    first = list(islice(pieces, 2))
    alone = len(first) < 2 or sum(sizes) < SMALL or os.cpu_count() == 1
    answers = loaded_here([*first, *pieces]) if alone else workers.load(chain(first, pieces))
    done = 0
    results: dict[int, Loaded] = {}
    for number, loaded in answers:
        if progress and not results:
            progress(0, sum(sizes))  # by now all of it has been found
        results[number] = loaded
        done += sizes[number]
        if progress:
            progress(done, sum(sizes))
    whole = Loaded()
    for number in sorted(results):
        whole.parts += results[number].parts
        whole.sources += results[number].sources
        whole.rejects += results[number].rejects
    return whole


def _chunks(tasks: Iterator[tuple[Task, int]]) -> Iterator[tuple[str, list[Task], int]]:
    """Tasks in pieces of one kind, with their bytes; where there are many, the first pieces before the sources have been listed to their end."""
    first = CHUNK // 2
    early: list[tuple[Task, int]] = []
    weight = 0
    ours = ((task, size) for task, size in tasks if task.kind in KINDS)
    for task, size in ours:
        early.append((task, size))
        weight += _weight(task, size)
        if weight > first * (os.cpu_count() or 1):
            yield from _cut(early, first)
            early = []
            break
    yield from _cut([*early, *ours], SMALL)


def _cut(tasks: list[tuple[Task, int]], least: int) -> Iterator[tuple[str, list[Task], int]]:
    """Large pieces first, for each has a cost of its own; small ones last, so that all processes end together."""
    processes = os.cpu_count() or 1
    left = dict.fromkeys(KINDS, 0)
    for one in tasks:
        left[one[0].kind] += _weight(*one)
    chunk: list[Task] = []
    size = weight = limit = 0
    for task, length in tasks:
        heavy = _weight(task, length)
        if chunk and (task.kind != chunk[0].kind or weight + heavy > limit):
            yield chunk[0].kind, chunk, size
            left[chunk[0].kind] -= weight
            chunk, size, weight = [], 0, 0
        if not chunk:
            limit = min(max(left[task.kind] * 2 // (3 * processes), least), CHUNK)
        chunk.append(task)
        size += length
        weight += heavy
    if chunk:
        yield chunk[0].kind, chunk, size


def _weight(task: Task, size: int) -> int:
    """What it costs to read this file, in bytes of CloudTrail's: access logs lie unpacked."""
    return FILE_COST + (size if task.kind == "cloudtrail" else size // 8)


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
