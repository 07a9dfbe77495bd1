"""Access-log objects into parts: lines of the common shapes to the engine, the others one by one."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa

from ir_kit.evidence import access_log
from ir_kit.evidence.columns import ACCESS_LOG_LINES
from ir_kit.evidence.parts import Loader, Task, quoted
from ir_kit.evidence.reading import Content, read_file
from ir_kit.evidence.rows import table_of

VECTOR_BYTES = 1 << 20
HEAD_BYTES = 1 << 16
ODD_ROWS = 20_000

_ARROW = {
    "varchar": pa.string(), "integer": pa.int32(), "bigint": pa.int64(), "timestamp": pa.timestamp("us"), "boolean": pa.bool_(),
}  # fmt: skip
_GIVEN = [column for column in ACCESS_LOG_LINES if column.name in access_log.EXPRESSIONS]
_ODD_SCHEMA = pa.schema(
    [(column.name, _ARROW[column.sql_type]) for column in _GIVEN]
    + [("source_id", pa.int32()), ("line_number", pa.int32()), ("line", pa.string())]
)
_ODD_ROWS = (
    f"select {', '.join(column.name for column in _GIVEN)}, source_id, line_number, hash(line) as identity_hash, "
    "cast(null as varchar) as odd_line from batch"
)


class AccessLogLoader(Loader):
    """Server access logs, plain or compressed."""

    select = access_log.SELECT

    def __init__(self, folder: Path, prefix: str) -> None:
        super().__init__(folder, prefix)
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
        return read_file(Path(task.location))

    def flush(self) -> None:
        """Write the pending lines of the common shapes; keep the others."""
        batches: list[pa.RecordBatch] = []
        group: list[access_log.Piece] = []
        size = 0
        for task, data in self.pending:
            for piece in access_log.pieces_of(task.source_id, self.without_cut_line(task, data), VECTOR_BYTES):
                group.append(piece)
                size += len(piece.text)
                if size >= VECTOR_BYTES:
                    batches.append(self.lines_of(group))
                    group, size = [], 0
        if group:
            batches.append(self.lines_of(group))
        self.pending, self.pending_bytes = [], 0
        if any(len(batch) for batch in batches):
            part = self.write(pa.RecordBatchReader.from_batches(batches[0].schema, batches))
            if part:
                self.take_out_odd_lines(part)
        if len(self.odd) >= ODD_ROWS:
            self.write_odd()

    def without_cut_line(self, task: Task, data: bytes) -> bytes:
        """Whole lines only: of a damaged file the last may be cut, and would pass for an older, shorter one."""
        damage = self.facts[task.source_id]["damage"]
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

    def lines_of(self, group: list[access_log.Piece]) -> pa.RecordBatch:
        """The lines for the engine; the others are read here."""
        lines = access_log.lines_of(group)
        for source_id, number, line in lines.odd:
            self.read_odd_line(source_id, number, line)
        return lines.common

    def read_odd_line(self, source_id: int, number: int, line: str) -> None:
        """Read a line with care; reject it where that fails."""
        row = access_log.parse_line(line)
        if isinstance(row, str):
            self.reject_line(source_id, number, row, line)
        else:
            self.odd.append({**row, "source_id": source_id, "line_number": number, "line": line})

    def reject_line(self, source_id: int, number: int, reason: str, line: str) -> None:
        """Note that this line could not be read."""
        self.result.reject(source_id, number, reason, len(line.encode(errors="replace")), line)

    def take_out_odd_lines(self, part: str) -> None:
        """Lines that the engine could not split: out of the part, and read with care."""
        read = f"read_parquet({quoted(self.folder / part)})"
        found = self.connection.execute(
            f"select source_id, line_number, odd_line from {read} where odd_line is not null order by 1, 2"
        ).fetchall()
        for source_id, number, line in found:
            self.read_odd_line(source_id, number, line)
        if found:
            self.replace(part, f"select * from {read} where odd_line is null")

    def write_odd(self) -> None:
        """A part of the lines that were read with care."""
        if self.odd:
            self.write(table_of(self.odd, _ODD_SCHEMA), _ODD_ROWS)
            self.odd = []

    def finish(self) -> Any:
        """Write the rest; what came of it all."""
        self.flush()
        self.write_odd()
        return super().finish()
