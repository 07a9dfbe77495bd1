"""Small accounts made from configuration answers, and the plan of what to switch on in them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ir_kit.configuration.bucket_inventory import inventory_of
from ir_kit.configuration.collected_answers import Configuration
from ir_kit.domain.documents import rows_of
from ir_kit.logging_gaps.recommendations import Plan, load_prices

ACCOUNT = "111122223333"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
USER = f"arn:aws:iam::{ACCOUNT}:user/u"


def answer(
    service: str, operation: str, parameters: dict[str, Any], response: Any, error: str | None = None
) -> dict[str, Any]:
    return {
        "collected_at": None,
        "account_id": ACCOUNT,
        "aws_region": "us-east-1",
        "service": service,
        "operation": operation,
        "error_code": error,
        "parameters": json.dumps(parameters),
        "response": None if response is None else json.dumps(response),
    }


def of_bucket(operation: str, name: str, response: Any, error: str | None = None) -> dict[str, Any]:
    return answer("s3", operation, {"Bucket": name}, response, error)


def account(**buckets: str) -> list[dict[str, Any]]:
    """Buckets by name, each with its access log's target, ``off`` or ``unknown``."""
    found = [answer("s3", "ListBuckets", {}, {"Buckets": [{"Name": name} for name in buckets]})]
    for name, target in buckets.items():
        found.append(of_bucket("GetBucketLocation", name, {"LocationConstraint": None}))
        found.append(of_bucket("GetBucketVersioning", name, {}))
        found.append(of_bucket("GetBucketPolicy", name, None, "NoSuchBucketPolicy"))
        found.append(of_bucket("GetObjectLockConfiguration", name, None, "ObjectLockConfigurationNotFoundError"))
        if target == "unknown":
            found.append(of_bucket("GetBucketLogging", name, None, "AccessDenied"))
        else:
            enabled = {} if target == "off" else {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": ""}}
            found.append(of_bucket("GetBucketLogging", name, enabled))
    return found


def trail(**changed: Any) -> list[dict[str, Any]]:
    said = {
        "Name": "main",
        "TrailARN": ARN,
        "HomeRegion": "us-east-1",
        "S3BucketName": "trail-logs",
        "IsMultiRegionTrail": True,
        "IncludeGlobalServiceEvents": True,
        "LogFileValidationEnabled": True,
        "IsOrganizationTrail": False,
    } | {name: value for name, value in changed.items() if name[0].isupper()}
    selectors = changed.get(
        "selectors",
        {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}]},
    )
    found = [
        answer("cloudtrail", "DescribeTrails", {}, {"trailList": [said]}),
        answer("cloudtrail", "GetTrailStatus", {"Name": ARN}, {"IsLogging": changed.get("logging", True)}),
    ]
    if selectors is not None:
        found.append(answer("cloudtrail", "GetEventSelectors", {"TrailName": ARN}, {"TrailARN": ARN, **selectors}))
    return found


def recorded_buckets(*names: str) -> dict[str, Any]:
    resources = [{"Type": "AWS::S3::Object", "Values": [f"arn:aws:s3:::{name}/" for name in names]}]
    return {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": resources}]}


def planned(
    settings: list[dict[str, Any]], low: float = 1_000.0, high: float | None = None, sensitive: Any = None, **more: Any
) -> Plan:
    """A plan for an account each of whose buckets gets so many requests a day, and which makes no management events."""
    config = Configuration(settings)
    plan = Plan(config, inventory_of(config, (), {ACCOUNT}), load_prices(), **more)
    per_day, words = np.array([low, high or low]), sensitive or {}
    plan.rates = {
        name: {"bucket": name, "per_day": per_day, "rate_basis": "measured", "rate_words": "so many", "sensitive": words.get(name)}
        for name in plan.buckets if name not in plan.log_buckets
    } | {None: {"bucket": None, "per_day": np.zeros(2)}}  # fmt: skip
    return plan


def taken(plan: Plan) -> list[tuple[str | None, str]]:
    return [(row["bucket"], row["action"]) for row in rows_of(plan.table())]


def step(plan: Plan, action: str, bucket: str | None = None) -> dict[str, Any]:
    (found,) = [row for row in rows_of(plan.table()) if row["action"] == action and row["bucket"] == bucket]
    return found
