"""What a collection will fetch, and what that takes: said before anything large is fetched.

Source: AWS price list, us-east-1 (requests, data transfer out); times as measured against S3 with many small objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.log_objects import HASHED, VERSIONS, AccessLogPlace, Listing, Place, TrailPlace, folder_of

__all__ = ["describe", "estimate", "log_folders", "needs", "places", "versions"]

USD_PER_THOUSAND_GETS = 0.0004
USD_PER_THOUSAND_LISTS = 0.005
USD_PER_GB_OUT = 0.09
OBJECTS_PER_SECOND = (1_000, 150)
BYTES_PER_SECOND = (60e6, 5e6)


def places(inventory: AccountInventory, regions: Sequence[str] = ()) -> list[Place]:
    """Where do the logs lie? One per place that a trail delivers to, and one per bucket whose access log is on.

    Parameters
    ----------
    regions : sequence of str
        Only these Regions' CloudTrail files; none: every Region that has any.
    """
    account, lies = (inventory.account,), inventory.buckets
    trails: list[Place] = [
        TrailPlace(bucket, prefix, account, tuple(regions), bucket_region=lies.get(bucket))
        for bucket, prefix in sorted({(trail["S3BucketName"], trail["S3KeyPrefix"]) for trail in inventory.trails})
    ]
    return trails + [
        AccessLogPlace(
            target["TargetBucket"],
            target.get("TargetPrefix") or "",
            bucket,
            account=inventory.account,
            region=lies.get(bucket),
            partitioned=is_partitioned(target),
            bucket_region=lies.get(target["TargetBucket"]),
        )
        for bucket, target in sorted(inventory.access_logs.items())
        if target
    ]


def is_partitioned(target: Mapping[str, Any]) -> bool:
    """Is a bucket's access log parted by account, Region, bucket and date?"""
    return "PartitionedPrefix" in (target.get("TargetObjectKeyFormat") or {})


def log_folders(raw: Path, fetched: Sequence[Place]) -> dict[str, list[Path]]:
    """Which folders below `raw` hold the logs of these places, as the incident file is to name them?

    By kind of source, ``cloudtrail`` and ``access_logs``, the folders that are there, each once; by name, older versions
    last. A bucket that takes one kind of log is a source as it lies there, so that paths start where they do in the
    bucket. In one that takes both, each kind has the folders of its own prefixes, and what lies together by its hash.
    """
    prefixes = {
        "cloudtrail": {(one.bucket, f"{one.prefix}AWSLogs/") for one in fetched if isinstance(one, TrailPlace)},
        "access_logs": {(one.bucket, one.prefix) for one in fetched if isinstance(one, AccessLogPlace)},
    }
    buckets = {kind: {bucket for bucket, _ in named} for kind, named in prefixes.items()}
    both = set.intersection(*buckets.values())
    folders = {}
    for kind, named in prefixes.items():
        current = {raw / folder_of(bucket, prefix if bucket in both else "") for bucket, prefix in named}
        current |= {raw / folder_of(bucket, "") / HASHED for bucket in both}
        outermost = [folder for folder in sorted(current) if not current & set(folder.parents)]
        older = [raw / VERSIONS / folder_of(bucket, "") for bucket in sorted(buckets[kind])]
        folders[kind] = [folder for folder in outermost + older if folder.is_dir()]
    return folders


def estimate(listing: Listing) -> str:
    """What does it take to fetch all that was listed? Objects and bytes as counted, time and dollars as a range."""
    fast, slow = (
        max(listing.objects / objects, listing.bytes / size)
        for objects, size in zip(OBJECTS_PER_SECOND, BYTES_PER_SECOND, strict=True)
    )
    requests = listing.objects / 1000 * USD_PER_THOUSAND_GETS + listing.requests / 1000 * USD_PER_THOUSAND_LISTS
    out = listing.bytes / 1e9 * USD_PER_GB_OUT
    times = list(dict.fromkeys((duration(fast), duration(slow))))
    cost = "it costs less than $0.01" if requests + out < 0.01 else f"requests cost about ${requests:,.2f}"
    if out >= 0.01:
        cost += f", and the way out of AWS ${out:,.2f} unless this machine is in the bucket's Region"
    size = f"{listing.bytes / 1e9:,.1f} GB" if listing.bytes >= 1e9 else f"{listing.bytes / 1e6:,.1f} MB"
    return f"to fetch: {listing.objects:,} objects, {size}; {' to '.join(times)}; {cost}"


