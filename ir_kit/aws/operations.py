"""Every AWS operation that this package may call, with the IAM actions it needs: the guard and the printed policy
both read it here.

An operation is named as botocore names it. Nothing here changes a setting or an object. One operation starts a report
about what is there already (`GenerateCredentialReport`); AWS counts it as reading.

Source: Service Authorization Reference (actions and their operations); the service models of botocore.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ALLOWED", "CREDENTIALS", "OPERATIONS", "Operation", "actions"]


class Operation(NamedTuple):
    """One operation: botocore's name of its service, its own name, and the IAM actions that it needs."""

    service: str
    name: str
    actions: tuple[str, ...]


_LISTED = {
    "sts": "GetCallerIdentity GetAccessKeyInfo",
    "s3": "ListBuckets HeadBucket ListObjectsV2 ListObjectVersions GetObject HeadObject GetBucketLocation GetBucketLogging"
    " GetBucketPolicy GetBucketPolicyStatus GetBucketAcl GetBucketOwnershipControls GetBucketAbac GetPublicAccessBlock"
    " GetBucketWebsite GetBucketCors GetBucketReplication GetBucketEncryption GetBucketVersioning"
    " GetObjectLockConfiguration GetBucketLifecycleConfiguration GetBucketNotificationConfiguration"
    " GetBucketRequestPayment GetBucketTagging GetBucketAccelerateConfiguration GetBucketMetadataConfiguration"
    " ListBucketInventoryConfigurations ListBucketAnalyticsConfigurations ListBucketMetricsConfigurations",
    "s3control": "GetPublicAccessBlock ListAccessPoints GetAccessPoint GetAccessPointPolicy GetAccessPointPolicyStatus"
    " ListAccessPointsForObjectLambda ListMultiRegionAccessPoints GetMultiRegionAccessPointPolicy"
    " GetMultiRegionAccessPointPolicyStatus ListAccessGrantsInstances ListAccessGrants ListAccessGrantsLocations"
    " GetAccessGrantsInstanceResourcePolicy ListJobs DescribeJob",
    "iam": "GetAccountAuthorizationDetails GetAccountSummary GetAccessKeyLastUsed ListAccessKeys ListUsers"
    " ListVirtualMFADevices ListOpenIDConnectProviders ListSAMLProviders ListAccountAliases GenerateCredentialReport"
    " GetCredentialReport",
    "cloudtrail": "DescribeTrails GetTrailStatus GetEventSelectors GetInsightSelectors GetEventConfiguration"
    " ListEventDataStores GetEventDataStore ListPublicKeys LookupEvents",
    "organizations": "DescribeOrganization DescribeEffectivePolicy ListDelegatedAdministrators",
    "account": "ListRegions",
    "kms": "DescribeKey GetKeyPolicy ListGrants",
    "ec2": "DescribeRegions DescribeVpcEndpoints",
    "logs": "DescribeDeliveries DescribeDeliverySources DescribeDeliveryDestinations",
    "cloudwatch": "GetMetricStatistics ListMetrics",
    "guardduty": "ListDetectors GetDetector",
}

_READS_OBJECTS = "s3:GetObject s3:GetObjectVersion kms:Decrypt"
# where the action is not the service and the operation's name
_ACTIONS = {
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:GetObject": _READS_OBJECTS,
    "s3:HeadObject": _READS_OBJECTS,
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketMetadataConfiguration": "s3:GetBucketMetadataTableConfiguration",
    "s3:ListBucketInventoryConfigurations": "s3:GetInventoryConfiguration",
    "s3:ListBucketAnalyticsConfigurations": "s3:GetAnalyticsConfiguration",
    "s3:ListBucketMetricsConfigurations": "s3:GetMetricsConfiguration",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
}

OPERATIONS = tuple(
    Operation(
        service,
        name,
        tuple(_ACTIONS.get(f"{service}:{name}", f"{service.removesuffix('control')}:{name}").split()),
    )
    for service, names in _LISTED.items()
    for name in names.split()
)
"""Every operation, by service."""

ALLOWED = frozenset((operation.service, operation.name) for operation in OPERATIONS)
"""What a client for the investigated account may call: pairs of service and operation."""

CREDENTIALS = frozenset(
    {
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithWebIdentity"),
        ("sso", "GetRoleCredentials"),
        ("sso-oidc", "CreateToken"),
        ("signin", "CreateOAuth2Token"),
    }
)
"""What botocore itself calls to get the credentials that a profile names. No code of this package calls them, and the
role that reads needs no right to them."""


def actions() -> tuple[str, ...]:
    """Which IAM actions does the reading role need? Sorted, each once."""
    return tuple(sorted({action for operation in OPERATIONS for action in operation.actions}))
