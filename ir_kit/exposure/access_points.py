"""Whom do access points let in, those of one Region and those of several?

A grant of an access point's policy to another account takes effect only where the bucket's policy allows the same, which
it often does for whatever comes through access points of its account. One that is bound to a VPC is never public.

Source: S3 User Guide, "Managing access with Amazon S3 access points", "Managing multi-Region access points".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ir_kit.configuration.answers import Answer
from ir_kit.exposure.blocks import RESTRICT, account_levels, level_of
from ir_kit.exposure.policy_ways import EVERYTHING, SAMPLE, Read, Target, principal_of, read_policy, statement_ways
from ir_kit.exposure.requesters import at_best
from ir_kit.exposure.status import NO, YES
from ir_kit.exposure.ways import ADMIN, LIST, WRITE, Place, Way
from ir_kit.policies import Request, decide

SINGLE, MULTI = "access_point", "multi_region_access_point"


def access_point_ways(place: Place, policy: Read | None) -> list[Way]:
    """The grants of the access points that lead to this bucket."""
    found: list[Way] = []
    listed = list(_listed(place, "ListAccessPoints"))
    for _, answer in listed:
        for one in answer.listed("AccessPointList"):
            if one.get("Bucket") == place.bucket.name:
                found += _single(place, one, policy)
    # they lie in the bucket's own Region
    here = [answer for region, answer in listed if place.bucket.is_in(region)]
    return found + _rest(place, SINGLE, here, "ListAccessPoints", found, policy)


def multi_region_ways(place: Place, policy: Read | None) -> list[Way]:
    """The grants of the multi-Region access points that lead to this bucket."""
    found: list[Way] = []
    listed = [
        (asked.parameters.get("AccountId") or asked.account, answer)
        for asked, answer in place.configuration.every("s3control", "ListMultiRegionAccessPoints")
    ]
    for account, answer in listed:
        for one in answer.listed("AccessPoints"):
            regions = one.get("Regions") if isinstance(one.get("Regions"), list) else []
            if any(isinstance(part, dict) and part.get("Bucket") == place.bucket.name for part in regions or []):
                found += _multi(place, one, account, policy)
    return found + _rest(place, MULTI, [answer for _, answer in listed], "ListMultiRegionAccessPoints", found, policy)


def _listed(place: Place, operation: str) -> Iterator[tuple[str | None, Answer]]:
    """Lists of access points by Region, but for those that were asked for another bucket."""
    for asked, answer in place.configuration.every("s3control", operation):
        if asked.parameters.get("Bucket") in (None, place.bucket.name):
            yield asked.region, answer


def _single(place: Place, one: Mapping[str, Any], policy: Read | None) -> list[Way]:
    name, arn = str(one.get("Name")), one.get("AccessPointArn")
    account = _account(arn) or place.bucket.account
    if not isinstance(arn, str):
        arn = f"arn:{place.bucket.partition}:s3:{place.bucket.region}:{account}:accesspoint/{name}"
    answer = _about(place, "GetAccessPointPolicy", name, account, _region(arn))
    got = _about(place, "GetAccessPoint", name, account, _region(arn))
    flags = got.response.get("PublicAccessBlockConfiguration", one.get("PublicAccessBlockConfiguration"))
    origin = got.response.get("NetworkOrigin", one.get("NetworkOrigin"))
    return _ways(place, SINGLE, name, arn, answer, (flags, got.words), origin == "VPC", policy, account)


def _multi(place: Place, one: Mapping[str, Any], account: str | None, policy: Read | None) -> list[Way]:
    name = str(one.get("Name"))
    arn = f"arn:{place.bucket.partition}:s3::{account}:accesspoint/{one.get('Alias') or name}"
    answer = _about(place, "GetMultiRegionAccessPointPolicy", name, account, None)
    if answer.state == "answered":
        held = answer.part("Policy", dict) or {}
        established = held.get("Established") if isinstance(held.get("Established"), dict) else {}
        text = (established or {}).get("Policy")
        state = "answered" if text else "absent"
        answer = Answer(answer.operation, state, {"Policy": text}, None, answer.collected_at, answer.account)
    flags = (one.get("PublicAccessBlock"), "ListMultiRegionAccessPoints answered")
    return _ways(place, MULTI, name, arn, answer, flags, False, policy, account)


def _about(place: Place, operation: str, name: str, account: str | None, region: str | None) -> Answer:
    """What was answered about one access point: names repeat from Region to Region, and from account to account."""
    found = [
        (asked.region == region, answer)
        for asked, answer in place.configuration.every("s3control", operation)
        if asked.parameters.get("Name") == name and account in (None, asked.parameters.get("AccountId"), asked.account)
    ]
    same = [answer for here, answer in found if here] or [answer for _, answer in found]
    return max(same, key=lambda one: one.known, default=Answer(operation))


def _ways(
    place: Place, path: str, name: str, arn: str, answer: Answer, flags: tuple[Any, str], vpc: bool,
    policy: Read | None, account: str | None,
) -> list[Way]:  # fmt: skip
    words = f"the policy of the access point {name!r}"
    if answer.state != "answered":
        return [place.silent(path, answer).noted(f"of the access point {name!r}")]
    read = read_policy(answer.response.get("Policy"), f"policy of access point {name}", access_point=True)
    level = level_of("access_point", flags[0], f"access point Block Public Access: {flags[1]}")
    blocks = place.blocks.beside(level)
    if account is not None and account != place.bucket.account:
        for more in account_levels(place.configuration, account):
            blocks = blocks.beside(more)
    target = Target(path, arn, "/object/", words)
    found = []
    for way in statement_ways(place, read, target, blocks):
        if vpc:
            way = _in_vpc(way)
        found.append(_passed(way, arn, account, place, policy))
    return found


def _in_vpc(way: Way) -> Way:
    return replace(way.noted("requests from its VPC alone"), open_to_all=NO)


def _passed(way: Way, arn: str, account: str | None, place: Place, policy: Read | None) -> Way:
    """The way, if the bucket's policy lets the same pass; the own account's principals need no more."""
    own = way.grantee != "*" and way.foreign == NO and account == place.bucket.account
    if way.effective_status == NO or way.grantee is None or own:
        return way
    answer = place.ask("GetBucketPolicy")
    if policy is None:
        if answer.state == "absent":
            return way.stopped("bucket_policy", "the bucket has no policy that allows the same")
        return way.doubted(f"whether the bucket's policy allows the same is not known: {answer.words}")
    context = {"s3:DataAccessPointArn": arn, "s3:DataAccessPointAccount": account}
    action = {LIST: "s3:ListBucket", WRITE: "s3:PutObject", ADMIN: "s3:PutObjectAcl"}.get(
        way.access or "", "s3:GetObject"
    )
    resource = place.bucket.arn if way.access == LIST else f"{place.bucket.arn}/{SAMPLE}"
    request = Request(principal_of(way.grantee), action, resource, place.bucket.account, context)
    # of another account's side nothing is known, and nothing is asked: it may allow it to itself
    said = decide(request, identity=[EVERYTHING], resource=[at_best(policy.policy)])
    if said.status == "yes":
        return way
    if said.status == "no":
        return way.stopped("bucket_policy", f"the bucket's policy does not allow the same: {said.reason}")
    return way.doubted(said.reason)


def _rest(
    place: Place, path: str, answers: list[Answer], operation: str, found: list[Way], policy: Read | None
) -> list[Way]:
    """Where not all were listed: what could there be beside what the bucket's own policy lets in?"""
    dark = [one for one in answers if not one.known or not one.complete]
    if answers and not dark:
        return [] if found else [place.way(path, detail=f"none leads to it ({operation})")]
    answer = dark[0] if dark else Answer(operation)
    way = place.silent(path, answer if not answer.known else answer.unreadable())
    nothing = place.ask("GetBucketPolicy").state == "absent"
    if nothing or (policy is not None and not policy.policy.unreadable and not _delegates(policy)):
        # an outsider passes where the bucket's own policy lets it pass, and that is told by itself
        return [replace(way.noted("the bucket's policy hands nothing on to access points"), open_to_all=NO, foreign=NO)]
    if answer.state == "not_asked" and policy is None:
        return [replace(way, open_to_all=NO, foreign=NO)]  # what is not known of the bucket's policy leaves it open
    restricted = place.blocks.stop(RESTRICT)
    return [replace(way.noted(restricted.words), open_to_all=NO) if restricted.status == YES else way]


def _delegates(policy: Read) -> bool:
    """Does the bucket's policy allow what comes through access points?"""
    return any(
        statement.fault is not None
        or (statement.effect == "Allow" and any("dataaccesspoint" in test.lookup for test in statement.conditions))
        for statement in policy.statements
    )


def _account(arn: Any) -> str | None:
    parts = arn.split(":") if isinstance(arn, str) else []
    return parts[4] if len(parts) > 5 and parts[4].isdigit() else None


def _region(arn: str) -> str | None:
    parts = arn.split(":")
    return parts[3] or None if len(parts) > 5 else None
