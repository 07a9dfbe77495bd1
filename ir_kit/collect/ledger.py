"""The ledger of a collection: a line for each object that was fetched, or was not and why, as it happens.

JSON lines, only ever appended. A process that is killed leaves whole lines and at most one torn one, which is cut off when
the ledger is opened again. Nothing is taken for fetched because a line says so: the file it names is read and hashed first.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ir_kit.errors import EvidenceError

__all__ = ["Ledger", "is_intact", "mark_of", "read_ledger"]

SYNCED_EVERY = 512


class Ledger:
    """The open ledger, held by one process at a time; made where it is not there.

    Raises
    ------
    EvidenceError
        Another collection holds it, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise EvidenceError(f"the ledger cannot be written: {error.strerror}", path, "see who owns it") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise EvidenceError(
                "another collection of this incident is under way", path, "wait for it or stop it"
            ) from error
        self._since_sync = 0
        size = os.fstat(self._file).st_size
        if size:
            with mmap.mmap(self._file, 0, access=mmap.ACCESS_READ) as text:
                whole = text.rfind(b"\n") + 1
            if whole < size:  # a kill has torn the last line
                os.ftruncate(self._file, whole)

    def held(self, raw: Path) -> set[bytes]:
        """Which objects lie in the folder as the ledger says? Marks, as `mark_of` gives them.

        A file that is gone, or whose bytes are others, is not held; it will be fetched again.
        """
        found: set[bytes] = set()
        for line in read_ledger(self.path):
            intact = line["kind"] == "object" and is_intact(raw / line["path"], line["size"], line["sha256"])
            if intact or line["kind"] == "delete_marker":
                found.add(mark_of(line["bucket"], line["key"], line["version_id"], line.get("listed_etag", "")))
        return found

    def add(self, line: dict[str, Any]) -> None:
        """Append a line; what was written of it is taken back where not all of it could be.

        It has reached the system when this returns, and the disk a few hundred lines later.
        """
        text = (json.dumps(line, ensure_ascii=True) + "\n").encode("ascii")
        before = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, text)
            if written < len(text):
                raise OSError(28, os.strerror(28))
        except OSError:
            os.ftruncate(self._file, before)
            raise
        self._since_sync += 1
        if self._since_sync >= SYNCED_EVERY:
            self.sync()

    def sync(self) -> None:
        """Have what was appended reach the disk."""
        os.fsync(self._file)
        self._since_sync = 0

    def close(self) -> None:
        """Sync as far as the disk lets it, and let another process have it."""
        with contextlib.suppress(OSError):
            self.sync()
        os.close(self._file)


def read_ledger(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a ledger, in the order in which they were written; one that is torn is left out."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict) and "kind" in found:
                yield found


def mark_of(bucket: str, key: str, version_id: str, etag: str) -> bytes:
    """A short name for one state of one object, so that millions can be remembered."""
    text = "\0".join((bucket, key, version_id, etag))
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def is_intact(path: Path, size: int, sha256: str) -> bool:
    """Does a file of this size and hash lie here?"""
    try:
        if path.is_symlink() or path.stat().st_size != size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False
