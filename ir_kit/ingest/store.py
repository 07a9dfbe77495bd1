"""The evidence store of an incident: Parquet parts, and one manifest that says which of them count.

``evidence/store/manifest.json`` is replaced whole when a load is done, and never changed; what it does not name is nobody's and is swept
away by the next load. So the store is always as it was before a load or as it is after one.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from ir_kit.domain.documents import without_surrogates
from ir_kit.errors import EvidenceError
from ir_kit.ingest.columns import VIEWS

FORMAT = 4
KINDS = ("cloudtrail", "access_log")
NUMBER_COLUMN = {"cloudtrail": "record_number", "access_log": "line_number"}
SOURCES = {
    "source_id": "integer", "kind": "varchar", "source": "varchar", "path": "varchar", "location": "varchar", "rank": "integer",
    "bytes": "bigint", "mtime_ns": "bigint", "sha256": "varchar", "state": "varchar", "present": "boolean", "damaged": "boolean",
    "damage": "varchar", "records": "bigint", "duplicates": "bigint", "rejected": "bigint", "first_time": "timestamp",
    "last_time": "timestamp",
}  # fmt: skip
_OF_SOURCE = {"source_file": "s.path as source_file", "source_present": "s.present as source_present"}
# S3 puts its callers' agents in brackets; to take them off costs less here, once for each agent of a page, than at loading
_AGENT = (
    "case when p.user_agent like '[%]' then substr(p.user_agent, 2, length(p.user_agent) - 2) else p.user_agent end"
)
_DERIVED = {"cloudtrail": {**_OF_SOURCE, "user_agent": f"{_AGENT} as user_agent"}, "access_log": _OF_SOURCE}


def connect(
    *, threads: int | None = None, memory_limit: str | None = None, spill: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A fresh database in memory whose time zone is UTC, whatever the machine's is.

    Parameters
    ----------
    threads : int, optional
        As many as there are cores, unless said.
    memory_limit : str, optional
        As DuckDB writes it (``512MB``).
    spill : Path, optional
        Where intermediate results go that do not fit.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "allow_community_extensions": False,
    }
    if threads:
        config["threads"] = threads
    if memory_limit:
        config["memory_limit"] = memory_limit
    if spill:
        config["temp_directory"] = str(spill)
    connection = duckdb.connect(config=config)
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")  # in a notebook it would be a widget
    return connection


def quoted(path: Path) -> str:
    """A path as SQL text."""
    return "'" + str(path).replace("'", "''") + "'"


def create_table(
    connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]], types: dict[str, str]
) -> None:
    """A table of these rows; a missing value is null, a lone surrogate U+FFFD."""
    columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
    connection.execute(f"create or replace temp table {name} ({columns})")
    insert = f"insert into {name} by name select unnest(from_json(?, ?), recursive := true)"
    for start in range(0, len(rows), 10_000):
        text = json.dumps(rows[start : start + 10_000], default=str, ensure_ascii=False)
        connection.execute(insert, [without_surrogates(text), json.dumps([types])])


def table_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of the store."""
    with connect(threads=1) as connection:
        table = connection.execute(f"from read_parquet({quoted(path)})")
        names = [column[0] for column in table.description]
        return [dict(zip(names, row, strict=True)) for row in table.fetchall()]


@dataclass
class Manifest:
    """What counts in a store. File names are relative to the store's folder; an empty name: there is none yet."""

    format: int = FORMAT
    duckdb: str = duckdb.__version__
    generation: int = 0
    sources: str = ""
    rejects: str = ""
    settings: str = ""
    copies: dict[str, str] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def names(self) -> set[str]:
        """Every file that this manifest needs."""
        listed = [self.sources, self.rejects, self.settings, *self.copies.values()]
        return {name for name in listed + [part for parts in self.parts.values() for part in parts] if name}


