"""Which folders hold what was fetched, by kind of log: what the incident file is to name as sources.

A bucket that takes one kind of log is a source as it lies there, so that paths start where they do in the bucket. In one
that takes both, each kind has the folders of its own prefixes. Reports of S3 Inventory lie in a tree that no log is in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ir_kit.collect.log_objects import HASHED, VERSIONS, AccessLogPlace, Place, TrailPlace, folder_of

__all__ = ["log_folders"]


def log_folders(raw: Path, places: Sequence[Place]) -> dict[str, list[Path]]:
    """Which folders below `raw` hold the logs of these places?

    Returns
    -------
    dict
        By kind of source, ``cloudtrail`` and ``access_logs``, the folders that are there, each once; by name, older
        versions last.
    """
    trails = [one for one in places if isinstance(one, TrailPlace)]
    logs = [one for one in places if isinstance(one, AccessLogPlace)]
    both = {one.bucket for one in trails} & {one.bucket for one in logs}
    cloudtrail = {
        raw / (folder_of(one.bucket, f"{one.prefix}AWSLogs/") if one.bucket in both else folder_of(one.bucket, ""))
        for one in trails
    }
    access_logs = {raw / folder_of(one.bucket, one.prefix if one.bucket in both else "") for one in logs}
    # what cannot lie under its own name lies together; versions have their number before their key: names tell kinds apart
    together = {raw / folder_of(bucket, "") / HASHED for bucket in both}
    return {
        "cloudtrail": _there(cloudtrail | together, raw, (one.bucket for one in trails)),
        "access_logs": _there(access_logs | together, raw, (one.bucket for one in logs)),
    }


def _there(folders: Iterable[Path], raw: Path, buckets: Iterable[str]) -> list[Path]:
    current = [folder for folder in sorted(set(folders)) if folder.is_dir()]
    outermost = [folder for folder in current if not any(other in folder.parents for other in current)]
    older = (raw / VERSIONS / folder_of(bucket, "") for bucket in sorted(set(buckets)))
    return outermost + [folder for folder in older if folder.is_dir()]
