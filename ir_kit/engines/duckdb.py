"""Questions answered by DuckDB on the evidence store, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ir_kit.engines.sql import bound
from ir_kit.evidence.database import connect
from ir_kit.evidence.store import Store


class DuckDBEngine:
    """The default engine.

    Parameters
    ----------
    store : Store
        What the views read.
    memory_limit : str
        As DuckDB writes it; what does not fit is spilled beside the store.
    """

    name = "duckdb"

    def __init__(self, store: Store, memory_limit: str = "2GB") -> None:
        self.connection = connect(memory_limit=memory_limit, spill=store.folder / "spill")
        # Trino's name for it, so that questions read alike on both engines
        self.connection.execute("create macro json_extract_scalar(j, p) as json_extract_string(j, p)")
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
        target = str(path).replace("'", "''")
        self.connection.execute(
            f"copy (\n{query}\n) to '{target}' (format parquet, compression snappy)", values
        ).fetchall()

    def show(self, name: str, path: Path) -> None:
        """Make a file of `derive` readable by this name, where it lies: it may be larger than memory."""
        target = str(path).replace("'", "''")
        self.connection.execute(f"create or replace view \"{name}\" as select * from read_parquet('{target}')")

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
        target = str(path).replace("'", "''")
        # fetchall: a single fetchone() may return before DuckDB 2.0 has written the whole file
        copied = self.connection.execute(
            f"copy (select {given} from (\n{query}\n)) to '{target}' (format parquet, compression zstd)", values
        ).fetchall()
        return int(copied[0][0]) if copied else 0
