"""How a result table's columns are declared, and where: ``ir_kit/PLAYBOOK/tables.py``, one mapping ``TABLES`` a room.

The contract names the columns that are always there; the others are the kit's own. The data dictionary is generated from
them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from ir_kit.errors import ParameterError

ROOT = Path(__file__).parent
PLAYBOOKS = ("evidence", "scoping", "key_activity", "object_access", "bucket_exposure", "logging_gaps")
_ARROW = {
    "varchar": pa.string(), "bigint": pa.int64(), "integer": pa.int32(), "double": pa.float64(), "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"), "varchar[]": pa.list_(pa.string()), "date": pa.date32(),
}  # fmt: skip
OUTCOME = ("outcome", "varchar", "`success`, `denied` (an authorization error), or `error`")


class ResultColumn(NamedTuple):
    """One column of a result table."""

    name: str
    sql_type: str
    meaning: str

    @property
    def field(self) -> pa.Field:
        return pa.field(self.name, _ARROW[self.sql_type])


def columns(*columns: tuple[str, str, str]) -> tuple[ResultColumn, ...]:
    """The columns of a table from name, SQL type and meaning of each."""
    return tuple(ResultColumn(*column) for column in columns)


@cache
def tables_of(playbook: str) -> dict[str, tuple[ResultColumn, ...]]:
    """The result tables of a playbook, by ``playbook/table``."""
    results: dict[str, tuple[ResultColumn, ...]] = import_module(f"ir_kit.{playbook}.tables").TABLES
    return results


def columns_of(table: str) -> tuple[ResultColumn, ...]:
    """The columns of a result table, in order; one that no playbook declares is a `ParameterError`."""
    playbook = table.partition("/")[0]
    if playbook not in PLAYBOOKS or table not in tables_of(playbook):
        raise ParameterError(f"no table {table!r} is declared", next_step=f"declare it in ir_kit/{playbook}/tables.py")
    return tables_of(playbook)[table]


def types_of(table: str) -> dict[str, str]:
    """The SQL type of each column of a result table, in order."""
    return {column.name: column.sql_type for column in columns_of(table)}


def made_by(table: str) -> str:
    """Where is read how a result table is made: SQL of its name in its playbook's room, or the room's questions."""
    made = Path(f"{table}.sql")
    return f"ir_kit/{made if (ROOT / made).exists() else made.with_name('questions.py')}"
