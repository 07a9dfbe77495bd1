"""Fetch what was listed: original bytes with their hashes, many at a time, into the folder and the ledger.

An object counts as fetched when all of its bytes lie under its name and its line stands in the ledger, in that order. So whatever
ends the process, what was fetched is kept, what was not is fetched by the next try, and nothing is there twice: bytes that
lie there already without a line are met again, found to be the same, and taken over. Nothing that lies there is ever written over.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ir_kit.aws import clock
from ir_kit.aws.clients import Session
from ir_kit.aws.faults import Kind, StoppedError
from ir_kit.aws.s3 import MOST_AT_A_TIME, S3Fault, S3Reader
from ir_kit.aws.wire import FileFault, Response
from ir_kit.collect.incoming import Incoming
from ir_kit.collect.ledger import Ledger, mark_of_listed, read_ledger
from ir_kit.collect.listing import listed_objects
from ir_kit.collect.log_objects import DELETE_MARKER, Listed, Listing, beside, path_by_hash, path_of
from ir_kit.collect.s3_answers import head_answer, reason_of

__all__ = ["Fetched", "Note", "NotFetched", "fetch_objects"]

Note = Callable[[str, str, dict[str, str], str, dict[str, Any]], None]
"""Takes a call and its answer: service, operation, parameters, Region, response."""

RAW, LEDGER, PARTIAL = "raw", "ledger.jsonl", ".partial"
REFUSED_IN_A_ROW = 50  # objects of one bucket, refused without one that was given: the others would be too
MOST_EXAMPLES = 20
_FULL = (errno.ENOSPC, errno.EDQUOT)


class NotFetched(NamedTuple):
    """An object that could not be had, and why: ``reason`` in a few words, ``code`` and ``message`` as S3 says it."""

    bucket: str
    key: str
    version_id: str
    reason: str
    code: str
    message: str


@dataclass
class Fetched:
    """What a fetch came to. ``reasons`` counts what was not fetched by bucket and reason; ``examples`` are the first of them."""

    objects: int = 0
    bytes: int = 0
    already: int = 0
    changed: int = 0
    seconds: float = 0.0
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[NotFetched] = field(default_factory=list)
    requester_pays: list[str] = field(default_factory=list)

    @property
    def not_fetched(self) -> int:
        """How many objects could not be had?"""
        return sum(self.reasons.values())


def fetch_objects(
    session: Session,
    listing: Listing,
    evidence: Path,
    *,
    note: Note | None = None,
    progress: Callable[[int, int], None] | None = None,
    reader: Callable[[Session], S3Reader] = S3Reader,
    now: Callable[[], datetime] = clock.aws_now,
) -> Fetched:
    """Fetch what was listed and is not held yet.

    Parameters
    ----------
    session : Session
    listing : Listing
        As `list_objects` gave it.
    evidence : Path
        The incident's evidence folder: objects go to ``raw`` in it, their lines to ``ledger.jsonl``.
    note : callable, optional
        Takes the answers of the calls that belong to the configuration: a digest's metadata, its signature in it.
    progress : callable, optional
        Called with the objects and bytes that are done, held ones included.
    reader, now : callable
        Make the reader; say what time it is.

    Returns
    -------
    Fetched

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
        work = _Fetch(listing, evidence, ledger, progress, now)
        found = asyncio.run(_fetched(work, reader, session))
        ledger.sync()
        return found
    except (FileFault, OSError) as fault:
        raise _no_room(fault, evidence / RAW, listing, work) from None
    finally:
        ledger.close()
        shutil.rmtree(evidence / PARTIAL, ignore_errors=True)
        if note is not None:
            _tell(note, evidence / LEDGER)


async def _fetched(work: _Fetch, reader: Callable[[Session], S3Reader], session: Session) -> Fetched:
    source = reader(session)
    try:
        return await work.run(source)
    finally:
        await source.close()


