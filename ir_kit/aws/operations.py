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


# where only the operation stands, the action is the service's prefix and the same name
_LISTED: dict[tuple[str, str], str] = {
    ("sts", "sts"): """
        GetCallerIdentity: sts:GetCallerIdentity
        GetAccessKeyInfo
    """,
    ("s3", "s3"): """
        ListBuckets: s3:ListAllMyBuckets
        HeadBucket: s3:ListBucket
        ListObjectsV2: s3:ListBucket
        ListObjectVersions: s3:ListBucketVersions
        GetObject: s3:GetObject s3:GetObjectVersion kms:Decrypt
        HeadObject: s3:GetObject s3:GetObjectVersion kms:Decrypt
        GetBucketLocation
        GetBucketLogging
        GetBucketPolicy
        GetBucketPolicyStatus
        GetBucketAcl
        GetBucketOwnershipControls
        GetBucketAbac
        GetPublicAccessBlock: s3:GetBucketPublicAccessBlock
        GetBucketWebsite
        GetBucketCors: s3:GetBucketCORS
        GetBucketReplication: s3:GetReplicationConfiguration
        GetBucketEncryption: s3:GetEncryptionConfiguration
        GetBucketVersioning
        GetObjectLockConfiguration: s3:GetBucketObjectLockConfiguration
        GetBucketLifecycleConfiguration: s3:GetLifecycleConfiguration
        GetBucketNotificationConfiguration: s3:GetBucketNotification
        GetBucketRequestPayment
        GetBucketTagging
        GetBucketAccelerateConfiguration: s3:GetAccelerateConfiguration
        GetBucketMetadataConfiguration: s3:GetBucketMetadataTableConfiguration
        ListBucketInventoryConfigurations: s3:GetInventoryConfiguration
        ListBucketAnalyticsConfigurations: s3:GetAnalyticsConfiguration
        ListBucketMetricsConfigurations: s3:GetMetricsConfiguration
    """,
    ("s3control", "s3"): """
        GetPublicAccessBlock: s3:GetAccountPublicAccessBlock
        ListAccessPoints
        GetAccessPoint
        GetAccessPointPolicy
        GetAccessPointPolicyStatus
        ListAccessPointsForObjectLambda
        ListMultiRegionAccessPoints
        GetMultiRegionAccessPointPolicy
        GetMultiRegionAccessPointPolicyStatus
        ListAccessGrantsInstances
        ListAccessGrants
        ListAccessGrantsLocations
        GetAccessGrantsInstanceResourcePolicy
        ListJobs
        DescribeJob
    """,
    ("iam", "iam"): """
        GetAccountAuthorizationDetails
        GetAccountSummary
        GetAccessKeyLastUsed
        ListAccessKeys
        ListUsers
        ListVirtualMFADevices
        ListOpenIDConnectProviders
        ListSAMLProviders
        ListAccountAliases
        GenerateCredentialReport
        GetCredentialReport
    """,
    ("cloudtrail", "cloudtrail"): """
        DescribeTrails
        GetTrailStatus
        GetEventSelectors
        GetInsightSelectors
        GetEventConfiguration
        ListEventDataStores
        GetEventDataStore
        ListPublicKeys
        LookupEvents
    """,
    ("organizations", "organizations"): """
        DescribeOrganization
        DescribeEffectivePolicy
        ListDelegatedAdministrators
    """,
    ("account", "account"): """
        ListRegions
    """,
    ("kms", "kms"): """
        DescribeKey
        GetKeyPolicy
        ListGrants
    """,
    ("ec2", "ec2"): """
        DescribeRegions
        DescribeVpcEndpoints
    """,
    ("logs", "logs"): """
        DescribeDeliveries
        DescribeDeliverySources
        DescribeDeliveryDestinations
    """,
    ("cloudwatch", "cloudwatch"): """
        GetMetricStatistics
        ListMetrics
    """,
    ("guardduty", "guardduty"): """
        ListDetectors
        GetDetector
    """,
}

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


def _operations() -> tuple[Operation, ...]:
    found = []
    for (service, prefix), text in _LISTED.items():
        for line in text.split("\n"):
            name, _, needed = line.strip().partition(":")
            if name:
                found.append(Operation(service, name, tuple(needed.split()) or (f"{prefix}:{name}",)))
    return tuple(found)


OPERATIONS = _operations()
"""Every operation, by service, in the order of the list above."""

ALLOWED = frozenset((operation.service, operation.name) for operation in OPERATIONS)
"""What a client for the investigated account may call: pairs of service and operation."""


def actions() -> tuple[str, ...]:
    """Which IAM actions does the reading role need? Sorted, each once."""
    return tuple(sorted({action for operation in OPERATIONS for action in operation.actions}))
