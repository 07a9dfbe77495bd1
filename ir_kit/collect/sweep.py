"""The sweep: every setting of every bucket, Region and identity that says who could reach what, and who was watching.

Each entry below is a call that only reads; what it answers stands in the configuration file, and so does a refusal.

Source: S3 User Guide, "Bucket configuration options"; the service models of botocore.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from ir_kit.collect.calls import Calls, side_by_side
from ir_kit.collect.there import There

__all__ = ["sweep"]

BUCKET = (
    "GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketAcl", "GetBucketOwnershipControls", "GetBucketAbac",
    "GetPublicAccessBlock", "GetBucketWebsite", "GetBucketCors", "GetBucketReplication", "GetBucketEncryption",
    "GetBucketVersioning", "GetObjectLockConfiguration", "GetBucketLifecycleConfiguration",
    "GetBucketNotificationConfiguration", "GetBucketRequestPayment", "GetBucketTagging",
    "GetBucketAccelerateConfiguration", "GetBucketMetadataConfiguration",
)  # fmt: skip
BUCKET_LISTS = (
    "ListBucketInventoryConfigurations", "ListBucketAnalyticsConfigurations", "ListBucketMetricsConfigurations",
)  # fmt: skip
REPORT_SECONDS = 60
_MULTI_REGION = "us-west-2"

Work = Callable[[], object]


def sweep(
    calls: Calls, there: There, access_keys: Sequence[str], *, pause: Callable[[float], None] = time.sleep
) -> None:
    """How is everything set that logging and access hang on?

    Parameters
    ----------
    calls : Calls
    there : There
        The account, its Regions and its buckets.
    access_keys : sequence of str
        The incident's keys, asked for even where no user is known to hold them.
    pause : callable
        Waits between two looks at the credential report.

    Notes
    -----
    It cannot see what was set before: the past is in CloudTrail's events.
    """
    work: list[Work] = [partial(_identities, calls, access_keys), partial(_credential_report, calls, pause)]
    work += [partial(_account, calls, there)]
    work += [partial(_region, calls, there, region) for region in there.regions]
    work += [partial(_bucket, calls, bucket, region) for bucket, region in sorted(there.buckets.items())]
    side_by_side(work)
    side_by_side([partial(_key, calls, key, region) for key, region in _keys_named(calls, there)])


def _bucket(calls: Calls, bucket: str, region: str | None) -> None:
    for operation in BUCKET:
        calls.ask("s3", operation, {"Bucket": bucket}, region)
    for operation in BUCKET_LISTS:
        _all(calls.pages("s3", operation, {"Bucket": bucket}, region))


def _region(calls: Calls, there: There, region: str) -> None:
    account = {"AccountId": there.account}
    points = calls.listed("s3control", "ListAccessPoints", "AccessPointList", account, region)
    for name in (str(one.get("Name")) for one in points):
        for operation in ("GetAccessPoint", "GetAccessPointPolicy", "GetAccessPointPolicyStatus"):
            calls.ask("s3control", operation, account | {"Name": name}, region)
    _all(calls.pages("s3control", "ListAccessPointsForObjectLambda", account, region))
    if calls.listed("s3control", "ListAccessGrantsInstances", "AccessGrantsInstancesList", account, region):
        _all(calls.pages("s3control", "ListAccessGrants", account, region))
        _all(calls.pages("s3control", "ListAccessGrantsLocations", account, region))
        calls.ask("s3control", "GetAccessGrantsInstanceResourcePolicy", account, region)
    for job in calls.listed("s3control", "ListJobs", "Jobs", account, region):
        calls.ask("s3control", "DescribeJob", account | {"JobId": str(job.get("JobId"))}, region)
    service = f"com.amazonaws.{region}.s3"
    _all(
        calls.pages("ec2", "DescribeVpcEndpoints", {"Filters": [{"Name": "service-name", "Values": [service]}]}, region)
    )
    for detector in calls.listed("guardduty", "ListDetectors", "DetectorIds", {}, region):
        calls.ask("guardduty", "GetDetector", {"DetectorId": detector}, region)


def _account(calls: Calls, there: There) -> None:
    account = {"AccountId": there.account}
    calls.ask("s3control", "GetPublicAccessBlock", account)
    calls.ask("organizations", "DescribeEffectivePolicy", {"PolicyType": "S3_POLICY", "TargetId": there.account})
    _all(calls.pages("organizations", "ListDelegatedAdministrators", {"ServicePrincipal": "cloudtrail.amazonaws.com"}))
    if there.partition == "aws":
        for point in calls.listed("s3control", "ListMultiRegionAccessPoints", "AccessPoints", account, _MULTI_REGION):
            named = account | {"Name": str(point.get("Name"))}
            calls.ask("s3control", "GetMultiRegionAccessPointPolicy", named, _MULTI_REGION)
            calls.ask("s3control", "GetMultiRegionAccessPointPolicyStatus", named, _MULTI_REGION)


def _identities(calls: Calls, access_keys: Sequence[str]) -> None:
    """Users, their keys and when these were used last; roles, groups and policies in one answer; providers."""
    _all(calls.pages("iam", "GetAccountAuthorizationDetails"))
    for operation in ("GetAccountSummary", "ListOpenIDConnectProviders", "ListSAMLProviders"):
        calls.ask("iam", operation)
    _all(calls.pages("iam", "ListAccountAliases"))
    _all(calls.pages("iam", "ListVirtualMFADevices"))
    users = [str(one.get("UserName")) for one in calls.listed("iam", "ListUsers", "Users")]
    held = side_by_side([partial(_user_keys, calls, user) for user in users])
    known = {key for keys in held for key in keys}
    for key in access_keys:
        calls.ask("sts", "GetAccessKeyInfo", {"AccessKeyId": key})
        if key not in known and key.startswith("AKIA"):
            calls.ask("iam", "GetAccessKeyLastUsed", {"AccessKeyId": key})


def _user_keys(calls: Calls, user: str) -> list[str]:
    keys = calls.listed("iam", "ListAccessKeys", "AccessKeyMetadata", {"UserName": user})
    for key in keys:
        calls.ask("iam", "GetAccessKeyLastUsed", {"AccessKeyId": str(key.get("AccessKeyId"))})
    return [str(key.get("AccessKeyId")) for key in keys]


def _credential_report(calls: Calls, pause: Callable[[float], None]) -> None:
    """AWS makes the report when it is asked to, which takes seconds; it counts that as reading."""
    if not calls.ask("iam", "GenerateCredentialReport").ok:
        return
    for _ in range(REPORT_SECONDS // 2):
        if calls.ask("iam", "GetCredentialReport").code not in ("ReportNotPresent", "ReportInProgress"):
            return
        pause(2)


def _keys_named(calls: Calls, there: There) -> list[tuple[str, str]]:
    """The KMS keys that trails and buckets name, each with the Region it lives in."""
    found = {(trail.kms_key, trail.home_region) for trail in there.trails if trail.kms_key}
    for line in calls.lines():
        if line["operation"] != "GetBucketEncryption" or "response" not in line:
            continue
        for rule in line["response"].get("ServerSideEncryptionConfiguration", {}).get("Rules") or []:
            key = (rule.get("ApplyServerSideEncryptionByDefault") or {}).get("KMSMasterKeyID")
            if key:
                found.add((str(key), str(line["region"])))
    return sorted((key, _region_of_key(key, region)) for key, region in found)


def _region_of_key(key: str, region: str) -> str:
    parts = key.split(":")
    return parts[3] if key.startswith("arn:") and len(parts) > 5 else region


def _key(calls: Calls, key: str, region: str) -> None:
    described = calls.ask("kms", "DescribeKey", {"KeyId": key}, region)
    name = str(described.response.get("KeyMetadata", {}).get("Arn") or key)
    calls.ask("kms", "GetKeyPolicy", {"KeyId": name, "PolicyName": "default"}, region)
    _all(calls.pages("kms", "ListGrants", {"KeyId": name}, region))


def _all(answers: Iterable[Any]) -> None:
    for _ in answers:
        pass
