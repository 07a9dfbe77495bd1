"""Which files do the sources of an incident hold, and of what kind is each?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ir_kit.errors import EvidenceError
from ir_kit.incident import Incident

CLOUDTRAIL_NAMES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
NOT_RECORDS = ("CloudTrail-Digest", "CloudTrail-Insight")


@dataclass(frozen=True)
class Found:
    """One file below a source. ``name`` is relative to the source; ``read`` says whether its name makes it a log."""

    kind: str
    root: int
    name: str
    location: Path
    size: int
    mtime_ns: int
    named: bool
    read: bool


def found_files(incident: Incident, store: Path) -> Iterator[Found]:
    """Which files lie in the incident's sources, in the order of the sources and by name within each?

    Parameters
    ----------
    incident : Incident
    store : Path
        The evidence store itself, which is never evidence.

    Raises
    ------
    EvidenceError
        A source is a prefix on S3, which `ir-kit collect` has to fetch first.

    Notes
    -----
    A source that does not exist gives nothing here; the caller says so. A file that two sources name is read once.
    """
    seen: set[str] = set()
    for kind, source in (("cloudtrail", "cloudtrail"), ("access_log", "access_logs"), ("configuration", "configuration")):
        for number, root in enumerate(incident.source_paths(source)):
            if isinstance(root, str):
                raise EvidenceError("a source on S3 cannot be read in place", root, "fetch it to a folder and name that folder")
            named = root.is_file()
            for location, name in [(root, root.name)] if named else _walked(root, store):
                where = os.path.realpath(location)
                if where in seen:
                    continue
                seen.add(where)
                try:
                    status = location.stat()
                except OSError:
                    continue  # gone between the listing and now: as if it had not been there
                yield Found(
                    kind, number, name, location, status.st_size, status.st_mtime_ns, named, _is_read(kind, name, named)
                )


def _walked(root: Path, store: Path) -> Iterator[tuple[Path, str]]:
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if Path(folder, name) != store]
        files += [Path(folder, name) for name in names]
    named = sorted((path.relative_to(root).as_posix(), path) for path in files if not path.is_symlink() or path.is_file())
    yield from ((path, name) for name, path in named)


def _is_read(kind: str, name: str, named: bool) -> bool:
    if kind == "cloudtrail":
        return not set(NOT_RECORDS) & set(name.split("/")) and (named or name.lower().endswith(CLOUDTRAIL_NAMES))
    return True
