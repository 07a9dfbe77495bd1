"""Source files into Parquet parts: what a worker process does.

A part is written under a name of its own and counts only once the store's manifest names it, so a load that is killed leaves nothing that
anybody reads. One broken document fails its batch; the batch is halved until the document stands alone, and that one is read slowly.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from ir_kit.evidence import access_log, cloudtrail, documents, redaction
from ir_kit.evidence.columns import ACCESS_LOG_LINES
from ir_kit.evidence.database import connect
from ir_kit.evidence.reading import Content, read_file

BATCH_BYTES = 48 << 20
DOCUMENT_BYTES = 1 << 20
PART_ROWS = 24_576
REJECT_CONTENT = 2_000


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
        try:
            shown = json.dumps(redaction.redacted(json.loads(content)))[:REJECT_CONTENT] if len(content) < 1 << 20 else shown
        except (ValueError, RecursionError):
            pass
        self.rejects.append({"source_id": source_id, "number": number, "reason": reason, "bytes": size, "content": shown})


def load(kind: str, tasks: list[Task], folder: str, prefix: str) -> Loaded:
    """Read these files into parts named ``PREFIX-N.parquet`` in ``folder``; a file that cannot be opened is a reject."""
    loader: _Loader = {"cloudtrail": _CloudTrail, "access_log": _AccessLog}[kind](Path(folder), prefix)
    for task in tasks:
        loader.add(task)
    return loader.finish()


class _Loader:
    """Batches of one kind of source into one table in memory, and from there into parts."""

    insert = ""
    rows_table = ""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder, self.prefix, self.result = folder, prefix, Loaded()
        self.connection = connect(threads=1)
        self.connection.execute(self.rows_table)
        self.facts: dict[int, dict[str, Any]] = {}
        self.pending: list[tuple[Task, bytes]] = []
        self.pending_bytes = 0

    def add(self, task: Task) -> None:
        try:
            content = self.content_of(task)
        except OSError as error:
            self.fact(task, None, state="read", damage=f"cannot be read: {error.strerror or error}")
            self.result.reject(task.source_id, 0, f"cannot be read: {error.strerror or error}", 0, "")
            return
        if content is None:
            self.fact(task, None, state="ignored")
            return
        self.fact(task, content)
        self.queue(task, content)
        if self.pending_bytes >= BATCH_BYTES:
            self.flush()

    def content_of(self, task: Task) -> Content | None:
        return read_file(Path(task.location))

    def queue(self, task: Task, content: Content) -> None:
        self.pending.append((task, content.data))
        self.pending_bytes += len(content.data)

    def fact(self, task: Task, content: Content | None, state: str = "read", damage: str | None = None) -> None:
        facts = {
            "source_id": task.source_id,
            "sha256": content.sha256 if content else None,
            "bytes": content.size if content else 0,
            "state": state,
            "damage": content.damage if content else damage,
        }
        self.facts[task.source_id] = facts
        self.result.sources.append(facts)

    def flush(self) -> None:
        raise NotImplementedError

    def spill(self, least: int = PART_ROWS) -> None:
        """Write the rows in memory as a part, where there are at least so many."""
        [(count,)] = self.connection.execute("select count(*) from rows").fetchall()
        if count < max(1, least):
            return
        name = f"{self.prefix}-{len(self.result.parts):04d}.parquet"
        target = str(self.folder / name).replace("'", "''")
        self.connection.execute(
            f"copy (select * exclude ({self.helper}) from rows) to '{target}' "
            "(format parquet, compression zstd, compression_level 1, row_group_size 32768)"
        )
        self.connection.execute(f"drop table rows; {self.rows_table}")
        self.result.parts.append(name)

    helper = ""

    def finish(self) -> Loaded:
        self.flush()
        self.spill(least=1)
        self.connection.close()
        return self.result


def _strings(values: list[bytes]) -> pa.Array:
    """These bytes, known to be UTF-8, as one Arrow array (without the detour through `pa.array`, which loads pandas)."""
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum([len(value) for value in values], out=offsets[1:])
    body = values[0] if len(values) == 1 else b"".join(values)
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(body)])


def _integers(values: list[int]) -> pa.Array:
    return pa.Array.from_buffers(
        pa.int32(), len(values), [None, pa.py_buffer(struct.pack(f"<{len(values)}i", *values))]
    )


def _is_utf8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode("utf-8")) or True
    except UnicodeDecodeError:
        return False


@dataclass
class _Document:
    """One document for the engine; its records are numbered from ``first_number``."""

    source_id: int
    first_number: int
    text: bytes
    mended: bool = False


class _CloudTrail(_Loader):
    insert = cloudtrail.INSERT
    rows_table = cloudtrail.rows_table()
    helper = "suspect"

    def flush(self) -> None:
        ready: list[_Document] = []
        for task, data in self.pending:
            whole = documents.RECORDS_DOCUMENT.match(data) and _is_utf8(data)
            if whole and not self.facts[task.source_id]["damage"]:
                ready.append(_Document(task.source_id, 1, data))
            else:
                ready.extend(self.read_slowly(task.source_id, data))
        self.insert_all(ready)
        self.examine({task.source_id: data for task, data in self.pending})
        self.pending, self.pending_bytes = [], 0
        self.spill()

    def insert_all(self, ready: list[_Document]) -> None:
        if not ready:
            return
        self.connection.register("batch", _batches(ready))
        try:
            self.connection.execute(self.insert)
        except duckdb.Error as error:
            if len(ready) > 1:
                middle = len(ready) // 2
                self.insert_all(ready[:middle])
                self.insert_all(ready[middle:])
            elif ready[0].mended:
                self.result.reject(ready[0].source_id, ready[0].first_number, f"the engine refuses it: {str(error)[:200]}", len(ready[0].text), "")
            else:
                self.insert_all(self.read_slowly(ready[0].source_id, ready[0].text))
        finally:
            self.connection.unregister("batch")

    def read_slowly(self, source_id: int, data: bytes) -> list[_Document]:
        """The readable records of a file as mended documents; what is not readable becomes rejects."""
        if documents.looks_like_digest(data):
            self.facts[source_id]["state"] = "ignored"
            return []
        found = list(documents.items(data))
        rejected = [item for item in found if item.record is None]
        if not any(item.record for item in found):
            broken = next((item for item in rejected if item.reason and item.reason.startswith(documents.BREAKS_OFF)), None)
            facts = self.facts[source_id]
            if rejected or facts["damage"]:
                reason = rejected[0].reason if rejected else facts["damage"]
                self.result.reject(source_id, 1, str(facts["damage"] or reason), len(data), documents.text_of(data[:REJECT_CONTENT]))
            elif not data.strip():
                self.result.reject(source_id, 1, "empty file", 0, "")
            if broken:
                facts["damage"] = facts["damage"] or broken.reason
            return []
        for item in rejected:
            self.result.reject(source_id, item.number, str(item.reason), item.size, item.content)
            if item.reason and item.reason.startswith((documents.BREAKS_OFF, documents.BROKEN, "not JSON")):
                self.facts[source_id]["damage"] = item.reason.split(":")[0]
        return list(_mended(source_id, [(item.number, item.record) for item in found if item.record is not None]))

    def examine(self, data: dict[int, bytes]) -> None:
        """Read the rows that may hide something again: name their faults, or take them out as rejects."""
        suspects: dict[int, dict[int, bool]] = {}
        for source_id, number, timed in self.connection.execute(
            "select source_id, record_number, event_time is not null from rows where suspect order by 1, 2"
        ).fetchall():
            suspects.setdefault(source_id, {})[number] = timed
        gone: list[tuple[int, int]] = []
        for source_id, numbers in suspects.items():
            found = {item.number: item for item in documents.items(data[source_id])}
            bad = []
            for number, timed in numbers.items():
                item = found.get(number)
                record = item.record if item else None
                if record is None:
                    bad.append((number, item.reason if item and item.reason else "not a record", item))
                elif record.get("eventType") == documents.INSIGHT_TYPE:
                    gone.append((source_id, number))
                elif not timed:
                    bad.append((number, "eventTime is missing or is no time", item))
                else:
                    self.connection.execute(
                        "update rows set field_faults = ? where source_id = ? and record_number = ?",
                        [",".join(cloudtrail.faults_of(record)) or None, source_id, number],
                    )
            gone += [(source_id, number) for number, _, _ in bad]
            if bad and len(bad) == len(found):
                bad = bad[:1]  # nothing in the file is CloudTrail: one thing that could not be read
            elif not bad and len(numbers) == len(found) and all(
                item.record and item.record.get("eventType") == documents.INSIGHT_TYPE for item in found.values()
            ):
                self.facts[source_id]["state"] = "ignored"
            for number, reason, item in bad:
                content = item.content or json.dumps(item.record, ensure_ascii=False) if item else ""
                self.result.reject(source_id, number, reason, len(content.encode(errors="replace")), content)
        if gone:
            self.connection.executemany("delete from rows where source_id = ? and record_number = ?", gone)
        if suspects:
            self.connection.execute("update rows set suspect = false where suspect")


def _mended(source_id: int, found: list[tuple[int, dict[str, Any]]]) -> Iterator[_Document]:
    """Documents of records whose numbers follow one another, none much longer than a mebibyte."""
    run: list[dict[str, Any]] = []
    first = size = 0
    for number, record in found:
        if run and (number != first + len(run) or size > DOCUMENT_BYTES):
            yield _Document(source_id, first, documents.document_of(run), mended=True)
            run, size = [], 0
        if not run:
            first = number
        run.append(record)
        size += 2_000
    if run:
        yield _Document(source_id, first, documents.document_of(run), mended=True)


def _batches(ready: list[_Document]) -> pa.RecordBatchReader:
    """Documents for the engine, about a mebibyte in a vector: larger vectors take it several times longer."""
    schema = pa.schema([("source_id", pa.int32()), ("first_number", pa.int32()), ("document", pa.string())])

    def groups() -> Iterable[pa.RecordBatch]:
        group: list[_Document] = []
        size = 0
        for document in ready:
            if group and size + len(document.text) > DOCUMENT_BYTES:
                yield _record_batch(group, schema)
                group, size = [], 0
            group.append(document)
            size += len(document.text)
        if group:
            yield _record_batch(group, schema)

    return pa.RecordBatchReader.from_batches(schema, groups())


def _record_batch(group: list[_Document], schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        _integers([document.source_id for document in group]),
        _integers([document.first_number for document in group]),
        _strings([document.text for document in group]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class _AccessLog(_Loader):
    insert = access_log.INSERT
    rows_table = access_log.rows_table()
    helper = "odd_line"

    def content_of(self, task: Task) -> Content | None:
        if not task.named:
            with open(task.location, "rb") as file:
                head = file.read(1 << 16)
            if head.startswith(b"\x1f\x8b"):
                try:
                    head = zlib.decompressobj(wbits=31).decompress(head, 1 << 16)
                except zlib.error:
                    head = b""
            if not access_log.looks_like_access_log(task.name, head):
                return None
        return read_file(Path(task.location))

    def queue(self, task: Task, content: Content) -> None:
        super().queue(task, content)
        if content.damage:
            self.result.reject(task.source_id, 0, content.damage, 0, "")

    def flush(self) -> None:
        batches = []
        for task, data in self.pending:
            batch, short = access_log.line_arrays(data, task.source_id)
            batches.append(batch)
            for number in short:
                self.result.reject(task.source_id, number, "too short for an access-log line", 0, "")
        if batches:
            self.connection.register("batch", pa.RecordBatchReader.from_batches(batches[0].schema, batches))
            self.connection.execute(self.insert)
            self.connection.unregister("batch")
            self.read_odd_lines()
        self.pending, self.pending_bytes = [], 0
        self.spill()

    def read_odd_lines(self) -> None:
        """Lines that are not of the common shapes: one by one, and rejected where they cannot be read."""
        odd = self.connection.execute(
            "select source_id, line_number, odd_line from rows where odd_line is not null order by 1, 2"
        ).fetchall()
        if not odd:
            return
        self.connection.execute("delete from rows where odd_line is not null")
        readable = []
        for source_id, number, line in odd:
            row = access_log.parse_line(line)
            if isinstance(row, str):
                self.result.reject(source_id, number, row, len(line.encode(errors="replace")), line)
            else:
                readable.append({**row, "source_id": source_id, "line_number": number, "line": line})
        if readable:
            self.connection.register("odd", pa.Table.from_pylist(readable, schema=_ODD_SCHEMA))
            self.connection.execute("insert into rows by name select * exclude (line), hash(line) as identity_hash from odd")
            self.connection.unregister("odd")


_ARROW = {"varchar": pa.string(), "integer": pa.int32(), "bigint": pa.int64(), "timestamp": pa.timestamp("us"), "boolean": pa.bool_()}
_ODD_SCHEMA = pa.schema(
    [(c.name, _ARROW[c.sql_type]) for c in ACCESS_LOG_LINES if c.name in access_log.EXPRESSIONS]
    + [("source_id", pa.int32()), ("line_number", pa.int32()), ("line", pa.string())]
)
