"""Log files held against the digests that name them: each valid, modified, missing, unlisted or unverified."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple

from ir_kit.ingest.digests import Digest, Link, NamedFile, ObjectName, SourceFile, Stream, covered
from ir_kit.ingest.reading import read_file

LOG_KEY = re.compile(
    r"(?P<prefix>.*?)AWSLogs/(?P<owner>(?:o-[^/]+/)?(?P<account>\d{12}))/CloudTrail/(?P<region>[^/]+)/(?:[^/]+/)*[^/]+",
    re.DOTALL,
)
LOG_NAME = re.compile(
    r"(?P<account>\d{12})_CloudTrail_(?P<region>[a-z0-9-]+)_(?P<time>\d{8}T\d{4})Z_[^/]+\.json(?:\.gz)?"
)
MINUTE = timedelta(minutes=1)  # the time in a file's name is cut to it

State = Literal["valid", "modified", "missing", "unlisted", "unverified"]


class Trail(NamedTuple):
    """A trail as `DescribeTrails` gives it: where it delivers to."""

    name: str
    home_region: str
    bucket: str
    prefix: str
    multi_region: bool


class Held(NamedTuple):
    """What a file was when it was read for this."""

    sha256: str | None
    fault: str | None = None
    changed: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log file that a digest names or that was found, and its state."""

    log_file: str
    state: State
    digest: Digest | None = None
    file: SourceFile | None = None
    named: NamedFile | None = None
    aws_region: str | None = None
    delivered: datetime | None = None
    detail: str = ""
    content_held: bool = False


def check_logs(
    digests: Sequence[Digest], links: Sequence[Link], files: Sequence[SourceFile], trails: Sequence[Trail] = ()
) -> list[LogFile]:
    """Is each log file what CloudTrail delivered?

    Parameters
    ----------
    digests, links
        Proven, and read as chains.
    files : sequence of SourceFile
        Every file of the CloudTrail sources that is no digest.
    trails : sequence of Trail
        Which trails deliver where; a file that may come from a trail without digests is never called unlisted.

    Returns
    -------
    list of LogFile
        One per log file named by a digest or found, by name.

    Notes
    -----
    Only a valid digest proves anything. A digest that is unproven or altered leaves what it names unverified, also
    where hashes agree or a file is not there; the detail says which. The state is that of the object as it stands; an
    older version of it has no row, gives the content that the object lost, and is named where it differs.
    """
    naming = _naming(digests)
    places, others = _placed([file for file in files if not file.is_older_version], naming, _bases(digests))
    older, _ = _placed([file for file in files if file.is_older_version], naming, {})
    matched = {id(file) for found in places.values() for file in found}
    read = [file for file in files if file.is_log or id(file) in matched]
    held = {id(file): _hashed(file) for file in read}
    by_hash: dict[str, list[SourceFile]] = defaultdict(list)
    for file in read:
        if held[id(file)].sha256 and id(file) not in matched:
            by_hash[held[id(file)].sha256 or ""].append(file)
    coverage = covered(links)
    key_of_hash = {entry.sha256: name[1] for name, choices in naming.items() for _, entry in choices}
    found: list[LogFile] = []
    for name, choices in naming.items():
        found += _named(name, choices, places.get(name, []), older.get(name, []), held, by_hash)
    for file, key in others:
        if file.is_log:
            found.append(_unnamed(file, key, held[id(file)], coverage, links, trails, key_of_hash))
    found = _overruled(found, coverage)
    return sorted(found, key=lambda row: (row.log_file, row.state, row.file.path if row.file else ""))


Naming = dict[ObjectName, list[tuple[Digest, NamedFile]]]


def _naming(digests: Sequence[Digest]) -> Naming:
    """Who names each log file; valid digests first."""
    found: Naming = defaultdict(list)
    for digest in sorted(digests, key=lambda one: ("valid", "unproven", "altered").index(one.state)):
        for named in digest.files:
            found[named.bucket, named.key].append((digest, named))
    return found


def _bases(digests: Sequence[Digest]) -> dict[str, set[str]]:
    """Folders that hold a bucket as it is in S3, told by digests that lie where their key says; with the buckets."""
    trusted = [digest for digest in digests if digest.state == "valid"] or digests
    found: dict[str, set[str]] = defaultdict(set)
    for digest in trusted:
        for ending in (digest.key, digest.key.removesuffix(".gz")):
            if digest.file.location.endswith("/" + ending):
                found[digest.file.location[: -len(ending)]].add(digest.bucket)
                break
    return found


