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
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import unquote_to_bytes

__all__ = [
    "AccessLogPlace",
    "Listed",
    "Listing",
    "PrefixPlace",
    "Refusal",
    "Source",
    "TrailPlace",
    "folder_of",
    "key_of_path",
    "path_of",
]

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

    Parameters
    ----------
    bucket : str
    prefix : str
        The trail's own prefix, empty or with its slash: what stands before ``AWSLogs/``.
    accounts, regions : sequence of str
        Only these; empty: every one that has a folder.
    bucket_region : str, optional
        Where the bucket lives, if known.
    """

    bucket: str
    prefix: str = ""
    accounts: Sequence[str] = ()
    regions: Sequence[str] = ()
    bucket_region: str | None = None


@dataclass(frozen=True)
class AccessLogPlace:
    """Where the access log of one bucket is delivered.

    Parameters
    ----------
    bucket, prefix : str
        The target bucket and prefix, as they are set: no slash is added.
    source_bucket : str
        The bucket whose requests are logged.
    account, region : str, optional
        Of the source bucket: parts of a partitioned prefix, which cannot be looked for without them.
    partitioned : bool, optional
        The kind of prefix that is set; both kinds are looked for all the same, since it may have been another before.
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


@dataclass(frozen=True)
class Refusal:
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
    """What is there to fetch: counted, and written to a file of JSON lines; ``by_source`` and ``by_bucket`` are objects, bytes."""

    path: Path
    objects: int = 0
    bytes: int = 0
    requests: int = 0
    by_source: dict[str, tuple[int, int]] = field(default_factory=dict)
    by_bucket: dict[str, tuple[int, int]] = field(default_factory=dict)
    archived: int = 0
    older_versions: int = 0
    delete_markers: int = 0
    refused: list[Refusal] = field(default_factory=list)
    requester_pays: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bucket_regions: dict[str, str] = field(default_factory=dict)


_PLAIN = re.compile(rb"[A-Za-z0-9 !#$&'()+,;=@\[\]^_`{}~.-]+")
_SPECIAL = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
_ENDING = re.compile(r"(?:\.(?:json|jsonl|csv|parquet|orc|txt))?(?:\.gz)?$")


def path_of(listed: Listed) -> str:
    """Where does this object come to lie, relative to `raw`?

    Returns
    -------
    str
        A relative path whose every part is a plain file name: none is empty, ``.`` or ``..``, none has a control character,
        none is longer than 255 bytes.
    """
    key = listed.key.encode("utf-8", "surrogateescape")
    parts = [_part(part) for part in key.split(b"/")]
    if listed.twin:
        parts[-1] = _marked(parts[-1], _hash(key))
    if sum(map(len, parts)) + len(parts) > MOST_PATH:
        parts = parts_by_hash(listed.key)
    return "/".join((*_top(listed), *parts))


def path_by_hash(listed: Listed) -> str:
    """Where does this object come to lie where something else has its path?"""
    return "/".join((*_top(listed), *parts_by_hash(listed.key)))


def _top(listed: Listed) -> tuple[str, ...]:
    """The folders below which the key's own begin."""
    bucket = _part(listed.bucket.encode())
    version = () if listed.is_latest else (VERSIONS, _part(listed.version_id.encode("utf-8", "surrogateescape")))
    top = (*version[:1], bucket, *version[1:])
    return (INVENTORY, *top) if listed.source == "inventory" else top


def folder_of(bucket: str, prefix: str) -> str:
    """Which folder, relative to `raw`, holds the objects whose keys start with this prefix, as far as these lie under their own names?"""
    folders = prefix.encode("utf-8", "surrogateescape").split(b"/")[:-1]
    return "/".join(_part(part) for part in (bucket.encode(), *folders))


def parts_by_hash(key: str) -> list[str]:
    """Where an object comes to lie whose own path cannot be: below one folder, by the hash of its key."""
    encoded = key.encode("utf-8", "surrogateescape")
    return [HASHED, _marked(_part(encoded.rpartition(b"/")[2])[:100], hashlib.sha256(encoded).hexdigest())]


def beside(path: str, sha256: str) -> str:
    """Where do other bytes for the same path come to lie? Beside it, under a name that carries their hash."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{_marked(name, sha256[:16])}"


def key_of_path(path: str) -> str | None:
    """Which key lies at this path below `raw`? None where the name was cut and only the ledger knows."""
    parts = path.split("/")
    parts = parts[1:] if parts[0] == INVENTORY else parts
    parts = parts[3:] if parts[0] == VERSIONS else parts[1:]
    if any(HASHED in part for part in parts):
        return None
    joined = b"/".join(b"" if part == "%" else unquote_to_bytes(part) for part in parts)
    return joined.decode("utf-8", "surrogateescape")


def _part(part: bytes) -> str:
    """One part of a key as a file name."""
    if not part:
        return "%"
    name = (
        part.decode("ascii")
        if _PLAIN.fullmatch(part)
        else "".join(chr(byte) if _PLAIN.fullmatch(bytes((byte,))) else f"%{byte:02X}" for byte in part)
    )
    if not name.strip("."):
        name = "%2E" * len(name)
    if name[-1] in ". " or _SPECIAL.fullmatch(name):
        name = f"{name[:-1]}%{part[-1]:02X}"
    if len(name) > MOST_BYTES:
        ending = _ENDING.search(name)
        name = f"{name[: MOST_BYTES - 40]}%~{_hash(part)}{ending[0] if ending else ''}"
    return name


def _marked(name: str, mark: str) -> str:
    """The name with a mark before its ending, which says what the file is."""
    ending = _ENDING.search(name)
    at = ending.start() if ending else len(name)
    return f"{name[:at]}%~{mark}{name[at:]}"


def _hash(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:16]


def days(start: datetime, end: datetime) -> list[datetime]:
    """The days that a half-open window touches, and the one before and after: files are named for when they were delivered."""
    first = start.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    last = (end - timedelta(microseconds=1)).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
