"""What is there: who asks, which account and Regions, trails and where they deliver, buckets and how they are logged.

Every answer stands in the configuration file too; this keeps what the next steps go by. What was refused is said, never
taken for absent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ir_kit.collect.calls import Answer, Calls, side_by_side
from ir_kit.errors import EvidenceError, ParameterError

__all__ = ["Delivery", "Logging", "There", "Trail", "look"]

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_BUCKET_ARN = re.compile(r"arn:aws[a-z-]*:s3:::(.+)")


@dataclass(frozen=True)
class Logging:
    """Where a bucket's access log goes: with a simple prefix, or one parted by account, Region, bucket and date."""

    bucket: str
    target_bucket: str
    target_prefix: str
    partitioned: bool


@dataclass(frozen=True)
class Delivery:
    """A vended delivery of a bucket's access log through CloudWatch Logs, and where it goes."""

    bucket: str
    destination_type: str
    destination_arn: str


@dataclass(frozen=True)
class Trail:
    """A trail, where it delivers, and what its status says."""

    arn: str
    name: str
    home_region: str
    bucket: str
    prefix: str
    multi_region: bool
    organization: bool
    validated: bool
    kms_key: str | None = None
    is_logging: bool | None = None
    started: str | None = None
    stopped: str | None = None
    delivery_error: str | None = None
    management: bool | None = None

    @property
    def account(self) -> str:
        """The account that the trail belongs to; of an organization's trail, its management account."""
        parts = self.arn.split(":")
        return parts[4] if len(parts) > 4 else ""


@dataclass
class There:
    """What a collection found before it fetched anything large."""

    account: str
    caller_arn: str
    partition: str
    organization: str | None = None
    organization_known: bool = False
    regions: list[str] = field(default_factory=list)
    regions_from: str = ""
    trails: list[Trail] = field(default_factory=list)
    trails_refused: list[str] = field(default_factory=list)
    event_data_stores: list[tuple[str, str]] = field(default_factory=list)
    buckets: dict[str, str | None] = field(default_factory=dict)
    owned: dict[str, str | None] = field(default_factory=dict)
    buckets_refused: str = ""
    logging: dict[str, Logging | None] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def logging_refused(self) -> list[str]:
        """Buckets that did not say how they are logged."""
        return sorted(set(self.buckets) - set(self.logging))


def caller(calls: Calls) -> tuple[str, str]:
    """Who asks, and of which account?

    Raises
    ------
    StoppedError
        The credentials are missing, expired or not accepted.
    EvidenceError
        AWS did not say.
    """
    # never taken from what was answered before: the credentials may be others now
    answer = calls.ask("sts", "GetCallerIdentity", {}, keep=dict)
    if not answer.ok:
        raise EvidenceError(
            f"AWS does not say who asks ({answer.code})", "sts:GetCallerIdentity", "check the network and the profile"
        )
    return str(answer.response["Account"]), str(answer.response["Arn"])


def look(
    calls: Calls, account: str, caller_arn: str, regions: Sequence[str] = (), buckets: Sequence[str] = ()
) -> There:
    """What is there to collect?

    Parameters
    ----------
    calls : Calls
    account, caller_arn : str
        As `caller` gives them.
    regions : sequence of str
        Only these Regions; none: every Region that the account has switched on.
    buckets : sequence of str
        Only these buckets; none: every bucket of the account.

    Raises
    ------
    ParameterError
        A Region is none.
    """
    there = There(account, caller_arn, caller_arn.split(":")[1] if ":" in caller_arn else "aws")
    there.regions, there.regions_from = _regions(calls, regions)
    answer = calls.ask("organizations", "DescribeOrganization", {})
    there.organization_known = answer.ok or "NotInUse" in answer.code
    there.organization = answer.response.get("Organization", {}).get("Id")
    _buckets(calls, there, buckets)
    answers = side_by_side([partial(_region, calls, there, region) for region in there.regions])
    described = {str(one["TrailARN"]): one for answer in answers for one in answer.response.get("trailList") or []}
    there.trails = side_by_side([partial(_trail, calls, trail) for _, trail in sorted(described.items())])
    _ask_buckets(calls, there)
    targets = {trail.bucket for trail in there.trails} | {one.target_bucket for one in there.logging.values() if one}
    for bucket in targets & set(there.owned) - set(there.buckets):  # how logs are kept matters to all of them
        there.buckets[bucket] = there.owned[bucket]
    _ask_buckets(calls, there)
    there.deliveries.sort(key=lambda one: (one.bucket, one.destination_arn))
    there.trails_refused.sort()
    there.event_data_stores.sort()
    return there


def _regions(calls: Calls, wanted: Sequence[str]) -> tuple[list[str], str]:
    for region in wanted:
        if not _REGION.fullmatch(region):
            raise ParameterError("not a Region", f"--region {region}", "write it as us-east-1")
    answer = calls.ask("ec2", "DescribeRegions", {})
    found = sorted(str(one["RegionName"]) for one in answer.response.get("Regions") or [])
    if not found:
        listed = calls.listed(
            "account", "ListRegions", "Regions", {"RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT"]}
        )
        found = sorted(str(one["RegionName"]) for one in listed)
    if wanted:
        unknown = [region for region in wanted if found and region not in found]
        if unknown:
            raise ParameterError(
                "not a Region that this account uses", f"--region {unknown[0]}", f"it uses: {', '.join(found)}"
            )
        return sorted(set(wanted)), "as given"
    if found:
        return found, "all that the account has switched on"
    return [calls.home], f"the list was refused ({answer.code}): only {calls.home}; name others with --region"