def _no_room(fault: BaseException, raw: Path, listing: Listing, work: _Fetch | None) -> StoppedError:
    """What to say where evidence cannot be written: why, and how much is missing."""
    cause = fault if isinstance(fault, OSError) else fault.__cause__
    number = cause.errno if isinstance(cause, OSError) else None
    done, size = (work.done, work.done_bytes) if work is not None else (0, 0)
    missing = f"{listing.objects - done:,} objects ({listing.bytes - size:,} bytes) are still to be fetched; what was fetched is kept"
    if number in _FULL:
        return StoppedError(f"the disk is full: {missing}", raw, "make room and give the same command again")
    why = os.strerror(number) if number else str(fault)
    return StoppedError(
        f"evidence cannot be written ({why}): {missing}", raw, "put that right and give the same command again"
    )


def _tell(note: Note, ledger: Path) -> None:
    """Tell the answers that belong to the configuration, from the ledger, so that none is lost by a kill."""
    heads = [line for line in read_ledger(ledger) if line.get("head")]
    for line in sorted(heads, key=lambda line: (line["bucket"], line["key"], line["version_id"])):
        parameters = {"Bucket": line["bucket"], "Key": line["key"]}
        if line["version_id"]:
            parameters["VersionId"] = line["version_id"]
        note("s3", "HeadObject", parameters, line["region"], line["head"])


