"""CloudTrail files into parts: whole documents to the engine, and slowly what it refuses."""

from __future__ import annotations

import itertools
import json
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ir_kit.ingest import cloudtrail
from ir_kit.ingest import cloudtrail_documents as documents
from ir_kit.ingest.loading import REJECT_CONTENT, Loader, Task
from ir_kit.ingest.reading import is_utf8, read_file
from ir_kit.ingest.store import create_table, quoted

BATCH_BYTES = 48 << 20
DOCUMENT_BYTES = 1 << 19
DOCUMENT_RECORDS = 256
_BATCH = pa.schema([("source_id", pa.int32()), ("first_number", pa.int32()), ("document", pa.string())])


class Document(NamedTuple):
    """One document for the engine; its records are numbered from ``first_number``. ``text`` is there only where it was mended."""

    source_id: int
    first_number: int
    text: bytes | None = None


Texts = Iterator[tuple[Document, bytes]]


class RefusedError(Exception):
    """The engine does not take what it was given."""


class CloudTrailLoader(Loader):
    """CloudTrail's files, in whichever form they have: read as the engine asks for them, so that few are in memory at once."""

    def load(self, tasks: Iterable[Task]) -> None:
        """Whole documents as they are, of the others what can be read of them."""
        queue = deque(tasks)
        self.locations = {task.source_id: task.location for task in queue}
        while queue:
            taken: list[Document] = []
            try:
                self.write_documents(self.texts(queue, taken))
            except RefusedError:
                # one by one, to find those that the engine refuses; files that it had not asked for are still in the queue
                readable = [fine for document in taken for fine in self.readable(document)]
                self.write_documents((document, self.text(document)) for document in readable)

    def texts(self, queue: deque[Task], taken: list[Document]) -> Texts:
        """The documents of these files, noted in ``taken``; until much text is in memory that was mended."""
        mended_bytes = 0
        while queue and mended_bytes < BATCH_BYTES:
            task = queue.popleft()
            content = self.read(task)
            if content is None:
                continue
            if documents.RECORDS_DOCUMENT.match(content.data) and not content.damage and is_utf8(content.data):
                taken.append(Document(task.source_id, 1))
                yield taken[-1], content.data
                continue
            mended = self.mended(task.source_id, content.data)
            taken += mended
            for document in mended:
                mended_bytes += len(self.text(document))
                yield document, self.text(document)

    def text(self, document: Document) -> bytes:
        """What this document holds; of one that was not mended the file is read again."""
        return document.text if document.text is not None else read_file(self.locations[document.source_id]).data

    def readable(self, document: Document) -> list[Document]:
        """The document, if the engine takes it; mended, where it was not yet; else none, and a reject."""
        text = self.text(document)
        self.connection.register("batch", _batches(iter([(document, text)])))
        try:
            self.connection.execute(cloudtrail.SELECT).fetchall()
        except duckdb.Error as error:
            if document.text is None:
                return [fine for mended in self.mended(document.source_id, text) for fine in self.readable(mended)]
            reason = f"the engine refuses it: {str(error)[:200]}"
            self.result.reject(document.source_id, document.first_number, reason, len(text), "")
            return []
        return [document]

    def write_documents(self, texts: Texts) -> None:
        """A part of these documents' records, if they have any.

        Raises
        ------
        RefusedError
            The engine refuses a document.
        """
        self.connection.register("batch", _batches(texts))
        try:
            part = self.write_part(cloudtrail.SELECT)
        except duckdb.IOException:
            raise
        except duckdb.Error as error:
            raise RefusedError from error
        if pq.read_metadata(part).num_rows:
            self.examine(part)
        else:
            self.remove_part(part)

    def mended(self, source_id: int, data: bytes) -> list[Document]:
        """The readable records of a file as documents of about half a mebibyte; what is not readable becomes rejects."""
        facts = self.result.sources[source_id]
        if documents.looks_like_digest(data):
            facts["state"] = "ignored"
            return []
        items = list(documents.items(data))
        records = [item for item in items if item.record is not None]
        rejected = [item for item in items if item.record is None]
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
        # numbers follow one another within a document
        made: list[Document] = []
        for _, run in itertools.groupby(enumerate(records), key=lambda pair: pair[1].number - pair[0]):
            listed = [item for _, item in run]
            for start in range(0, len(listed), DOCUMENT_RECORDS):
                some = [item.record for item in listed[start : start + DOCUMENT_RECORDS] if item.record is not None]
                made.append(Document(source_id, listed[start].number, documents.document_of(some)))
        return made

    def examine(self, part: Path) -> None:
        """Read the rows that may hide something again: name their faults, or take them out as rejects."""
        suspects = self.connection.execute(
            f"""select source_id, list((record_number, event_time is not null) order by record_number)
                from read_parquet({quoted(part)}) where suspect group by all order by all"""
        ).fetchall()
        corrections: list[dict[str, Any]] = []
        for source_id, rows in suspects:
            items = {item.number: item for item in documents.items(read_file(self.locations[source_id]).data)}
            bad: list[tuple[int, str, documents.Item | None]] = []
            for number, timed in rows:
                item = items.get(number)
                record = item.record if item else None
                names: list[str] = []
                if record is None:
                    bad.append((number, item.reason if item and item.reason else "not a record", item))
                elif record.get("eventType") == documents.INSIGHT_TYPE:
                    pass
                elif not timed:
                    bad.append((number, "eventTime is missing or is no time", item))
                elif not (names := cloudtrail.faults_of(record)):
                    continue
                corrections.append({"source_id": source_id, "number": number, "names": ",".join(names)})
            if bad and len(bad) == len(items):
                bad = bad[:1]  # nothing in the file is CloudTrail: one thing that could not be read
            elif not bad and all(
                item.record and item.record.get("eventType") == documents.INSIGHT_TYPE for item in items.values()
            ):
                self.result.sources[source_id]["state"] = "ignored"
            for number, reason, item in bad:
                content = (item.content or json.dumps(item.record, ensure_ascii=False)) if item else ""
                self.result.reject(source_id, number, reason, len(content.encode(errors="replace")), content)
        if corrections:
            types = {"source_id": "integer", "number": "integer", "names": "varchar"}
            create_table(self.connection, "corrections", corrections, types)
            self.write_part(
                f"""select p.* replace (c.names as field_faults)
                    from read_parquet({quoted(part)}) p
                    left join corrections c on c.source_id = p.source_id and c.number = p.record_number
                    where c.names is distinct from '' order by p.source_id, p.record_number"""
            )
            self.remove_part(part)


