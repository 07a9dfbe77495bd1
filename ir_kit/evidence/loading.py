"""Source files into Parquet parts: what a worker process does."""

from __future__ import annotations

from pathlib import Path

from ir_kit.evidence.loading_access_logs import AccessLogLoader
from ir_kit.evidence.loading_cloudtrail import CloudTrailLoader
from ir_kit.evidence.parts import Loaded, Loader, Task

__all__ = ["Loaded", "Task", "load"]

_LOADERS: dict[str, type[Loader]] = {"cloudtrail": CloudTrailLoader, "access_log": AccessLogLoader}


def load(kind: str, tasks: list[Task], folder: str, prefix: str) -> Loaded:
    """Read these files into parts named ``PREFIX-N.parquet`` in ``folder``; a file that cannot be opened is a reject."""
    loader = _LOADERS[kind](Path(folder), prefix)
    for task in tasks:
        loader.add(task)
    return loader.finish()