class Store:
    """The evidence of one incident, as it was last loaded.

    Parameters
    ----------
    folder : Path
        The incident's ``evidence`` folder; the store lies in ``store`` below it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "store"

    @property
    def manifest_path(self) -> Path:
        return self.folder / "manifest.json"

    def manifest(self) -> Manifest:
        """What counts now; an empty manifest where nothing has been loaded, or where what there is was written by another format."""
        try:
            content = json.loads(self.manifest_path.read_bytes())
            manifest = Manifest(**content)
        except (FileNotFoundError, ValueError, TypeError):
            return Manifest()
        # row identity rests on the engine's hash function, which may change with its version
        if manifest.format != FORMAT or manifest.duckdb != duckdb.__version__:
            return Manifest(generation=manifest.generation)
        return manifest

    def replace_manifest(self, manifest: Manifest) -> None:
        """Make these files the ones that count, in one step, and sweep away the others."""
        partial = self.folder / "manifest.json.partial"
        with open(partial, "w", encoding="utf-8") as file:
            json.dump(asdict(manifest), file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.manifest_path)
        self.sweep()

    def sweep(self) -> None:
        """Remove what the manifest does not name: parts of loads that were interrupted or superseded."""
        manifest = self.manifest()
        if not manifest.sources and self.manifest_path.exists():
            return  # another version's store, or one that cannot be read: not ours to clear away
        keep = manifest.names() | {"manifest.json", ".lock"}
        for path in self.folder.iterdir():
            if path.name not in keep and path.is_file():
                path.unlink(missing_ok=True)

    def identity(self) -> str:
        """A text that is equal for equal evidence: the hashes of all sources, in order."""
        rows = self.rows(
            "select kind, source, path, sha256, present from sources where state = 'read' order by kind, rank"
        )
        return json.dumps(rows, default=str)

    def connect_views(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the three views, and ``sources`` and ``rejects`` beside them, in this connection."""
        manifest = self.manifest()
        if not manifest.sources:
            raise EvidenceError("no evidence has been loaded", self.folder.parent, "run ir-kit ingest first")

        def listed(names: list[str]) -> str:
            return "[" + ", ".join(quoted(self.folder / name) for name in names) + "]"

        for name, file in (
            ("sources", manifest.sources),
            ("rejects", manifest.rejects),
            ("settings", manifest.settings),
        ):
            connection.execute(f"create or replace view {name} as select * from read_parquet({listed([file])})")
        for view, kind in (("events", "cloudtrail"), ("access_log_lines", "access_log")):
            columns = VIEWS[view]
            parts = manifest.parts[kind]
            if not parts:
                nothing = ", ".join(f'cast(null as {column.sql_type}) as "{column.name}"' for column in columns)
                connection.execute(f"create or replace view {view} as select {nothing} where false")
                connection.execute(f"create or replace view {view}_all as select *, false as is_copy from {view}")
                continue
            number = NUMBER_COLUMN[kind]
            given = ", ".join(_DERIVED[kind].get(column.name, f'p."{column.name}"') for column in columns)
            copies = listed([manifest.copies[kind]])
            rows = f"from read_parquet({listed(parts)}) p join sources s on s.source_id = p.source_id"
            same = f"c.source_id = p.source_id and c.number = p.{number}"
            connection.execute(
                f"create or replace view {view} as select {given} {rows} "
                f"where not exists (select 1 from read_parquet({copies}) c where {same})"
            )
            connection.execute(
                f"create or replace view {view}_all as select {given}, c.number is not null as is_copy {rows} "
                f"left join read_parquet({copies}) c on {same}"
            )

    def evidence_records(self) -> list[dict[str, Any]]:
        """One record per source file that was read, as ``evidence.jsonl`` has it (contract, section 3)."""
        names = (
            "kind", "source", "path", "bytes", "sha256", "records", "duplicates", "rejected", "damaged", "damage", "first_time",
            "last_time", "present",
        )  # fmt: skip
        rows = self.rows(f"select {', '.join(names)} from sources where state = 'read' order by kind, rank")
        records = [dict(zip(names, row, strict=True)) for row in rows]
        for record in records:
            for name in ("first_time", "last_time"):
                record[name] = record[name].strftime("%Y-%m-%dT%H:%M:%SZ") if record[name] else None
        return records

    def ignored_files(self) -> int:
        """How many files lay in the sources and are no logs: digests, Insight files, other names."""
        return int(self.rows("select count(*) from sources where state = 'ignored'")[0][0])

    def caller_arn(self) -> str | None:
        """Who collected the configuration, as AWS said last; None where it was not asked, or refused."""
        rows = self.rows(
            "select response from settings where service = 'sts' and operation = 'GetCallerIdentity' "
            "and answer = 'answered' order by collected_at desc, line_number desc"
        )
        said = (json.loads(response or "null") for (response,) in rows)
        return next((str(one["Arn"]) for one in said if isinstance(one, dict) and one.get("Arn")), None)

    def rows(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query over the views, on a connection of its own."""
        with connect(threads=1) as connection:
            self.connect_views(connection)
            return connection.execute(sql, parameters or []).fetchall()
