"""Which call changes which setting, and to what? One act for each call, the settings named as configuration asks for them.

Source: CloudTrail User Guide and S3 User Guide, "Amazon S3 CloudTrail events"; S3 API Reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ir_kit.configuration import request_parameters as bodies
from ir_kit.configuration.request_parameters import JSON, held, text

Row = Mapping[str, Any]
BLOCKS_SINCE = datetime(
    2023, 4, 28, tzinfo=UTC
)  # by then every Region gave new buckets Block Public Access and disabled ACLs


class Setting(NamedTuple):
    """What configuration asks for: a call and its subject."""

    service: str
    operation: str
    subject: tuple[tuple[str, str], ...]


class Content(NamedTuple):
    """What configuration would answer: a response, or the error that says that nothing is set. Neither: not known."""

    response: JSON | None = None
    error_code: str | None = None

    @property
    def known(self) -> bool:
        return self.response is not None or self.error_code is not None


UNKNOWN = Content()


@dataclass(frozen=True)
class Act:
    """What a call sets, or would have set."""

    path: str  # as in bucket_exposure/grants, or the guard: block_public_access, ownership_controls
    scope: str
    bucket: str | None
    target: str | None
    content: Content = UNKNOWN
    setting: Setting | None = None
    also: Mapping[Setting, Content] = field(default_factory=dict)  # what else it sets, or makes unknown


def of_bucket(operation: str, bucket: str) -> Setting:
    """The setting of a bucket that a call asks for."""
    return Setting("s3", operation, (("Bucket", bucket),))


def of_account(account: str | None) -> Setting:
    """An account's Block Public Access."""
    return Setting("s3control", "GetPublicAccessBlock", (("AccountId", str(account)),))


def act_of(row: Row, owner: str | None = None) -> Act | None:
    """What does this call set? None where it sets nothing that could be told apart.

    Parameters
    ----------
    row : mapping
        Of the question ``bucket_exposure/acts``.
    owner : str, optional
        The canonical id of the bucket's owner, for ACLs that are named.
    """
    parameters = _object(row["request_parameters"])
    name, bucket = str(row["event_name"]), row["bucket"]
    if name in ("PutPublicAccessBlock", "DeletePublicAccessBlock") and not bucket:
        name = name.replace("Public", "AccountPublic", 1)
    if name in _ACCOUNT:
        account = row["recipient_account_id"]
        content = _set(name, bodies.public_access_block(parameters), "NoSuchPublicAccessBlockConfiguration")
        return Act("block_public_access", "account", None, account, content, of_account(account))
    if name in _ACCESS_POINTS or name.startswith(("PutMulti", "CreateMulti", "DeleteMulti")):
        return _access_point(name, row, parameters)
    if "AccessGrant" in name:
        return _access_grant(name, row, parameters)
    if not bucket:
        return None
    if name in _SIMPLE:
        path, operation, body, absent = _SIMPLE[name]
        content = _set(name, body(parameters), absent)
        also = {of_bucket("GetBucketPolicyStatus", bucket): UNKNOWN} if path == "policy" else {}
        return Act(path, "bucket", bucket, None, content, of_bucket(operation, bucket), also)
    if name in _DELIVERIES:
        path, operation, body_name = _DELIVERIES[name]
        content = _set(name, bodies.delivery(parameters, body_name), None)
        return Act(path, "bucket", bucket, text(held(parameters, "id")), content, of_bucket(operation, bucket))
    if name == "PutBucketAcl":
        content = Content(bodies.acl(parameters, owner))
        return Act("acl", "bucket", bucket, None, content, of_bucket("GetBucketAcl", bucket))
    if name == "CreateBucket":
        return _new_bucket(row, parameters, owner)
    key = row["key"]
    if not key:
        return None
    setting = Setting("s3", "GetObjectAcl", (("Bucket", bucket), ("Key", key)))
    return Act("object_acl", "object", bucket, key, Content(bodies.acl(parameters, owner)), setting)


def _set(name: str, body: JSON | None, absent: str | None) -> Content:
    if name.startswith("Delete"):
        return Content(None, absent) if absent else UNKNOWN
    return Content(body)


def _new_bucket(row: Row, parameters: JSON, owner: str | None) -> Act:
    """A bucket starts with nothing set, and since April 2023 with public access blocked and ACLs disabled."""
    bucket = row["bucket"]
    guarded = row["event_time"] >= BLOCKS_SINCE
    flags: JSON = {"PublicAccessBlockConfiguration": dict.fromkeys(bodies.FLAGS, True)}
    ruled = bodies.ownership(parameters) or (
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}} if guarded else None
    )
    content = Content(bodies.acl(parameters, owner) or bodies.acl({"x-amz-acl": "private"}, owner))
    none = {operation: Content(None, absent) for _, operation, _, absent in _SIMPLE.values() if operation in _EMPTY}
    none["GetPublicAccessBlock"] = Content(flags) if guarded else Content(None, "NoSuchPublicAccessBlockConfiguration")
    none["GetBucketOwnershipControls"] = Content(ruled) if ruled else Content(None, "OwnershipControlsNotFoundError")
    none["ListBucketInventoryConfigurations"] = Content({})
    none["ListBucketAnalyticsConfigurations"] = Content({})
    also = {of_bucket(operation, bucket): said for operation, said in none.items()}
    return Act("acl", "bucket", bucket, None, content, of_bucket("GetBucketAcl", bucket), also)


