"""Raw logs into the evidence store: only what is new or changed, all of it or nothing."""

from __future__ import annotations

import errno
import fcntl
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ir_kit.errors import EvidenceError
from ir_kit.incident import Incident
from ir_kit.ingest.walking import SOURCE_KINDS, found_files
from ir_kit.ingest.workers import Workers

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes to read."""


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
    folder = incident.folder / "evidence" / "store"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kinds = [kind for kind, source in SOURCE_KINDS if incident.source_paths(source)]
        with _locked(folder / ".lock"), _uncollected(), Workers(kinds) as workers:
            found = found_files(incident, folder)
            if not (folder / "manifest.json").exists():
                found = workers.awaited(found)
            # what follows takes its time to import, and so do the processes
            import duckdb

            from ir_kit.ingest.generation import make_generation
            from ir_kit.ingest.store import Store

            try:
                report, sources = make_generation(incident, found, workers, progress)
            except BaseException as error:
                Store(incident.folder / "evidence").sweep()
                if isinstance(error, duckdb.IOException):
                    reason = f"the evidence store cannot be written: {str(error).splitlines()[0]}"
                    raise EvidenceError(reason, folder, "make room") from error
                raise
    except OSError as error:
        raise _disk_error(error, folder) from error
    return _finished(report, sources)


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
