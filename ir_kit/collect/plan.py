"""What a collection will fetch, and what that takes: said before anything large is fetched.

Source: AWS price list, us-east-1 (requests, data transfer out); times as measured against S3 with many small objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.log_objects import HASHED, VERSIONS, AccessLogPlace, Listing, Place, TrailPlace, folder_of

USD_PER_THOUSAND_GETS = 0.0004
USD_PER_THOUSAND_LISTS = 0.005
USD_PER_GB_OUT = 0.09
SLOW, FAST = (150, 5e6), (1_000, 60e6)  # objects and bytes a second


def places(inventory: AccountInventory, regions: Sequence[str] = ()) -> list[Place]:
    """Where do the logs lie? One per place that a trail delivers to, and one per bucket whose access log is on.

    Parameters
    ----------
    regions : sequence of str
        Only these Regions' CloudTrail files; none: every Region that has any.
    """
    account, lies = (inventory.account,), inventory.buckets
    trails = sorted({(trail["S3BucketName"], trail["S3KeyPrefix"]) for trail in inventory.trails})
    logs = [log for _, log in sorted(inventory.access_logs.items()) if log]
    return [
        *(TrailPlace(bucket, prefix, account, tuple(regions), lies.get(bucket)) for bucket, prefix in trails),
        *(replace(log, bucket_region=lies.get(log.bucket)) for log in logs),
    ]


def log_folders(raw: Path, fetched: Sequence[Place]) -> dict[str, list[Path]]:
    """Which folders below `raw` hold the logs of these places, as the incident file is to name them?

    By kind of source, ``cloudtrail`` and ``access_logs``, the folders that are there, each once; by name, older versions
    last. A bucket that takes one kind of log is a source as it lies there, so that paths start where they do in the
    bucket. In one that takes both, each kind has the folders of its own prefixes, and what lies together by its hash.
    """
    prefixes = {
        "cloudtrail": {(place.bucket, f"{place.prefix}AWSLogs/") for place in fetched if isinstance(place, TrailPlace)},
        "access_logs": {(place.bucket, place.prefix) for place in fetched if isinstance(place, AccessLogPlace)},
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
    seconds = [max(listing.objects / objects, listing.bytes / size) for objects, size in (FAST, SLOW)]
    times = [
        "about a minute" if span < 90 else f"{span / 60:.0f} minutes" if span < 5_400 else f"{span / 3_600:.1f} hours"
        for span in seconds
    ]
    requests = listing.objects / 1000 * USD_PER_THOUSAND_GETS + listing.requests / 1000 * USD_PER_THOUSAND_LISTS
    out = listing.bytes / 1e9 * USD_PER_GB_OUT
    cost = "it costs less than $0.01" if requests + out < 0.01 else f"requests cost about ${requests:,.2f}"
    if out >= 0.01:
        cost += f", and the way out of AWS ${out:,.2f} unless this machine is in the bucket's Region"
    size = f"{listing.bytes / 1e9:,.1f} GB" if listing.bytes >= 1e9 else f"{listing.bytes / 1e6:,.1f} MB"
    return f"to fetch: {listing.objects:,} objects, {size}; {' to '.join(dict.fromkeys(times))}; {cost}"


def describe_listing(inventory: AccountInventory, listing: Listing) -> tuple[list[str], list[str]]:
    """What is not to be had, with what somebody must allow first; and what versions say.

    Logs are written once: an older version or a delete marker is somebody's doing.
    """
    missing, changed = [], []
    foreign = {trail["S3BucketName"]: trail["Name"] for trail in inventory.trails if inventory.owned}
    for bucket, code in sorted({(refusal.bucket, refusal.code) for refusal in listing.refused}):
        if bucket in foreign and bucket not in inventory.owned:
            missing.append(
                f"{bucket}, where trail {foreign[bucket]} delivers, is not this account's and refused ({code}): its owner "
                f"must allow {inventory.caller_arn} s3:ListBucket, s3:ListBucketVersions, s3:GetObject and "
                "s3:GetObjectVersion in the bucket's policy, and kms:Decrypt in the policy of a key that it uses"
            )
        else:
            missing.append(f"{bucket} refused a list ({code}): what lies there is not known and was not fetched")
    if listing.older_versions or listing.delete_markers:
        counts = f"{listing.older_versions:,} older versions, {listing.delete_markers:,} delete markers"
        changed.append(
            f"log objects that were written over, deleted or expired: {counts}; the versions are fetched too"
        )
    if listing.archived:
        why = "lie in an archive, and have to be restored before they can be read"
        changed.append(f"{listing.archived:,} log objects {why}")
    return missing + listing.notes, changed
