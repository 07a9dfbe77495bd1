"""Where the SQL runs: DuckDB on the evidence store, in this process; a question's parameters bound or written out.

A text names a parameter as ``:name``; a list stands for its elements, as in ``access_key_id in (:access_keys)``, an
empty one for ``null``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ir_kit.domain.outcome import OUTCOME_MACRO
from ir_kit.errors import ParameterError
from ir_kit.ingest.store import Store, connect

# strings, quoted names, comments and casts are passed over; what is left with a colon is a parameter
_PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|::|:([A-Za-z_]\w*)", re.DOTALL)


def _replaced(text: str, parameters: Mapping[str, Any], write: Callable[[str, Any], str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return match.group(0)
        if name not in parameters:
            raise ParameterError(f"no value for the parameter :{name}", next_step="give it to ask()")
        return write(name, parameters[name])

    return _PLACEHOLDER.sub(replacement, text)


def bound(text: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text with DuckDB's named placeholders, and the values that belong to them."""
    values: dict[str, Any] = {}

    def write(name: str, value: Any) -> str:
        if not isinstance(value, list | tuple):
            values[name] = _naive(value)
            return f"${name}"
        values.update({f"{name}_{index}": _naive(item) for index, item in enumerate(value)})
        return ", ".join(f"${name}_{index}" for index in range(len(value))) or "null"

    return _replaced(text, parameters, write), values


def with_literals(text: str, parameters: Mapping[str, Any]) -> str:
    """The text with its values written out, fit to paste into a console."""

    def write(_: str, value: Any) -> str:
        if isinstance(value, list | tuple):
            return ", ".join(_literal(item) for item in value) or "null"
        return _literal(value)

    return _replaced(text, parameters, write)


def _literal(value: Any) -> str:
    if isinstance(value, datetime):
        return f"timestamp '{_naive(value).isoformat(sep=' ', timespec='seconds')}'"
    if value is None or isinstance(value, bool | int | float):
        return "null" if value is None else str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


def _naive(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


class Engine:
    """DuckDB over the views of a store.

    Parameters
    ----------
    store : Store
        What the views read.
    memory_limit : str
        As DuckDB writes it; what does not fit is spilled beside the store.
    """

    def __init__(self, store: Store, memory_limit: str = "2GB") -> None:
        self.connection = connect(memory_limit=memory_limit, spill=store.folder / "spill")
        self.connection.execute("create macro json_extract_scalar(j, p) as json_extract_string(j, p)")
        self.connection.execute(OUTCOME_MACRO)
        store.connect_views(self.connection)

    def provide(self, name: str, source: pd.DataFrame | Path) -> None:
        """Make a frame or a Parquet file readable by this name; times lose their zone, which is UTC."""
        read = self.connection.read_parquet
        relation = read(str(source)) if isinstance(source, Path) else self.connection.from_df(source)
        columns = ", ".join(
            f'timezone(\'UTC\', "{column}") as "{column}"' if "TIME ZONE" in str(kind) else f'"{column}"'
            for column, kind in zip(relation.columns, relation.types, strict=True)
        )
        relation.create_view("__provided", replace=True)
        self.connection.execute(f'create or replace table "{name}" as select {columns} from __provided')

    def derive(self, text: str, parameters: Mapping[str, Any], path: Path) -> None:
        """The answer streamed to a Parquet file as it is, for other questions to read; see `show`."""
        query, values = bound(text, parameters)
        target = _quoted(path)
        self.connection.execute(
            f"copy (\n{query}\n) to {target} (format parquet, compression snappy)", values
        ).fetchall()

    def show(self, name: str, path: Path) -> None:
        """Make a Parquet file readable by this name, where it lies: it may be larger than memory. Times lose their zone."""
        described = self.connection.execute(f"describe select * from read_parquet({_quoted(path)})").fetchall()
        columns = ", ".join(
            f'timezone(\'UTC\', "{column}") as "{column}"' if "TIME ZONE" in str(kind) else f'"{column}"'
            for column, kind, *_ in described
        )
        self.connection.execute(
            f'create or replace view "{name}" as select {columns} from read_parquet({_quoted(path)})'
        )

    def frame(self, text: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
        """The answer as a frame whose times carry UTC."""
        query, values = bound(text, parameters)
        frame = self.connection.execute(query, values).df()
        for column in frame.columns:
            if pd.api.types.is_datetime64_dtype(frame[column]):
                frame[column] = frame[column].dt.tz_localize("UTC")
        return frame

    def write(self, text: str, parameters: Mapping[str, Any], path: Path, columns: Mapping[str, str]) -> int:
        """The answer streamed to a Parquet file; how many rows it has.

        Parameters
        ----------
        columns : mapping
            The columns of the file, in order, with their SQL types; times are written with their zone.
        """
        query, values = bound(text, parameters)
        given = ", ".join(
            f'timezone(\'UTC\', "{name}") as "{name}"'
            if kind == "timestamp"
            else f'cast("{name}" as {kind}) as "{name}"'
            for name, kind in columns.items()
        )
        # fetchall: a single fetchone() may return before DuckDB 2.0 has written the whole file
        copied = self.connection.execute(
            f"copy (select {given} from (\n{query}\n)) to {_quoted(path)} (format parquet, compression zstd)", values
        ).fetchall()
        return int(copied[0][0]) if copied else 0
