"""The sweep: every setting of every bucket, Region and identity that says who could reach what, and who was watching.

CloudWatch's metrics are asked with them: they count objects, bytes and requests without saying whose, and so bound what
access logs cannot show.

Source: S3 User Guide, "Bucket configuration options", "Amazon S3 metrics and dimensions"; botocore's service models.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from string import Template
from typing import Any

import jmespath

from ir_kit.collect.account_inventory import AccountInventory
from ir_kit.collect.calls import Calls, plain, side_by_side

SETTINGS = """\
bucket s3 {"Bucket": "$bucket"} GetBucketPolicy GetBucketPolicyStatus GetBucketAcl GetBucketOwnershipControls \
GetBucketAbac GetPublicAccessBlock GetBucketWebsite GetBucketCors GetBucketReplication GetBucketEncryption \
GetBucketVersioning GetObjectLockConfiguration GetBucketLifecycleConfiguration GetBucketNotificationConfiguration \
GetBucketRequestPayment GetBucketTagging GetBucketAccelerateConfiguration GetBucketMetadataConfiguration \
ListBucketInventoryConfigurations ListBucketAnalyticsConfigurations ListBucketMetricsConfigurations
bucket cloudwatch {"Namespace": "AWS/S3", "Dimensions": [{"Name": "BucketName", "Value": "$bucket"}]} ListMetrics
region cloudtrail {} DescribeTrails ListEventDataStores
region cloudtrail {"StartTime": "$start", "EndTime": "$now"} ListPublicKeys
region s3control {"AccountId": "$account"} ListAccessPoints ListAccessPointsForObjectLambda ListAccessGrantsInstances \
ListJobs
region ec2 {"Filters": [{"Name": "service-name", "Values": ["com.amazonaws.$region.s3"]}]} DescribeVpcEndpoints
region guardduty {} ListDetectors
account iam {} GetAccountAuthorizationDetails GetAccountSummary ListOpenIDConnectProviders ListSAMLProviders \
ListAccountAliases ListVirtualMFADevices ListUsers
account s3control {"AccountId": "$account"} GetPublicAccessBlock
account organizations {"PolicyType": "S3_POLICY", "TargetId": "$account"} DescribeEffectivePolicy
account organizations {"ServicePrincipal": "cloudtrail.amazonaws.com"} ListDelegatedAdministrators
multi-region s3control {"AccountId": "$account"} ListMultiRegionAccessPoints
access-key sts {"AccessKeyId": "$AccessKeyId"} GetAccessKeyInfo
Metrics cloudwatch {"Namespace": "AWS/S3", "MetricName": "$MetricName", "Dimensions": $Dimensions, "StartTime": \
"$day","EndTime": "$end", "Period": 86400, "Statistics": ["Average", "Sum"]} GetMetricStatistics
key kms {"KeyId": "$key", "PolicyName": "default"} GetKeyPolicy
key kms {"KeyId": "$key"} ListGrants
trailList cloudtrail {"TrailName": "$TrailARN"} GetInsightSelectors GetEventConfiguration
EventDataStores cloudtrail {"EventDataStore": "$EventDataStoreArn"} GetEventDataStore
AccessPointList s3control {"AccountId": "$account", "Name": "$Name"} GetAccessPoint GetAccessPointPolicy \
GetAccessPointPolicyStatus
AccessPoints s3control {"AccountId": "$account", "Name": "$Name"} GetMultiRegionAccessPointPolicy \
GetMultiRegionAccessPointPolicyStatus
AccessGrantsInstancesList s3control {"AccountId": "$account"} ListAccessGrants ListAccessGrantsLocations \
GetAccessGrantsInstanceResourcePolicy
Jobs s3control {"AccountId": "$account", "JobId": "$JobId"} DescribeJob
DetectorIds guardduty {"DetectorId": "$item"} GetDetector
Users iam {"UserName": "$UserName"} ListAccessKeys
AccessKeyMetadata iam {"AccessKeyId": "$AccessKeyId"} GetAccessKeyLastUsed
"""
"""What is asked, of what (of each item, where an answer lists some under this name), with which parameters."""

ROWS = re.findall(r"^(\S+) (\S+) (\{.*\}) (.+)$", SETTINGS, re.MULTILINE)
STORAGE = {"BucketSizeBytes": "StandardStorage", "NumberOfObjects": "AllStorageTypes"}
REPORT_SECONDS = 60


def ask_settings(calls: Calls, of: str, region: str | None, values: Mapping[str, Any]) -> None:
    """Ask the settings of this thing, whose values are filled in, and of each item that an answer lists."""

    def follow(name: str, item: Any) -> None:
        given = item if isinstance(item, dict) else {"item": item}
        ask_settings(calls, name, given.get("HomeRegion", region), {**values, **given})

    filled = {name: json.dumps(value, default=str) for name, value in values.items()}
    filled = {name: text[1:-1] if text.startswith('"') else text for name, text in filled.items()}
    for _, service, parameters, operations in (row for row in ROWS if row[0] == of):
        given = json.loads(Template(parameters).substitute(filled))
        for operation in operations.split():
            for answer in calls.pages(service, operation, given, region):
                for name in {row[0] for row in ROWS} & answer.response.keys():
                    side_by_side(partial(follow, name), answer.response[name])


def sweep(
    calls: Calls, inventory: AccountInventory, access_keys: Sequence[str], start: datetime, end: datetime, now: datetime
) -> None:
    """How is everything set that logging and access hang on?

    Parameters
    ----------
    access_keys : sequence of str
        The incident's keys, asked for even where no user is known to hold them.
    start, end : datetime
        Days for which metrics are asked; the digests' public keys are, from `start` until `now`.

    Notes
    -----
    It cannot see what was set before: the past is in CloudTrail's events. CloudWatch keeps a value a day for 455 days,
    and lists a metric for two weeks after its last value; storage is asked for all the same. Request metrics exist only
    where somebody switched them on.
    """
    day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    values = plain({"account": inventory.account, "start": start, "day": day, "end": end, "now": now})
    things: list[tuple[str, str | None, dict[str, Any]]] = [("account", None, {})]
    things += [("multi-region", "us-west-2", {})] if inventory.caller_arn.startswith("arn:aws:") else []
    things += [("region", region, {"region": region}) for region in inventory.regions]
    things += [("access-key", None, {"AccessKeyId": key}) for key in access_keys]
    things += [("AccessKeyMetadata", None, {"AccessKeyId": key}) for key in access_keys if key.startswith("AKIA")]
    for bucket, region in sorted(inventory.buckets.items()):
        things.append(("bucket", region, {"bucket": bucket}))
        for metric, storage in STORAGE.items():
            named = [{"Name": "BucketName", "Value": bucket}, {"Name": "StorageType", "Value": storage}]
            things.append(("Metrics", region, {"MetricName": metric, "Dimensions": named}))
    side_by_side(lambda thing: ask_settings(calls, thing[0], thing[1], values | thing[2]), things)
    keys = {(trail["KmsKeyId"], trail["HomeRegion"]) for trail in inventory.trails if trail.get("KmsKeyId")}
    rules = "response.ServerSideEncryptionConfiguration.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID"
    keys |= {(key, line["region"]) for line in calls.lines() for key in jmespath.search(rules, line) or ()}
    for key, region in sorted(keys):
        region = key.split(":")[3] if key.startswith("arn:") else region
        described = calls.ask("kms", "DescribeKey", {"KeyId": key}, region).response.get("KeyMetadata", {})
        ask_settings(calls, "key", region, {"key": described.get("Arn") or key})
    # AWS makes the report when it is asked to, which takes seconds; it counts that as reading
    if not calls.ask("iam", "GenerateCredentialReport").code:
        for _ in range(REPORT_SECONDS // 2):
            if calls.ask("iam", "GetCredentialReport").code not in ("ReportNotPresent", "ReportInProgress"):
                return
            time.sleep(2)