def _stem(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".gz")


def _placed(
    files: Sequence[SourceFile], naming: Naming, bases: Mapping[str, set[str]]
) -> tuple[dict[ObjectName, list[SourceFile]], list[tuple[SourceFile, str | None]]]:
    """Which file is which S3 object? By the names that digests give; then the others, with a key where known."""
    by_key: dict[str, list[ObjectName]] = defaultdict(list)
    by_stem: dict[str, list[ObjectName]] = defaultdict(list)
    for name in naming:
        by_key[name[1].removesuffix(".gz")].append(name)
        by_stem[_stem(name[1])].append(name)
    deepest = sorted(bases, key=len, reverse=True)
    places: dict[ObjectName, list[SourceFile]] = defaultdict(list)
    others: list[tuple[SourceFile, str | None]] = []
    for file in files:
        base = next((base for base in deepest if file.location.startswith(base)), None)
        key = file.location[len(base) :] if base is not None else None
        if key is not None:
            names = by_key.get(key.removesuffix(".gz"), [])
            names = [name for name in names if name[0] in bases[base or ""]] or names
        else:
            names = _nearest(file.location, by_stem.get(_stem(file.location), []))
        for name in names:
            places[name].append(file)
        if not names:
            others.append((file, key))
    return places, others


def _nearest(location: str, names: list[ObjectName]) -> list[ObjectName]:
    """Of objects with this file's own name, those whose keys share most of its path from the end."""
    if len(names) < 2:
        return names
    path = location.removesuffix(".gz").split("/")[::-1]

    def shared(name: ObjectName) -> tuple[int, int]:
        parts = name[1].removesuffix(".gz").split("/")[::-1]
        length = next(
            (n for n, (one, other) in enumerate(zip(parts, path, strict=False)) if one != other),
            min(len(parts), len(path)),
        )
        return length, -len(
            parts
        )  # of two that fit wholly the longer has more in common; of two that do not, the one with less left over

    best = max(shared(name) for name in names)
    return [name for name in names if shared(name) == best]


def _hashed(file: SourceFile) -> Held:
    if not file.present:
        return Held(None, "it has gone since it was read", gone=True)
    try:
        content = read_file(Path(file.location))
    except FileNotFoundError:
        return Held(None, "it has gone since it was read", gone=True)
    except OSError as error:
        return Held(None, f"it cannot be read: {error.strerror}")
    changed = bool(file.sha256) and content.sha256 != file.sha256
    return Held(hashlib.sha256(content.data).hexdigest(), content.damage, changed)


def _named(
    name: ObjectName,
    choices: list[tuple[Digest, NamedFile]],
    places: list[SourceFile],
    older: list[SourceFile],
    held: Mapping[int, Held],
    by_hash: Mapping[str, list[SourceFile]],
) -> list[LogFile]:
    """The rows of a log file that a digest names: one, and one more for each further copy of it that differs."""
    digest, named = choices[0]
    accepted = {entry.sha256: (one, entry) for one, entry in reversed(choices) if one.state == digest.state}
    proven = digest.state == "valid"
    doubt = "" if proven else f"the digest that names it is {digest.state}: {digest.detail}"
    region, delivered = digest.stream.aws_region, _delivered(name[1])
    rows: list[LogFile] = []
    twins = [file.path for entry in accepted for file in by_hash.get(entry, [])]
    elsewhere = f"a file of the same content was found as {twins[0]}" if twins else ""
    others = [file.path for file in older if id(file) in held and held[id(file)].sha256 not in (None, *accepted)]
    versions = f"an older version with another content was found as {others[0]}" if others else ""
    for file in places:
        fact = held[id(file)]
        if fact.gone:
            continue
        whole = fact.sha256 in accepted
        state: State = "valid" if whole and not fact.fault else "modified"
        says = [doubt, fact.fault or "", "" if whole else "its content has another hash than the digest says"]
        if fact.sha256 is None:
            state, says = "unverified", [doubt, fact.fault or ""]
        elif not proven:
            state = "unverified"
            says += ["its hash is the one that this digest says"] if whole else []
        if fact.changed:
            says.append("the file has changed since it was read for the other tables")
        detail = _joined([*says, "" if whole else elsewhere, versions])
        chosen, entry = accepted.get(fact.sha256 or "", (digest, named))
        rows.append(LogFile(name[1], state, chosen, file, entry, region, delivered, detail, whole or bool(twins)))
    if not rows:
        gone = next((held[id(file)].fault or "" for file in places), "")
        missing = "" if proven else "it was not found"
        says = [doubt, missing, gone, elsewhere, versions]
        state = "missing" if proven else "unverified"
        return [LogFile(name[1], state, digest, None, named, region, delivered, _joined(says), bool(twins))]
    if len(rows) == 1:
        return rows
    rows.sort(key=lambda one: (("valid", "unverified", "modified").index(one.state), one.file.path if one.file else ""))
    kept = rows[:1]
    for other in rows[1:]:
        if other.state != kept[0].state and other.file:
            kept.append(
                replace(other, log_file=other.file.path, detail=_joined([f"another copy of {name[1]}", other.detail]))
            )
    return kept


