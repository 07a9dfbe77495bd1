"""Result tables as they were written last: for a desk that opens more than a notebook shows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ir_kit.case import Case

__all__ = ["MOST_ROWS", "kept_table", "whole_table"]

MOST_ROWS = 500_000
_WHOLE_NUMBERS = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype()}  # or a null makes them fractions


def whole_table(case: Case, frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """All rows of an answer of which `frame` may hold the first: from the result table, `MOST_ROWS` at most."""
    if int(frame.attrs.get("rows", 0)) <= len(frame):
        return frame
    return _read(case, table)


def kept_table(case: Case, table: str) -> pd.DataFrame | None:
    """A result table as the last draft of this incident left it; None where there is none."""
    return _read(case, table) if _path(case, table).is_file() else None


def _read(case: Case, table: str) -> pd.DataFrame:
    file = pq.ParquetFile(_path(case, table))
    if file.metadata.num_rows <= MOST_ROWS:
        whole: pd.DataFrame = file.read().to_pandas(types_mapper=_WHOLE_NUMBERS.get)
        return whole
    frame: pd.DataFrame = next(file.iter_batches(batch_size=MOST_ROWS)).to_pandas(types_mapper=_WHOLE_NUMBERS.get)
    frame.attrs["rows"] = file.metadata.num_rows
    return frame


def _path(case: Case, table: str) -> Path:
    return case.staging / "tables" / f"{table}.parquet"
