"""The sweep: every setting of every bucket, Region and identity that says who could reach what, and who was watching.

CloudWatch's metrics count objects, bytes and requests without saying who: they bound what access logs cannot show.

Source: S3 User Guide, "Bucket configuration options" and "Amazon S3 metrics and dimensions"; the service models of
botocore.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from string import Template
from typing import Any

import jmespath

from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.calls import Calls, plain, side_by_side

__all__ = ["ask_metrics", "ask_settings", "sweep"]

SETTINGS = """
bucket s3 {"Bucket": "$bucket"}
    GetBucketPolicy GetBucketPolicyStatus GetBucketAcl GetBucketOwnershipControls GetBucketAbac GetPublicAccessBlock
    GetBucketWebsite GetBucketCors GetBucketReplication GetBucketEncryption GetBucketVersioning
    GetObjectLockConfiguration GetBucketLifecycleConfiguration GetBucketNotificationConfiguration
    GetBucketRequestPayment GetBucketTagging GetBucketAccelerateConfiguration GetBucketMetadataConfiguration
    ListBucketInventoryConfigurations ListBucketAnalyticsConfigurations ListBucketMetricsConfigurations
region cloudtrail {}
    DescribeTrails ListEventDataStores
region cloudtrail {"StartTime": "$start", "EndTime": "$end"}
    ListPublicKeys
region s3control {"AccountId": "$account"}
    ListAccessPoints ListAccessPointsForObjectLambda ListAccessGrantsInstances ListJobs
region ec2 {"Filters": [{"Name": "service-name", "Values": ["com.amazonaws.$region.s3"]}]}
    DescribeVpcEndpoints
region guardduty {}
    ListDetectors
account iam {}
    GetAccountAuthorizationDetails GetAccountSummary ListOpenIDConnectProviders ListSAMLProviders ListAccountAliases
    ListVirtualMFADevices ListUsers
account s3control {"AccountId": "$account"}
    GetPublicAccessBlock
account organizations {"PolicyType": "S3_POLICY", "TargetId": "$account"}
    DescribeEffectivePolicy
account organizations {"ServicePrincipal": "cloudtrail.amazonaws.com"}
    ListDelegatedAdministrators
multi-region s3control {"AccountId": "$account"}
    ListMultiRegionAccessPoints
access-key sts {"AccessKeyId": "$AccessKeyId"}
    GetAccessKeyInfo
trailList cloudtrail {"TrailName": "$TrailARN"}
    GetInsightSelectors GetEventConfiguration
EventDataStores cloudtrail {"EventDataStore": "$EventDataStoreArn"}
    GetEventDataStore
AccessPointList s3control {"AccountId": "$account", "Name": "$Name"}
    GetAccessPoint GetAccessPointPolicy GetAccessPointPolicyStatus
AccessPoints s3control {"AccountId": "$account", "Name": "$Name"}
    GetMultiRegionAccessPointPolicy GetMultiRegionAccessPointPolicyStatus
AccessGrantsInstancesList s3control {"AccountId": "$account"}
    ListAccessGrants ListAccessGrantsLocations GetAccessGrantsInstanceResourcePolicy
Jobs s3control {"AccountId": "$account", "JobId": "$JobId"}
    DescribeJob
DetectorIds guardduty {"DetectorId": "$item"}
    GetDetector
Users iam {"UserName": "$UserName"}
    ListAccessKeys
AccessKeyMetadata iam {"AccessKeyId": "$AccessKeyId"}
    GetAccessKeyLastUsed
