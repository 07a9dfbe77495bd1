"""How a result table's columns are declared, and where: ``ir_kit/PLAYBOOK/tables.py``, one mapping ``TABLES`` a room.

The contract names the columns that are always there; the others are the kit's own. The data dictionary is generated from
them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import NamedTuple

import pyarrow as pa

from ir_kit.errors import ParameterError

PLAYBOOKS = ("evidence", "scoping", "key_activity", "object_access", "bucket_exposure", "logging_gaps")
_ARROW = {
    "varchar": pa.string(), "bigint": pa.int64(), "integer": pa.int32(), "double": pa.float64(), "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"), "varchar[]": pa.list_(pa.string()), "date": pa.date32(),
}  # fmt: skip
MADE_BY = {
    "scoping/key_facts": "scoping/questions.py", "scoping/credentials": "credentials/lineage.py",
    "key_activity/sessions": "sessions/session_table.py", "key_activity/operators": "sessions/operators.sql",
    "key_activity/baseline": "sessions/session_table.py",
    "object_access/losses": "attribution/access_log_losses.sql",
    "object_access/holes": "attribution/access_log_holes.sql", "object_access/calibration": "attribution/calibration.sql",
    "bucket_exposure/grants": "exposure/bucket_verdicts.py", "bucket_exposure/buckets": "exposure/bucket_verdicts.py",
    "bucket_exposure/reachable": "exposure/permissions.py",
    "bucket_exposure/observed_access": "attribution/observed_access.sql",
    "bucket_exposure/changes": "exposure/bucket_verdicts.py", "bucket_exposure/spans": "exposure/bucket_verdicts.py",
    "bucket_exposure/closing_steps": "bucket_exposure/closing_steps.py",
    "logging_gaps/visibility": "coverage/visibility.py", "logging_gaps/trails": "logging_gaps/logging_history.py",
    "logging_gaps/contradictions": "logging_gaps/logging_history.py",
    "logging_gaps/integrity": "coverage/integrity.py", "logging_gaps/digests": "coverage/integrity.py",
    "logging_gaps/recommendations": "logging_gaps/recommendations.py",
    "logging_gaps/completeness": "attribution/completeness.sql",
}  # fmt: skip
"""The file below ``ir_kit/`` that makes a table, where no SQL of its name does."""
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
    """The file of the package that makes a result table: SQL of its name, or what `MADE_BY` names."""
    return f"ir_kit/{MADE_BY.get(table, f'{table}.sql')}"
