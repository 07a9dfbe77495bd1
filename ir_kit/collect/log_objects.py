"""Log objects: where they are looked for, how a listing names one, and where its bytes come to lie.

Files lie as in the bucket: `BUCKET/KEY` below `raw`. A key is made by whoever may write to the bucket, so a part of it that is no
plain file name is escaped, reversibly, with `%`; one too long for a file name is cut, and ends in its hash. Versions that are not
the current one lie in a tree of their own, `@versions/BUCKET/VERSION/KEY`, where no bucket can be; so do reports of S3 Inventory, in
`@inventory/BUCKET/KEY`, since they are no logs and may lie among some.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = ["AccessLogPlace", "Listed", "Listing", "PrefixPlace", "Refusal", "TrailPlace", "folder_of", "path_of"]

Source = Literal["cloudtrail", "digest", "access_log", "inventory"]
DELIVERY_DELAY = timedelta(days=3)
"""How long after its request a line of an access log is looked for. One large operator saw less than one in 100,000 later than two
days, and the latest after nine."""

VERSIONS = "@versions"
INVENTORY = "@inventory"
HASHED = "%~"
MOST_BYTES = 180  # of one part of a path; file systems take 255, and a name of ours may grow by hashes
MOST_PATH = 1800  # of a whole key as a path; systems take 4096 with the folder that it lies in
DELETE_MARKER = "DELETE_MARKER"


@dataclass(frozen=True)
class TrailPlace:
    """Where a trail delivers: log files and digests, by account, Region and day.

    `prefix` is the trail's own, empty or with its slash: what stands before ``AWSLogs/``. Without `accounts` or `regions`,
    every one that has a folder.
    """

    bucket: str
    prefix: str = ""
    accounts: Sequence[str] = ()
    regions: Sequence[str] = ()
    bucket_region: str | None = None


@dataclass(frozen=True)
class AccessLogPlace:
    """Where the access log of one bucket, the source, is delivered: the target bucket and prefix, as they are set.

    `account` and `region` are the source bucket's: parts of a partitioned prefix, which cannot be looked for without them. Both
    kinds of prefix are looked for, whichever is set, since it may have been the other before.
    """

    bucket: str
    prefix: str
    source_bucket: str
    account: str | None = None
    region: str | None = None
    partitioned: bool | None = None
    bucket_region: str | None = None


@dataclass(frozen=True)
class PrefixPlace:
    """Everything below a prefix, whatever its date: reports of S3 Inventory."""

    bucket: str
    prefix: str
    source: Source = "inventory"
    bucket_region: str | None = None


Place = TrailPlace | AccessLogPlace | PrefixPlace


class Listed(NamedTuple):
    """One object, or one version of it, as a listing names it. ``version_id`` is empty where versions were not listed."""

    source: Source
    bucket: str
    key: str
    version_id: str
    is_latest: bool
    etag: str
    size: int
    last_modified: str
    storage_class: str
    twin: bool = False
    """Another key of the same listing differs from this one in upper and lower case alone, and came before it."""


class Refusal(NamedTuple):
    """A listing that was refused or failed: what lies there is not known."""

    bucket: str
    prefix: str
    region: str
    operation: str
    kind: str
    code: str
    message: str


@dataclass
class Listing:
    """What is there to fetch: counted, and written to a file of JSON lines; ``by_source`` has objects and bytes."""

    path: Path
    objects: int = 0
    bytes: int = 0
    requests: int = 0
    by_source: dict[str, tuple[int, int]] = field(default_factory=dict)
    archived: int = 0
    older_versions: int = 0
    delete_markers: int = 0
    refused: list[Refusal] = field(default_factory=list)
    requester_pays: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, listed: Listed) -> None:
        """Count one object more."""
        if listed.storage_class == DELETE_MARKER:
            self.delete_markers += 1
            return
        self.objects += 1
        self.bytes += listed.size
        self.older_versions += not listed.is_latest
        self.archived += listed.storage_class in ("GLACIER", "DEEP_ARCHIVE")
        objects, size = self.by_source.get(listed.source, (0, 0))
        self.by_source[listed.source] = objects + 1, size + listed.size


_ODD = re.compile(rb"[^A-Za-z0-9 !#$&'()+,;=@\[\]^_`{}~.-]")
_SPECIAL = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
_ENDING = re.compile(r"(?:\.(?:json|jsonl|csv|parquet|orc|txt))?(?:\.gz)?$")


def path_of(listed: Listed, by_hash: bool = False) -> str:
    """Where does this object come to lie, relative to `raw`? `by_hash` where something else has its path.

    Returns
    -------
    str
        A relative path whose every part is a plain file name: none is empty, ``.`` or ``..``, none has a control character,
        none is longer than 255 bytes.
    """
    key = listed.key.encode("utf-8", "surrogateescape")
    parts = [file_name(part) for part in key.split(b"/")]
    digest = hashlib.sha256(key).hexdigest()
    if by_hash or sum(map(len, parts)) + len(parts) > MOST_PATH:
        parts = [HASHED, _marked(file_name(key.rpartition(b"/")[2])[:100], digest)]
    elif listed.twin:
        parts[-1] = _marked(parts[-1], digest[:16])
    top = [file_name(listed.bucket.encode())]
    if not listed.is_latest:
        top = [VERSIONS, *top, file_name(listed.version_id.encode("utf-8", "surrogateescape"))]
    if listed.source == "inventory":
        top = [INVENTORY, *top]
    return "/".join(top + parts)


def folder_of(bucket: str, prefix: str) -> str:
    """Which folder, relative to `raw`, holds the objects whose keys start with this prefix, as far as these lie under their own names?"""
    folders = prefix.encode("utf-8", "surrogateescape").split(b"/")[:-1]
    return "/".join(file_name(part) for part in (bucket.encode(), *folders))


def beside(path: str, sha256: str) -> str:
    """Where do other bytes for the same path come to lie? Beside it, under a name that carries their hash."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{_marked(name, sha256[:16])}"


@lru_cache(maxsize=8192)
def file_name(part: bytes) -> str:
    """How is this part of a key called as a file?"""
    if not part:
        return "%"
    name = _ODD.sub(lambda byte: b"%%%02X" % byte[0][0], part).decode("ascii")
    if not name.strip("."):
        name = "%2E" * len(name)
    if name[-1] in ". " or _SPECIAL.fullmatch(name):
        name = f"{name[:-1]}%{part[-1]:02X}"
    if len(name) > MOST_BYTES:
        name = f"{name[: MOST_BYTES - 40]}%~{hashlib.sha256(part).hexdigest()[:16]}{_ENDING.findall(name)[0]}"
    return name


def _marked(name: str, mark: str) -> str:
    """The name with a mark before its ending, which says what the file is."""
    return _ENDING.sub(lambda ending: f"%~{mark}{ending[0]}", name, count=1)


def days(start: datetime, end: datetime) -> list[datetime]:
    """The days that a half-open window touches, and the one before and after: files are named for when they were delivered."""
    first = start.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    last = (end - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
