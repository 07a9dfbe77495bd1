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


@dataclass
class AccountInventory:
    """What a collection goes by.

    `trails` as `DescribeTrails` and `GetTrailStatus` give them, with `Management`: do they record every management event?
    `buckets` are those in scope with their Regions, `owned` all that the account lists. `access_logs` lacks the buckets
    that did not say how they are logged, and has None for those that are not. `lines` say all this to a person.
    """

    account: str
    caller_arn: str
    regions: list[str] = field(default_factory=list)
    trails: list[dict[str, Any]] = field(default_factory=list)
    buckets: dict[str, str | None] = field(default_factory=dict)
    owned: dict[str, str | None] = field(default_factory=dict)
    access_logs: dict[str, AccessLogPlace | None] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


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
    inventory = AccountInventory(caller["Account"], caller["Arn"])
    inventory.regions, basis = account_regions(calls, regions)
    organization = calls.ask("organizations", "DescribeOrganization").response.get("Organization")
    pages = list(calls.pages("s3", "ListBuckets", {"MaxBuckets": 1000}))
    listed = [bucket for page in pages for bucket in page.response.get("Buckets") or []]
    inventory.owned = {bucket["Name"]: bucket.get("BucketRegion") for bucket in listed}
    inventory.buckets = {name: inventory.owned.get(name) for name in buckets or inventory.owned}
    answers = side_by_side(lambda region: calls.ask("cloudtrail", "DescribeTrails", {}, region), inventory.regions)
    trails = {trail["TrailARN"]: trail for answer in answers for trail in answer.response.get("trailList") or []}
    inventory.trails = side_by_side(partial(with_status, calls), [trails[arn] for arn in sorted(trails)])
    side_by_side(partial(bucket_logging, calls, inventory), sorted(inventory.buckets))
    # how logs are stored matters to all of them
    targets = {log.bucket for log in inventory.access_logs.values() if log}
    targets |= {trail["S3BucketName"] for trail in inventory.trails}
    added = sorted(targets & set(inventory.owned) - set(inventory.buckets))
    inventory.buckets |= {bucket: inventory.owned[bucket] for bucket in added}
    side_by_side(partial(bucket_logging, calls, inventory), added)

    of = f", organization {organization['Id']}" if organization else ""
    where = f"account {inventory.account}{of}; Regions: {', '.join(inventory.regions)} ({basis})"
    inventory.lines = [f"caller {inventory.caller_arn}", where, *map(describe_trail, inventory.trails)]
    refused = [region for region, answer in zip(inventory.regions, answers, strict=True) if answer.code]
    if refused:
        inventory.lines.append(f"trails were refused in {', '.join(refused)}")
    elif not trails:
        inventory.lines.append("no trail: event history is all that CloudTrail holds")
    kinds = [log.partitioned for log in inventory.access_logs.values() if log]
    parts = f"{kinds.count(False)} with a simple prefix, {kinds.count(True)} partitioned"
    inventory.lines.append(f"buckets: {len(inventory.buckets):,}; access log on for {len(kinds)} ({parts})")
    if pages[-1].code:
        inventory.lines.append(f"the list of buckets was refused ({pages[-1].code}); name buckets in the incident file")
    silent = sorted(set(inventory.buckets) - set(inventory.access_logs))
    if silent:
        more = f" and {len(silent) - 5} more" if len(silent) > 5 else ""
        inventory.lines.append(f"how they are logged was refused for {', '.join(silent[:5])}{more}")
    inventory.lines += sum(side_by_side(partial(other_logs, calls), inventory.regions), [])
    return inventory


