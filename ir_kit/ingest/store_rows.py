"""The store's own tables, small enough to be rows in Python, and Arrow tables from such rows.

Without pandas: `pyarrow.array` would load it, in every process, for a third of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ir_kit.domain.documents import without_surrogates

SOURCES = pa.schema(
    [
        ("source_id", pa.int32()), ("kind", pa.string()), ("source", pa.string()), ("path", pa.string()),
        ("location", pa.string()), ("rank", pa.int32()), ("bytes", pa.int64()), ("mtime_ns", pa.int64()),
        ("sha256", pa.string()), ("state", pa.string()), ("present", pa.bool_()), ("damaged", pa.bool_()),
        ("damage", pa.string()), ("records", pa.int64()), ("duplicates", pa.int64()), ("rejected", pa.int64()),
        ("first_time", pa.timestamp("us")), ("last_time", pa.timestamp("us")),
    ]
)  # fmt: skip
REJECTS = pa.schema(
    [
        ("source_id", pa.int32()), ("source_file", pa.string()), ("kind", pa.string()), ("number", pa.int32()),
        ("reason", pa.string()), ("bytes", pa.int64()), ("content", pa.string()),
    ]
)  # fmt: skip
SETTINGS = pa.schema(
    [
        ("collected_at", pa.timestamp("us")), ("account_id", pa.string()), ("aws_region", pa.string()), ("service", pa.string()),
        ("operation", pa.string()), ("parameters", pa.string()), ("response", pa.string()), ("answer", pa.string()),
        ("error_code", pa.string()), ("error_message", pa.string()), ("source_file", pa.string()), ("line_number", pa.int32()),
        ("source_id", pa.int32()),
    ]
)  # fmt: skip

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (the store's times are UTC, without a zone)
_MICROSECOND = timedelta(microseconds=1)


def table_of(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """These rows as a table of exactly these columns; a missing value is null, a lone surrogate U+FFFD."""
    listed = rows if isinstance(rows, list) else list(rows)
    columns = [_column(list(map(itemgetter(field.name), listed)), field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    valid = None
    if None in values:
        known = np.array([value is not None for value in values], dtype=bool)
        valid = pa.py_buffer(np.packbits(known, bitorder="little").tobytes())
    if kind == pa.string():
        texts = values if valid is None else [value or "" for value in values]
        whole = "".join(texts)
        if whole.isascii():  # as nearly all are: then each has as many bytes as characters
            lengths, joined = list(map(len, texts)), whole.encode()
        else:
            encoded = [_encoded(text) for text in texts]
            lengths, joined = list(map(len, encoded)), b"".join(encoded)
        offsets = np.zeros(len(values) + 1, dtype=np.int32)
        np.cumsum(lengths, out=offsets[1:])
        return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(offsets.tobytes()), pa.py_buffer(joined)])
    if kind == pa.bool_():
        body = np.packbits(np.array([bool(value) for value in values], dtype=bool), bitorder="little")
    elif pa.types.is_timestamp(kind):
        body = np.array([_microseconds(value) for value in values], dtype=np.int64)
    else:
        width = {pa.int32(): np.int32, pa.int64(): np.int64}[kind]
        body = np.array([value or 0 for value in values], dtype=width)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(body.tobytes())])


def _microseconds(value: datetime | int | None) -> int:
    """A time of the store; what comes straight from a part is a number already."""
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return value or 0


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return without_surrogates(text).encode("utf-8")


def write_table(folder: Path, name: str, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> str:
    """Write these rows to a file of the store; its name."""
    pq.write_table(table_of(rows, schema), folder / name, compression="zstd")
    return name


def table_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a file of the store; none where it has no such file yet."""
    if not name:
        return []
    rows: list[dict[str, Any]] = pq.ParquetFile(folder / name).read().to_pylist()
    return rows
