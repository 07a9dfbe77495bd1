"""Access-log objects into parts: lines of the common shapes all at once, the others one by one."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ir_kit.ingest import access_log
from ir_kit.ingest.arrays import array_of
from ir_kit.ingest.columns import ACCESS_LOG_LINES
from ir_kit.ingest.common_lines import read_lines
from ir_kit.ingest.loading import Loader, Task
from ir_kit.ingest.reading import Content, is_utf8, read_file
from ir_kit.ingest.store import create_table

GROUP_BYTES = 1 << 20  # what is read at once stays in the processor's cache
PART_ROWS = 65_536
HEAD_BYTES = 1 << 16
LONGEST_LINE = 64 << 20

_NOT_IN_LINES = {"source_file", "source_present", "source_id", "line_number"}
COLUMNS = {column.name: column.sql_type for column in ACCESS_LOG_LINES if column.name not in _NOT_IN_LINES}
_HARDLY_REPEATED = {"key", "key_raw", "request_uri", "bytes_sent", "object_size", "request_id", "host_id"}
_HASH = "hash(line) as identity_hash"
# as `access_log.decoded_key`, which has the few that are no UTF-8
_KEY = """case when contains(key_raw, '%') or contains(key_raw, '+') then coalesce(
    try(case when starts_with(operation, 'BATCH.') or starts_with(operation, 'S3.') then url_decode(replace(key_raw, '+', ' '))
             else url_decode(replace(url_decode(key_raw), '+', ' ')) end),
    decoded_key(key_raw, operation)) else key_raw end as key"""
_PLACE = {"source_id": "integer", "line_number": "integer"}


class Piece(NamedTuple):
    """A stretch of whole lines of one file; ``first`` says whether the file begins with it."""

    source_id: int
    first: bool
    text: memoryview


def pieces_of(source_id: int, data: bytes) -> Iterator[Piece]:
    """A file in pieces of whole lines, none much longer than `GROUP_BYTES` unless one line is; bytes that are no UTF-8 escaped."""
    body = data.removeprefix(b"\xef\xbb\xbf")
    text = body if is_utf8(body) else body.decode("utf-8", errors="backslashreplace").encode("utf-8")
    if not text.endswith(b"\n"):
        text += b"\n"
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    whole, start = memoryview(text), 0
    while start < len(text):
        end = text.find(b"\n", start + GROUP_BYTES) + 1 or len(text)
        yield Piece(source_id, start == 0, whole[start:end])
        start = end


class AccessLogLoader(Loader):
    """Server access logs, plain or compressed."""

    def __init__(self, folder: Path, prefix: str, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(folder, prefix, connection)
        with suppress(
            duckdb.NotImplementedException, duckdb.CatalogException
        ):  # it is there from the tasks before these
            connection.create_function("decoded_key", access_log.decoded_key, ["varchar", "varchar"], "varchar")
        self.group: list[Piece] = []
        self.group_bytes = 0
        self.next_number = 1
        self.batches: list[pa.RecordBatch] = []
        self.rows = 0
        self.odd: list[dict[str, Any]] = []

    def content_of(self, task: Task) -> Content | None:
        """The file's content; null where neither its name nor its first lines make it an access log."""
        if not task.named and not access_log.is_delivered_name(task.name):
            with open(task.location, "rb") as file:
                head = file.read(HEAD_BYTES)
            if head.startswith(b"\x1f\x8b"):
                try:
                    head = zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
                except zlib.error:
                    head = b""
            if not access_log.holds_log_lines(head):
                return None
        return read_file(task.location)

    def load(self, tasks: Iterable[Task]) -> None:
        """Take the lines of these files together, and read them once they are enough."""
        for task in tasks:
            content = self.read(task)
            if content is None:
                continue
            for piece in pieces_of(task.source_id, self.without_cut_line(task, content.data)):
                self.group.append(piece)
                self.group_bytes += len(piece.text)
                if self.group_bytes >= GROUP_BYTES:
                    self.read_group()
            if self.rows >= PART_ROWS:
                self.write_rows()
        self.read_group()
        self.write_rows()
        self.write_odd()

    def without_cut_line(self, task: Task, data: bytes) -> bytes:
        """Whole lines only: of a damaged file the last may be cut, and would pass for an older, shorter one."""
        damage = self.result.sources[task.source_id]["damage"]
        if not damage:
            return data
        end = data.rfind(b"\n") + 1
        if end < len(data):
            self.reject_line(
                task.source_id, data.count(b"\n") + 1, f"cut: {damage}", data[end:].decode("utf-8", "replace")
            )
        elif not data:
            self.result.reject(task.source_id, 0, damage, 0, "")
        return data[:end]

    def read_group(self) -> None:
        """Read the lines that have come together."""
        group, self.group, self.group_bytes = self.group, [], 0
        if not group:
            return
        read = read_lines([piece.text for piece in group])
        ends = np.cumsum([0, *(len(piece.text) for piece in group)])
        counts = np.diff(np.searchsorted(read.breaks, ends))
        # a piece that does not begin its file goes on where the group before this one ended
        starts = np.array([1 if piece.first else self.next_number for piece in group])
        self.next_number = int(starts[-1] + counts[-1])
        ids = np.repeat(np.array([piece.source_id for piece in group], dtype=np.int32), counts)
        numbers = np.arange(len(ids)) + np.repeat(starts - np.cumsum(counts) + counts, counts)
        for at, line in read.odd:
            self.read_odd_line(int(ids[at]), int(numbers[at]), line)
        if read.rows is not None:
            places = [array_of(pa.int32(), values[read.at].astype(np.int32)) for values in (ids, numbers)]
            names = [*read.rows.schema.names, *_PLACE]
            self.batches.append(pa.RecordBatch.from_arrays([*read.rows.columns, *places], names=names))
            self.rows += len(read.at)

    def read_odd_line(self, source_id: int, number: int, line: str) -> None:
        """Read a line with care; reject it where that fails."""
        row = access_log.parse_line(line)
        if isinstance(row, str):
            self.reject_line(source_id, number, row, line)
        else:
            self.odd.append({**row, "source_id": source_id, "line_number": number, "line": line})
            if len(self.odd) >= PART_ROWS:
                self.write_odd()

    def reject_line(self, source_id: int, number: int, reason: str, line: str) -> None:
        """Note that this line could not be read."""
        self.result.reject(source_id, number, reason, len(line.encode(errors="replace")), line)

    def write_rows(self) -> None:
        """A part of the lines of the common shapes, each with the hash of the whole line in its place.

        By Arrow's writer: the engine's takes twice as long, for it makes a dictionary of what hardly ever repeats.
        """
        if not self.batches:
            return
        rows = pa.Table.from_batches(self.batches)
        self.batches, self.rows = [], 0
        self.connection.register("batch", rows)
        more = self.connection.sql(f"select {_KEY}, {_HASH} from batch").to_arrow_table()
        for name in more.column_names:
            rows = rows.append_column(name, more.column(name))
        rows = rows.select([*COLUMNS, *_PLACE, "identity_hash"])
        with self.new_part() as path:
            pq.write_table(
                rows,
                path,
                row_group_size=PART_ROWS,
                store_schema=False,
                use_dictionary=[*COLUMNS.keys() - _HARDLY_REPEATED],
            )

    def write_odd(self) -> None:
        """A part of the lines that were read with care."""
        if self.odd:
            create_table(self.connection, "odd", self.odd, COLUMNS | _PLACE | {"line": "varchar"})
            self.write_part(f"select {', '.join(COLUMNS | _PLACE)}, {_HASH} from odd")
            self.odd = []