def _batches(texts: Texts) -> pa.RecordBatchReader:
    """Documents for the engine, about half a mebibyte in a vector: larger ones take it longer."""

    def groups() -> Iterator[pa.RecordBatch]:
        group: list[tuple[Document, bytes]] = []
        size = 0
        for document, text in texts:
            if group and size + len(text) > DOCUMENT_BYTES:
                yield _record_batch(group)
                group, size = [], 0
            group.append((document, text))
            size += len(text)
        if group:
            yield _record_batch(group)

    return pa.RecordBatchReader.from_batches(_BATCH, groups())


def _record_batch(group: list[tuple[Document, bytes]]) -> pa.RecordBatch:
    """Without the detour through `pa.array`, which loads pandas."""
    ends = itertools.accumulate((len(text) for _, text in group), initial=0)
    numbers = [[document.source_id for document, _ in group], [document.first_number for document, _ in group], ends]
    ids, firsts, offsets = (pa.py_buffer(struct.pack(f"{len(some)}i", *some)) for some in map(list, numbers))
    body = pa.py_buffer(group[0][1] if len(group) == 1 else b"".join(text for _, text in group))
    columns = [
        pa.Array.from_buffers(pa.int32(), len(group), [None, ids]),
        pa.Array.from_buffers(pa.int32(), len(group), [None, firsts]),
        pa.Array.from_buffers(pa.string(), len(group), [None, offsets, body]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_BATCH)
