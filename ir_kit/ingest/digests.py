"""CloudTrail's digest files: read, and proven by signature or by hash link, offline.

A digest names the log files that a trail delivered in an hour, with their hashes, and the digest before it, with its
hash and signature. Its own signature lies in S3's metadata alone, so an offline chain is proven from three places:
metadata that was collected, the signature that the next digest carries, and the hash in a next digest that is proven
itself. A digest that names no predecessor starts a chain: CloudTrail writes one when validation or logging is switched
on. One that names a predecessor which is not there, or is altered, is a break that CloudTrail never makes.
`digest_logs` holds the chain against the log files.

Source: CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of CloudTrail log file
integrity validation".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ir_kit.ingest.reading import read_file

DIGEST_KEY = re.compile(
    r"(?P<root>(?P<prefix>.*?)AWSLogs/(?:o-[^/]+/)?(?P<account>[^/]+))/CloudTrail-Digest/(?P<region>[^/]+)/"
    r"(?:[^/]+/)*(?P=account)_CloudTrail-Digest_(?P=region)_(?P<trail>.+)_(?P<home>[a-z0-9-]+)_\d{8}T\d{6}Z(?P<backfill>_backfill)?\.json(?:\.gz)?",
    re.DOTALL,
)
DIGEST_ALGORITHM = "SHA256withRSA"
HOUR = timedelta(hours=1)
SLACK = timedelta(minutes=5)  # between the moment of a stop and the end of the digest that covers it
OLDER_VERSIONS = "@versions"  # the tree that a collection puts them in

State = Literal["valid", "altered", "unproven", "missing", "not_held", "restart"]
ObjectName = tuple[str, str]
"""Bucket and key."""


class SourceFile(NamedTuple):
    """One file of the incident's CloudTrail sources: its path there, its place on disk, whether it is a log."""

    path: str
    location: str
    is_log: bool = True
    present: bool = True
    sha256: str | None = None

    @property
    def is_older_version(self) -> bool:
        """Was it fetched as a version that is not the object's current one? Told by the source, never by the object's own key."""
        root = self.location.removesuffix(self.path)
        return OLDER_VERSIONS in root.split("/") or self.path.startswith(f"{OLDER_VERSIONS}/")


class NamedFile(NamedTuple):
    """A log file as a digest names it; the hash is that of the unpacked bytes."""

    bucket: str
    key: str
    sha256: str
    oldest: datetime | None
    newest: datetime | None


class Stream(NamedTuple):
    """What one chain runs over: a trail's deliveries of one account and Region; backfill digests chain apart."""

    bucket: str
    root: str
    account_id: str
    aws_region: str
    trail_name: str
    home_region: str
    backfill: bool


@dataclass(slots=True)
class Digest:
    """One digest file as it was read, and what proves it."""

    file: SourceFile
    bucket: str
    key: str
    stream: Stream
    start: datetime
    end: datetime
    end_text: str
    sha256: str
    fingerprint: str
    algorithm: str
    previous: ObjectName | None
    previous_sha256: str | None
    previous_signature: str | None
    files: tuple[NamedFile, ...]
    state: Literal["valid", "altered", "unproven"] = "unproven"
    proof: Literal["signature", "link"] | None = None
    detail: str = ""

    @property
    def name(self) -> ObjectName:
        return self.bucket, self.key

    @property
    def signed_text(self) -> bytes:
        """What the signature signs."""
        lines = (self.end_text, f"{self.bucket}/{self.key}", self.sha256, self.previous_signature or "null")
        return "\n".join(lines).encode()


class UnreadDigest(NamedTuple):
    """A file that lies where digests lie and is none that can be read."""

    file: SourceFile
    reason: str


