"""How a result table's columns are declared: name, SQL type and meaning."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

_ARROW = {
    "varchar": pa.string(), "bigint": pa.int64(), "integer": pa.int32(), "double": pa.float64(), "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"), "varchar[]": pa.list_(pa.string()), "date": pa.date32(),
}  # fmt: skip


class ResultColumn(NamedTuple):
    """One column of a result table."""

    name: str
    sql_type: str
    meaning: str

    @property
    def field(self) -> pa.Field:
        return pa.field(self.name, _ARROW[self.sql_type])


def columns(*columns: tuple[str, str, str]) -> tuple[ResultColumn, ...]:
    return tuple(ResultColumn(*column) for column in columns)


OUTCOME = ("outcome", "varchar", "`success`, `denied` (an authorization error), or `error`")
