"""CloudTrail's digest files: read, and proven by signature or by hash link, offline.

A digest names the log files that a trail delivered in an hour, with their hashes, and the digest before it, with its
hash and signature. Its own
signature lies in S3's metadata alone, so an offline chain is proven from three places: metadata that was collected,
the signature that the next
digest carries, and the hash in a next digest that is proven itself. `digest_chain` reads the chain for gaps,
`digest_logs` holds it against the log files.

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
OLDER_VERSIONS = "@versions"  # the tree that a collection puts them in

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
