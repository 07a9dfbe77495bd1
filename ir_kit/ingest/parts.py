"""What loads of both kinds share: the files' facts, and Parquet parts written straight from a batch.

A part is written under a name of its own and counts only once the store's manifest names it, so a load that is killed leaves nothing that
anybody reads.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ir_kit.ingest import redaction
from ir_kit.ingest.reading import Content, read_file

BATCH_BYTES = 48 << 20
REJECT_CONTENT = 2_000
PART_ROWS = 32_768


@dataclass(frozen=True)
class Task:
    """One file to read; ``named`` where the incident names the file itself, whatever it is called."""

    source_id: int
    kind: str
    location: str
    name: str
    named: bool


@dataclass
class Loaded:
    """What came of a list of tasks: parts by name, facts by source, rejects; all small enough to hand between processes."""

    parts: list[str] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def reject(self, source_id: int, number: int, reason: str, size: int, content: str) -> None:
        shown = redaction.redacted_text(content[:REJECT_CONTENT])
        if len(content) < 1 << 20:
            with contextlib.suppress(ValueError, RecursionError):
                shown = json.dumps(redaction.redacted(json.loads(content)))[:REJECT_CONTENT]
        self.rejects.append(
            {"source_id": source_id, "number": number, "reason": reason, "bytes": size, "content": shown}
        )


class Loader:
    """Batches of one kind of source to parts named ``PREFIX-N.parquet``.

    Attributes
    ----------
    writing : dict
        How its columns are written, as `pyarrow.parquet.ParquetWriter` takes it.
    """

    writing: dict[str, Any] = {}

    def __init__(self, folder: Path, prefix: str, connection: duckdb.DuckDBPyConnection) -> None:
        self.folder, self.prefix, self.result = folder, prefix, Loaded()
        self.connection = connection
        self.facts: dict[int, dict[str, Any]] = {}
        self.written = 0

    def add(self, task: Task) -> None:
        """Read a file, and keep its content for the next batch."""
        content = self.read(task)
        if content is not None:
            self.queue(task, content)

    def read(self, task: Task) -> Content | None:
        """The file's content, its facts noted; null where it is no log, or cannot be opened, which is a reject."""
        try:
            content = self.content_of(task)
        except OSError as error:
            self.fact(task, None, state="read", damage=f"cannot be read: {error.strerror or error}")
            self.result.reject(task.source_id, 0, f"cannot be read: {error.strerror or error}", 0, "")
            return None
        self.fact(task, content, state="read" if content else "ignored")
        return content

    def content_of(self, task: Task) -> Content | None:
        """The file's content; null where the file is no log."""
        return read_file(task.location)

    def queue(self, task: Task, content: Content) -> None:
        """Keep this content for the next batch."""
        raise NotImplementedError

    def fact(self, task: Task, content: Content | None, state: str = "read", damage: str | None = None) -> None:
        """Note what is known of a file."""
        facts = {
            "source_id": task.source_id,
            "sha256": content.sha256 if content else None,
            "state": state,
            "damage": content.damage if content else damage,
        }
        self.facts[task.source_id] = facts
        self.result.sources.append(facts)

    def flush(self) -> None:
        """Write what is pending."""
        raise NotImplementedError

    def write_part(self, groups: Iterable[pa.Table]) -> str | None:
        """The part that holds these groups of rows; null where there are none."""
        name = f"{self.prefix}-{self.written:04d}.parquet"
        self.written += 1
        path, writer = self.folder / name, None
        try:
            with pa.OSFile(str(path), "wb") as file:
                for group in groups:
                    writer = writer or pq.ParquetWriter(file, group.schema, store_schema=False, **self.writing)
                    writer.write_table(group, row_group_size=len(group))
                if writer:
                    writer.close()
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        if writer is None:
            path.unlink()
            return None
        self.result.parts.append(name)
        return name

    def finish(self) -> Loaded:
        """Write the rest; what came of it all."""
        self.flush()
        return self.result


def writing_of(names: list[str], various: set[str], random: set[str], searched: set[str]) -> dict[str, Any]:
    """How columns are written: a dictionary of what hardly ever repeats, the bounds of what nobody looks for, and the compression of
    what is random cost time and save nothing.
    """
    return {
        "use_dictionary": [name for name in names if name not in various | random],
        "write_statistics": [name for name in names if name in searched],
        "compression": {name: "none" if name in random else "snappy" for name in names},
    }


def quoted(path: Path) -> str:
    """A path as SQL text."""
    return "'" + str(path).replace("'", "''") + "'"
