"""Which call changes which setting, and to what? The settings are named as configuration asks for them.

Source: CloudTrail User Guide and S3 User Guide, "Amazon S3 CloudTrail events"; S3 API Reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ir_kit.configuration import request_parameters as bodies
from ir_kit.configuration.collected_answers import NOTHING_SET, Answer, Setting, setting_of
from ir_kit.configuration.request_parameters import text
from ir_kit.domain.documents import JSON, mapping, value_of

Row = Mapping[str, Any]
# by then every Region gave new buckets Block Public Access and disabled ACLs
BLOCKS_SINCE = datetime(2023, 4, 28, tzinfo=UTC)
PRIVATE: JSON = {"x-amz-acl": "private"}


@dataclass(frozen=True)
class ConfigChange:
    """What a call sets, or would have set had it not failed."""

    event: Row
    moment: datetime  # the event's time; calls of one second in their order
    path: str  # as in bucket_exposure/grants, or what guards: block_public_access, ownership_controls
    scope: str
    bucket: str | None
    target: str | None
    content: Answer
    setting: Setting | None = None
    also: Mapping[Setting, Answer] = field(default_factory=dict)  # what else it sets, or makes unknown

    @property
    def succeeded(self) -> bool:
        return self.event["error_code"] is None


Change = Callable[..., ConfigChange]  # its path, scope, bucket, target, content, setting, also


def of_bucket(operation: str, bucket: str) -> Setting:
    """The setting of a bucket that a call asks for."""
    return setting_of("s3", operation, Bucket=bucket)


def of_account(account: str | None) -> Setting:
    """An account's Block Public Access."""
    return setting_of("s3control", "GetPublicAccessBlock", AccountId=str(account))


def answered(operation: str, body: JSON | None) -> Answer:
    """The answer to a call once this body is set; not known where there is none that can be read."""
    return Answer(operation) if body is None else Answer(operation, "answered", body)


def absent(operation: str) -> Answer:
    """The answer to a call where nothing is set."""
    return Answer(operation, "absent", {}, NOTHING_SET[operation][0])


def change_of(event: Row, moment: datetime, owner: str | None = None) -> ConfigChange | None:
    """What does this call set? None where it sets nothing that can be told.

    Parameters
    ----------
    event : mapping
        A row of the question ``configuration/change_events``.
    moment : datetime
        When it took effect among the calls of its second.
    owner : str, optional
        The canonical id of the bucket's owner, for ACLs that are named.
    """
    parameters, bucket = mapping(event["request_parameters"]), event["bucket"]
    name, account = str(event["event_name"]), event["recipient_account_id"]
    verb = next(verb for verb in ("Put", "Delete", "Create", "") if name.startswith(verb))
    noun = name.removeprefix(verb)
    change = partial(ConfigChange, event, moment)
    if noun == "AccountPublicAccessBlock" or (noun == "PublicAccessBlock" and not bucket):
        setting, body = of_account(account), bodies.public_access_block(parameters)
        content = absent(setting.operation) if verb == "Delete" else answered(setting.operation, body)
        return change("block_public_access", "account", None, account, content, setting)
    if "AccessPoint" in noun:
        return _access_point(change, event, verb, noun, parameters)
    if "AccessGrant" in noun:
        return _access_grant(change, event, noun, parameters)
    if not bucket:
        return None
    if noun in _OF_BUCKET:
        path, operation, body_of = _OF_BUCKET[noun]
        content = absent(operation) if verb == "Delete" else answered(operation, body_of(parameters))
        status = "GetBucketPolicyStatus"
        also = {of_bucket(status, bucket): Answer(status)} if path == "policy" else {}
        return change(path, "bucket", bucket, None, content, of_bucket(operation, bucket), also)
    for kind in ("Inventory", "Analytics"):
        if noun in (f"Bucket{kind}Configuration", f"{kind}Configuration"):
            operation = f"ListBucket{kind}Configurations"
            content = answered(operation, bodies.delivery(parameters, f"{kind}Configuration"))
            target = text(value_of(parameters, "id"))
            return change(kind.lower(), "bucket", bucket, target, content, of_bucket(operation, bucket))
    if noun == "BucketAcl":
        content = answered("GetBucketAcl", bodies.acl(parameters, owner))
        return change("acl", "bucket", bucket, None, content, of_bucket("GetBucketAcl", bucket))
    if name == "CreateBucket":
        return _new_bucket(change, bucket, parameters, owner, event["event_time"] >= BLOCKS_SINCE)
    if not event["key"]:
        return None
    content = answered("GetObjectAcl", bodies.acl(parameters, owner))
    if verb == "Delete":
        content = Answer("GetObjectAcl", "absent", {}, "NoSuchKey")
    elif noun != "ObjectAcl" and not content.known:
        content = answered("GetObjectAcl", bodies.acl(PRIVATE, owner))
    of_object = setting_of("s3", "GetObjectAcl", Bucket=bucket, Key=event["key"])
    return change("object_acl", "object", bucket, event["key"], content, of_object)


