"""What a call asked S3 to set, as the answer would read that configuration gives afterwards.

CloudTrail writes the body of a call as JSON made from XML: what can occur many times stands alone where it occurs
once. An ACL may come as a name (``public-read``), as headers, or in full.

Source: CloudTrail records of S3; S3 User Guide, "Canned ACL"; S3 API Reference, the calls by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

JSON = dict[str, Any]
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
    "x-amz-grant-read": "READ",
    "x-amz-grant-write": "WRITE",
    "x-amz-grant-read-acp": "READ_ACP",
    "x-amz-grant-write-acp": "WRITE_ACP",
    "x-amz-grant-full-control": "FULL_CONTROL",
}
_NAMED = re.compile(r'(id|uri|emailaddress)\s*=\s*"?([^",]+)"?', re.IGNORECASE)


def held(parameters: Any, name: str) -> Any:
    """The value under a name, wherever it lies and however it is capitalised; None where it is not there."""
    return next((value for value in _every(parameters, name) if value is not None), None)


def _every(parameters: Any, name: str) -> Iterator[Any]:
    if isinstance(parameters, Mapping):
        yield from (value for key, value in parameters.items() if str(key).lower() == name.lower())
        for value in parameters.values():
            yield from _every(value, name)


def many(value: Any) -> list[JSON]:
    """What may stand alone, as a list."""
    listed = value if isinstance(value, list) else [] if value in (None, "") else [value]
    return [one for one in listed if isinstance(one, dict)]


def text(value: Any) -> str | None:
    """A value that old records wrap in a list."""
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value is None or isinstance(value, Mapping) else str(value)


def policy(parameters: Any) -> JSON | None:
    """The policy that a call puts on a bucket or an access point."""
    for value in (*_every(parameters, "bucketPolicy"), *_every(parameters, "Policy")):
        document = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(document, Mapping) and "Statement" in document:
            return {"Policy": json.dumps(document, sort_keys=True)}
        if isinstance(document, str) and document.strip().startswith("{"):
            return {"Policy": document}
    return None


def public_access_block(parameters: Any) -> JSON | None:
    """The four settings; one that a call leaves out is off."""
    value = held(parameters, "PublicAccessBlockConfiguration")
    if not isinstance(value, Mapping):
        return None
    flags = {flag: _yes(value.get(flag, False)) for flag in FLAGS}
    return {"PublicAccessBlockConfiguration": flags}


def ownership(parameters: Any) -> JSON | None:
    """The rule of ownership."""
    value = held(parameters, "ObjectOwnership") or held(parameters, "x-amz-object-ownership")
    found = text(value)
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": found}]}} if found else None


def website(parameters: Any) -> JSON | None:
    """The website's configuration."""
    value = held(parameters, "WebsiteConfiguration")
    if not isinstance(value, Mapping):
        return None
    return {name: part for name, part in value.items() if not str(name).startswith("xmlns")}


def cors(parameters: Any) -> JSON | None:
    """The rules for other origins."""
    value = held(parameters, "CORSConfiguration")
    if not isinstance(value, Mapping):
        return None
    rules = many(value.get("CORSRule") or value.get("CORSRules"))
    return {
        "CORSRules": [
            {
                "AllowedMethods": _texts(rule.get("AllowedMethod") or rule.get("AllowedMethods")),
                "AllowedOrigins": _texts(rule.get("AllowedOrigin") or rule.get("AllowedOrigins")),
            }
            for rule in rules
        ]
    }


def replication(parameters: Any) -> JSON | None:
    """The rules of replication."""
    value = held(parameters, "ReplicationConfiguration")
    if not isinstance(value, Mapping):
        return None
    rules = many(value.get("Rule") or value.get("Rules"))
    return {"ReplicationConfiguration": {"Role": value.get("Role"), "Rules": rules}} if rules else None


def delivery(parameters: Any, name: str) -> JSON | None:
    """One inventory or one analysis, with where it is delivered."""
    value = held(parameters, name)
    if not isinstance(value, Mapping):
        return None
    found = dict(value)
    if "IsEnabled" in found:
        found["IsEnabled"] = _yes(found["IsEnabled"])
    return {f"{name}List": [found]}


def acl(parameters: Any, owner: str | None) -> JSON | None:
    """The grants of an ACL, be it by name, by headers or in full."""
    answer: JSON = {"Owner": {"ID": owner}} if owner else {}
    canned = text(held(parameters, "x-amz-acl"))
    if canned is not None:
        if canned not in CANNED:
            return None
        grants = [{"Grantee": {"Type": "Group", "URI": uri}, "Permission": right} for uri, right in CANNED[canned]]
        return answer | {"Grants": grants}
    by_header = [
        {"Grantee": {{"id": "ID", "uri": "URI"}.get(kind.lower(), "EmailAddress"): value}, "Permission": right}
        for header, right in _HEADERS.items()
        for kind, value in _NAMED.findall(text(held(parameters, header)) or "")
    ]
    if by_header:
        return answer | {"Grants": by_header}
    listed = held(parameters, "AccessControlList")
    whole = held(parameters, "AccessControlPolicy")
    if not isinstance(listed, Mapping) and not isinstance(whole, Mapping):
        return None
    own = text(held(whole, "Owner") and held(held(whole, "Owner"), "ID"))
    grants = many(listed.get("Grant") or listed.get("Grants")) if isinstance(listed, Mapping) else []
    return ({"Owner": {"ID": own}} if own else answer) | {"Grants": grants}


def _texts(value: Any) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list) else [value]) if one not in (None, "")]


def _yes(value: Any) -> Any:
    return {"true": True, "false": False}.get(str(value).lower(), value)
