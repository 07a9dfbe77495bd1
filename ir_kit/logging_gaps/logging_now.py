"""How is logging set now, by the configuration that was collected? What was not asked or was refused stays None."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ir_kit.logging_gaps.trail_snippets import TrailNow

Row = Mapping[str, Any]
BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")  # those of before 2018 included


@dataclass
class BucketNow:
    """A bucket as configuration has it."""

    name: str
    region: str | None = None
    access_log: bool | None = None
    target: tuple[str, str] | None = None
    versioning: bool | None = None
    object_lock: bool | None = None
    policy: dict[str, Any] | None = None  # {} where there is none
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class AccountNow:
    """An account's logging as configuration has it. `owned`: it lists every bucket; `trails` None: never asked."""

    account_id: str | None = None
    buckets: dict[str, BucketNow] = field(default_factory=dict)
    trails: list[TrailNow] | None = None
    guardduty: dict[str, bool] = field(default_factory=dict)  # Regions that were asked: is S3 Protection on?
    owned: bool = False

    def bucket(self, name: str) -> BucketNow:
        """The bucket of this name, made where there is none yet."""
        return self.buckets.setdefault(name, BucketNow(name))

    def log_buckets(self) -> dict[str, set[str]]:
        """Which buckets hold logs, and of which kind: ``trail``, ``access_log``."""
        found: dict[str, set[str]] = {}
        for trail in self.trails or ():
            found.setdefault(trail.bucket, set()).add("trail")
        for bucket in self.buckets.values():
            if bucket.target:
                found.setdefault(bucket.target[0], set()).add("access_log")
        return found


def account_now(settings: Iterable[Row]) -> AccountNow:
    """The account's logging, from the answers in the order in which they were collected: the last answer counts.

    Parameters
    ----------
    settings : iterable of mapping
        Rows of `logging_gaps/logging_settings`; a row that is not ``answered`` or ``absent`` leaves what was known.
    """
    account = AccountNow()
    trails: dict[str, dict[str, Any]] = {}
    seen_trails = False
    for row in settings:
        account.account_id = account.account_id or row["account_id"]
        if row["answer"] == "unknown":
            continue
        parameters, response = _object(row["parameters"]), _object(row["response"])
        if row["service"] == "cloudtrail":
            seen_trails = seen_trails or row["operation"] == "DescribeTrails"
            _trail_answer(row["operation"], parameters, response, trails)
        elif row["service"] == "guardduty":
            _guardduty(account, row, response)
        elif row["service"] == "s3":
            _bucket_answer(account, row["operation"], parameters, response, row["answer"] == "absent")
    if seen_trails or trails:
        account.trails = [_trail_now(trails[arn]) for arn in sorted(trails) if trails[arn].get("Name")]
    return account


def _object(text: Any) -> dict[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _bucket_answer(
    account: AccountNow, operation: str, parameters: dict[str, Any], response: dict[str, Any], absent: bool
) -> None:
    if operation == "ListBuckets":
        account.owned = not response.get("ContinuationToken")
        for one in _dicts(response.get("Buckets")):
            if is_bucket_name(one.get("Name")):
                bucket = account.bucket(str(one["Name"]))
                bucket.region = one.get("BucketRegion") or bucket.region
        return
    name = parameters.get("Bucket")
    if not is_bucket_name(name):
        return
    bucket = account.bucket(str(name))
    if operation == "GetBucketLocation" and not absent:
        place = response.get("LocationConstraint")
        bucket.region = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(place, place)
    elif operation == "GetBucketLogging" and not absent:
        enabled = response.get("LoggingEnabled")
        bucket.access_log = isinstance(enabled, dict)
        target = enabled.get("TargetBucket") if isinstance(enabled, dict) else None
        prefix = str(enabled.get("TargetPrefix") or "") if isinstance(enabled, dict) else ""
        bucket.target = (str(target), prefix) if is_bucket_name(target) else None
    elif operation == "GetBucketVersioning" and not absent:
        bucket.versioning = response.get("Status") == "Enabled"
    elif operation == "GetObjectLockConfiguration":
        lock = response.get("ObjectLockConfiguration")
        bucket.object_lock = isinstance(lock, dict) and isinstance(lock.get("Rule"), dict)
    elif operation == "GetBucketPolicy":
        bucket.policy = {} if absent else _object(response.get("Policy"))
    elif operation == "GetBucketTagging":
        bucket.tags = {str(tag.get("Key")): str(tag.get("Value")) for tag in _dicts(response.get("TagSet"))}


def _trail_answer(
    operation: str, parameters: dict[str, Any], response: dict[str, Any], trails: dict[str, dict[str, Any]]
) -> None:
    if operation in ("DescribeTrails", "GetTrail"):
        for one in _dicts(response.get("trailList") if operation == "DescribeTrails" else [response.get("Trail")]):
            trails.setdefault(str(one.get("TrailARN")), {}).update(one)
        return
    name = str(response.get("TrailARN") or parameters.get("TrailName") or parameters.get("Name"))
    known = [arn for arn in trails if name in (arn, arn.rpartition("/")[2])]
    for arn in known or [name]:
        kept = trails.setdefault(arn, {})
        if operation == "GetTrailStatus":
            kept["IsLogging"] = response.get("IsLogging")
        elif operation == "GetEventSelectors":
            names = ("EventSelectors", "AdvancedEventSelectors")
            kept["selectors"] = {kind: response[kind] for kind in names if response.get(kind)}


def _trail_now(said: dict[str, Any]) -> TrailNow:
    prefix = str(said.get("S3KeyPrefix") or "")
    return TrailNow(
        str(said["Name"]),
        str(said["TrailARN"]),
        str(said.get("HomeRegion") or "us-east-1"),
        str(said.get("S3BucketName")),
        f"{prefix}/" if prefix and not prefix.endswith("/") else prefix,
        bool(said.get("IsMultiRegionTrail")),
        bool(said.get("IncludeGlobalServiceEvents")),
        said.get("LogFileValidationEnabled"),
        bool(said.get("IsOrganizationTrail")),
        said.get("IsLogging"),
        said.get("selectors"),
        said.get("KmsKeyId"),
    )


def _guardduty(account: AccountNow, row: Row, response: dict[str, Any]) -> None:
    region = str(row["aws_region"])
    account.guardduty.setdefault(region, False)
    on = any(
        one.get("Name") == "S3_DATA_EVENTS" and one.get("Status") == "ENABLED"
        for one in _dicts(response.get("Features"))
    )
    old = _object(_object(response.get("DataSources")).get("S3Logs")).get("Status") == "ENABLED"
    if on or old:
        account.guardduty[region] = True


def is_bucket_name(name: Any) -> bool:
    """Can a bucket have this name? Logs hold names that none can."""
    return isinstance(name, str) and BUCKET_NAME.fullmatch(name) is not None
