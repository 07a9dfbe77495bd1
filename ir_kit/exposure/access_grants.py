"""What do S3 Access Grants give, to whom, below which prefix?

Source: S3 User Guide, "Managing access with S3 Access Grants".
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from ir_kit.configuration.answers import Answer
from ir_kit.exposure.status import NO, UNKNOWN, YES
from ir_kit.exposure.ways import READ, WRITE, Place, Way, account_in

PERMISSIONS = {"READ": (READ,), "WRITE": (WRITE,), "READWRITE": (READ, WRITE)}


def access_grant_ways(place: Place) -> list[Way]:
    """The grants whose scope lies in this bucket."""
    answers = [
        answer
        for asked, answer in place.configuration.every("s3control", "ListAccessGrants")
        if _of(place, answer) and place.bucket.is_in(asked.region)
    ]
    found: list[Way] = []
    for answer in answers:
        if answer.state != "answered":
            continue
        for one in answer.listed("AccessGrantsList"):
            if _scoped(one, place.bucket.name):
                found += _ways(place, one)
    dark = [one for one in answers if not one.known or not one.complete]
    if dark:
        found.append(place.silent("access_grant", dark[0] if not dark[0].known else dark[0].unreadable()))
    if not answers:
        answer, there = _instance(place)
        way = place.silent("access_grant", answer)
        found.append(replace(way, foreign=UNKNOWN).noted("an instance of Access Grants is there") if there else way)
    return found or [place.silent("access_grant", answers[0])]


def _of(place: Place, answer: Answer) -> bool:
    """Is the answer of the bucket's account? One that names no account counts."""
    return answer.account is None or place.bucket.account is None or answer.account == place.bucket.account


def _instance(place: Place) -> tuple[Answer, bool]:
    """Without a list of grants: the answer that tells that there is no instance, if one does; and whether there is one."""
    for operation in ("ListAccessGrantsInstances", "GetAccessGrantsInstance"):
        for asked, answer in place.configuration.every("s3control", operation):
            if not _of(place, answer) or not place.bucket.is_in(asked.region):
                continue
            held = answer.listed("AccessGrantsInstancesList") or answer.part("AccessGrantsInstanceId", str)
            if answer.state == "answered" and held:
                return Answer("ListAccessGrants"), True
            if answer.known and answer.complete:
                return answer, False
    return Answer("ListAccessGrants"), False


def _scoped(grant: dict[str, Any], bucket: str) -> bool:
    scope = str(grant.get("GrantScope") or "")
    name = scope.removeprefix("s3://").partition("/")[0]
    return not scope.startswith("s3://") or name in ("", "*") or name == bucket or fnmatchcase(bucket, name)


def _ways(place: Place, grant: dict[str, Any]) -> list[Way]:
    given = grant.get("Grantee")
    grantee: dict[str, Any] = given if isinstance(given, dict) else {}
    whom = str(grantee.get("GranteeIdentifier")) if grantee.get("GranteeIdentifier") else None
    directory = str(grantee.get("GranteeType") or "").startswith("DIRECTORY")
    foreign = NO if directory else place.holdings.is_foreign_account(account_in(whom), place.bucket)
    scope = grant.get("GrantScope")
    name = str(grant.get("AccessGrantId") or grant.get("AccessGrantArn") or scope)
    words = f"access grant {name!r}: {grant.get('Permission')} on {scope}"
    found = []
    for access in PERMISSIONS.get(str(grant.get("Permission")), (None,)):
        way = place.way(
            "access_grant", grantee=whom, access=access, effective_status=YES, statement=name, foreign=foreign,
            detail=words,
        )  # fmt: skip
        if whom is None or access is None:
            way = way.doubted("the grant cannot be read")
        found.append(_across(way, place) if foreign != NO else way)
    return found


def _across(way: Way, place: Place) -> Way:
    """Another account's principals need the instance's resource policy to let them ask for credentials."""
    answers = [
        answer
        for _, answer in place.configuration.every("s3control", "GetAccessGrantsInstanceResourcePolicy")
        if _of(place, answer)
    ]
    if any(answer.state == "absent" for answer in answers):
        return way.stopped("access_grants_resource_policy", "the instance is shared with no other account")
    text = next((str(answer.response.get("Policy")) for answer in answers if answer.state == "answered"), None)
    account = account_in(way.grantee)
    if text is None:
        words = answers[0].words if answers else "GetAccessGrantsInstanceResourcePolicy was not asked"
        return way.doubted(words)
    if account and account in text:
        return way
    return way.doubted("the instance's resource policy does not name that account")
