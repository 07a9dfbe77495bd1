"""Which records are copies of others? Two trails deliver each event twice, and S3 may deliver a log line twice.

A CloudTrail record is a copy when event id, recipient account and content are equal; a log line when the whole line is. The hash that a row
carries is of all of that (for CloudTrail, of every field in `cloudtrail.RECORD`). The first stays: by source, file name and place.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ir_kit.ingest.arrays import array_of, numbers_of
from ir_kit.ingest.parts import quoted
from ir_kit.ingest.store import NUMBER_COLUMN, connect
from ir_kit.ingest.store_rows import table_of

ROWS_AT_ONCE = 4_000_000
_COPIES = pa.schema([("source_id", pa.int32()), ("number", pa.int32())])
_LIVE = pa.schema([("source_id", pa.int32()), ("rank", pa.int32()), ("present", pa.bool_())])
_NAMED_BY = {"cloudtrail": "event_id", "access_log": "request_id"}


def find_copies(
    kind: str, new: list[Path], everything: list[Path], sources: dict[int, dict[str, Any]], folder: Path, name: str
) -> None:
    """Write the copies of one kind to ``folder/name``, and count records, times and copies by source.

    Parameters
    ----------
    kind : {'cloudtrail', 'access_log'}
    new, everything : list of Path
        The parts that were just written, and all parts.
    sources : dict
        The sources by id; ``records``, ``duplicates``, ``first_time`` and ``last_time`` are set.
    folder, name
        Where the table goes: one row per copy, ``source_id`` and ``number``.

    Notes
    -----
    The rows are taken in slices of their hash, so that memory stays the same however many there are.
    """
    rows = sum(pq.read_metadata(part).num_rows for part in everything)
    slices = rows // ROWS_AT_ONCE + 1
    copies = [table_of([], _COPIES)]
    for index in range(slices):
        repeated = _repeated(_hashes(everything, slices, index))
        if len(repeated):
            copies.append(_copies_among(kind, repeated, everything, sources, folder))
    pq.write_table(pa.concat_tables(copies), folder / name, compression="zstd")
    for row in sources.values():
        if row["kind"] == kind:
            row["duplicates"] = 0
    for source_id, count in _counted(copies):
        sources[source_id]["duplicates"] += count
    for source_id, count, first, last in _facts(new):
        row = sources[source_id]
        row["records"] += count
        if row["first_time"] is None:  # a file's first part; most have one
            row["first_time"], row["last_time"] = first, last
        row["first_time"], row["last_time"] = min(first, row["first_time"]), max(last, row["last_time"])


def _hashes(parts: list[Path], slices: int, index: int) -> list[Any]:
    """The hashes of one slice, part by part."""
    found = []
    for part in parts:
        for chunk in pq.ParquetFile(part).read(columns=["identity_hash"]).column(0).chunks:
            hashes = numbers_of(chunk, np.uint64)
            found.append(hashes if slices == 1 else hashes[hashes % np.uint64(slices) == index])
    return found


def _repeated(hashes: list[Any]) -> Any:
    """Those of these hashes that occur more than once."""
    if not hashes:
        return []
    ordered = np.sort(np.concatenate(hashes))
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _copies_among(
    kind: str, repeated: Any, parts: list[Path], sources: dict[int, dict[str, Any]], folder: Path
) -> pa.Table:
    """Which rows with these hashes are copies of a row before them?"""
    number = NUMBER_COLUMN[kind]
    with connect(threads=2, memory_limit="512MB", spill=folder / "spill") as connection:
        connection.register("live", table_of([row for row in sources.values() if row["kind"] == kind], _LIVE))
        connection.register("repeated", pa.table([array_of(pa.uint64(), repeated)], names=["identity_hash"]))
        found = connection.sql(f"""
            with numbered as (
                select p.source_id, p.{number} as number, row_number() over (
                    partition by p.identity_hash, p.{_NAMED_BY[kind]} order by not l.present, l.rank, p.{number}
                ) as n
                from read_parquet([{", ".join(map(quoted, parts))}]) p join live l on l.source_id = p.source_id
                where p.identity_hash in (select identity_hash from repeated)
            )
            select source_id, number from numbered where n > 1 order by source_id, number
        """)
        return found.to_arrow_table().cast(_COPIES)


def _counted(tables: list[pa.Table]) -> Iterator[tuple[int, int]]:
    """How many rows there are of each source."""
    for table in tables:
        for chunk in table.column("source_id").chunks:
            ids, counts = np.unique(numbers_of(chunk, np.int32), return_counts=True)
            yield from zip(ids.tolist(), counts.tolist(), strict=True)


def _facts(parts: list[Path]) -> Iterator[tuple[int, int, int, int]]:
    """For each stretch of rows of one source: the source, how many rows, their first and last time in microseconds."""
    for part in parts:
        table = pq.ParquetFile(part).read(columns=["source_id", "event_time"]).combine_chunks()
        ids = numbers_of(table.column(0).chunk(0), np.int32)
        times = numbers_of(table.column(1).chunk(0), np.int64)
        starts = np.concatenate(([0], np.flatnonzero(ids[1:] != ids[:-1]) + 1))
        counts = np.diff(np.append(starts, len(ids)))
        first, last = np.minimum.reduceat(times, starts), np.maximum.reduceat(times, starts)
        yield from zip(*(column.tolist() for column in (ids[starts], counts, first, last)), strict=True)