def _new_bucket(change: Change, bucket: str, parameters: JSON, owner: str | None, guarded: bool) -> ConfigChange:
    """A bucket starts with nothing set, and since April 2023 with public access blocked and ACLs disabled."""
    none = BUCKET_SETTINGS & set(NOTHING_SET) - {"GetBucketPolicyStatus"}
    starts = {operation: absent(operation) for operation in none}
    lists = ("GetBucketVersioning", "ListBucketInventoryConfigurations", "ListBucketAnalyticsConfigurations")
    starts |= {operation: answered(operation, {}) for operation in lists}
    rule = bodies.ownership(parameters)
    if guarded:
        flags = {"PublicAccessBlockConfiguration": dict.fromkeys(bodies.FLAGS, True)}
        starts["GetPublicAccessBlock"] = answered("GetPublicAccessBlock", flags)
        rule = rule or bodies.ownership({"ObjectOwnership": "BucketOwnerEnforced"})
    if rule:
        starts["GetBucketOwnershipControls"] = answered("GetBucketOwnershipControls", rule)
    also = {of_bucket(operation, bucket): answer for operation, answer in starts.items()}
    content = answered("GetBucketAcl", bodies.acl(parameters, owner) or bodies.acl(PRIVATE, owner))
    return change("acl", "bucket", bucket, None, content, of_bucket("GetBucketAcl", bucket), also)


def _access_point(change: Change, event: Row, verb: str, noun: str, parameters: JSON) -> ConfigChange:
    point, operation = text(value_of(parameters, "name")), "GetAccessPointPolicy"
    content = answered(operation, bodies.policy(parameters)) if verb == "Put" else Answer(operation)
    setting, also = None, {}
    if point and noun in ("AccessPoint", "AccessPointPolicy") and (verb, noun) != ("Delete", "AccessPoint"):
        account = text(value_of(parameters, "accountId")) or event["recipient_account_id"]
        about = {"AccountId": str(account), "Name": point.rpartition("/")[2]}
        setting, status = (setting_of("s3control", name, **about) for name in (operation, "GetAccessPointPolicyStatus"))
        also = {status: Answer(status.operation)}
        content = content if verb == "Put" else absent(operation)
    path = "multi_region_access_point" if "MultiRegion" in noun else "access_point"
    bucket = text(value_of(parameters, "Bucket")) or event["bucket"]
    return change(path, "access_point", bucket, point, content, setting, also)


def _access_grant(change: Change, event: Row, noun: str, parameters: JSON) -> ConfigChange:
    if noun.startswith("AccessGrantsInstance"):
        content = answered("GetAccessGrantsInstanceResourcePolicy", bodies.policy(parameters))
        return change("access_grant", "account", None, event["recipient_account_id"], content)

    def named(*names: str) -> str | None:
        sources = (parameters, mapping(event["response_elements"]))
        return next((value for name in names for source in sources if (value := text(value_of(source, name)))), None)

    where, grantee = named("GrantScope", "S3SubPrefix"), named("GranteeIdentifier")
    bucket = where.removeprefix("s3://").partition("/")[0] if where and where.startswith("s3://") else None
    body = {"Grantee": grantee, "Permission": named("Permission"), "GrantScope": where} if grantee else None
    target, scope = named("AccessGrantId", "id") or grantee, "bucket" if bucket else "account"
    return change("access_grant", scope, bucket, target, answered("GetAccessGrant", body))


_Settings = tuple[str, str, Callable[[JSON], JSON | None]]
_BLOCK: _Settings = ("block_public_access", "GetPublicAccessBlock", bodies.public_access_block)
_LIFECYCLE: _Settings = ("lifecycle", "GetBucketLifecycleConfiguration", bodies.lifecycle)
# what a call puts on or takes from a bucket: the path, the call that asks for it, and its body
_OF_BUCKET: dict[str, _Settings] = {
    "BucketPolicy": ("policy", "GetBucketPolicy", bodies.policy),
    "BucketPublicAccessBlock": _BLOCK,
    "PublicAccessBlock": _BLOCK,
    "BucketOwnershipControls": ("ownership_controls", "GetBucketOwnershipControls", bodies.ownership),
    "BucketWebsite": ("website", "GetBucketWebsite", bodies.website),
    "BucketCors": ("cors", "GetBucketCors", bodies.cors),
    "BucketReplication": ("replication", "GetBucketReplication", bodies.replication),
    "BucketVersioning": ("versioning", "GetBucketVersioning", bodies.versioning),
    "BucketLifecycle": _LIFECYCLE,
    "BucketLifecycleConfiguration": _LIFECYCLE,
}
BUCKET_SETTINGS = {
    "GetBucketPolicyStatus", "GetBucketAcl", "ListBucketInventoryConfigurations", "ListBucketAnalyticsConfigurations",
    *(operation for _, operation, _ in _OF_BUCKET.values()),
}  # fmt: skip
