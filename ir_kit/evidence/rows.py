"""Arrow tables from rows, without pandas: `pyarrow.array` would load it, in every process, for a third of a second."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.json

_SURROGATE = re.compile("[\ud800-\udfff]")


def table_of(rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """These rows as a table of exactly these columns; a missing value is null, a lone surrogate U+FFFD."""
    names = schema.names
    encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, default=_plain).encode
    lines = [encode({name: row.get(name) for name in names}) for row in rows]
    if not lines:
        return pa.Table.from_batches([], schema=schema)
    text = _SURROGATE.sub("\ufffd", "\n".join(lines)).encode("utf-8")
    return pyarrow.json.read_json(
        io.BytesIO(text),
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    raise TypeError(f"no column holds {type(value).__name__}")
