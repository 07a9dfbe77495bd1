"""Connections to DuckDB, all alike: UTC, no network, no extension fetched."""

from __future__ import annotations

from pathlib import Path

import duckdb


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
