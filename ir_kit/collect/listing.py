"""What is there to fetch? Log objects found by their dates, day by day and side by side, never by walking a whole trail or log.

A trail's keys name account, Region and day; the accounts and Regions that have a folder are asked for first. The keys of an access
log start with the day too, behind its prefix or behind folders for account, Region and bucket. So each day is a prefix of its own.
In a bucket that keeps versions the versions are listed, with those that were written over or deleted.

Source: CloudTrail User Guide, "Finding your CloudTrail log files"; S3 User Guide, "Log object key format".
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from botocore import xform_name

from ir_kit.aws.clients import Session
from ir_kit.aws.faults import DamagedError, Kind, StoppedError
from ir_kit.aws.s3 import S3Fault, S3Reader
from ir_kit.collect.calls import side_by_side
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

__all__ = ["list_objects", "listed_objects"]

T = TypeVar("T")
REFUSED_IN_A_ROW = 20  # listings of one bucket, refused without one that was answered: the others would be too
_ACCOUNT = re.compile(r"[0-9]{12}/")
MOST_FOLDER_PAGES = 50  # of a place where folders are looked for, and something else may lie beside them


def list_objects(session: Session, places: Sequence[Place], start: datetime, end: datetime, spool: Path) -> Listing:
    """What is there to fetch from these places?

    Parameters
    ----------
    start, end : datetime
        Baseline and window together, in UTC, half open. The day before and after is listed too.
    spool : Path
        A file that takes what is listed, each object once; written anew.

    Raises
    ------
    StoppedError
        The credentials have expired, there is no network, or the list cannot be written.

    Notes
    -----
    Cannot see what was delivered later than `DELIVERY_DELAY` after its request, nor objects that were deleted for good.
    """
    for place in places:
        if place.bucket_region:
            session.bucket_regions.setdefault(place.bucket, place.bucket_region)
    try:
        spool.parent.mkdir(parents=True, exist_ok=True)
        with spool.open("w", encoding="ascii", newline="\n") as file:
            lister = _Lister(session, file, Listing(spool))
            buckets = sorted({place.bucket for place in places})
            lister.listing.requests = len(buckets)
            lister.versions = dict(zip(buckets, side_by_side(lister.keeps_versions, buckets), strict=True))
            found = side_by_side(lambda place: lister.ranges(place, start, end), places)
            side_by_side(lister.list, dict.fromkeys(one for some in found for one in some))
    except OSError as error:
        raise StoppedError(
            f"the list of what to fetch cannot be written ({error.strerror})",
            spool,
            "make room and give the same command again",
        ) from None
    lister.listing.requester_pays = lister.reader.requester_pays
    lister.listing.refused.sort(key=lambda one: (one.bucket, one.prefix, one.operation))
    return lister.listing


def listed_objects(spool: Path) -> Iterator[Listed]:
    """What a listing wrote down, in its order."""
    with spool.open(encoding="ascii") as file:
        for line in file:
            yield Listed(*json.loads(line))


def listed_item(one: Range, item: dict[str, Any], twin: bool) -> Listed:
    """An object, a version or a delete marker of a listing, as it is written down."""
    version, latest, moment = (
        item.get("VersionId", ""),
        item.get("IsLatest", True),
        item["LastModified"].astimezone(UTC),
    )
    return Listed(
        one.source, one.bucket, item["Key"],
        "" if latest and version == "null" else version,  # the object itself: no version of it is kept
        latest, item.get("ETag", ""), item.get("Size", 0),
        f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z", item.get("StorageClass") or "STANDARD", twin,
    )  # fmt: skip


class Range(NamedTuple):
    """What one listing asks for."""

    source: Source
    bucket: str
    prefix: str


class _Lister:
    def __init__(self, session: Session, file: IO[str], listing: Listing) -> None:
        self.reader, self.file, self.listing = S3Reader(session), file, listing
        self.versions: dict[str, bool] = {}
        self._refused: dict[str, int] = {}
        self._lock = threading.Lock()

    def keeps_versions(self, bucket: str) -> bool:
        try:
            return "Status" in self.reader.read(bucket, lambda client: client.get_bucket_versioning(Bucket=bucket))
        except S3Fault as fault:
            self._note_refusal(bucket, "", "GetBucketVersioning", fault)
            self._refused.pop(bucket, None)
            return fault.kind is Kind.DENIED  # not known: versions are asked for, and named if refused

    def ranges(self, place: Place, start: datetime, end: datetime) -> list[Range]:
        if isinstance(place, TrailPlace):
            return self._trail_ranges(place, [f"{day:%Y/%m/%d}/" for day in days(start, end)])
        if isinstance(place, AccessLogPlace):
            dates = days(start, end + DELIVERY_DELAY)
            prefixes = [f"{place.prefix}{day:%Y-%m-%d}-" for day in dates]
            if place.account and place.region:
                folder = f"{place.prefix}{place.account}/{place.region}/{place.source_bucket}/"
                prefixes += [f"{folder}{day:%Y/%m/%d}/" for day in dates]
            elif place.partitioned:
                note = f"the access log of {place.source_bucket} was not looked for: its account or its Region is not known"
                self.listing.notes.append(note)
            return [Range("access_log", place.bucket, prefix) for prefix in prefixes]
        return [Range(place.source, place.bucket, place.prefix)]

    def _trail_ranges(self, place: TrailPlace, dates: list[str]) -> list[Range]:
        root = f"{place.prefix}AWSLogs/"
        owners = self._folders(place.bucket, root)
        below = {root: owners or []}
        for organization in (root + name for name in owners or [] if name.startswith("o-")):
            below[organization] = self._folders(place.bucket, organization) or []
        accounts = [folder + name for folder, names in below.items() for name in names if _ACCOUNT.fullmatch(name)]
        if owners is None:
            accounts = [f"{root}{account}/" for account in place.accounts]  # not to be listed: tried by name
        chosen = [one for one in accounts if not place.accounts or one.split("/")[-2] in place.accounts]
        kinds: tuple[tuple[Source, str], ...] = (("cloudtrail", "CloudTrail/"), ("digest", "CloudTrail-Digest/"))
        folders = [(source, account + kind) for account in chosen for source, kind in kinds]
        regions = side_by_side(partial(self._folders, place.bucket), [folder for _, folder in folders])
        return [
            Range(source, place.bucket, folder + region + day)
            for (source, folder), names in zip(folders, regions, strict=True)
            for region in (names if names is not None else [f"{one}/" for one in place.regions])
            if not place.regions or region.rstrip("/") in place.regions
            for day in dates
        ]

    def _folders(self, bucket: str, prefix: str) -> list[str] | None:
        """The names of the folders right below a prefix, each with its slash; None where that was refused."""

        def names(pages: Iterator[dict[str, Any]]) -> list[str]:
            found: list[str] = []
            for number, page in enumerate(pages):
                if number == MOST_FOLDER_PAGES:
                    note = f"s3://{bucket}/{prefix}: too much beside its folders; more may be there"
                    self.listing.notes.append(note)
                    break
                found += [one["Prefix"].removeprefix(prefix) for one in page.get("CommonPrefixes", ())]
            return found

        return self._read(bucket, prefix, names, Delimiter="/")

    def list(self, one: Range) -> None:
        """Write down what lies there."""
        names: set[str] = set()
        folded: dict[int, str] = {}

        def write(pages: Iterator[dict[str, Any]]) -> bool:
            for page in pages:
                items = [*page.get("Contents", ()), *page.get("Versions", ())]
                items += [item | {"StorageClass": DELETE_MARKER} for item in page.get("DeleteMarkers", ())]
                with self._lock:
                    for item in items:
                        key, name = item["Key"], f"{item['Key']}\0{item.get('VersionId', '')}"
                        # left out: what the console makes in place of a folder, and what a listing begun again says twice
                        if name in names or (key.endswith("/") and not item.get("Size")):
                            continue
                        names.add(name)
                        listed = listed_item(one, item, folded.setdefault(hash(key.casefold()), key) != key)
                        self.listing.count(listed)
                        self.file.write(json.dumps(listed, separators=(",", ":")) + "\n")
            return True

        if self._refused.get(one.bucket, 0) < REFUSED_IN_A_ROW and self._read(one.bucket, one.prefix, write):
            self._refused[one.bucket] = 0

    def _read(self, bucket: str, prefix: str, work: Callable[[Iterator[dict[str, Any]]], T], **more: str) -> T | None:
        """What `work` makes of the pages below a prefix; None where they were refused.

        They are those of versions where the bucket keeps any: a folder whose objects were all deleted shows there alone.
        """
        for operation in ("ListObjectVersions", "ListObjectsV2") if self.versions[bucket] else ("ListObjectsV2",):

            def answered(client: Any, operation: str = operation) -> T:
                pages = client.get_paginator(xform_name(operation)).paginate(Bucket=bucket, Prefix=prefix, **more)
                return work(self._counted(pages))

            try:
                return self.reader.read(bucket, answered)
            except S3Fault as fault:
                self._note_refusal(bucket, prefix, operation, fault)
                if fault.kind is not Kind.DENIED:
                    break
        return None

    def _counted(self, pages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for page in pages:
            with self._lock:
                self.listing.requests += 1
            if "IsTruncated" not in page:
                raise DamagedError(why="an answer that is no listing")
            yield page

    def _note_refusal(self, bucket: str, prefix: str, operation: str, fault: S3Fault) -> None:
        region = self.reader.session.region_of(bucket)
        with self._lock:
            refusal = Refusal(bucket, prefix, region, operation, str(fault.kind), fault.code, fault.message)
            self.listing.refused.append(refusal)
            if fault.kind in (Kind.DENIED, Kind.ABSENT):
                self._refused[bucket] = self._refused.get(bucket, 0) + 1
                if self._refused[bucket] == REFUSED_IN_A_ROW:
                    self.listing.notes.append(f"{bucket}: refused {REFUSED_IN_A_ROW} times in a row; not asked further")