def _access_point(name: str, row: Row, parameters: JSON) -> Act:
    point = text(held(parameters, "name"))
    multi = "MultiRegion" in name
    path = "multi_region_access_point" if multi else "access_point"
    bucket = text(held(parameters, "Bucket")) or row["bucket"]
    setting: Setting | None = None
    content = UNKNOWN
    also: dict[Setting, Content] = {}
    if point and not multi and "Lambda" not in name:
        short = point.rpartition("/")[2]
        account = text(held(parameters, "accountId")) or row["recipient_account_id"]
        subject = (("AccountId", str(account)), ("Name", short))
        setting = Setting("s3control", "GetAccessPointPolicy", subject)
        also[Setting("s3control", "GetAccessPointPolicyStatus", subject)] = UNKNOWN
        if name == "CreateAccessPoint":
            content = Content(None, "NoSuchAccessPointPolicy")
    if name.startswith("Put"):
        content = Content(bodies.policy(parameters))
    elif name == "DeleteAccessPointPolicy":
        content = Content(None, "NoSuchAccessPointPolicy")
    elif name == "DeleteAccessPoint":
        setting, also = None, {}
    return Act(path, "access_point", bucket, point, content, setting, also)


def _access_grant(name: str, row: Row, parameters: JSON) -> Act:
    answer = _object(row["response_elements"])
    where = text(held(answer, "GrantScope")) or text(held(parameters, "S3SubPrefix"))
    whom = text(held(parameters, "GranteeIdentifier")) or text(held(answer, "GranteeIdentifier"))
    bucket = where.removeprefix("s3://").partition("/")[0] if where and where.startswith("s3://") else None
    grant = (
        text(held(answer, "AccessGrantId")) or text(held(parameters, "id")) or text(held(parameters, "AccessGrantId"))
    )
    right = text(held(parameters, "Permission")) or text(held(answer, "Permission"))
    if name.startswith("PutAccessGrantsInstance"):
        return Act("access_grant", "account", None, row["recipient_account_id"], Content(bodies.policy(parameters)))
    told = Content({"Grantee": whom, "Permission": right, "GrantScope": where}) if whom else UNKNOWN
    return Act("access_grant", "bucket" if bucket else "account", bucket, grant or whom, told)


def _object(said: Any) -> JSON:
    try:
        found = json.loads(said or "{}", strict=False)
    except (ValueError, RecursionError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


_Simple = tuple[str, str, Callable[[Any], JSON | None], str]
_PAB, _OWN = "NoSuchPublicAccessBlockConfiguration", "OwnershipControlsNotFoundError"


def _nothing(_: Any) -> None:
    return None


_SIMPLE: dict[str, _Simple] = {
    "PutBucketPolicy": ("policy", "GetBucketPolicy", bodies.policy, "NoSuchBucketPolicy"),
    "DeleteBucketPolicy": ("policy", "GetBucketPolicy", _nothing, "NoSuchBucketPolicy"),
    "PutBucketPublicAccessBlock": ("block_public_access", "GetPublicAccessBlock", bodies.public_access_block, _PAB),
    "DeleteBucketPublicAccessBlock": ("block_public_access", "GetPublicAccessBlock", _nothing, _PAB),
    "PutPublicAccessBlock": ("block_public_access", "GetPublicAccessBlock", bodies.public_access_block, _PAB),
    "DeletePublicAccessBlock": ("block_public_access", "GetPublicAccessBlock", _nothing, _PAB),
    "PutBucketOwnershipControls": ("ownership_controls", "GetBucketOwnershipControls", bodies.ownership, _OWN),
    "DeleteBucketOwnershipControls": ("ownership_controls", "GetBucketOwnershipControls", _nothing, _OWN),
    "PutBucketWebsite": ("website", "GetBucketWebsite", bodies.website, "NoSuchWebsiteConfiguration"),
    "DeleteBucketWebsite": ("website", "GetBucketWebsite", _nothing, "NoSuchWebsiteConfiguration"),
    "PutBucketCors": ("cors", "GetBucketCors", bodies.cors, "NoSuchCORSConfiguration"),
    "DeleteBucketCors": ("cors", "GetBucketCors", _nothing, "NoSuchCORSConfiguration"),
    "PutBucketReplication": (
        "replication", "GetBucketReplication", bodies.replication, "ReplicationConfigurationNotFoundError",
    ),
    "DeleteBucketReplication": (
        "replication", "GetBucketReplication", _nothing, "ReplicationConfigurationNotFoundError",
    ),
}  # fmt: skip
_EMPTY = {"GetBucketPolicy", "GetBucketWebsite", "GetBucketCors", "GetBucketReplication"}
_INVENTORY = ("inventory", "ListBucketInventoryConfigurations", "InventoryConfiguration")
_ANALYTICS = ("analytics", "ListBucketAnalyticsConfigurations", "AnalyticsConfiguration")
_DELIVERIES = {
    f"{verb}{middle}{kind}Configuration": of
    for verb in ("Put", "Delete")
    for middle in ("Bucket", "")
    for kind, of in (("Inventory", _INVENTORY), ("Analytics", _ANALYTICS))
}
_ACCOUNT = {"PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock"}
_ACCESS_POINTS = {
    "CreateAccessPoint", "DeleteAccessPoint", "PutAccessPointPolicy", "DeleteAccessPointPolicy",
    "CreateAccessPointForObjectLambda", "PutAccessPointPolicyForObjectLambda",
}  # fmt: skip
# what the answers to reads that find nothing are about
ASKED = {
    "GetBucketPolicy": "GetBucketPolicy",
    "GetBucketPolicyStatus": "GetBucketPolicy",
    "GetBucketPublicAccessBlock": "GetPublicAccessBlock",
    "GetPublicAccessBlock": "GetPublicAccessBlock",
    "GetBucketWebsite": "GetBucketWebsite",
    "GetBucketCors": "GetBucketCors",
    "GetBucketReplication": "GetBucketReplication",
    "GetBucketOwnershipControls": "GetBucketOwnershipControls",
}
