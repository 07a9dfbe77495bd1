"""CloudTrail files into parts: whole documents to the engine, and slowly what it refuses.

One broken document fails its batch; the batch is halved until the document stands alone, and that one is read slowly.
"""

from __future__ import annotations

import json
import os
import struct
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from ir_kit.ingest import cloudtrail
from ir_kit.ingest import cloudtrail_documents as documents
from ir_kit.ingest.arrays import flags_of, known_in, numbers_of
from ir_kit.ingest.parts import BATCH_BYTES, PART_ROWS, REJECT_CONTENT, Loader, Task, quoted, writing_of
from ir_kit.ingest.reading import read_file
from ir_kit.ingest.store_rows import table_of

DOCUMENT_BYTES = 1 << 19
_GONE = pa.schema([("source_id", pa.int32()), ("number", pa.int32())])
_FAULTS = pa.schema([("source_id", pa.int32()), ("number", pa.int32()), ("names", pa.string())])


@dataclass
class _Document:
    """One document for the engine; its records are numbered from ``first_number``. ``text`` is kept only where it was mended."""

    source_id: int
    first_number: int
    text: bytes | None = None


_Texts = Iterator[tuple[_Document, bytes]]
_Suspects = dict[int, dict[int, bool]]
"""By source and number, the rows that may hide something, and whether each has a time."""


class _RefusedError(Exception):
    """The engine does not take what it was given."""


