"""Which files do the sources of an incident hold, and of what kind is each?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
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


def found_files(incident: Incident, store: Path) -> Iterator[Found]:
    """Which files lie in the incident's sources? Those to read first, as they are found: in the order of the sources, by name within each.

    Parameters
    ----------
    incident : Incident
    store : Path
        The evidence store itself, which is never evidence.

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
    given: set[str] = set()
    others: dict[str, Found] = {}
    closed = os.path.realpath(store)
    for kind, source in SOURCE_KINDS:
        for number, root in enumerate(incident.source_paths(source)):
            if isinstance(root, str):
                raise EvidenceError(
                    "a source on S3 cannot be read in place", root, "fetch it to a folder and name that folder"
                )
            named = root.is_file()
            entries: Iterable[_Entry] = ()
            if named:
                entries = [(root.name, os.path.realpath(root), root.stat(), True, True)]
            elif root.is_dir():
                entries = _walked(str(root), closed)
            for name, where, status, is_file, listed in entries:
                if where in given:
                    continue
                location = str(root) if named else f"{root}/{name}"
                read = not listed or (is_file and _is_read(kind, name, named))
                found = Found(kind, number, printable(name), location, status.st_size, status.st_mtime_ns, named, read)
                if read:
                    given.add(where)
                    others.pop(where, None)
                    yield found
                else:
                    others[where] = found
    yield from others.values()


def printable(name: str) -> str:
    """How is a file's name written down? As it is; bytes in it that are no UTF-8 as ``\\xff``."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", errors="backslashreplace")


_Entry = tuple[str, str, os.stat_result, bool, bool]
"""Name, real path, what the system says of it, whether it is a file, and (of a folder) whether it could be listed."""


def _walked(root: str, closed: str) -> Iterator[_Entry]:
    """Everything below a folder that is no folder, in the order of the names relative to the root, each with its real path."""
    folders = [_listed(root, "", os.path.realpath(root))]
    while folders:
        for below, real, entry in folders[-1]:
            if isinstance(entry, os.stat_result):
                yield below, real, entry, False, False
                continue
            name, where = below + entry.name, f"{real}/{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    if where != closed:
                        folders.append(_listed(entry.path, f"{name}/", where))
                        break
                elif not entry.is_symlink():
                    yield name, where, entry.stat(), entry.is_file(), True
                elif os.path.exists(entry.path):
                    yield name, os.path.realpath(entry.path), entry.stat(), entry.is_file(), True
                else:
                    # leads nowhere: what it stood for cannot be read, and that is said
                    yield name, where, entry.stat(follow_symlinks=False), True, True
            except FileNotFoundError:
                continue
        else:
            folders.pop()


def _listed(folder: str, below: str, real: str) -> Iterator[tuple[str, str, os.DirEntry[str] | os.stat_result]]:
    """What lies in a folder, in the order that whole paths would have; of a folder that cannot be listed, what the system says of it."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return  # gone between the listing and now: as if it had not been there
    except OSError as error:
        if not below:
            raise EvidenceError(f"a folder cannot be listed: {error.strerror}", folder, "make it readable") from error
        yield below, real, os.stat(folder)
        return
    entries.sort(key=lambda entry: f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name)
    real = real.rstrip("/")
    for entry in entries:
        yield below, real, entry


def _is_read(kind: str, name: str, named: bool) -> bool:
    parts = f"/{name}"
    records = _DIGESTS not in parts and _INSIGHTS not in parts
    if kind == "cloudtrail":
        return records and (named or name.lower().endswith(CLOUDTRAIL_NAMES))
    # a bucket may take both kinds of log, and a digest is no access log
    return kind != "access_log" or named or records