@dataclass(slots=True)
class Proofs:
    """What digests are proven by: public keys by Region and fingerprint, signatures by bucket and key."""

    keys: dict[tuple[str | None, str], RSAPublicKey] = field(default_factory=dict)
    signatures: dict[ObjectName, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add_key(self, region: str | None, fingerprint: str, value: str) -> bool:
        """Take a key as `ListPublicKeys` gives it (PKCS#1 in DER, base64); false where it is none."""
        try:
            key = load_der_public_key(base64.b64decode(value, validate=True))
        except (ValueError, binascii.Error):
            return False
        if not isinstance(key, RSAPublicKey):
            return False
        self.keys[region, fingerprint.lower()] = key
        return True

    def key_for(self, digest: Digest) -> RSAPublicKey | None:
        """The key of that fingerprint in the digest's Region, or in its trail's home Region."""
        for region in (digest.stream.aws_region, digest.stream.home_region, None):
            key = self.keys.get((region, digest.fingerprint.lower()))
            if key is not None:
                return key
        return None


def read_digests(files: Sequence[SourceFile]) -> tuple[list[Digest], list[UnreadDigest]]:
    """Which of these files are digests, and what do they say?

    Parameters
    ----------
    files : sequence of SourceFile
        Files that lie in a ``CloudTrail-Digest`` folder, or may be digests elsewhere.

    Returns
    -------
    tuple of list
        The digests, not yet proven, in the order of the files; and the files that could not be read as one, each with
        its reason.
    """
    found, unread = [], []
    for read in (_read_digest(file) for file in files if file.present):
        if isinstance(read, Digest):
            found.append(read)
        else:
            unread.append(read)
    return found, unread


def prove(digests: Sequence[Digest], proofs: Proofs) -> None:
    """Which of these digests did CloudTrail write as they lie here? Sets state, proof and detail of each.

    Notes
    -----
    ``valid``: a signature verifies, or a valid digest names this one with its hash. ``altered``: the signature that
    S3 kept does not verify, or a valid
    digest names another hash. ``unproven``: nothing speaks for or against it: no public key, or no signature and no
    valid digest that names it.
    A signature is proof wherever it was found; one that fails condemns only where its place is trusted (metadata),
    since a forged digest may carry anything.
    """
    carried: dict[ObjectName, set[str]] = defaultdict(set)
    for digest in digests:
        if digest.previous and digest.previous_signature:
            carried[digest.previous].add(digest.previous_signature)
    for digest in digests:
        key = proofs.key_for(digest)
        given = proofs.signatures.get(digest.name, set())
        if digest.algorithm != DIGEST_ALGORITHM:
            digest.detail = f"signed by an algorithm that is not {DIGEST_ALGORITHM}"
        elif key is None:
            elsewhere = sorted(str(r) for r, print_ in proofs.keys if print_ == digest.fingerprint.lower())
            digest.detail = "its public key was not collected" + (
                f" in its Region, only in {', '.join(elsewhere)}" if elsewhere else ""
            )
        elif any(_verifies(key, text, digest) for text in sorted(given | carried[digest.name])):
            digest.state, digest.proof = "valid", "signature"
        elif any(_hex(text) for text in given):
            digest.state, digest.detail = "altered", "its signature does not verify"
        else:
            digest.detail = "neither its signature was collected nor the digest after it"
            if carried[digest.name]:
                digest.detail = "the signature that the digest after it carries does not verify"
    _follow_links(digests)


def _follow_links(digests: Sequence[Digest]) -> None:
    by_name: dict[ObjectName, list[Digest]] = defaultdict(list)
    for digest in digests:
        by_name[digest.name].append(digest)
    queue = [digest for digest in digests if digest.state == "valid"]
    while queue:
        proven = queue.pop()
        if proven.previous is None:
            continue
        for digest in by_name.get(proven.previous, []):
            if digest.state == "valid":
                continue
            if digest.sha256 == proven.previous_sha256:
                digest.state, digest.proof = "valid", "link"
                digest.detail = f"named with its hash by a valid digest; {digest.detail}".rstrip("; ")
                queue.append(digest)
            else:
                digest.state, digest.detail = "altered", "the digest after it, which is valid, names another hash"


def _read_digest(file: SourceFile) -> Digest | UnreadDigest:
    try:
        content = read_file(Path(file.location))
    except OSError as error:
        return UnreadDigest(file, f"it cannot be read: {error.strerror}")
    if content.damage:
        return UnreadDigest(file, content.damage)
    try:
        return _digest_of(file, content.data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return UnreadDigest(file, "it is no digest, or one without a field that every digest has")


def _digest_of(file: SourceFile, data: bytes) -> Digest:
    said: Mapping[str, Any] = json.loads(data)
    bucket, key = str(said["digestS3Bucket"]), str(said["digestS3Object"])
    named = DIGEST_KEY.fullmatch(key)
    if named is None:
        raise ValueError(key)
    previous = said["previousDigestS3Object"]
    return Digest(
        file=file,
        bucket=bucket,
        key=key,
        stream=Stream(
            bucket,
            named["root"],
            named["account"],
            named["region"],
            named["trail"],
            named["home"],
            named["backfill"] is not None,
        ),
        start=moment(said["digestStartTime"]),
        end=moment(said["digestEndTime"]),
        end_text=str(said["digestEndTime"]),
        sha256=hashlib.sha256(data).hexdigest(),
        fingerprint=str(said["digestPublicKeyFingerprint"]),
        algorithm=str(said.get("digestSignatureAlgorithm") or DIGEST_ALGORITHM),
        previous=(str(said.get("previousDigestS3Bucket") or bucket), str(previous)) if previous is not None else None,
        previous_sha256=_lower(said.get("previousDigestHashValue")),
        previous_signature=said["previousDigestSignature"],
        files=tuple(_named_files(said["logFiles"])),
    )


def _named_files(listed: Iterable[Mapping[str, Any]]) -> Iterable[NamedFile]:
    for entry in listed:
        oldest, newest = (
            moment(entry[name]) if entry.get(name) else None for name in ("oldestEventTime", "newestEventTime")
        )
        yield NamedFile(str(entry["s3Bucket"]), str(entry["s3Object"]), str(entry["hashValue"]).lower(), oldest, newest)


def moment(text: str) -> datetime:
    """A time as digests write it, in UTC."""
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


def _hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _verifies(key: RSAPublicKey, signature: str, digest: Digest) -> bool:
    given = _hex(signature)
    if not given:
        return False
    try:
        key.verify(given, digest.signed_text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


class Stop(NamedTuple):
    """A moment at which a trail, or its validation, was switched off."""

    trail_name: str
    home_region: str | None
    time: datetime
    event_name: str


class Link(NamedTuple):
    """One stretch of a chain: a digest, or a stretch without one.

    ``missing``: an hour whose digest has gone. ``not_held``: the chain comes from before the evidence. ``restart``:
    no digest was due, because logging or validation was off.
    """

    stream: Stream
    state: State
    start: datetime | None
    end: datetime
    digest: Digest | None = None
    digest_file: str | None = None
    detail: str = ""


def chain_links(
    digests: Sequence[Digest],
    unread: Sequence[UnreadDigest] = (),
    stops: Sequence[Stop] = (),
    due_until: Mapping[tuple[str, str], datetime] | None = None,
) -> list[Link]:
    """Where does each chain run, start and break?

    Parameters
    ----------
    digests : sequence of Digest
        Proven as far as they can be (`digests.prove`).
    unread : sequence of UnreadDigest
        Files that could not be read as digests: a missing digest that one of them was is altered.
    stops : sequence of Stop
        When trails or their validation were switched off, by the log.
    due_until : mapping, optional
        By trail name and home Region, a time by which a digest was delivered, as `GetTrailStatus` says it: a chain
        that ends more than an hour before lacks its newest digests.

    Returns
    -------
    list of Link
        By stream and time, without overlap within a stream.
    """
    streams: dict[Stream, dict[tuple[str, str], Digest]] = defaultdict(dict)
    rank = {"valid": 0, "unproven": 1, "altered": 2}
    for digest in digests:
        best = streams[digest.stream].get(digest.name)
        if best is None or rank[digest.state] < rank[best.state]:
            streams[digest.stream][digest.name] = digest
    links: list[Link] = []
    for stream in sorted(streams):
        held = sorted(streams[stream].values(), key=lambda digest: (digest.start, digest.end, digest.key))
        links += _links(stream, held, unread, stops)
        due = (due_until or {}).get((stream.trail_name, stream.home_region))
        if due and not stream.backfill and held:
            links += _missing_last(stream, held[-1].end, due, stops)
    return links


def _missing_last(stream: Stream, end: datetime, due: datetime, stops: Sequence[Stop]) -> Iterator[Link]:
    last = [
        stop.time
        for stop in stops
        if stop.trail_name == stream.trail_name and stop.home_region in (None, stream.home_region)
    ]
    if last and max(last) <= end + SLACK and max(last) > end - HOUR:
        return  # stopped, and not known to have started again
    while due - end > HOUR:
        yield Link(
            stream,
            "missing",
            end,
            end + HOUR,
            None,
            None,
            f"no digest, though GetTrailStatus says that one was delivered at {due:%Y-%m-%dT%H:%M:%SZ}",
        )
        end += HOUR


def _links(stream: Stream, held: list[Digest], unread: Sequence[UnreadDigest], stops: Sequence[Stop]) -> Iterator[Link]:
    before: Digest | None = None
    names = {digest.name for digest in held}
    for digest in held:
        if before is None:
            if digest.previous is not None:
                yield Link(
                    stream,
                    "not_held",
                    None,
                    digest.start,
                    None,
                    digest.previous[1],
                    "the oldest digest held names one before it: the evidence starts here, or older ones are gone",
                )
        elif digest.previous is None:
            yield from _restart(stream, before, digest, stops)
        elif digest.previous not in names:
            yield from _missing(stream, before.end, digest.start, digest, unread)
        kind = "a starting digest" if digest.previous is None else ""
        detail = "; ".join(text for text in (kind, digest.detail, _moved(digest)) if text)
        yield Link(stream, digest.state, digest.start, digest.end, digest, digest.key, detail)
        before = digest


def _missing(
    stream: Stream, start: datetime, end: datetime, after: Digest, unread: Sequence[UnreadDigest]
) -> Iterator[Link]:
    """The hours between two digests of which the later names one that is not there; the last of these is named."""
    assert after.previous is not None
    name = after.previous[1]
    hours, edge = [], end
    while edge > start:
        hours.append((max(start, edge - HOUR), edge))
        edge -= HOUR
    if not hours:
        hours = [(end, end)]
    broken = next((one for one in unread if one.file.path.endswith(name) or name.endswith(one.file.path)), None)
    says = "a valid digest names it" if after.state == "valid" else "the digest that names it is not proven"
    for number, (hour_start, hour_end) in enumerate(reversed(hours)):
        last = number == len(hours) - 1
        if last and broken:
            yield Link(stream, "altered", hour_start, hour_end, None, name, f"{broken.reason}; {says}")
            continue
        detail = (
            f"not found, though the digest after it names it: {says}"
            if last
            else "no digest, in a chain that names no start"
        )
        yield Link(stream, "missing", hour_start, hour_end, None, name if last else None, detail)


def _restart(stream: Stream, before: Digest, starting: Digest, stops: Sequence[Stop]) -> Iterator[Link]:
    """The stretch before a new starting digest: first hours whose digest was due and is not there, then none due."""
    stop = next(
        (
            stop
            for stop in sorted(stops, key=lambda stop: stop.time, reverse=True)
            if stop.trail_name == stream.trail_name
            and stop.home_region in (None, stream.home_region)
            and before.start <= stop.time <= starting.start
        ),
        None,
    )
    start = before.end
    if stop and stop.time > start + SLACK:
        while start < stop.time:
            end = min(start + HOUR, stop.time)
            yield Link(
                stream,
                "missing",
                start,
                end,
                None,
                None,
                f"no digest, though the trail ran until {stop.event_name} at {stop.time:%Y-%m-%dT%H:%M:%SZ}",
            )
            start = end
    if starting.start <= start:
        return
    trusted = "" if starting.state == "valid" else "; the new starting digest is not proven, so that it may be forged"
    detail = (
        f"{stop.event_name} at {stop.time:%Y-%m-%dT%H:%M:%SZ}, then a new chain"
        if stop
        else "a new chain, with no stop in the evidence that explains it"
    )
    yield Link(stream, "restart", start, starting.start, None, None, detail + trusted)


def _moved(digest: Digest) -> str:
    here, there = digest.file.path.rpartition("/")[2], digest.key.rpartition("/")[2]
    same = here.removesuffix(".gz") == there.removesuffix(".gz")
    return "" if same else f"it lies under another name: {digest.file.path}"


def covered(links: Sequence[Link]) -> dict[Stream, list[tuple[datetime, datetime]]]:
    """When does a valid digest say what was delivered? By stream; backfill digests say nothing of it."""
    found: dict[Stream, list[tuple[datetime, datetime]]] = {}
    for link in links:
        if link.stream.backfill:
            continue
        spans = found.setdefault(link.stream, [])
        if link.state != "valid" or link.start is None:
            continue
        if spans and link.start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], link.end))
        else:
            spans.append((link.start, link.end))
    return found
