"""Which records are copies of others? Two trails deliver each event twice, and S3 may deliver a log line twice.

A CloudTrail record is a copy when event id, recipient account and content are equal; a log line when the whole line is. The hash that a row
carries is of all of that (for CloudTrail, of every field in `cloudtrail.RECORD`). The first stays: by source, file name and place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from ir_kit.evidence.database import connect
from ir_kit.evidence.rows import table_of
from ir_kit.evidence.store import NUMBER_COLUMN

ROWS_AT_ONCE = 1_000_000
_LIVE = pa.schema([("source_id", pa.int32()), ("rank", pa.int32()), ("present", pa.bool_())])
_NAMED_BY = {"cloudtrail": "event_id", "access_log": "request_id"}


def find_copies(
    kind: str, new: list[str], everything: list[str], sources: dict[int, dict[str, Any]], folder: Path, name: str
) -> None:
    """Write the copies of one kind to ``folder/name``, and count records, times and copies by source.

    Parameters
    ----------
    kind : {'cloudtrail', 'access_log'}
    new, everything : list of str
        The parts that were just written, and all parts.
    sources : dict
        The sources by id; ``records``, ``duplicates``, ``first_time`` and ``last_time`` are set.
    folder, name
        Where the table goes: one row per copy, ``source_id`` and ``number``.

    Notes
    -----
    The rows are taken in slices of their hash, so that memory stays the same however many there are.
    """
    number = NUMBER_COLUMN[kind]
    live = table_of([row for row in sources.values() if row["kind"] == kind], _LIVE)
    with connect(threads=2, memory_limit="512MB", spill=folder / "spill") as connection:
        connection.register("live", live)
        connection.execute("create table copies (source_id integer, number integer)")
        if everything:
            connection.execute(
                "create view parts as select * from read_parquet($files)".replace("$files", _listed(everything))
            )
            [(rows,)] = connection.execute("select count(*) from parts").fetchall()
            slices = rows // ROWS_AT_ONCE + 1
            for index in range(slices):
                inside = f"identity_hash % {slices} = {index}"
                connection.execute(f"""
                    insert into copies
                    with repeated as (
                        select identity_hash from parts where {inside} group by identity_hash having count(*) > 1
                    ),
                    numbered as (
                        select p.source_id, p.{number} as number, row_number() over (
                            partition by p.identity_hash, p.{_NAMED_BY[kind]}
                            order by not l.present, l.rank, p.{number}
                        ) as n
                        from parts p join live l on l.source_id = p.source_id
                        where {inside} and p.identity_hash in (select identity_hash from repeated)
                    )
                    select source_id, number from numbered where n > 1 order by source_id, number
                """)
        for source_id, count in connection.execute(
            "select source_id, count(*) from copies group by source_id"
        ).fetchall():
            sources[source_id]["fresh_duplicates"] = count
        for row in sources.values():
            if row["kind"] == kind:
                row["duplicates"] = row.pop("fresh_duplicates", 0)
        if new:
            facts = f"""select source_id, count(*), min(event_time), max(event_time)
                        from read_parquet({_listed(new)}) group by source_id"""
            for source_id, count, first, last in connection.execute(facts).fetchall():
                sources[source_id] |= {"records": count, "first_time": first, "last_time": last}
        target = str(folder / name).replace("'", "''")
        connection.execute(f"copy copies to '{target}' (format parquet, compression zstd)")


def _listed(files: list[str]) -> str:
    return "[" + ", ".join("'" + name.replace("'", "''") + "'" for name in files) + "]"