"""
"""What is asked, of what (of each item, where an answer lists some under this name), with which parameters."""

ROWS = re.findall(r"^(\S+) (\S+) (.+)\n((?: +.+\n)+)", SETTINGS, re.MULTILINE)
STORAGE = {"BucketSizeBytes": "StandardStorage", "NumberOfObjects": "AllStorageTypes"}
REQUESTS = (
    "AllRequests GetRequests PutRequests DeleteRequests ListRequests HeadRequests SelectRequests BytesDownloaded "
    "BytesUploaded 4xxErrors"
)
REPORT_SECONDS = 60


def ask_settings(calls: Calls, of: str, region: str | None, values: Mapping[str, Any]) -> None:
    """Ask the settings of this thing, whose values are filled in, and of each item that an answer lists."""

    def follow(name: str, item: Any) -> None:
        given = item if isinstance(item, dict) else {"item": item}
        ask_settings(calls, name, given.get("HomeRegion", region), {**values, **given})

    escaped = {name: json.dumps(str(value))[1:-1] for name, value in values.items()}
    for _, service, parameters, operations in (row for row in ROWS if row[0] == of):
        given = json.loads(Template(parameters).substitute(escaped))
        for operation in operations.split():
            for answer in calls.pages(service, operation, given, region):
                for name in {row[0] for row in ROWS} & answer.response.keys():
                    side_by_side(partial(follow, name), answer.response[name])


def sweep(
    calls: Calls,
    inventory: AccountInventory,
    access_keys: Sequence[str],
    start: datetime,
    end: datetime,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """How is everything set that logging and access hang on?

    Parameters
    ----------
    access_keys : sequence of str
        The incident's keys, asked for even where no user is known to hold them.
    start, end : datetime
        The time for which the digests' public keys are fetched.
    pause : callable
        Waits between two looks at the credential report.

    Notes
    -----
    It cannot see what was set before: the past is in CloudTrail's events.
    """
    values = {"account": inventory.account, "start": plain(start), "end": plain(end)}
    things: list[tuple[str, str | None, dict[str, str]]] = [("account", None, {})]
    things += [("multi-region", "us-west-2", {})] if inventory.caller_arn.startswith("arn:aws:") else []
    things += [("region", region, {"region": region}) for region in inventory.regions]
    things += [("bucket", region, {"bucket": bucket}) for bucket, region in sorted(inventory.buckets.items())]
    things += [("access-key", None, {"AccessKeyId": key}) for key in access_keys]
    things += [("AccessKeyMetadata", None, {"AccessKeyId": key}) for key in access_keys if key.startswith("AKIA")]
    side_by_side(lambda thing: ask_settings(calls, thing[0], thing[1], values | thing[2]), things)
    keys = {(trail["KmsKeyId"], trail["HomeRegion"]) for trail in inventory.trails if trail.get("KmsKeyId")}
    named = "response.ServerSideEncryptionConfiguration.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID"
    keys |= {(key, line["region"]) for line in calls.lines() for key in jmespath.search(named, line) or ()}
    side_by_side(partial(kms_key, calls), sorted(keys))
    # AWS makes the report when it is asked to, which takes seconds; it counts that as reading
    if not calls.ask("iam", "GenerateCredentialReport").code:
        for _ in range(REPORT_SECONDS // 2):
            if calls.ask("iam", "GetCredentialReport").code not in ("ReportNotPresent", "ReportInProgress"):
                return
            pause(2)


def kms_key(calls: Calls, named: tuple[str, str]) -> None:
    """Ask of a key as a trail or a bucket names it, in the Region that its ARN says, or else where it is named."""
    key, region = named
    region = key.split(":")[3] if key.startswith("arn:") else region
    described = calls.ask("kms", "DescribeKey", {"KeyId": key}, region)
    key = described.response.get("KeyMetadata", {}).get("Arn") or key
    calls.ask("kms", "GetKeyPolicy", {"KeyId": key, "PolicyName": "default"}, region)
    calls.listed("kms", "ListGrants", "Grants", {"KeyId": key}, region)


def ask_metrics(calls: Calls, inventory: AccountInventory, start: datetime, end: datetime) -> None:
    """What do the metrics of the buckets say, for each day from `start` to `end`?

    Notes
    -----
    CloudWatch keeps a value a day for 455 days, and lists a metric for two weeks after its last value; storage is asked
    for whether it is listed or not. Request metrics exist only where somebody switched them on.
    """
    wanted: set[tuple[str, str, tuple[tuple[str, str], ...]]] = {
        (region, name, (("BucketName", bucket), ("StorageType", storage)))
        for bucket, region in inventory.buckets.items()
        for name, storage in STORAGE.items()
        if region
    }
    for region in sorted({region for region, _, _ in wanted}):
        for metric in calls.listed("cloudwatch", "ListMetrics", "Metrics", {"Namespace": "AWS/S3"}, region):
            name, dimensions = metric["MetricName"], {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            is_known = name in STORAGE or name in REQUESTS.split()
            if is_known and inventory.buckets.get(dimensions.get("BucketName", "")) == region:
                wanted.add((region, name, tuple(sorted(dimensions.items()))))

    def ask(metric: tuple[str, str, tuple[tuple[str, str], ...]]) -> None:
        region, name, dimensions = metric
        parameters = {
            "Namespace": "AWS/S3",
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in dimensions],
            "StartTime": start.replace(hour=0, minute=0, second=0, microsecond=0),
            "EndTime": end,
            "Period": 86_400,
            "Statistics": ["Average" if name in STORAGE else "Sum"],
        }
        calls.ask("cloudwatch", "GetMetricStatistics", parameters, region, keep=in_order)

    side_by_side(ask, sorted(wanted))


def in_order(response: dict[str, Any]) -> dict[str, Any]:
    """The days of an answer, which CloudWatch gives in no order."""
    return response | {"Datapoints": sorted(response.get("Datapoints") or [], key=lambda one: str(one["Timestamp"]))}
