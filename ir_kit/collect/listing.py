"""What is there to fetch? Log objects found by their dates, day by day and side by side, never by walking a whole trail or log.

A trail's keys name account, Region and day; the accounts and Regions that have a folder are asked for first. The keys of an access
log start with the day too, behind its prefix or behind folders for account, Region and bucket. So each day is a prefix of its own.
In a bucket that keeps versions the versions are listed, with those that were written over or deleted.

Source: CloudTrail User Guide, "Finding your CloudTrail log files"; S3 User Guide, "Log object key format".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, NamedTuple
from xml.etree import ElementTree

from ir_kit.aws.clients import Session
from ir_kit.aws.faults import Kind, StoppedError
from ir_kit.aws.s3 import S3Fault, S3Reader
from ir_kit.aws.wire import Response
from ir_kit.collect.log_objects import (
    DELETE_MARKER,
    DELIVERY_DELAY,
    AccessLogPlace,
    Listed,
    Listing,
    Place,
    Refusal,
    Source,
    TrailPlace,
    days,
)
from ir_kit.collect.pages import Page, page_of

__all__ = ["list_objects", "listed_objects"]

AT_A_TIME = 16
REFUSED_IN_A_ROW = 20  # listings of one bucket, refused without one that was answered: the others would be too
MOST_FOLDER_PAGES = 50  # of a place where folders are looked for, and something else may lie beside them
_ACCOUNT_LENGTH = 12


def list_objects(
    session: Session,
    places: Sequence[Place],
    start: datetime,
    end: datetime,
    spool: Path,
    *,
    delay: timedelta = DELIVERY_DELAY,
    progress: Callable[[int, int], None] | None = None,
    reader: Callable[[Session], S3Reader] = S3Reader,
) -> Listing:
    """What is there to fetch from these places?

    Parameters
    ----------
    session : Session
    places : sequence of places
    start, end : datetime
        Baseline and window together, in UTC, half open. The day before and after is listed too.
    spool : Path
        A file that takes what is listed; written anew.
    delay : timedelta
        How long after its request a line of an access log may be delivered and still be found.
    progress : callable, optional
        Called with the objects and bytes listed so far.
    reader : callable
        Makes the reader.

    Returns
    -------
    Listing
        Counts, and what was refused; an object is in the spool once.

    Raises
    ------
    StoppedError
        The credentials have expired, there is no network, or the list cannot be written.

    Notes
    -----
    Cannot see what was delivered later than `delay`, nor objects that were deleted for good.
    """

    async def run() -> Listing:
        spool.parent.mkdir(parents=True, exist_ok=True)
        source = reader(session)
        try:
            with spool.open("w", encoding="ascii", newline="\n") as file:
                return await _Lister(source, file, Listing(spool), progress).run(places, start, end, delay)
        finally:
            await source.close()

    try:
        return asyncio.run(run())
    except OSError as error:
        raise StoppedError(
            f"the list of what to fetch cannot be written ({error.strerror})",
            spool,
            "make room and give the same command again",
        ) from None


def listed_objects(spool: Path) -> Iterator[Listed]:
    """What a listing wrote down, in its order."""
    with spool.open(encoding="ascii") as file:
        for line in file:
            yield Listed(*json.loads(line))


class _Range(NamedTuple):
    source: Source
    bucket: str
    prefix: str


class _Lister:
    def __init__(
        self, reader: S3Reader, file: IO[str], listing: Listing, progress: Callable[[int, int], None] | None
    ) -> None:
        self.reader, self.file, self.listing, self.progress = reader, file, listing, progress
        self._versions: dict[str, asyncio.Task[bool]] = {}
        self._refused: dict[str, int] = {}
        self._gate = asyncio.Semaphore(AT_A_TIME)

    async def run(self, places: Sequence[Place], start: datetime, end: datetime, delay: timedelta) -> Listing:
        for place in places:
            if place.bucket_region:
                self.reader.regions.setdefault(place.bucket, place.bucket_region)
        found = await _all([self._ranges(place, start, end, delay) for place in places])
        ranges = dict.fromkeys(one for some in found for one in some)
        await _all([self._list(one) for one in ranges])
        listing = self.listing
        listing.requests = self.reader.requests
        listing.requester_pays = self.reader.requester_pays
        listing.bucket_regions = dict(self.reader.regions)
        listing.refused.sort(key=lambda one: (one.bucket, one.prefix, one.operation))
        return listing

    async def _ranges(self, place: Place, start: datetime, end: datetime, delay: timedelta) -> list[_Range]:
        if isinstance(place, TrailPlace):
            return await self._trail_ranges(place, [f"{day:%Y/%m/%d}/" for day in days(start, end)])
        if isinstance(place, AccessLogPlace):
            dates = days(start, end + delay)
            prefixes = [f"{place.prefix}{day:%Y-%m-%d}-" for day in dates]
            if place.account and place.region:
                folder = f"{place.prefix}{place.account}/{place.region}/{place.source_bucket}/"
                prefixes += [f"{folder}{day:%Y/%m/%d}/" for day in dates]
            elif place.partitioned:
                self.listing.notes.append(
                    f"the access log of {place.source_bucket} was not looked for: its account or its Region is not known"
                )
            return [_Range("access_log", place.bucket, prefix) for prefix in prefixes]
        return [_Range(place.source, place.bucket, place.prefix)]

    async def _trail_ranges(self, place: TrailPlace, dates: list[str]) -> list[_Range]:
        root = f"{place.prefix}AWSLogs/"
        owners = await self._folders(place.bucket, root)
        accounts = [root + name for name in owners or [] if _is_account(name)]
        for organization in (name for name in owners or [] if name.startswith("o-")):
            below = await self._folders(place.bucket, root + organization) or []
            accounts += [root + organization + name for name in below if _is_account(name)]
        if owners is None:
            accounts = [f"{root}{account}/" for account in place.accounts]  # not to be listed: tried by name
        chosen = [one for one in accounts if not place.accounts or one.split("/")[-2] in place.accounts]
        kinds: tuple[tuple[Source, str], ...] = (("cloudtrail", "CloudTrail/"), ("digest", "CloudTrail-Digest/"))
        folders = [(source, account + kind) for account in chosen for source, kind in kinds]
        regions = await _all([self._folders(place.bucket, folder) for _, folder in folders])
        ranges = []
        for (source, folder), names in zip(folders, regions, strict=True):
            for region in names if names is not None else [f"{one}/" for one in place.regions]:
                if not place.regions or region.rstrip("/") in place.regions:
                    ranges += [_Range(source, place.bucket, folder + region + day) for day in dates]
        return ranges

    async def _folders(self, bucket: str, prefix: str) -> list[str] | None:
        """The names of the folders right below a prefix, each with its slash; None where that was refused."""
        # a folder whose objects were all deleted shows in a listing of versions alone
        kept = ["ListObjectVersions"] if await self._keeps_versions(bucket) else []
        for operation in (*kept, "ListObjectsV2"):
            found: list[str] = []
            pages = 0
            try:
                async for page in self._pages(bucket, prefix, operation, {"delimiter": "/"}):
                    found += [name[len(prefix) :] for name in page.folders]
                    pages += 1
                    if pages >= MOST_FOLDER_PAGES:
                        self.listing.notes.append(
                            f"s3://{bucket}/{prefix}: too much beside its folders; more may be there"
                        )
                        break
            except S3Fault as fault:
                self._note_refusal(bucket, prefix, operation, fault)
                continue
            return found
        return None

    async def _list(self, one: _Range) -> None:
        async with self._gate:
            if self._refused.get(one.bucket, 0) >= REFUSED_IN_A_ROW:
                return
            versions = await self._keeps_versions(one.bucket)
            operation = "ListObjectVersions" if versions else "ListObjectsV2"
            try:
                await self._list_by(one, operation)
            except S3Fault as fault:
                self._note_refusal(one.bucket, one.prefix, operation, fault)
                if versions and fault.kind is Kind.DENIED:
                    await self._list_without_versions(one)
                return
            self._refused[one.bucket] = 0

    async def _list_without_versions(self, one: _Range) -> None:
        try:
            await self._list_by(one, "ListObjectsV2")
            self._refused[one.bucket] = 0
        except S3Fault as fault:
            self._note_refusal(one.bucket, one.prefix, "ListObjectsV2", fault)

    async def _list_by(self, one: _Range, operation: str) -> None:
        names: set[str] = set()
        folded: dict[int, str] = {}
        async for page in self._pages(one.bucket, one.prefix, operation, {}):
            lines = []
            for item in page.objects:
                key = item["Key"]
                version = item.get("VersionId", "")
                if key.endswith("/") and item.get("Size", "0") == "0":
                    continue  # what the console makes in place of a folder
                if f"{key}\0{version}" in names:
                    continue  # told twice, by a page that was asked for again
                names.add(f"{key}\0{version}")
                twin = folded.setdefault(hash(key.casefold()), key) != key
                lines.append(self._count(_listed(one, key, version, item, twin)))
            self.file.write("".join(lines))
            if self.progress is not None:
                self.progress(self.listing.objects, self.listing.bytes)

    def _count(self, listed: Listed) -> str:
        listing = self.listing
        if listed.storage_class == DELETE_MARKER:
            listing.delete_markers += 1
        else:
            listing.objects += 1
            listing.bytes += listed.size
            listing.older_versions += not listed.is_latest
            listing.archived += listed.storage_class in ("GLACIER", "DEEP_ARCHIVE")
            for name, counts in ((listed.source, listing.by_source), (listed.bucket, listing.by_bucket)):
                objects, size = counts.get(name, (0, 0))
                counts[name] = objects + 1, size + listed.size
        return json.dumps(listed, ensure_ascii=True, separators=(",", ":")) + "\n"

    async def _keeps_versions(self, bucket: str) -> bool:
        if bucket not in self._versions:
            self._versions[bucket] = asyncio.ensure_future(self._ask_versions(bucket))
        return await self._versions[bucket]

    async def _ask_versions(self, bucket: str) -> bool:
        try:
            answer = await self.reader.call("GetBucketVersioning", bucket, query={"versioning": ""})
        except S3Fault as fault:
            self._note_refusal(bucket, "", "GetBucketVersioning", fault)
            self._refused.pop(bucket, None)
            return fault.kind is Kind.DENIED  # not known: versions are asked for, and named if refused
        return b"<Status>" in answer.body

    async def _pages(self, bucket: str, prefix: str, operation: str, more: dict[str, str]) -> AsyncIterator[Page]:
        query = {"prefix": prefix, "encoding-type": "url", "max-keys": "1000", **more}
        query |= {"list-type": "2"} if operation == "ListObjectsV2" else {"versions": ""}
        while True:
            held: list[Page] = []

            def check(response: Response, held: list[Page] = held) -> str | None:
                try:
                    held[:] = [page_of(response.body)]
                except (ElementTree.ParseError, KeyError, ValueError) as fault:
                    return f"a listing that cannot be read: {fault}"
                return None

            await self.reader.call(operation, bucket, query=query, check=check)
            yield held[0]
            following = held[0].following
            if not following:
                return
            if all(query.get(name) == value for name, value in following.items()):
                raise S3Fault(Kind.ERROR, "ListingDoesNotAdvance", "the next page is the same again")
            query |= following

    def _note_refusal(self, bucket: str, prefix: str, operation: str, fault: S3Fault) -> None:
        region = self.reader.regions.get(bucket) or self.reader.session.region
        kind = str(fault.kind)
        self.listing.refused.append(Refusal(bucket, prefix, region, operation, kind, fault.code, fault.message))
        if fault.kind in (Kind.DENIED, Kind.ABSENT):
            self._refused[bucket] = self._refused.get(bucket, 0) + 1
            if self._refused[bucket] == REFUSED_IN_A_ROW:
                self.listing.notes.append(f"{bucket}: refused {REFUSED_IN_A_ROW} times in a row; not asked further")


def _listed(one: _Range, key: str, version: str, item: dict[str, str], twin: bool) -> Listed:
    latest = item.get("IsLatest", "true") == "true"
    version = "" if latest and version == "null" else version  # the object itself: no version of it is kept
    return Listed(
        one.source, one.bucket, key, version, latest, item.get("ETag", ""),
        int(item.get("Size") or 0), item["LastModified"], item.get("StorageClass") or "STANDARD", twin,
    )  # fmt: skip


def _is_account(name: str) -> bool:
    return len(name) == _ACCOUNT_LENGTH + 1 and name[:-1].isdigit()


async def _all(work: Sequence[Awaitable[Any]]) -> list[Any]:
    """All answers in order; where one raises, the others are ended before it is raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
