"""Whom the Allow statements of a bucket's policy name, and what access to the bucket their actions give.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3" (actions, and the resource types of each).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from ir_kit.policies.documents import Policy, Statement
from ir_kit.policies.principals import Names

Access = Literal["read", "write", "list", "admin"]
Level = Literal["object", "bucket"]

ACTIONS: Final[dict[Access, dict[Level, tuple[str, ...]]]] = {
    "read": {
        "object": (
            "GetObject", "GetObjectVersion", "GetObjectTorrent", "GetObjectVersionTorrent", "GetObjectAttributes",
            "GetObjectVersionAttributes", "GetObjectTagging", "GetObjectVersionTagging", "GetObjectAcl", "GetObjectVersionAcl",
            "GetObjectRetention", "GetObjectLegalHold", "GetObjectVersionForReplication",
        ),
    },
    "write": {
        "object": (
            "PutObject", "DeleteObject", "DeleteObjectVersion", "RestoreObject", "AbortMultipartUpload", "PutObjectTagging",
            "PutObjectVersionTagging", "DeleteObjectTagging", "DeleteObjectVersionTagging", "PutObjectRetention",
            "PutObjectLegalHold", "BypassGovernanceRetention", "ReplicateObject", "ReplicateDelete", "ReplicateTags",
        ),
    },
    "list": {"bucket": ("ListBucket", "ListBucketVersions", "ListBucketMultipartUploads")},
    "admin": {
        "object": ("PutObjectAcl", "PutObjectVersionAcl", "ObjectOwnerOverrideToBucketOwner"),
        "bucket": (
            "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketPublicAccessBlock", "PutBucketOwnershipControls",
            "PutBucketWebsite", "DeleteBucketWebsite", "PutBucketCORS", "PutReplicationConfiguration", "PutInventoryConfiguration",
            "PutAnalyticsConfiguration", "PutLifecycleConfiguration", "PutBucketVersioning", "PutBucketObjectLockConfiguration",
            "PutEncryptionConfiguration", "PutBucketLogging", "PutBucketNotification", "PutBucketTagging", "DeleteBucket",
            "PutBucketRequestPayment", "PutAccelerateConfiguration", "PutMetricsConfiguration",
            "PutIntelligentTieringConfiguration", "PutAccessPointPolicy", "DeleteAccessPointPolicy",
        ),
    },
}  # fmt: skip

GranteeKind = Literal["everybody", "account", "principal", "deleted", "service", "federated", "canonical_user"]


class Grant(NamedTuple):
    """One kind of access that one statement gives to one grantee."""

    statement: Statement
    grantee: str  # "*", an account's twelve digits, an ARN, a service, a canonical id
    kind: GranteeKind
    access: Access
    condition: str  # "" where there is none


def grants(policy: Policy) -> list[Grant]:
    """Whom does a bucket's, or an access point's, policy name in its Allow statements, and for what?

    Returns
    -------
    list of Grant
        One per statement, grantee and kind of access, in the policy's order; empty where the policy cannot be read.

    Notes
    -----
    What a statement names, not what comes of it: no Deny, and nothing outside this policy, is looked at. Access to part of the bucket's
    objects counts as access. An action that S3 may add is not known here; ``s3:*`` gives all four.
    """
    found = []
    for statement in policy.statements:
        if statement.effect != "Allow" or statement.fault is not None:
            continue
        given = accesses(statement)
        condition = summary(statement)
        found += [
            Grant(statement, name, kind, access, condition) for name, kind in _grantees(statement) for access in given
        ]
    return found


def accesses(statement: Statement) -> list[Access]:
    """What access to a bucket do the actions of a statement give, on the resources that it names?"""
    levels = _levels(statement)
    covered = statement.on_actions
    return [
        access
        for access, by_level in _lowered().items()
        if any(
            level in levels and covered is not None and any(covered.cover_text(action) for action in actions)
            for level, actions in by_level.items()
        )
    ]


def summary(statement: Statement) -> str:
    """The conditions of a statement, and the principals that it leaves out, in one line."""
    left_out = statement.not_principals
    said = [f"all but {', '.join(name for name, _ in _listed(left_out))}"] if left_out is not None else []
    return "; ".join(said + [test.said() for test in statement.conditions])


@lru_cache(maxsize=1)
def _lowered() -> dict[Access, dict[Level, tuple[str, ...]]]:
    return {
        access: {level: tuple(f"s3:{name.lower()}" for name in names) for level, names in by_level.items()}
        for access, by_level in ACTIONS.items()
    }


def _grantees(statement: Statement) -> list[tuple[str, GranteeKind]]:
    if statement.not_principals is not None:
        return [("*", "everybody")]
    return list(_listed(statement.principals))


def _listed(names: Names | None) -> Iterator[tuple[str, GranteeKind]]:
    if names is None:
        return
    if names.everybody:
        yield "*", "everybody"
    for one in sorted(names.aws - {"*"}):
        if re.fullmatch(r"\d{12}", one):
            yield one, "account"
        else:
            yield one, "principal" if one.startswith("arn:") else "deleted"
    for one in sorted(names.services):
        yield one, "service"
    for one in sorted(names.federated):
        yield one, "federated"
    for one in sorted(names.canonical):
        yield one, "canonical_user"


def _levels(statement: Statement) -> set[Level]:
    """Do the statement's resources take in objects, the bucket, or both?"""
    if statement.not_resources:
        left: set[Level] = {"object", "bucket"}
        for pattern in statement.not_resources:
            rest = _rest(pattern)
            if "/" not in rest:
                left.discard("bucket")
            if re.fullmatch(r"(\*|[^/*?]+/\*)", rest):
                left.discard("object")
        return left
    found: set[Level] = set()
    for pattern in statement.resources or ("*",):
        rest = _rest(pattern)
        if "/" not in rest:
            found.add("bucket")
        if "/" in rest or "*" in rest:
            found.add("object")
    return found


def _rest(pattern: str) -> str:
    """What follows the fifth colon, an access point's ARN brought to the shape of a bucket's."""
    parts = pattern.split(":", 5)
    rest = parts[5] if len(parts) == 6 else "*" if "*" in pattern else pattern
    point = re.fullmatch(r"accesspoint/([^/]+)(?:/object(/.*))?", rest, re.DOTALL)
    return point[1] + (point[2] or "") if point else rest
