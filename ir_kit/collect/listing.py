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
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

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

REFUSED_IN_A_ROW = 20  # listings of one bucket, refused without one that was answered: the others would be too
_ACCOUNT = re.compile(r"[0-9]{12}/")
MOST_FOLDER_PAGES = 50  # of a place where folders are looked for, and something else may lie beside them


def list_objects(
    session: Session,
    places: Sequence[Place],
    start: datetime,
    end: datetime,
    spool: Path,
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
                self.listing.notes.append(
                    f"the access log of {place.source_bucket} was not looked for: its account or its Region is not known"
                )
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
        # a folder whose objects were all deleted shows in a listing of versions alone
        for operation in ("ListObjectVersions", "ListObjectsV2") if self.versions[bucket] else ("ListObjectsV2",):

            def folders(client: Any, operation: str = operation) -> list[str]:
                found: list[str] = []
                for number, page in enumerate(self._pages(client, operation, bucket, prefix, Delimiter="/")):
                    if number == MOST_FOLDER_PAGES:
                        self.listing.notes.append(
                            f"s3://{bucket}/{prefix}: too much beside its folders; more may be there"
                        )
                        break
                    found += [one["Prefix"].removeprefix(prefix) for one in page.get("CommonPrefixes", ())]
                return found

            try:
                return self.reader.read(bucket, folders)
            except S3Fault as fault:
                self._note_refusal(bucket, prefix, operation, fault)
        return None

    def list(self, one: Range) -> None:
        if self._refused.get(one.bucket, 0) >= REFUSED_IN_A_ROW:
            return
        for operation in ("ListObjectVersions", "ListObjectsV2") if self.versions[one.bucket] else ("ListObjectsV2",):
            names: set[str] = set()
            folded: dict[int, str] = {}
            try:
                self.reader.read(one.bucket, partial(self._list, one, operation, names, folded))
            except S3Fault as fault:
                self._note_refusal(one.bucket, one.prefix, operation, fault)
                if fault.kind is not Kind.DENIED:
                    return
            else:
                self._refused[one.bucket] = 0
                return

    def _list(self, one: Range, operation: str, names: set[str], folded: dict[int, str], client: Any) -> None:
        for page in self._pages(client, operation, one.bucket, one.prefix):
            found = []
            items = [*page.get("Contents", ()), *page.get("Versions", ())]
            for item in [*items, *(item | {"StorageClass": DELETE_MARKER} for item in page.get("DeleteMarkers", ()))]:
                key, version, latest = item["Key"], item.get("VersionId", ""), item.get("IsLatest", True)
                name = f"{key}\0{version}"
                # left out: what the console makes in place of a folder, and what a listing that was begun again says twice
                if (key.endswith("/") and not item.get("Size")) or name in names:
                    continue
                names.add(name)
                moment = item["LastModified"].astimezone(UTC)
                found.append(
                    Listed(
                        one.source, one.bucket, key,
                        "" if latest and version == "null" else version,  # the object itself: no version of it is kept
                        latest, item.get("ETag", ""), item.get("Size", 0),
                        f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z",
                        item.get("StorageClass") or "STANDARD",
                        folded.setdefault(hash(key.casefold()), key) != key,
                    )
                )  # fmt: skip
            with self._lock:
                for listed in found:
                    self.listing.count(listed)
                    self.file.write(json.dumps(listed, separators=(",", ":")) + "\n")

    def _pages(self, client: Any, operation: str, bucket: str, prefix: str, **more: str) -> Iterator[dict[str, Any]]:
        for page in client.get_paginator(xform_name(operation)).paginate(Bucket=bucket, Prefix=prefix, **more):
            with self._lock:
                self.listing.requests += 1
            if "IsTruncated" not in page:
                raise DamagedError(why="an answer that is no listing")
            yield page

    def _note_refusal(self, bucket: str, prefix: str, operation: str, fault: S3Fault) -> None:
        region = self.reader.session.region_of(bucket)
        with self._lock:
            self.listing.refused.append(
                Refusal(bucket, prefix, region, operation, str(fault.kind), fault.code, fault.message)
            )
            if fault.kind in (Kind.DENIED, Kind.ABSENT):
                self._refused[bucket] = self._refused.get(bucket, 0) + 1
                if self._refused[bucket] == REFUSED_IN_A_ROW:
                    self.listing.notes.append(f"{bucket}: refused {REFUSED_IN_A_ROW} times in a row; not asked further")