def _region(calls: Calls, there: There, region: str) -> Answer:
    """The trails of one Region, and its event data stores and deliveries; a Region that refuses stops nothing."""
    described = calls.ask("cloudtrail", "DescribeTrails", {}, region)
    if not described.ok:
        there.trails_refused.append(region)
    for store in calls.listed("cloudtrail", "ListEventDataStores", "EventDataStores", {}, region):
        arn = str(store.get("EventDataStoreArn"))
        calls.ask("cloudtrail", "GetEventDataStore", {"EventDataStore": arn}, region)
        there.event_data_stores.append((region, arn))
    _deliveries(calls, there, region)
    return described


def _trail(calls: Calls, trail: dict[str, Any]) -> Trail:
    arn, home = str(trail["TrailARN"]), str(trail.get("HomeRegion") or calls.home)
    status = calls.ask("cloudtrail", "GetTrailStatus", {"Name": arn}, home)
    chosen = calls.ask("cloudtrail", "GetEventSelectors", {"TrailName": arn}, home)
    calls.ask("cloudtrail", "GetInsightSelectors", {"TrailName": arn}, home)
    calls.ask("cloudtrail", "GetEventConfiguration", {"TrailName": arn}, home)
    said = status.response
    prefix = str(trail.get("S3KeyPrefix") or "")
    return Trail(
        arn, str(trail.get("Name")), home, str(trail.get("S3BucketName")),
        f"{prefix}/" if prefix and not prefix.endswith("/") else prefix,
        bool(trail.get("IsMultiRegionTrail")), bool(trail.get("IsOrganizationTrail")),
        bool(trail.get("LogFileValidationEnabled")), trail.get("KmsKeyId"),
        said.get("IsLogging") if status.ok else None, said.get("StartLoggingTime"), said.get("StopLoggingTime"),
        said.get("LatestDeliveryError") or None, _records_management(chosen),
    )  # fmt: skip


def _records_management(chosen: Answer) -> bool | None:
    """Does a trail record all management events? None where its selectors are not known."""
    if not chosen.ok:
        return None
    for one in chosen.response.get("EventSelectors") or []:
        if one.get("IncludeManagementEvents") and one.get("ReadWriteType", "All") == "All":
            return True
    for one in chosen.response.get("AdvancedEventSelectors") or []:
        fields = {one.get("Field"): one.get("Equals") for one in one.get("FieldSelectors") or []}
        if fields.get("eventCategory") == ["Management"] and "readOnly" not in fields:
            return True
    return False


def _deliveries(calls: Calls, there: There, region: str) -> None:
    sources = {
        str(one.get("name")): [
            match[1] for arn in one.get("resourceArns") or [] if (match := _BUCKET_ARN.fullmatch(arn))
        ]
        for one in calls.listed("logs", "DescribeDeliverySources", "deliverySources", {}, region)
        if one.get("logType") == "S3_SERVER_ACCESS_LOGS"
    }
    destinations = {
        str(one.get("arn")): str((one.get("deliveryDestinationConfiguration") or {}).get("destinationResourceArn"))
        for one in calls.listed("logs", "DescribeDeliveryDestinations", "deliveryDestinations", {}, region)
    }
    for one in calls.listed("logs", "DescribeDeliveries", "deliveries", {}, region):
        arn = str(one.get("deliveryDestinationArn"))
        for bucket in sources.get(str(one.get("deliverySourceName")), []):
            there.deliveries.append(
                Delivery(bucket, str(one.get("deliveryDestinationType")), destinations.get(arn, arn))
            )


def _buckets(calls: Calls, there: There, wanted: Sequence[str]) -> None:
    pages = list(calls.pages("s3", "ListBuckets", {"MaxBuckets": 1000}, calls.home))
    there.buckets_refused = pages[-1].code
    listed = {str(one["Name"]): one.get("BucketRegion") for page in pages for one in page.response.get("Buckets") or []}
    there.owned = listed
    there.buckets = {name: listed.get(name) for name in wanted} if wanted else dict(listed)


def _ask_buckets(calls: Calls, there: There) -> None:
    left = sorted(set(there.buckets) - there.asked)
    there.asked |= set(left)
    side_by_side([partial(_bucket, calls, there, bucket) for bucket in left])


def _bucket(calls: Calls, there: There, bucket: str) -> None:
    """Where a bucket lies, and how it is logged."""
    located = calls.ask("s3", "GetBucketLocation", {"Bucket": bucket}, there.buckets[bucket] or calls.home)
    if located.ok:
        place = located.response.get("LocationConstraint") or "us-east-1"
        there.buckets[bucket] = "eu-west-1" if place == "EU" else str(place)
    region = there.buckets[bucket] or calls.home
    answer = calls.ask("s3", "GetBucketLogging", {"Bucket": bucket}, region)
    if not answer.ok:
        return
    enabled = answer.response.get("LoggingEnabled")
    if not enabled:
        there.logging[bucket] = None
        return
    layout = enabled.get("TargetObjectKeyFormat") or {}
    there.logging[bucket] = Logging(
        bucket, str(enabled["TargetBucket"]), str(enabled.get("TargetPrefix") or ""), "PartitionedPrefix" in layout
    )
