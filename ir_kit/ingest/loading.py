"""Source files into Parquet parts: what a worker process does.

A part is written under a name of its own and counts only once the store's manifest names it, so a load that is killed leaves nothing that
anybody reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ir_kit.ingest import redaction
from ir_kit.ingest.reading import Content, read_file
from ir_kit.ingest.store import quoted

REJECT_CONTENT = 2_000
GROUP_ROWS = 32_768


@dataclass(frozen=True)
class Task:
    """One file to read; ``named`` where the incident names the file itself, whatever it is called."""

    source_id: int
    kind: str
    location: str
    name: str
    named: bool
    size: int = 0


@dataclass
class Loaded:
    """What came of a list of tasks: parts by name, facts by source, rejects; all small enough to hand between processes."""

    parts: list[str] = field(default_factory=list)
    sources: dict[int, dict[str, Any]] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, source_id: int, number: int, reason: str, size: int, content: str) -> None:
        shown = redaction.redacted_text(content[:REJECT_CONTENT])
        if len(content) < 1 << 20:
            with suppress(ValueError, RecursionError):
                shown = json.dumps(redaction.redacted(json.loads(content)))[:REJECT_CONTENT]
        self.rejects.append(
            {"source_id": source_id, "number": number, "reason": reason, "bytes": size, "content": shown}
        )

    def add(self, other: Loaded) -> None:
        """Put what came of other tasks with this."""
        self.parts += other.parts
        self.sources |= other.sources
        self.rejects += other.rejects


class Loader:
    """Files of one kind to parts named ``PREFIX-N.parquet`` in ``folder``."""

    def __init__(self, folder: Path, prefix: str, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder, self.prefix, self.connection = folder, prefix, connection
        self.result = Loaded()
        self.written = 0

    def load(self, tasks: Iterable[Task]) -> None:
        """Read these files and write their rows."""
        raise NotImplementedError

    def content_of(self, task: Task) -> Content | None:
        """The file's content; null where the file is no log."""
        return read_file(task.location)

    def read(self, task: Task) -> Content | None:
        """The file's content, its facts noted; null where it is no log, or cannot be opened, which is a reject."""
        facts: dict[str, Any] = {"sha256": None, "state": "read", "damage": None}
        self.result.sources[task.source_id] = facts
        try:
            content = self.content_of(task)
        except OSError as error:
            facts["damage"] = f"cannot be read: {error.strerror or error}"
            self.result.reject(task.source_id, 0, facts["damage"], 0, "")
            return None
        if content is None:
            facts["state"] = "ignored"
        else:
            facts |= {"sha256": content.sha256, "damage": content.damage}
        return content

    @contextmanager
    def new_part(self) -> Iterator[Path]:
        """Where the next part is to be written."""
        name = f"{self.prefix}-{self.written:04d}.parquet"
        self.written += 1
        try:
            yield self.folder / name
        except BaseException:
            (self.folder / name).unlink(missing_ok=True)
            raise
        self.result.parts.append(name)

    def write_part(self, sql: str) -> Path:
        """A part of the rows of this query."""
        with self.new_part() as path:
            self.connection.execute(f"copy ({sql}) to {quoted(path)} (format parquet, row_group_size {GROUP_ROWS})")
        return path

    def remove_part(self, path: Path) -> None:
        """Take this part back."""
        self.result.parts.remove(path.name)
        path.unlink()


def load(connection: duckdb.DuckDBPyConnection, kind: str, tasks: list[Task], folder: str, prefix: str) -> Loaded:
    """Read these files into parts named ``PREFIX-N.parquet`` in ``folder``; a file that cannot be opened is a reject."""
    from ir_kit.ingest.loading_access_logs import AccessLogLoader
    from ir_kit.ingest.loading_cloudtrail import CloudTrailLoader

    loader = {"cloudtrail": CloudTrailLoader, "access_log": AccessLogLoader}[kind](Path(folder), prefix, connection)
    loader.load(tasks)
    return loader.result
