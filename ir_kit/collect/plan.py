"""What a collection will fetch, and what that takes: said before anything large is fetched.

Source: AWS price list, us-east-1 (requests, data transfer out, CloudWatch API); times as measured against S3 with many
small objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ir_kit.collect.log_objects import AccessLogPlace, Listing, Place, TrailPlace
from ir_kit.collect.there import There

__all__ = ["Estimate", "describe", "estimate", "needs", "places", "versions"]

USD_PER_THOUSAND_GETS = 0.0004
USD_PER_THOUSAND_LISTS = 0.005
USD_PER_GB_OUT = 0.09
OBJECTS_PER_SECOND = (150, 1_000)
BYTES_PER_SECOND = (5e6, 60e6)


def places(there: There, regions: Sequence[str] = ()) -> list[Place]:
    """Where do the logs lie?

    Parameters
    ----------
    there : There
    regions : sequence of str
        Only these Regions' CloudTrail files; none: every Region that has any.

    Returns
    -------
    list of Place
        One per place that a trail delivers to, and one per bucket whose access log is on; by bucket and prefix.
    """
    found: dict[tuple[str, str], Place] = {}
    for trail in there.trails:
        region = there.buckets.get(trail.bucket)
        found[trail.bucket, trail.prefix] = TrailPlace(
            trail.bucket, trail.prefix, (there.account,), tuple(regions), bucket_region=region
        )
    trails = [found[name] for name in sorted(found)]
    logs: list[Place] = [
        AccessLogPlace(
            one.target_bucket, one.target_prefix, bucket, account=there.account, region=there.buckets.get(bucket),
            partitioned=one.partitioned, bucket_region=there.buckets.get(one.target_bucket),
        )
        for bucket, one in sorted(there.logging.items())
        if one is not None
    ]  # fmt: skip
    return trails + logs


@dataclass(frozen=True)
class Estimate:
    """What fetching takes: objects and bytes as they were counted, seconds and dollars as a range."""

    objects: int
    bytes: int
    seconds: tuple[float, float]
    usd: tuple[float, float]

    def line(self) -> str:
        """The estimate on one line."""
        slow, fast = (_span(one) for one in self.seconds)
        time = fast if slow == fast else f"{fast} to {slow}"
        out = self.usd[1] - self.usd[0]
        cost = "it costs less than $0.01" if self.usd[1] < 0.01 else f"requests cost about ${self.usd[0]:,.2f}"
        if out >= 0.01:
            cost += f", and the way out of AWS ${out:,.2f} unless this machine is in the bucket's Region"
        return f"to fetch: {self.objects:,} objects, {_size(self.bytes)}; {time}; {cost}"


def estimate(listing: Listing) -> Estimate:
    """What does it take to fetch all that was listed?"""
    seconds = [
        max(listing.objects / objects, listing.bytes / size)
        for objects, size in zip(OBJECTS_PER_SECOND, BYTES_PER_SECOND, strict=True)
    ]
    least = listing.objects / 1000 * USD_PER_THOUSAND_GETS + listing.requests / 1000 * USD_PER_THOUSAND_LISTS
    most = least + listing.bytes / 1e9 * USD_PER_GB_OUT
    return Estimate(listing.objects, listing.bytes, (seconds[0], seconds[1]), (least, most))


def describe(there: There) -> list[str]:
    """What was found, as lines for a person."""
    of = f", organization {there.organization}" if there.organization else ""
    lines = [
        f"caller {there.caller_arn}",
        f"account {there.account}{of}; {_count(there.regions, 'Region')} ({there.regions_from})",
    ]
    for trail in there.trails:
        kind = "every Region" if trail.multi_region else trail.home_region
        state = {True: "logging", False: "stopped", None: "status refused"}[trail.is_logging]
        kind += f", the organization's: account {there.account} alone is fetched" if trail.organization else ""
        lines.append(f"trail {trail.name} ({kind}; {state}) to s3://{trail.bucket}/{trail.prefix}")
        if trail.delivery_error:
            lines.append(f"  its last delivery failed: {trail.delivery_error}")
    if not there.trails and not there.trails_refused:
        lines.append("no trail: event history is all that CloudTrail holds")
    if there.trails_refused:
        lines.append(f"trails were refused in {', '.join(there.trails_refused)}")
    for region, arn in there.event_data_stores:
        lines.append(f"event data store {arn} in {region}: it is not read here; query it in CloudTrail Lake")
    logged = [one for one in there.logging.values() if one is not None]
    parted = sum(one.partitioned for one in logged)
    lines.append(
        f"{_count(there.buckets, 'bucket')}: access log on for {len(logged)} ({len(logged) - parted} with a simple "
        f"prefix, {parted} partitioned)"
    )
    if there.buckets_refused:
        lines.append(f"the list of buckets was refused ({there.buckets_refused}); name buckets in the incident file")
    if there.logging_refused():
        lines.append(f"how they are logged was refused for {_some(there.logging_refused())}")
    for one in there.deliveries:
        lines.append(
            f"the access log of {one.bucket} also goes by CloudWatch Logs to {one.destination_arn}: it is not read here"
        )
    return lines


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


def needs(there: There, listing: Listing) -> list[str]:
    """What is not to be had, and what must somebody allow first? One line each; empty if nothing is missing."""
    lines = []
    foreign = {one.bucket: one.name for one in there.trails if there.owned and one.bucket not in there.owned}
    refused = sorted({(one.bucket, one.code) for one in listing.refused})
    for bucket, code in refused:
        if bucket in foreign:
            lines.append(
                f"{bucket}, where trail {foreign[bucket]} delivers, is not this account's and refused ({code}): its owner "
                f"must allow {there.caller_arn} s3:ListBucket, s3:ListBucketVersions, s3:GetObject and "
                "s3:GetObjectVersion in the bucket's policy, and kms:Decrypt in the policy of a key that it uses"
            )
        else:
            lines.append(f"{bucket} refused a list ({code}): what lies there is not known and was not fetched")
    return lines + listing.notes


def _count(of: Sequence[str] | dict[str, str | None], what: str) -> str:
    return f"{len(of):,} {what}{'' if len(of) == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _span(seconds: float) -> str:
    if seconds < 90:
        return "about a minute"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3_600:.1f} hours"
