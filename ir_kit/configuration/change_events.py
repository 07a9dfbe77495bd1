"""Which call changes which setting, and to what? Settings and their contents are as configuration gives them.

Source: CloudTrail User Guide and S3 User Guide, "Amazon S3 CloudTrail events", "Canned ACL", "Lifecycle configuration
elements"; S3 API Reference, the calls by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from ir_kit.configuration.collected_answers import NOTHING_SET, Answer, Row, Setting, Subject, access_point, setting_of
from ir_kit.domain.documents import JSON, mapping, mappings, value_of, values_of

# by then every Region gave new buckets Block Public Access and disabled ACLs
BLOCKS_SINCE = datetime(2023, 4, 28, tzinfo=UTC)
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# what each named ACL grants to others than the owner of the bucket
CANNED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "private": (), "bucket-owner-read": (), "bucket-owner-full-control": (),
    "public-read": ((ALL_USERS, "READ"),), "public-read-write": ((ALL_USERS, "READ"), (ALL_USERS, "WRITE")),
    "authenticated-read": ((AUTHENTICATED_USERS, "READ"),),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
}  # fmt: skip
PRIVATE: JSON = {"x-amz-acl": "private"}
_HEADERS = {
    "x-amz-grant-read": "READ", "x-amz-grant-write": "WRITE", "x-amz-grant-read-acp": "READ_ACP",
    "x-amz-grant-write-acp": "WRITE_ACP", "x-amz-grant-full-control": "FULL_CONTROL",
}  # fmt: skip
_NAMED = re.compile(r'(id|uri|emailaddress)\s*=\s*"?([^",]+)"?', re.IGNORECASE)
_KINDS = {"id": "ID", "uri": "URI", "emailaddress": "EmailAddress"}
# what a call puts on a bucket or takes from it: the path, the call that asks for it, and where in the parameters it is
_LIFECYCLE = ("lifecycle", "GetBucketLifecycleConfiguration", "LifecycleConfiguration")
_SETTINGS = {
    "Policy": ("policy", "GetBucketPolicy", ""), "Acl": ("acl", "GetBucketAcl", ""),
    "PublicAccessBlock": ("block_public_access", "GetPublicAccessBlock", "PublicAccessBlockConfiguration"),
    "OwnershipControls": ("ownership_controls", "GetBucketOwnershipControls", ""),
    "Website": ("website", "GetBucketWebsite", "WebsiteConfiguration"),
    "Cors": ("cors", "GetBucketCors", "CORSConfiguration"),
    "Replication": ("replication", "GetBucketReplication", "ReplicationConfiguration"),
    "Versioning": ("versioning", "GetBucketVersioning", "VersioningConfiguration"),
    "Lifecycle": _LIFECYCLE, "LifecycleConfiguration": _LIFECYCLE,
    "InventoryConfiguration": ("inventory", "ListBucketInventoryConfigurations", "InventoryConfiguration"),
    "AnalyticsConfiguration": ("analytics", "ListBucketAnalyticsConfigurations", "AnalyticsConfiguration"),
}  # fmt: skip
_ELEMENTS = {operation: element for _, operation, element in _SETTINGS.values()}
BUCKET_SETTINGS = {"GetBucketPolicyStatus", *_ELEMENTS}


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
    access_point: Subject = ()

    @property
    def succeeded(self) -> bool:
        return self.event["error_code"] is None


Change = Callable[..., ConfigChange]  # its path, scope, bucket, target, content, setting, also


def answered(operation: str, body: JSON | None) -> Answer:
    """The answer to a call once this body is set; not known where there is none that can be read."""
    return Answer(operation) if body is None else Answer(operation, "answered", body)


def absent(operation: str) -> Answer:
    """The answer to a call where nothing is set."""
    return Answer(operation, "absent", {}, NOTHING_SET[operation][0])


def change_of(event: Row, moment: datetime, owner: str | None = None) -> ConfigChange | None:
    """What does this row of ``configuration/change_events`` set? None where it sets nothing that can be told.

    Parameters
    ----------
    moment : datetime
        When it took effect among the calls of its second.
    owner : str, optional
        The canonical id of the bucket's owner, for ACLs that are named.
    """
    parameters, bucket, key = mapping(event["request_parameters"]), event["bucket"], event["key"]
    name, account = str(event["event_name"]), event["recipient_account_id"]
    verb = next(verb for verb in ("Put", "Delete", "Create", "") if name.startswith(verb))
    noun, is_delete = name.removeprefix(verb), verb == "Delete"
    change = partial(ConfigChange, event, moment)
    if noun == "AccountPublicAccessBlock" or (noun == "PublicAccessBlock" and not bucket):
        operation = "GetPublicAccessBlock"
        content = absent(operation) if is_delete else answered(operation, body_of(operation, parameters))
        setting = setting_of("s3control", operation, AccountId=str(account))
        return change("block_public_access", "account", None, account, content, setting)
    if "AccessPoint" in noun:
        return access_point_change(change, event, verb, noun, parameters)
    if "AccessGrant" in noun:
        return access_grant_change(change, event, noun, parameters)
    if bucket and name == "CreateBucket":
        return bucket_creation(change, bucket, parameters, owner, event["event_time"] >= BLOCKS_SINCE)
    if bucket and (given := _SETTINGS.get(noun.removeprefix("Bucket"))):
        path, operation, _ = given
        content = answered(operation, body_of(operation, parameters, owner))
        content = absent(operation) if is_delete and operation in NOTHING_SET else content
        setting, status = setting_of("s3", operation, Bucket=bucket), Answer("GetBucketPolicyStatus")
        also = {setting._replace(operation=status.operation): status} if path == "policy" else {}
        target = text(value_of(parameters, "id")) if path in ("inventory", "analytics") else None
        return change(path, "bucket", bucket, target, content, setting, also)
    if not bucket or not key:
        return None
    body = acl(parameters, owner) or (acl(PRIVATE, owner) if noun != "ObjectAcl" else None)
    content = Answer("GetObjectAcl", "absent", {}, "NoSuchKey") if is_delete else answered("GetObjectAcl", body)
    setting = setting_of("s3", "GetObjectAcl", Bucket=bucket, Key=key)
    return change("object_acl", "object", bucket, key, content, setting)


def bucket_creation(change: Change, bucket: str, parameters: JSON, owner: str | None, guarded: bool) -> ConfigChange:
    """A bucket starts with nothing set, and since April 2023 with public access blocked and ACLs disabled."""
    bodies: dict[str, JSON | None] = {operation: None if operation in NOTHING_SET else {} for operation in _ELEMENTS}
    bodies["GetBucketAcl"] = acl(parameters, owner) or acl(PRIVATE, owner)
    bodies["GetBucketOwnershipControls"] = body_of("GetBucketOwnershipControls", parameters)
    if guarded:
        rule = body_of("GetBucketOwnershipControls", {"ObjectOwnership": "BucketOwnerEnforced"})
        bodies["GetBucketOwnershipControls"] = bodies["GetBucketOwnershipControls"] or rule
        bodies["GetPublicAccessBlock"] = {"PublicAccessBlockConfiguration": dict.fromkeys(FLAGS, True)}
    starts = {
        setting_of("s3", operation, Bucket=bucket): absent(operation) if body is None else answered(operation, body)
        for operation, body in bodies.items()
    }
    setting = setting_of("s3", "GetBucketAcl", Bucket=bucket)
    return change("acl", "bucket", bucket, None, starts.pop(setting), setting, starts)


def access_point_change(change: Change, event: Row, verb: str, noun: str, parameters: JSON) -> ConfigChange:
    """An access point that is made or deleted, or its policy."""
    name, operation, status = text(value_of(parameters, "name")), "GetAccessPointPolicy", "GetAccessPointPolicyStatus"
    account = text(value_of(parameters, "accountId")) or event["recipient_account_id"]
    point = access_point(name, account, event["aws_region"])
    content, setting, also = answered(operation, policy(parameters)), None, {}
    if name and noun in ("AccessPoint", "AccessPointPolicy") and (verb, noun) != ("Delete", "AccessPoint"):
        setting = Setting("s3control", operation, point)
        also = {setting._replace(operation=status): Answer(status)}
    if verb != "Put":
        content = absent(operation) if setting else Answer(operation)
    path = "multi_region_access_point" if "MultiRegion" in noun else "access_point"
    bucket = text(value_of(parameters, "Bucket")) or event["bucket"]
    return change(path, "access_point", bucket, name, content, setting, also, point)


def access_grant_change(change: Change, event: Row, noun: str, parameters: JSON) -> ConfigChange:
    """A grant of S3 Access Grants, or the policy of their instance."""
    if noun.startswith("AccessGrantsInstance"):
        content = answered("GetAccessGrantsInstanceResourcePolicy", policy(parameters))
        return change("access_grant", "account", None, event["recipient_account_id"], content)
    names = ("GrantScope", "S3SubPrefix", "GranteeIdentifier", "Permission", "AccessGrantId", "id")
    record = {"parameters": parameters, "response": mapping(event["response_elements"])}
    where, prefix, grantee, permission, target, number = (text(value_of(record, name)) for name in names)
    where = where or prefix
    bucket = where.removeprefix("s3://").partition("/")[0] if where and where.startswith("s3://") else None
    body = {"Grantee": grantee, "Permission": permission, "GrantScope": where} if grantee else None
    scope, content = "bucket" if bucket else "account", answered("GetAccessGrant", body)
    return change("access_grant", scope, bucket, target or number or grantee, content)


def body_of(operation: str, parameters: JSON, owner: str | None = None) -> JSON | None:
    """What a call asks S3 to set, as the call that asks for it answers then; None where that cannot be read."""
    if operation == "GetBucketPolicy":
        return policy(parameters)
    if operation == "GetBucketAcl":
        return acl(parameters, owner)
    if operation == "GetBucketOwnershipControls":
        rule = text(value_of(parameters, "ObjectOwnership") or value_of(parameters, "x-amz-object-ownership"))
        return {"OwnershipControls": {"Rules": [{"ObjectOwnership": rule}]}} if rule else None
    element = _ELEMENTS[operation]
    value = mapping(value_of(parameters, element))
    rules = listed(value, "Rule")
    if not value or (operation == "GetBucketReplication" and not rules):
        return None
    match operation:
        case "GetPublicAccessBlock":  # a flag that a call leaves out is off
            return {element: {flag: switch(value.get(flag, False)) for flag in FLAGS}}
        case "GetBucketWebsite":
            return {name: part for name, part in value.items() if not str(name).startswith("xmlns")}
        case "GetBucketCors":
            names = ("AllowedMethod", "AllowedOrigin")
            given = listed(value, "CORSRule")
            return {"CORSRules": [{f"{n}s": texts(rule.get(n) or rule.get(f"{n}s")) for n in names} for rule in given]}
        case "GetBucketReplication":
            return {element: {"Role": value.get("Role"), "Rules": rules}}
        case "GetBucketVersioning":
            return {"Status": status} if (status := text(value_of(value, "Status"))) else None
        case "GetBucketLifecycleConfiguration":
            return {"Rules": rules}
    enabled = {"IsEnabled": switch(value["IsEnabled"])} if "IsEnabled" in value else {}
    return {f"{element}List": [value | enabled]}


def policy(parameters: JSON) -> JSON | None:
    """The policy that a call puts on a bucket or an access point."""
    for value in (*values_of(parameters, "bucketPolicy"), *values_of(parameters, "Policy")):
        document = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(document, Mapping) and "Statement" in document:
            return {"Policy": json.dumps(document, sort_keys=True)}
        if isinstance(document, str) and document.strip().startswith("{"):
            return {"Policy": document}
    return None


def acl(parameters: JSON, owner: str | None) -> JSON | None:
    """The grants of an ACL, be it by name, by headers or in full; None where the call carries none that can be read."""
    answer: JSON = {"Owner": {"ID": owner}} if owner else {}
    canned = text(value_of(parameters, "x-amz-acl"))
    if canned is not None and canned not in CANNED:
        return None
    groups = CANNED[canned] if canned is not None else ()
    grants = [{"Grantee": {"Type": "Group", "URI": uri}, "Permission": right} for uri, right in groups]
    for header, right in _HEADERS.items() if canned is None else ():
        named = _NAMED.findall(text(value_of(parameters, header)) or "")
        grants += [{"Grantee": {_KINDS[kind.lower()]: grantee}, "Permission": right} for kind, grantee in named]
    if grants or canned is not None:
        return answer | {"Grants": grants}
    full, whole = value_of(parameters, "AccessControlList"), value_of(parameters, "AccessControlPolicy")
    if not isinstance(full, Mapping) and not isinstance(whole, Mapping):
        return None
    own = text(value_of(value_of(whole, "Owner"), "ID"))
    return ({"Owner": {"ID": own}} if own else answer) | {"Grants": listed(mapping(full), "Grant")}


def text(value: Any) -> str | None:
    """A value that old records wrap in a list."""
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value is None or isinstance(value, Mapping) else str(value)


def listed(value: JSON, name: str) -> list[JSON]:
    """The entries of an element that may stand alone, by its name or by its plural."""
    return mappings(value.get(name) or value.get(f"{name}s"))


def switch(value: Any) -> Any:
    """True or false where a text says so."""
    return {"true": True, "false": False}.get(str(value).lower(), value)


def texts(value: Any) -> list[str]:
    """The texts of a list, or one that stands alone."""
    return [str(entry) for entry in (value if isinstance(value, list) else [value]) if entry not in (None, "")]


class ExpiryRule(NamedTuple):
    """An enabled lifecycle rule: what it is for, when it expires objects, and the first of objects and old versions."""

    prefix: str
    has_tags: bool
    days: int | None
    soonest: int  # days; 0 where it names a date


def expiry_rules(content: Any) -> list[ExpiryRule]:
    """The enabled rules that expire objects or old versions, from an answer or from the body of a call."""
    inner = mapping(content).get("LifecycleConfiguration", content)
    rules = []
    for rule in mappings(inner.get("Rules") or inner.get("Rule")) if isinstance(inner, dict) else ():
        scope, expiry = mapping(rule.get("Filter")), mapping(rule.get("Expiration"))
        scope = mapping(scope.get("And")) or scope
        prefix = str(scope.get("Prefix") or rule.get("Prefix") or "").rstrip("*")
        given = (expiry.get("Days"), mapping(rule.get("NoncurrentVersionExpiration")).get("NoncurrentDays"))
        days, old = (int(str(value)) if str(value).isdecimal() else None for value in given)
        known = [0] if expiry.get("Date") else [time for time in (days, old) if time is not None]
        if rule.get("Status", "Enabled") == "Enabled" and known:
            rules.append(ExpiryRule(prefix, "Tag" in scope or "Tags" in scope, days, min(known)))
    return rules