def duration(seconds: float) -> str:
    """About how long is this, in words?"""
    if seconds < 90:
        return "about a minute"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3_600:.1f} hours"


def describe(inventory: AccountInventory) -> list[str]:
    """What was found, as lines for a person."""
    organization = f", organization {inventory.organization}" if inventory.organization else ""
    lines = [
        f"caller {inventory.caller_arn}",
        f"account {inventory.account}{organization}; {counted(inventory.regions, 'Region')} ({inventory.regions_basis})",
    ]
    for trail in inventory.trails:
        kind = "every Region" if trail.get("IsMultiRegionTrail") else trail["HomeRegion"]
        state = {True: "logging", False: "stopped", None: "status refused"}[trail.get("IsLogging")]
        if trail.get("IsOrganizationTrail"):
            kind += f", the organization's: account {inventory.account} alone is fetched"
        lines.append(f"trail {trail['Name']} ({kind}; {state}) to s3://{trail['S3BucketName']}/{trail['S3KeyPrefix']}")
        if trail.get("LatestDeliveryError"):
            lines.append(f"  its last delivery failed: {trail['LatestDeliveryError']}")
    if inventory.trails_refused:
        lines.append(f"trails were refused in {', '.join(inventory.trails_refused)}")
    elif not inventory.trails:
        lines.append("no trail: event history is all that CloudTrail holds")
    for region, arn in inventory.event_data_stores:
        lines.append(f"event data store {arn} in {region}: it is not read here; query it in CloudTrail Lake")
    logged = [is_partitioned(target) for target in inventory.access_logs.values() if target]
    lines.append(
        f"{counted(inventory.buckets, 'bucket')}: access log on for {len(logged)} ({len(logged) - sum(logged)} with a "
        f"simple prefix, {sum(logged)} partitioned)"
    )
    if inventory.buckets_refused:
        lines.append(
            f"the list of buckets was refused ({inventory.buckets_refused}); name buckets in the incident file"
        )
    refused = sorted(set(inventory.buckets) - set(inventory.access_logs))
    if refused:
        more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
        lines.append(f"how they are logged was refused for {', '.join(refused[:5])}{more}")
    return lines + [
        f"the access log of {bucket} also goes by CloudWatch Logs to {destination}: it is not read here"
        for bucket, destination in inventory.deliveries
    ]


def needs(inventory: AccountInventory, listing: Listing) -> list[str]:
    """What is not to be had, and what must somebody allow first? One line each; empty if nothing is missing."""
    lines = []
    foreign = {
        one["S3BucketName"]: one["Name"] for one in inventory.trails if one["S3BucketName"] not in inventory.owned
    }
    for bucket, code in sorted({(one.bucket, one.code) for one in listing.refused}):
        if inventory.owned and bucket in foreign:
            lines.append(
                f"{bucket}, where trail {foreign[bucket]} delivers, is not this account's and refused ({code}): its owner "
                f"must allow {inventory.caller_arn} s3:ListBucket, s3:ListBucketVersions, s3:GetObject and "
                "s3:GetObjectVersion in the bucket's policy, and kms:Decrypt in the policy of a key that it uses"
            )
        else:
            lines.append(f"{bucket} refused a list ({code}): what lies there is not known and was not fetched")
    return lines + listing.notes


def versions(listing: Listing) -> list[str]:
    """What do versions say? Logs are written once: an older version or a delete marker is somebody's doing."""
    lines = []
    if listing.older_versions or listing.delete_markers:
        lines.append(
            f"log objects that were written over, deleted or expired: {listing.older_versions:,} older versions, "
            f"{listing.delete_markers:,} delete markers; the versions are fetched too"
        )
    if listing.archived:
        lines.append(
            f"{listing.archived:,} log objects lie in an archive, and have to be restored before they can be read"
        )
    return lines


def counted(items: Sequence[str] | dict[str, str | None], what: str) -> str:
    """How many are there, in words?"""
    return f"{len(items):,} {what}{'' if len(items) == 1 else 's'}"
