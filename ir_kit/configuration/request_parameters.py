"""What a call asks S3 to set, in the form in which the answer would read that configuration gives afterwards.

An ACL may come as a name (``public-read``), as headers, or in full.

Source: CloudTrail records of S3; S3 User Guide, "Canned ACL"; S3 API Reference, the calls by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ir_kit.domain.documents import JSON, mapping, mappings, value_of, values_of

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
# what each named ACL grants to others than the owner of the bucket
CANNED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "private": (),
    "bucket-owner-read": (),
    "bucket-owner-full-control": (),
    "public-read": ((ALL_USERS, "READ"),),
    "public-read-write": ((ALL_USERS, "READ"), (ALL_USERS, "WRITE")),
    "authenticated-read": ((AUTHENTICATED_USERS, "READ"),),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
}
_HEADERS = {
    "x-amz-grant-read": "READ", "x-amz-grant-write": "WRITE", "x-amz-grant-read-acp": "READ_ACP",
    "x-amz-grant-write-acp": "WRITE_ACP", "x-amz-grant-full-control": "FULL_CONTROL",
}  # fmt: skip
_NAMED = re.compile(r'(id|uri|emailaddress)\s*=\s*"?([^",]+)"?', re.IGNORECASE)
_KINDS = {"id": "ID", "uri": "URI", "emailaddress": "EmailAddress"}


def text(value: Any) -> str | None:
    """A value that old records wrap in a list."""
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value is None or isinstance(value, Mapping) else str(value)


def policy(parameters: JSON) -> JSON | None:
    """The policy that a call puts on a bucket or an access point."""
    for value in (*values_of(parameters, "bucketPolicy"), *values_of(parameters, "Policy")):
        document = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(document, Mapping) and "Statement" in document:
            return {"Policy": json.dumps(document, sort_keys=True)}
        if isinstance(document, str) and document.strip().startswith("{"):
            return {"Policy": document}
    return None


def public_access_block(parameters: JSON) -> JSON | None:
    """The four settings; one that a call leaves out is off."""
    value = mapping(value_of(parameters, "PublicAccessBlockConfiguration"))
    return {"PublicAccessBlockConfiguration": {flag: _yes(value.get(flag, False)) for flag in FLAGS}} if value else None


def ownership(parameters: JSON) -> JSON | None:
    """The rule of ownership."""
    rule = text(value_of(parameters, "ObjectOwnership") or value_of(parameters, "x-amz-object-ownership"))
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": rule}]}} if rule else None


def website(parameters: JSON) -> JSON | None:
    """The website's configuration."""
    value = mapping(value_of(parameters, "WebsiteConfiguration"))
    return {name: part for name, part in value.items() if not str(name).startswith("xmlns")} if value else None


def cors(parameters: JSON) -> JSON | None:
    """The rules for other origins."""
    value, names = mapping(value_of(parameters, "CORSConfiguration")), ("AllowedMethod", "AllowedOrigin")
    given = _many(value, "CORSRule")
    rules = [{f"{name}s": _texts(rule.get(name) or rule.get(f"{name}s")) for name in names} for rule in given]
    return {"CORSRules": rules} if value else None


def replication(parameters: JSON) -> JSON | None:
    """The rules of replication."""
    value = mapping(value_of(parameters, "ReplicationConfiguration"))
    rules = _many(value, "Rule")
    return {"ReplicationConfiguration": {"Role": value.get("Role"), "Rules": rules}} if rules else None


def versioning(parameters: JSON) -> JSON | None:
    """Whether versions are kept, by its status."""
    status = text(value_of(value_of(parameters, "VersioningConfiguration"), "Status"))
    return {"Status": status} if status else None


def lifecycle(parameters: JSON) -> JSON | None:
    """The lifecycle rules."""
    value = mapping(value_of(parameters, "LifecycleConfiguration"))
    return {"Rules": _many(value, "Rule")} if value else None


def delivery(parameters: JSON, name: str) -> JSON | None:
    """One inventory or one analysis, with where it is delivered."""
    value = mapping(value_of(parameters, name))
    on = {"IsEnabled": _yes(value["IsEnabled"])} if "IsEnabled" in value else {}
    return {f"{name}List": [value | on]} if value else None


def acl(parameters: JSON, owner: str | None) -> JSON | None:
    """The grants of an ACL, be it by name, by headers or in full; None where the call carries none that can be read."""
    answer: JSON = {"Owner": {"ID": owner}} if owner else {}
    canned = text(value_of(parameters, "x-amz-acl"))
    if canned is not None:
        if canned not in CANNED:
            return None
        grants = [{"Grantee": {"Type": "Group", "URI": uri}, "Permission": right} for uri, right in CANNED[canned]]
        return answer | {"Grants": grants}
    by_header = [
        {"Grantee": {_KINDS[kind.lower()]: value}, "Permission": right}
        for header, right in _HEADERS.items()
        for kind, value in _NAMED.findall(text(value_of(parameters, header)) or "")
    ]
    if by_header:
        return answer | {"Grants": by_header}
    listed, whole = value_of(parameters, "AccessControlList"), value_of(parameters, "AccessControlPolicy")
    if not isinstance(listed, Mapping) and not isinstance(whole, Mapping):
        return None
    own = text(value_of(value_of(whole, "Owner"), "ID"))
    return ({"Owner": {"ID": own}} if own else answer) | {"Grants": _many(mapping(listed), "Grant")}


def _many(value: JSON, name: str) -> list[JSON]:
    return mappings(value.get(name) or value.get(f"{name}s"))


def _texts(value: Any) -> list[str]:
    return [str(entry) for entry in (value if isinstance(value, list) else [value]) if entry not in (None, "")]


def _yes(value: Any) -> Any:
    return {"true": True, "false": False}.get(str(value).lower(), value)