class CloudTrailLoader(Loader):
    """CloudTrail's files, in whichever form they have: read as the engine asks for them, so that few are in memory at once."""

    writing = writing_of(
        [*cloudtrail.EXPRESSIONS, "field_faults", "source_id", "record_number", "identity_hash"],
        various={"bytes_in", "bytes_out", "record_number"},
        random={"event_id", "request_id", "host_id", "identity_hash"},
        searched={"event_time", "event_source", "event_name", "record_class", "access_key_id", "source_ip_address", "bucket", "source_id"},
    )  # fmt: skip

    def __init__(self, folder: Path, prefix: str, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(folder, prefix, connection)
        self.tasks: deque[Task] = deque()
        self.locations: dict[int, str] = {}

    def add(self, task: Task) -> None:
        """Note a file, to be read with the others."""
        self.tasks.append(task)
        self.locations[task.source_id] = task.location

    def flush(self) -> None:
        """Write what is noted: whole documents as they are, the others as what can be read of them."""
        while self.tasks:
            taken: list[_Document] = []
            try:
                parts = self.written_of(self.stream(taken))
            except _RefusedError:
                parts = self.insert(taken)  # files that the engine had not asked for are still noted
            for part, suspects in parts.items():
                self.examine(part, suspects)

    def stream(self, taken: list[_Document]) -> _Texts:
        """The documents of the files that are noted, and in ``taken`` which they were; until many are held that were mended."""
        held = 0
        while self.tasks and held < BATCH_BYTES:
            task = self.tasks.popleft()
            content = self.read(task)
            if content is None:
                continue
            data = content.data
            if documents.RECORDS_DOCUMENT.match(data) and not content.damage and _is_utf8(data):
                taken.append(_Document(task.source_id, 1))
                yield taken[-1], data
                continue
            mended = self.read_slowly(task.source_id, data)
            taken += mended
            for document in mended:
                held += len(self.text(document))
                yield document, self.text(document)

    def insert(self, ready: list[_Document]) -> dict[str, _Suspects]:
        """The parts that hold these documents' records, some of which the engine refused: halved until one stands alone."""
        if not ready:
            return {}
        try:
            return self.written_of((document, self.text(document)) for document in ready)
        except _RefusedError as error:
            if len(ready) > 1:
                middle = len(ready) // 2
                return self.insert(ready[:middle]) | self.insert(ready[middle:])
            only = ready[0]
            if only.text is not None:
                self.result.reject(
                    only.source_id, only.first_number, f"the engine refuses it: {str(error)[:200]}", len(only.text), ""
                )
                return {}
            return self.insert(self.read_slowly(only.source_id, self.text(only)))

    def written_of(self, given: _Texts) -> dict[str, _Suspects]:
        """The part that was written of these documents, if they hold anything, and the rows in it to look at again.

        Raises
        ------
        _RefusedError
            The engine refuses a document.
        """
        suspects: _Suspects = {}

        def groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
            for batch in batches:
                _note_suspects(batch, suspects)
                yield pa.Table.from_batches([batch.drop_columns("suspect")])

        self.connection.register("batch", _batches(given))
        try:
            with closing(self.answered(cloudtrail.SELECT)) as batches:
                part = self.write_part(groups(batches))
        finally:
            self.connection.unregister("batch")
        return {part: suspects} if part else {}

    def answered(self, sql: str) -> Generator[pa.RecordBatch]:
        """What this query answers, a group of rows at a time.

        Raises
        ------
        _RefusedError
            The engine fails; what the caller does with the rows may fail as it will.
        """
        reader = None
        try:
            while True:
                try:
                    reader = reader or self.connection.sql(sql).to_arrow_reader(PART_ROWS)
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
                except (duckdb.Error, OSError) as error:  # Arrow makes the one of the other
                    raise _RefusedError(str(error)) from error
                yield batch
        finally:
            if reader:
                reader.close()

    def text(self, document: _Document) -> bytes:
        """What this document holds; of one that was not mended the file is read again."""
        return document.text if document.text is not None else read_file(self.locations[document.source_id]).data

    def read_slowly(self, source_id: int, data: bytes) -> list[_Document]:
        """The readable records of a file as mended documents; what is not readable becomes rejects."""
        facts = self.facts[source_id]
        if documents.looks_like_digest(data):
            facts["state"] = "ignored"
            return []
        found = list(documents.items(data))
        records = [(item.number, item.record) for item in found if item.record is not None]
        rejected = [item for item in found if item.record is None]
        broken = next((item for item in rejected if documents.is_damage(item)), None)
        reason = facts["damage"] or (
            rejected[0].reason if rejected else None if data.strip(b" \t\r\n\0") else "empty file"
        )
        if broken and (records or broken.reason.startswith(documents.BREAKS_OFF)):
            facts["damage"] = facts["damage"] or broken.reason.split(":")[0]
        if not records:
            if reason:
                self.result.reject(source_id, 1, reason, len(data), documents.text_of(data[:REJECT_CONTENT]))
            return []
        for item in rejected:
            if item.number:
                self.result.reject(source_id, item.number, item.reason, item.size, item.content)
        return list(_mended(source_id, records))

    def examine(self, part: str, suspects: _Suspects) -> None:
        """Read the rows that may hide something again: name their faults, or take them out as rejects."""
        gone: list[tuple[int, int]] = []
        faults: list[tuple[int, int, str]] = []
        for source_id, numbers in suspects.items():
            found = {item.number: item for item in documents.items(read_file(self.locations[source_id]).data)}
            bad: list[tuple[int, str, documents.Item | None]] = []
            for number, timed in numbers.items():
                item = found.get(number)
                record = item.record if item else None
                if record is None:
                    bad.append((number, item.reason if item and item.reason else "not a record", item))
                elif record.get("eventType") == documents.INSIGHT_TYPE:
                    gone.append((source_id, number))
                elif not timed:
                    bad.append((number, "eventTime is missing or is no time", item))
                elif names := cloudtrail.faults_of(record):
                    faults.append((source_id, number, ",".join(names)))
            gone += [(source_id, number) for number, _, _ in bad]
            if bad and len(bad) == len(found):
                bad = bad[:1]  # nothing in the file is CloudTrail: one thing that could not be read
            elif not bad and all(
                item.record and item.record.get("eventType") == documents.INSIGHT_TYPE for item in found.values()
            ):
                self.facts[source_id]["state"] = "ignored"
            for number, reason, item in bad:
                content = (item.content or json.dumps(item.record, ensure_ascii=False)) if item else ""
                self.result.reject(source_id, number, reason, len(content.encode(errors="replace")), content)
        if gone or faults:
            self.amend(part, gone, faults)

    def amend(self, part: str, gone: list[tuple[int, int]], faults: list[tuple[int, int, str]]) -> None:
        """Write a part again without the rows that have gone, and with the faults named."""
        without = table_of(({"source_id": i, "number": n} for i, n in gone), _GONE)
        named = table_of(({"source_id": i, "number": n, "names": names} for i, n, names in faults), _FAULTS)
        self.connection.register("gone", without)
        self.connection.register("faults", named)
        kept = self.answered(
            f"""select p.* replace (f.names as field_faults) from read_parquet({quoted(self.folder / part)}) p
                left join faults f on f.source_id = p.source_id and f.number = p.record_number
                where not exists (
                    select 1 from gone g where g.source_id = p.source_id and g.number = p.record_number
                ) order by p.source_id, p.record_number"""
        )
        with closing(kept):
            self.write_part(pa.Table.from_batches([batch]) for batch in kept)
        self.result.parts.remove(part)
        os.unlink(self.folder / part)
        self.connection.unregister("gone")
        self.connection.unregister("faults")


def _note_suspects(batch: pa.RecordBatch, suspects: _Suspects) -> None:
    places = np.flatnonzero(flags_of(batch.column("suspect")))
    if not len(places):
        return
    timed = known_in(batch.column("event_time"))
    for place in places:
        source_id, number = (
            int(numbers_of(batch.column(name), np.int32)[place]) for name in ("source_id", "record_number")
        )
        suspects.setdefault(source_id, {})[number] = timed is None or bool(timed[place])


def _mended(source_id: int, found: list[tuple[int, dict[str, Any]]]) -> Iterator[_Document]:
    """Documents of records whose numbers follow one another, none much longer than half a mebibyte."""
    run: list[dict[str, Any]] = []
    first = size = 0
    for number, record in found:
        if run and (number != first + len(run) or size > DOCUMENT_BYTES):
            yield _Document(source_id, first, documents.document_of(run))
            run, size = [], 0
        if not run:
            first = number
        run.append(record)
        size += 2_000
    if run:
        yield _Document(source_id, first, documents.document_of(run))


def _batches(given: _Texts) -> pa.RecordBatchReader:
    """Documents for the engine, about half a mebibyte in a vector: larger ones take it longer."""
    schema = pa.schema([("source_id", pa.int32()), ("first_number", pa.int32()), ("document", pa.string())])

    def groups() -> Iterable[pa.RecordBatch]:
        group: list[tuple[_Document, bytes]] = []
        size = 0
        for document, text in given:
            if group and size + len(text) > DOCUMENT_BYTES:
                yield _record_batch(group, schema)
                group, size = [], 0
            group.append((document, text))
            size += len(text)
        if group:
            yield _record_batch(group, schema)

    return pa.RecordBatchReader.from_batches(schema, groups())


def _record_batch(group: list[tuple[_Document, bytes]], schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        _integers([document.source_id for document, _ in group]),
        _integers([document.first_number for document, _ in group]),
        _strings([text for _, text in group]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


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
