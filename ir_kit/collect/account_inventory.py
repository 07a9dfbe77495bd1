"""The account under investigation: who asks, Regions, trails and where they deliver, buckets and how they are logged.

What was refused is recorded as refused, never taken for absent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ir_kit.collect.calls import Calls, side_by_side
from ir_kit.collect.log_objects import AccessLogPlace
from ir_kit.errors import EvidenceError, ParameterError

__all__ = ["AccountInventory", "discover"]


@dataclass
class AccountInventory:
    """What a collection goes by.

    `trails` as `DescribeTrails` and `GetTrailStatus` give them, with `Management`: do they record every management event?
    `buckets` are those in scope with their Regions, `owned` all that the account lists. `access_logs` lacks the buckets
    that did not say how they are logged, and has None for those that are not. `deliveries` are buckets whose log goes
    through CloudWatch Logs as well, with the destination.
    """

    account: str
    caller_arn: str
    organization: str | None = None
    regions: list[str] = field(default_factory=list)
    regions_basis: str = ""
    trails: list[dict[str, Any]] = field(default_factory=list)
    trails_refused: list[str] = field(default_factory=list)
    event_data_stores: list[tuple[str, str]] = field(default_factory=list)
    buckets: dict[str, str | None] = field(default_factory=dict)
    owned: dict[str, str | None] = field(default_factory=dict)
    buckets_refused: str = ""
    access_logs: dict[str, AccessLogPlace | None] = field(default_factory=dict)
    deliveries: list[tuple[str, str]] = field(default_factory=list)


def discover(calls: Calls, regions: Sequence[str] = (), buckets: Sequence[str] = ()) -> AccountInventory:
    """Who asks, and what is there to collect?

    Parameters
    ----------
    regions, buckets : sequence of str
        Only these; none: every Region that the account has switched on, every bucket of the account.

    Raises
    ------
    StoppedError
        The credentials are missing, expired or not accepted.
    EvidenceError
        AWS does not say who asks.
    ParameterError
        A Region is none.
    """
    # never taken from what was answered before: the credentials may be others now
    caller, code = calls.ask("sts", "GetCallerIdentity", keep=dict)
    if code:
        what = f"AWS does not say who asks ({code})"
        raise EvidenceError(what, "sts:GetCallerIdentity", "check the network and the profile")
    calls.account = caller["Account"]
    found = AccountInventory(caller["Account"], caller["Arn"])
    found.regions, found.regions_basis = account_regions(calls, regions)
    found.organization = calls.ask("organizations", "DescribeOrganization").response.get("Organization", {}).get("Id")
    pages = list(calls.pages("s3", "ListBuckets", {"MaxBuckets": 1000}))
    found.buckets_refused = pages[-1].code
    found.owned = {one["Name"]: one.get("BucketRegion") for page in pages for one in page.response.get("Buckets") or []}
    found.buckets = {name: found.owned.get(name) for name in buckets or found.owned}
    described: list[dict[str, Any]] = sum(side_by_side(partial(region_logging, calls, found), found.regions), [])
    trails = {trail["TrailARN"]: trail for trail in described}
    found.trails = side_by_side(partial(with_status, calls), [trails[arn] for arn in sorted(trails)])
    side_by_side(partial(bucket_logging, calls, found), sorted(found.buckets))
    # how logs are kept matters to all of them
    targets = {trail["S3BucketName"] for trail in found.trails} | {
        log.bucket for log in found.access_logs.values() if log
    }
    added = sorted(targets & set(found.owned) - set(found.buckets))
    found.buckets |= {bucket: found.owned[bucket] for bucket in added}
    side_by_side(partial(bucket_logging, calls, found), added)
    for listed in (found.trails_refused, found.event_data_stores, found.deliveries):
        listed.sort()
    return found


def account_regions(calls: Calls, wanted: Sequence[str]) -> tuple[list[str], str]:
    """Which Regions are asked, and on what basis?"""
    response, code = calls.ask("ec2", "DescribeRegions")
    switched_on = {"RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]}
    listed = response.get("Regions") or calls.listed("account", "ListRegions", "Regions", switched_on)
    found = sorted(one["RegionName"] for one in listed)
    for region in wanted:
        if region not in (found or [region]) or not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
            next_step = f"it uses: {', '.join(found)}" if found else "write it as us-east-1"
            raise ParameterError("not a Region that this account uses", f"--region {region}", next_step)
    if wanted:
        return sorted(set(wanted)), "as given"
    if found:
        return found, "all that the account has switched on"
    return [calls.home], f"the list was refused ({code}): only {calls.home}; name others with --region"


def region_logging(calls: Calls, found: AccountInventory, region: str) -> list[dict[str, Any]]:
    """Enter the event data stores and deliveries of a Region, and return the trails that it lists."""
    response, code = calls.ask("cloudtrail", "DescribeTrails", {}, region)
    found.trails_refused += [region] if code else []
    for store in calls.listed("cloudtrail", "ListEventDataStores", "EventDataStores", {}, region):
        found.event_data_stores.append((region, store["EventDataStoreArn"]))
    destinations = {
        one["arn"]: one.get("deliveryDestinationConfiguration", {}).get("destinationResourceArn")
        for one in calls.listed("logs", "DescribeDeliveryDestinations", "deliveryDestinations", {}, region)
    }
    buckets = {
        source["name"]: [arn.rpartition(":s3:::")[2] for arn in source.get("resourceArns") or []]
        for source in calls.listed("logs", "DescribeDeliverySources", "deliverySources", {}, region)
        if source.get("logType") == "S3_SERVER_ACCESS_LOGS"
    }
    for one in calls.listed("logs", "DescribeDeliveries", "deliveries", {}, region):
        arn = one["deliveryDestinationArn"]
        found.deliveries += [
            (name, destinations.get(arn) or arn) for name in buckets.get(one["deliverySourceName"], ())
        ]
    return response.get("trailList") or []


def with_status(calls: Calls, trail: dict[str, Any]) -> dict[str, Any]:
    """A trail with its status, and whether it records every management event: None where its selectors are not known."""
    arn, home, prefix = trail["TrailARN"], trail.get("HomeRegion") or calls.home, trail.get("S3KeyPrefix") or ""
    status = calls.ask("cloudtrail", "GetTrailStatus", {"Name": arn}, home).response
    selectors, code = calls.ask("cloudtrail", "GetEventSelectors", {"TrailName": arn}, home)
    basic = [
        one.get("IncludeManagementEvents") and one.get("ReadWriteType", "All") == "All"
        for one in selectors.get("EventSelectors") or []
    ]
    for one in selectors.get("AdvancedEventSelectors") or []:
        fields = {field.get("Field"): field.get("Equals") for field in one.get("FieldSelectors") or []}
        basic.append(fields.get("eventCategory") == ["Management"] and "readOnly" not in fields)
    prefix += "/" if prefix and not prefix.endswith("/") else ""
    return {**trail, **status, "HomeRegion": home, "S3KeyPrefix": prefix, "Management": None if code else any(basic)}


def bucket_logging(calls: Calls, found: AccountInventory, bucket: str) -> None:
    """Enter where a bucket lies and how it is logged."""
    response, code = calls.ask("s3", "GetBucketLocation", {"Bucket": bucket}, found.buckets[bucket])
    if not code:
        region = response.get("LocationConstraint") or "us-east-1"
        found.buckets[bucket] = "eu-west-1" if region == "EU" else region
    response, code = calls.ask("s3", "GetBucketLogging", {"Bucket": bucket}, found.buckets[bucket])
    target = response.get("LoggingEnabled")
    if target:
        parted = "PartitionedPrefix" in target.get("TargetObjectKeyFormat", {})
        to, prefix, region = target["TargetBucket"], target.get("TargetPrefix") or "", found.buckets[bucket]
        found.access_logs[bucket] = AccessLogPlace(to, prefix, bucket, found.account, region, parted)
    elif not code:
        found.access_logs[bucket] = None
