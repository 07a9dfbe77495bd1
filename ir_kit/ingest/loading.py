"""Source files into Parquet parts: what a worker process does."""

from __future__ import annotations

from pathlib import Path

import duckdb

from ir_kit.ingest.parts import Loaded, Loader, Task

__all__ = ["Loaded", "Task", "load", "loader_of"]


def load(connection: duckdb.DuckDBPyConnection, kind: str, tasks: list[Task], folder: str, prefix: str) -> Loaded:
    """Read these files into parts named ``PREFIX-N.parquet`` in ``folder``; a file that cannot be opened is a reject."""
    loader = loader_of(kind)(Path(folder), prefix, connection)
    for task in tasks:
        loader.add(task)
    return loader.finish()


def loader_of(kind: str) -> type[Loader]:
    """What reads files of this kind."""
    if kind == "cloudtrail":
        from ir_kit.ingest.loading_cloudtrail import CloudTrailLoader

        return CloudTrailLoader
    # a process that reads CloudTrail alone starts sooner without
    from ir_kit.ingest.loading_access_logs import AccessLogLoader

    return AccessLogLoader