class _Fetch:
    def __init__(
        self,
        listing: Listing,
        evidence: Path,
        ledger: Ledger,
        progress: Callable[[int, int], None] | None,
        now: Callable[[], datetime],
    ) -> None:
        self.listing, self.ledger, self.progress, self.now = listing, ledger, progress, now
        self.raw, self.partial = evidence / RAW, evidence / PARTIAL
        self.held = ledger.held(self.raw)
        self.result = Fetched()
        self.done = self.done_bytes = 0
        self._refused: Counter[str] = Counter()
        self._folders: set[str] = set()
        self._number = 0

    async def run(self, reader: S3Reader) -> Fetched:
        reader.regions.update(self.listing.bucket_regions)
        reader.pay_for(self.listing.requester_pays)
        loop = asyncio.get_running_loop()
        started = loop.time()
        remaining = listed_objects(self.listing.path)
        workers = [asyncio.ensure_future(self._work(reader, remaining)) for _ in range(MOST_AT_A_TIME)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            self.result.seconds = loop.time() - started
            self.result.requester_pays = reader.requester_pays
        return self.result

    async def _work(self, reader: S3Reader, remaining: Iterator[Listed]) -> None:
        for listed in remaining:
            mark = mark_of_listed(listed)
            if mark in self.held:
                self.result.already += 1
            else:
                self.held.add(mark)
                if listed.storage_class == DELETE_MARKER:
                    self._line("delete_marker", listed, last_modified=listed.last_modified)
                    continue
                await self._fetch(reader, listed)
            self.done += 1
            self.done_bytes += listed.size
            if self.progress is not None and self.done % 64 == 0:
                self.progress(self.done, self.done_bytes)

    async def _fetch(self, reader: S3Reader, listed: Listed) -> None:
        if self._refused[listed.bucket] >= REFUSED_IN_A_ROW:
            self._missed(listed, Kind.DENIED, "NotAsked", f"refused {REFUSED_IN_A_ROW} times in a row before it")
            return
        incoming: list[Incoming] = []

        def sink() -> Incoming:
            for before in incoming:
                before.drop()
            self._number += 1
            incoming[:] = [Incoming(self.partial / str(self._number))]
            return incoming[0]

        strikes: Counter[str] = Counter()

        def check(response: Response) -> str | None:
            wrong = incoming[0].wrong(response, listed.etag, listed.size)
            strikes[incoming[0].sha256 if wrong else ""] += 1
            # the same bytes three times over: they are what lies there, whatever the headers say of them
            return None if wrong is None or strikes[incoming[0].sha256] >= 3 else wrong

        query = {"versionId": listed.version_id} if listed.version_id else {}
        try:
            response = await reader.call(
                "GetObject", listed.bucket, listed.key, query, {"x-amz-checksum-mode": "ENABLED"}, sink, check
            )
            head = await self._head(reader, listed, query, response) if listed.source == "digest" else None
        except S3Fault as fault:
            for before in incoming:
                before.drop()
            self._refused[listed.bucket] += fault.kind is Kind.DENIED
            self._missed(listed, fault.kind, fault.code, fault.message)
            return
        self._refused[listed.bucket] = 0
        region = reader.regions.get(listed.bucket) or reader.session.region
        self._keep(listed, incoming[0], response, head, region)

    async def _head(self, reader: S3Reader, listed: Listed, query: dict[str, str], given: Response) -> dict[str, Any]:
        """A digest's metadata, as `HeadObject` answers it; from the headers of the object where that fails."""
        try:
            return head_answer(await reader.call("HeadObject", listed.bucket, listed.key, query))
        except S3Fault:
            return head_answer(given)

    def _keep(
        self, listed: Listed, incoming: Incoming, response: Response, head: dict[str, Any] | None, region: str
    ) -> None:
        try:
            path = self._placed(listed, incoming)
            headers = response.headers
            etag = headers.get("etag", listed.etag)
            extra: dict[str, Any] = {"region": region}
            if head is not None:
                extra["head"] = head
            if etag != listed.etag:
                extra["changed_since_listed"] = True
                self.result.changed += 1
            for name, header in (
                ("encryption", "x-amz-server-side-encryption"),
                ("encryption_key", "x-amz-server-side-encryption-aws-kms-key-id"),
            ):
                if header in headers:
                    extra[name] = headers[header]
            self._line(
                "object", listed, path=path, size=incoming.size, sha256=incoming.sha256, etag=etag, listed_etag=listed.etag,
                last_modified=listed.last_modified, storage_class=listed.storage_class, **extra,
            )  # fmt: skip
        except OSError as error:
            incoming.drop()
            raise FileFault(str(error)) from error
        self.result.objects += 1
        self.result.bytes += incoming.size

    def _placed(self, listed: Listed, incoming: Incoming) -> str:
        """Move the bytes to where they belong; the path, relative to `raw`."""
        path = path_of(listed)
        try:
            return self._moved(path, incoming)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            # another key is a file where this one has a folder, or the other way round
            return self._moved(path_by_hash(listed), incoming)

    def _moved(self, path: str, incoming: Incoming) -> str:
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            os.makedirs(self.raw / folder, exist_ok=True)
            self._folders.add(folder)
        for place in (path, beside(path, incoming.sha256)):
            target = f"{self.raw}/{place}"
            if not os.path.lexists(target):
                incoming.move_to(target)
                return place
            if os.path.isdir(target):
                raise IsADirectoryError(target)
            if incoming.is_same_as(target):
                incoming.drop()
                return place
        incoming.replace(target)  # its name is its hash, and its bytes are others: what a crash left of it
        return place

    def _missed(self, listed: Listed, kind: Kind, code: str, message: str) -> None:
        reason = reason_of(kind, code, message)
        self._line("not_fetched", listed, reason=reason, code=code, message=message, size=listed.size)
        self.result.reasons[listed.bucket, reason] += 1
        if len(self.result.examples) < MOST_EXAMPLES:
            self.result.examples.append(NotFetched(listed.bucket, listed.key, listed.version_id, reason, code, message))

    def _line(self, kind: str, listed: Listed, **fields: Any) -> None:
        moment = f"{self.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        line = {
            "kind": kind, "collected_at": moment, "source": listed.source, "bucket": listed.bucket, "key": listed.key,
            "version_id": listed.version_id, "is_latest": listed.is_latest, **fields,
        }  # fmt: skip
        try:
            self.ledger.add(line)
        except OSError as error:
            raise FileFault(str(error)) from error
