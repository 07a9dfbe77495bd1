"""Frames as rows and back, with nulls that are None and columns that keep their types when empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ir_kit.domain.documents import without_surrogates

_DTYPES = {
    "varchar": "str", "bigint": "Int64", "integer": "Int32", "double": "float64", "boolean": "boolean",
    "timestamp": "datetime64[us, UTC]",
}  # fmt: skip


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One dict per row, in order; what is null there is None here."""
    names = [str(name) for name in frame.columns]
    return [
        {name: _value(value) for name, value in zip(names, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def _value(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    return value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return without_surrogates(value)
    return [_whole(item) for item in value] if isinstance(value, list) else value


def frame_of(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame of these columns, typed by their SQL types, also where it has no row or only nulls.

    Lone surrogates, which JSON inside JSON may hold and no column can, become U+FFFD.
    """
    listed = list(rows)
    series = {}
    for name, kind in columns.items():
        values = [_whole(row.get(name)) for row in listed]
        series[name] = pd.Series(values, dtype=_DTYPES.get(kind, "object"))
    return pd.DataFrame(series, columns=list(columns))
