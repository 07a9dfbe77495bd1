"""The access to a bucket and its objects that a statement's actions give, and its conditions in words.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3" (actions, and the
resource types of each).
"""

from __future__ import annotations

from typing import Final

from ir_kit.policies.policy_documents import Statement

ACTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {  # by kind of access and what they act on
    "read": {
        "object": (
            "GetObject", "GetObjectVersion", "GetObjectTorrent", "GetObjectVersionTorrent", "GetObjectAttributes",
            "GetObjectVersionAttributes", "GetObjectTagging", "GetObjectVersionTagging", "GetObjectAcl",
            "GetObjectVersionAcl", "GetObjectRetention", "GetObjectLegalHold", "GetObjectVersionForReplication",
        ),
    },
    "write": {
        "object": (
            "PutObject", "DeleteObject", "DeleteObjectVersion", "RestoreObject", "AbortMultipartUpload",
            "PutObjectTagging", "PutObjectVersionTagging", "DeleteObjectTagging", "DeleteObjectVersionTagging",
            "PutObjectRetention", "PutObjectLegalHold", "BypassGovernanceRetention", "ReplicateObject",
            "ReplicateDelete", "ReplicateTags",
        ),
    },
    "list": {"bucket": ("ListBucket", "ListBucketVersions", "ListBucketMultipartUploads")},
    "admin": {
        "object": ("PutObjectAcl", "PutObjectVersionAcl", "ObjectOwnerOverrideToBucketOwner"),
        "bucket": (
            "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketPublicAccessBlock",
            "PutBucketOwnershipControls", "PutBucketWebsite", "DeleteBucketWebsite", "PutBucketCORS",
            "PutReplicationConfiguration", "PutInventoryConfiguration", "PutAnalyticsConfiguration",
            "PutLifecycleConfiguration", "PutBucketVersioning", "PutBucketObjectLockConfiguration",
            "PutEncryptionConfiguration", "PutBucketLogging", "PutBucketNotification", "PutBucketTagging",
            "DeleteBucket", "PutBucketRequestPayment", "PutAccelerateConfiguration", "PutMetricsConfiguration",
            "PutIntelligentTieringConfiguration", "PutAccessPointPolicy", "DeleteAccessPointPolicy",
        ),
    },
}  # fmt: skip


def summary(statement: Statement) -> str:
    """The conditions of a statement, and the principals that it leaves out, in a line."""
    words = [str(test) for test in statement.conditions]
    names = statement.not_principals
    if names is not None:
        everybody = ["*"] if names.everybody else []
        families = (names.aws - {"*"}, names.services, names.federated, names.canonical)
        left_out = everybody + [name for family in families for name in sorted(family)]
        words.insert(0, f"all but {', '.join(left_out)}")
    return "; ".join(words)