def account_regions(calls: Calls, wanted: Sequence[str]) -> tuple[list[str], str]:
    """Which Regions are asked, and on what basis?"""
    response, code = calls.ask("ec2", "DescribeRegions")
    switched_on = {"RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]}
    listed = response.get("Regions") or calls.listed("account", "ListRegions", "Regions", switched_on)
    in_use = sorted(region["RegionName"] for region in listed)
    for region in wanted:
        if region not in (in_use or [region]) or not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
            next_step = f"it uses: {', '.join(in_use)}" if in_use else "write it as us-east-1"
            raise ParameterError("not a Region that this account uses", f"--region {region}", next_step)
    if wanted:
        return sorted(set(wanted)), "as given"
    if in_use:
        return in_use, "all that the account has switched on"
    return [calls.home], f"the list was refused ({code}): only {calls.home}; name others with --region"


def other_logs(calls: Calls, region: str) -> list[str]:
    """Which logs of a Region are not read here? A line for each."""
    lines = [
        f"event data store {store['EventDataStoreArn']} in {region}: it is not read here; query it in CloudTrail Lake"
        for store in calls.listed("cloudtrail", "ListEventDataStores", "EventDataStores", {}, region)
    ]
    destinations = {
        to["arn"]: to.get("deliveryDestinationConfiguration", {}).get("destinationResourceArn")
        for to in calls.listed("logs", "DescribeDeliveryDestinations", "deliveryDestinations", {}, region)
    }
    buckets = {
        source["name"]: [arn.rpartition(":s3:::")[2] for arn in source.get("resourceArns") or []]
        for source in calls.listed("logs", "DescribeDeliverySources", "deliverySources", {}, region)
        if source.get("logType") == "S3_SERVER_ACCESS_LOGS"
    }
    for delivery in calls.listed("logs", "DescribeDeliveries", "deliveries", {}, region):
        arn = delivery["deliveryDestinationArn"]
        to = f"goes by CloudWatch Logs to {destinations.get(arn) or arn}: it is not read here"
        lines += [f"the access log of {name} also {to}" for name in buckets.get(delivery["deliverySourceName"], ())]
    return sorted(lines)


def describe_trail(trail: dict[str, Any]) -> str:
    """A trail in a line: what it records, its state, where it delivers."""
    kind = "every Region" if trail.get("IsMultiRegionTrail") else trail["HomeRegion"]
    kind += ", the organization's: this account alone is fetched" if trail.get("IsOrganizationTrail") else ""
    state = {True: "logging", False: "stopped", None: "status refused"}[trail.get("IsLogging")]
    fault = trail.get("LatestDeliveryError")
    state += f"; its last delivery failed: {fault}" if fault else ""
    return f"trail {trail['Name']} ({kind}; {state}) to s3://{trail['S3BucketName']}/{trail['S3KeyPrefix']}"


def with_status(calls: Calls, trail: dict[str, Any]) -> dict[str, Any]:
    """A trail with its status, and whether it records every management event: None where its selectors are not known."""
    arn, home, prefix = trail["TrailARN"], trail.get("HomeRegion") or calls.home, trail.get("S3KeyPrefix") or ""
    status = calls.ask("cloudtrail", "GetTrailStatus", {"Name": arn}, home).response
    selectors, code = calls.ask("cloudtrail", "GetEventSelectors", {"TrailName": arn}, home)
    every = [
        basic.get("IncludeManagementEvents") and basic.get("ReadWriteType", "All") == "All"
        for basic in selectors.get("EventSelectors") or []
    ]
    for advanced in selectors.get("AdvancedEventSelectors") or []:
        fields = {field.get("Field"): field.get("Equals") for field in advanced.get("FieldSelectors") or []}
        every.append(fields.get("eventCategory") == ["Management"] and "readOnly" not in fields)
    prefix += "/" if prefix and not prefix.endswith("/") else ""
    return {**trail, **status, "HomeRegion": home, "S3KeyPrefix": prefix, "Management": None if code else any(every)}


def bucket_logging(calls: Calls, inventory: AccountInventory, bucket: str) -> None:
    """Enter where a bucket lies and how it is logged."""
    response, code = calls.ask("s3", "GetBucketLocation", {"Bucket": bucket}, inventory.buckets[bucket])
    if not code:
        region = response.get("LocationConstraint") or "us-east-1"
        inventory.buckets[bucket] = "eu-west-1" if region == "EU" else region
    response, code = calls.ask("s3", "GetBucketLogging", {"Bucket": bucket}, inventory.buckets[bucket])
    target = response.get("LoggingEnabled")
    if target:
        parted = "PartitionedPrefix" in target.get("TargetObjectKeyFormat", {})
        to, prefix, region = target["TargetBucket"], target.get("TargetPrefix") or "", inventory.buckets[bucket]
        inventory.access_logs[bucket] = AccessLogPlace(to, prefix, bucket, inventory.account, region, parted)
    elif not code:
        inventory.access_logs[bucket] = None
