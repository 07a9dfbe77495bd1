"""Which files do the sources of an incident hold, and of what kind is each?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from ir_kit.errors import EvidenceError
from ir_kit.incident import Incident

CLOUDTRAIL_NAMES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
SOURCE_KINDS = (("cloudtrail", "cloudtrail"), ("access_log", "access_logs"), ("configuration", "configuration"))
"""Each kind of file, and the sources of the incident file that hold it."""

_DIGESTS, _INSIGHTS = "/CloudTrail-Digest/", "/CloudTrail-Insight/"


class Found(NamedTuple):
    """One file below a source. ``name`` is relative to the source; ``read`` says whether its name makes it a log."""

    kind: str
    root: int
    name: str
    location: str
    size: int
    mtime_ns: int
    named: bool
    read: bool


def found_files(incident: Incident, store: Path, seen: Callable[[int], None] | None = None) -> Iterator[Found]:
    """Which files lie in the incident's sources, in the order of the sources and by name within each?

    Parameters
    ----------
    incident : Incident
    store : Path
        The evidence store itself, which is never evidence.
    seen : callable, optional
        Called with the bytes of each file in a folder while the folder is looked through.

    Raises
    ------
    EvidenceError
        A source is a prefix on S3, which `ir-kit collect` has to fetch first, or a folder that cannot be listed.

    Notes
    -----
    A source that does not exist gives nothing here; the caller says so. A file that two sources name is read once,
    by the first of them to which its name is a log's. A link to a
    folder is not followed, and counts as ignored. A folder inside a source that cannot be listed stands for what lies in it, to be found unreadable.
    """
    kept: dict[str, Found] = {}
    closed = os.path.realpath(store)
    for kind, source in SOURCE_KINDS:
        for number, root in enumerate(incident.source_paths(source)):
            if isinstance(root, str):
                raise EvidenceError(
                    "a source on S3 cannot be read in place", root, "fetch it to a folder and name that folder"
                )
            named = root.is_file()
            if named:
                entries = [(root.name, os.path.realpath(root), root.stat(), True, True)]
            elif root.is_dir():
                entries = _walked(str(root), closed, seen)
            else:
                entries = []
            for name, where, status, is_file, listed in entries:
                before = kept.get(where)
                if before is None or not before.read:
                    location = str(root) if named else f"{root}/{name}"
                    read = not listed or (is_file and _is_read(kind, name, named))
                    text = name if name.isascii() else printable(name)
                    kept[where] = Found(kind, number, text, location, status.st_size, status.st_mtime_ns, named, read)
    yield from kept.values()


def printable(name: str) -> str:
    """How is a file's name written down? As it is; bytes in it that are no UTF-8 as ``\\xff``."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")


_Entry = tuple[str, str, os.stat_result, bool, bool]
"""Name, real path, what the system says of it, whether it is a file, and (of a folder) whether it could be listed."""


def _walked(root: str, closed: str, seen: Callable[[int], None] | None) -> list[_Entry]:
    """Everything below a folder that is no folder, by its name relative to the root, with its real path."""
    found: list[_Entry] = []
    folders = [(root, "", os.path.realpath(root))]
    while folders:
        folder, below, real = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except FileNotFoundError:
            continue  # gone between the listing and now: as if it had not been there
        except OSError as error:
            if not below:
                raise EvidenceError(
                    f"a folder cannot be listed: {error.strerror}", folder, "make it readable"
                ) from error
            found.append((below, real, os.stat(folder), False, False))
            continue
        real = real.rstrip("/")
        for entry in entries:
            name, where = below + entry.name, f"{real}/{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    if where != closed:
                        folders.append((entry.path, f"{name}/", where))
                elif not entry.is_symlink():
                    status = entry.stat()
                    if seen:
                        seen(status.st_size)
                    found.append((name, where, status, entry.is_file(), True))
                elif os.path.exists(entry.path):
                    found.append((name, os.path.realpath(entry.path), entry.stat(), entry.is_file(), True))
                else:
                    # leads nowhere: what it stood for cannot be read, and that is said
                    found.append((name, where, entry.stat(follow_symlinks=False), True, True))
            except FileNotFoundError:
                continue
    found.sort(key=itemgetter(0))
    return found


def _is_read(kind: str, name: str, named: bool) -> bool:
    records = not (_DIGESTS in name or _INSIGHTS in name or name.startswith((_DIGESTS[1:], _INSIGHTS[1:])))
    if kind == "cloudtrail":
        return records and (named or name.lower().endswith(CLOUDTRAIL_NAMES))
    # a bucket may take both kinds of log, and a digest is no access log
    return kind != "access_log" or named or records
