"""A generation of the evidence store: what questions see beside the rows of the logs, computed from the sources as they are now."""

from __future__ import annotations

from typing import Any

from ir_kit.ingest.loading import Loaded
from ir_kit.ingest.store import KINDS, NUMBER_COLUMN, SOURCES, Manifest, Store, connect, create_table, quoted

_REJECTS = {
    "source_id": "integer", "number": "integer", "reason": "varchar", "bytes": "bigint", "content": "varchar",
}  # fmt: skip
_SETTINGS = {
    "collected_at": "timestamp", "account_id": "varchar", "aws_region": "varchar", "service": "varchar", "operation": "varchar",
    "parameters": "varchar", "response": "varchar", "answer": "varchar", "error_code": "varchar", "error_message": "varchar",
    "source_file": "varchar", "line_number": "integer", "source_id": "integer",
}  # fmt: skip
_NAMED_BY = {"cloudtrail": "event_id", "access_log": "request_id"}


def write_generation(
    store: Store, before: Manifest, sources: list[dict[str, Any]], loaded: Loaded, settings: list[dict[str, Any]]
) -> None:
    """Write everything that a generation of the store needs, and its manifest last.

    Parameters
    ----------
    before : Manifest
        The generation before this one.
    sources : list of dict
        All files as they are now, by rank. Records, copies, rejects and times are counted here.
    loaded, settings
        What is new: parts and rejects, and rows of configuration answers.

    Notes
    -----
    Two trails deliver each event twice, and S3 may deliver a log line twice. A CloudTrail record is a copy when event id, recipient account
    and content are equal; a log line when the whole line is. The hash that a row carries is of all of that (for CloudTrail, of every field in
    `cloudtrail.RECORD`). The first stays: by source, file name and place.
    """
    folder, generation = store.folder, before.generation + 1
    manifest = Manifest(generation=generation)
    with connect(threads=2, memory_limit="512MB", spill=folder / "spill") as connection:

        def write(name: str, sql: str) -> str:
            file = f"{name}-{generation:06d}.parquet"
            connection.execute(f"copy ({sql}) to {quoted(folder / file)} (format parquet, compression zstd)")
            connection.execute(f"create view {name.replace('-', '_')} as from read_parquet({quoted(folder / file)})")
            return file

        create_table(connection, "live", sources, SOURCES)
        for name, rows, types in (("rejects", loaded.rejects, _REJECTS), ("settings", settings, _SETTINGS)):
            create_table(connection, f"new_{name}", rows, types)
            if file := getattr(before, name):
                columns = ", ".join(types)
                connection.execute(
                    f"insert into new_{name} select {columns} from read_parquet({quoted(folder / file)})"
                )
        manifest.rejects = write(
            "rejects",
            """select source_id, path as source_file, kind, number, reason, r.bytes, content
               from new_rejects r join live using (source_id) where state = 'read' order by rank, number""",
        )
        manifest.settings = write(
            "settings", "select s.* from new_settings s join live using (source_id) order by rank, line_number"
        )
        for kind in KINDS:
            manifest.parts[kind] = before.parts[kind] + [name for name in loaded.parts if name.startswith(f"{kind}-")]
            parts = ", ".join(quoted(folder / name) for name in manifest.parts[kind])
            columns = f"source_id, {NUMBER_COLUMN[kind]} as number, event_time as time, identity_hash, {_NAMED_BY[kind]} as name"
            if not parts:
                columns = "0 as source_id, 0 as number, timestamp '1970-01-01' as time, 0 as identity_hash, '' as name"
            connection.execute(
                f"create view {kind}_rows as select {columns} "
                + (f"from read_parquet([{parts}])" if parts else "where false")
            )
            manifest.copies[kind] = write(
                f"copies-{kind}",
                f"""select source_id, number from {kind}_rows join live using (source_id)
                    where identity_hash in (select identity_hash from {kind}_rows group by all having count(*) > 1)
                    qualify row_number() over (partition by identity_hash, name order by not present, rank, number) > 1
                    order by source_id, number""",
            )
        manifest.sources = write(
            "sources",
            """with rows as (
                   select source_id, time from cloudtrail_rows
                   union all select source_id, time from access_log_rows
                   union all select source_id, collected_at from settings
               ),
               facts as (
                   select source_id, count(*) as records, min(time) as first_time, max(time) as last_time from rows group by all
               ),
               copies as (
                   select source_id, count(*) as n from (from copies_cloudtrail union all from copies_access_log) group by all
               ),
               refused as (select source_id, count(*) as n from rejects group by all)
               select live.* replace (
                   coalesce(facts.records, 0) as records, coalesce(copies.n, 0) as duplicates, coalesce(refused.n, 0) as rejected,
                   facts.first_time as first_time, facts.last_time as last_time)
               from live left join facts using (source_id) left join copies using (source_id) left join refused using (source_id)
               order by rank""",
        )
    store.replace_manifest(manifest)