def _unnamed(
    file: SourceFile,
    key: str | None,
    fact: Held,
    coverage: Mapping[Stream, Sequence[tuple[datetime, datetime]]],
    links: Sequence[Link],
    trails: Sequence[Trail],
    key_of_hash: Mapping[str, str],
) -> LogFile:
    """A file that no digest names: unlisted where its time is covered for each trail that may have written it."""
    path = key or file.path
    full, short = LOG_KEY.fullmatch(path), LOG_NAME.search(path.rpartition("/")[2])
    prefix = full["prefix"] if full and key else None
    region = full["region"] if full else short["region"] if short else None
    row = LogFile(path, "unverified", None, file, None, region, _delivered(path))
    twin = key_of_hash.get(fact.sha256 or "")
    same = f"its content is that of {twin}" if twin else ""
    extra = [
        fact.fault or "",
        same,
        "the file has changed since it was read for the other tables" if fact.changed else "",
    ]
    if row.delivered is None or region is None:
        return replace(
            row, detail=_joined(["its name is not one that CloudTrail gives, so that no digest speaks of it", *extra])
        )
    owner = full["account"] if full else short["account"] if short else ""
    streams = [
        stream
        for stream in coverage
        if stream.aws_region == region and stream.account_id == owner and prefix in (None, _prefix(stream))
    ]
    if not streams:
        return replace(row, detail=_joined(["no digest of its trail and Region is held", *extra]))
    silent = [
        trail.name
        for trail in trails
        if prefix in (None, trail.prefix)
        and (trail.multi_region or trail.home_region == region)
        and trail.name not in {stream.trail_name for stream in streams}
        and (prefix is None or trail.bucket in {stream.bucket for stream in streams})
    ]
    if silent:
        return replace(row, detail=_joined([f"it may be of the trail {silent[0]}, of which no digest is held", *extra]))
    start, end = row.delivered, row.delivered + MINUTE
    if not all(any(first <= start and end <= last for first, last in coverage[stream]) for stream in streams):
        return replace(row, detail=_joined(["no valid digest covers its time", *extra]))
    digest = next(
        (
            link.digest
            for link in links
            if link.stream in streams and link.start and link.start <= start < link.end and link.digest
        ),
        None,
    )
    return replace(
        row,
        state="unlisted",
        digest=digest,
        detail=_joined(["a valid digest covers its time and does not name it", *extra]),
    )


def _overruled(
    rows: Sequence[LogFile], coverage: Mapping[Stream, Sequence[tuple[datetime, datetime]]]
) -> list[LogFile]:
    """What only a doubtful digest names, at a time that a valid one of the same chain covers, is unlisted."""
    found = []
    for row in rows:
        digest = row.digest
        if (
            row.state == "unverified"
            and row.file
            and digest
            and digest.state != "valid"
            and row.delivered
            and not digest.stream.backfill
        ):
            start, end = row.delivered, row.delivered + MINUTE
            if any(first <= start and end <= last for first, last in coverage.get(digest.stream, ())):
                row = replace(
                    row,
                    state="unlisted",
                    detail=_joined(["a valid digest covers its time and does not name it", row.detail]),
                )
        found.append(row)
    return found


def _prefix(stream: Stream) -> str:
    return stream.root.partition("AWSLogs/")[0]


def _delivered(key: str) -> datetime | None:
    name = LOG_NAME.search(key.rpartition("/")[2])
    if name is None:
        return None
    try:
        time = name["time"]
        return datetime(int(time[:4]), int(time[4:6]), int(time[6:8]), int(time[9:11]), int(time[11:]), tzinfo=UTC)
    except ValueError:
        return None


def _joined(texts: Sequence[str]) -> str:
    return "; ".join(text for text in texts if text)
