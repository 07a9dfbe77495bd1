"""Fetch what was listed: original bytes with their hashes, many at a time, into the folder and the ledger.

An object counts as fetched when all of its bytes lie under its name and its line stands in the ledger, in that order. So whatever
ends the process, what was fetched is kept, what was not is fetched by the next try, and nothing is there twice: bytes that
lie there already without a line are met again, found to be the same, and taken over. Nothing that lies there is ever written over.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ir_kit.aws.clients import Session
from ir_kit.aws.faults import DamagedError, Kind, StoppedError
from ir_kit.aws.s3 import AT_A_TIME, PIECE, S3Fault, S3Reader, whole
from ir_kit.collect.calls import plain
from ir_kit.collect.ledger import Ledger, is_intact, mark_of, read_ledger
from ir_kit.collect.listing import listed_objects
from ir_kit.collect.log_objects import DELETE_MARKER, Listed, Listing, beside, path_of

__all__ = ["Fetched", "Incoming", "Note", "fetch_objects"]

Note = Callable[[str, str, dict[str, str], str, dict[str, Any]], None]
"""Takes a call and its answer: service, operation, parameters, Region, response."""

RAW, LEDGER, PARTIAL = "raw", "ledger.jsonl", ".partial"
REFUSED_IN_A_ROW = 50  # objects of one bucket, refused without one that was given: the others would be too
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')
_REASONS = {
    Kind.DENIED: "access denied",
    Kind.ABSENT: "gone since it was listed",
    Kind.NETWORK: "did not arrive whole",
    Kind.DAMAGED: "did not arrive whole",
    Kind.THROTTLED: "throttled too long",
    Kind.UNAVAILABLE: "S3 failed too often",
    Kind.REDIRECT: "its bucket is in a Region that S3 does not name",
    Kind.ARCHIVED: "archived: to be restored first, which this kit does not do",
}


@dataclass
class Fetched:
    """What a fetch came to. ``reasons`` counts what was not fetched by bucket and reason."""

    objects: int = 0
    bytes: int = 0
    already: int = 0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    requester_pays: list[str] = field(default_factory=list)


def fetch_objects(
    session: Session,
    listing: Listing,
    evidence: Path,
    *,
    note: Note | None = None,
    progress: Callable[[int, int], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Fetched:
    """Fetch what was listed and is not held yet.

    Parameters
    ----------
    evidence : Path
        The incident's evidence folder: objects go to ``raw`` in it, their lines to ``ledger.jsonl``.
    note : callable, optional
        Takes the answers of the calls that belong to the configuration: a digest's metadata, its signature in it.
    progress : callable, optional
        Called with the objects and bytes that are done, held ones included.

    Raises
    ------
    StoppedError
        The credentials have expired, there is no network, or the disk is full: what was fetched is kept, and the same call goes on.
    EvidenceError
        Another collection of the incident is under way.
    """
    ledger = Ledger(evidence / LEDGER)
    work = None
    try:
        shutil.rmtree(evidence / PARTIAL, ignore_errors=True)
        (evidence / PARTIAL).mkdir(parents=True)
        work = _Fetch(session, listing, evidence, ledger, progress, now)
        found = work.run()
        ledger.sync()
        return found
    except OSError as fault:
        done, size = (work.done, work.done_bytes) if work is not None else (0, 0)
        missing = f"{listing.objects - done:,} objects ({listing.bytes - size:,} bytes) are still to be fetched; what was fetched is kept"
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "the disk is full" if full else f"evidence cannot be written ({fault.strerror or fault})"
        next_step = f"{'make room' if full else 'put that right'} and give the same command again"
        raise StoppedError(f"{why}: {missing}", evidence / RAW, next_step) from None
    finally:
        ledger.close()
        shutil.rmtree(evidence / PARTIAL, ignore_errors=True)
        if note is not None:
            # from the ledger, so that none is lost by a kill
            heads = [line for line in read_ledger(evidence / LEDGER) if line.get("head")]
            for line in sorted(heads, key=lambda line: (line["bucket"], line["key"], line["version_id"])):
                version = {"VersionId": line["version_id"]} if line["version_id"] else {}
                asked = {"Bucket": line["bucket"], "Key": line["key"], **version}
                note("s3", "HeadObject", asked, line["region"], line["head"])


class Incoming:
    """The bytes of one try at one object, hashed as they arrive; in memory while they are few, then in the file `partial`."""

    def __init__(self, pieces: Iterable[Any], partial: str) -> None:
        self._partial = partial
        self._pieces: list[Any] = []
        self.size = 0
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._mode = "wb"
        for piece in whole(pieces):
            self.size += len(piece)
            sha256.update(piece)
            md5.update(piece)
            self._pieces.append(piece)
            if self.size > PIECE:
                self.finish()
        self.sha256, self.md5 = sha256.hexdigest(), md5.hexdigest()

    def finish(self) -> None:
        """Write what has arrived to the disk."""
        with open(self._partial, self._mode) as file:
            file.writelines(self._pieces)
        self._mode = "ab"
        self._pieces.clear()

    def is_hash(self, etag: str) -> bool:
        """Is this ETag the MD5 of the bytes? It is where an object was put whole and without a key of KMS."""
        return etag.strip('"') == self.md5

    def move_to(self, target: str) -> None:
        """Put the bytes there, all of them at once."""
        os.rename(self._partial, target)


class _Fetch:
    def __init__(
        self,
        session: Session,
        listing: Listing,
        evidence: Path,
        ledger: Ledger,
        progress: Callable[[int, int], None] | None,
        now: Callable[[], datetime],
    ) -> None:
        self.session, self.reader = session, S3Reader(session, listing.requester_pays)
        self.ledger, self.progress, self.now = ledger, progress, now
        self.raw, self.partial = evidence / RAW, evidence / PARTIAL
        self.held = ledger.held(self.raw)
        self.result = Fetched()
        self.done = self.done_bytes = 0
        self._remaining = listed_objects(listing.path)
        self._stopped = False
        self._lock = threading.Lock()  # of all that is counted and written down; what takes time is done without it
        self._refused: Counter[str] = Counter()
        self._unchecked: set[str] = set()  # buckets whose objects cannot be checked by their ETag
        self._folders: set[str] = set()

    def run(self) -> Fetched:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            workers = [pool.submit(self._work) for _ in range(AT_A_TIME)]
            try:
                done, _ = wait(workers, return_when=FIRST_EXCEPTION)
            finally:
                self._stopped = True
        for worker in sorted(done, key=workers.index):
            worker.result()
        self.result.requester_pays = self.reader.requester_pays
        return self.result

    def _work(self) -> None:
        listed = None
        while (listed := self._next(listed)) is not None:
            try:
                incoming, response = self._got(listed)
                head = self._head(listed, response) if listed.source == "digest" else {}
            except S3Fault as fault:
                self._note_missed(listed, fault)
            else:
                incoming.finish()
                self._keep(listed, incoming, response, head)

    def _next(self, before: Listed | None) -> Listed | None:
        """The next object that is not held."""
        with self._lock:
            if before is not None:
                self._advance(before)
            for listed in self._remaining:
                if self._stopped:
                    break
                mark = mark_of(listed.bucket, listed.key, listed.version_id, listed.etag)
                if mark in self.held:
                    self.result.already += 1
                    self._advance(listed)
                elif listed.storage_class == DELETE_MARKER:
                    self._line("delete_marker", listed, last_modified=listed.last_modified)
                else:
                    self.held.add(mark)
                    return listed
        return None

    def _advance(self, listed: Listed) -> None:
        self.done += 1
        self.done_bytes += listed.size
        if self.progress is not None and self.done % 64 == 0:
            self.progress(self.done, self.done_bytes)

    def _got(self, listed: Listed) -> tuple[Incoming, dict[str, Any]]:
        """The bytes, and what was answered with them, by boto3's names."""
        partial = f"{self.partial}/{threading.get_ident()}"
        times: Counter[str] = Counter()

        def taken(response: dict[str, Any], pieces: Iterable[Any]) -> tuple[Incoming, dict[str, Any]]:
            incoming, etag = Incoming(pieces, partial), response.get("ETag", "")
            times[incoming.sha256] += 1
            encrypted = (
                response.get("ServerSideEncryption", "").startswith("aws:") or "SSECustomerAlgorithm" in response
            )
            by_hash = _MD5.fullmatch(etag) and not encrypted
            wrong = not incoming.is_hash(etag) if by_hash else etag == listed.etag and incoming.size != listed.size
            # the same bytes three times over: they are what lies there, whatever is said of them
            if wrong and times[incoming.sha256] < 3:
                raise DamagedError(why=f"{incoming.size} bytes came that are not what their ETag or the listing says")
            return incoming, response

        def get(client: Any) -> tuple[Incoming, dict[str, Any]]:
            response = client.get_object(**_named(listed))  # boto3 checks length and checksum
            return taken(response, response["Body"].iter_chunks(PIECE))

        checked = _MD5.fullmatch(listed.etag) and listed.bucket not in self._unchecked and listed.source != "digest"
        if checked and not self._is_shut(listed.bucket):
            quick = self.reader.quick(listed.bucket, listed.key, listed.version_id)
            with suppress(DamagedError):
                if quick is not None:
                    return taken(quick, quick["Body"])
        if self._is_shut(listed.bucket):
            raise S3Fault(Kind.DENIED, "NotAsked", f"refused {REFUSED_IN_A_ROW} times in a row before it")
        incoming, response = self.reader.read(listed.bucket, get)
        if not incoming.is_hash(response.get("ETag", "")):
            self._unchecked.add(listed.bucket)
        return incoming, response

    def _is_shut(self, bucket: str) -> bool:
        return self._refused[bucket] >= REFUSED_IN_A_ROW

    def _head(self, listed: Listed, given: dict[str, Any]) -> dict[str, Any]:
        """A digest's metadata, as `HeadObject` answers it; as `GetObject` did where that fails."""
        with suppress(S3Fault):
            given = self.reader.read(listed.bucket, lambda client: client.head_object(**_named(listed)))
        return {name: plain(value) for name, value in given.items() if name not in ("Body", "ResponseMetadata")}

    def _keep(self, listed: Listed, incoming: Incoming, response: dict[str, Any], head: dict[str, Any]) -> None:
        etag = response.get("ETag", listed.etag)
        extra: dict[str, Any] = {"region": self.session.region_of(listed.bucket)}
        if head:
            extra["head"] = head
        if etag != listed.etag:
            extra["changed_since_listed"] = True
        for name, header in (("encryption", "ServerSideEncryption"), ("encryption_key", "SSEKMSKeyId")):
            if header in response:
                extra[name] = response[header]
        with self._lock:
            try:
                path = self._placed(path_of(listed), incoming)
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                # another key is a file where this one has a folder, or the other way round
                path = self._placed(path_of(listed, by_hash=True), incoming)
            self._line(
                "object", listed, path=path, size=incoming.size, sha256=incoming.sha256, etag=etag,
                listed_etag=listed.etag, last_modified=listed.last_modified, storage_class=listed.storage_class, **extra,
            )  # fmt: skip
            self._refused[listed.bucket] = 0
            self.result.objects += 1
            self.result.bytes += incoming.size

    def _placed(self, path: str, incoming: Incoming) -> str:
        """Move the bytes to where they belong; the path, relative to `raw`."""
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            os.makedirs(self.raw / folder, exist_ok=True)
            self._folders.add(folder)
        for place in (path, beside(path, incoming.sha256)):
            target = f"{self.raw}/{place}"
            if not os.path.lexists(target):
                break
            if os.path.isdir(target):
                raise IsADirectoryError(target)
            if is_intact(Path(target), incoming.size, incoming.sha256):
                return place
        # where something lies at the last of them too, its name is its hash and its bytes are others: what a crash left of it
        incoming.move_to(target)
        return place

    def _note_missed(self, listed: Listed, fault: S3Fault) -> None:
        reason = _REASONS.get(fault.kind, "failed")
        if fault.kind is not Kind.ARCHIVED and "kms" in f"{fault.code} {fault.message}".lower():
            reason = "encrypted: the key does not let this caller decrypt"
        with self._lock:
            self._refused[listed.bucket] += fault.kind is Kind.DENIED
            self._line("not_fetched", listed, reason=reason, code=fault.code, message=fault.message, size=listed.size)
            self.result.reasons[listed.bucket, reason] += 1

    def _line(self, kind: str, listed: Listed, **fields: Any) -> None:
        moment = f"{self.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        line = {
            "kind": kind, "collected_at": moment, "source": listed.source, "bucket": listed.bucket, "key": listed.key,
            "version_id": listed.version_id, "is_latest": listed.is_latest, **fields,
        }  # fmt: skip
        self.ledger.add(line)


def _named(listed: Listed) -> dict[str, str]:
    version = {"VersionId": listed.version_id} if listed.version_id else {}
    return {"Bucket": listed.bucket, "Key": listed.key, **version}
