"""Whom do access points let in, those of one Region and those of several, and what do S3 Access Grants give?

A grant of an access point's policy to another account takes effect only where the bucket's policy allows the same,
which it often does for whatever comes through access points of its account. One that is bound to a VPC is never public.

Source: S3 User Guide, "Managing access with Amazon S3 access points", "Managing multi-Region access points", "S3 Access
Grants".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from ir_kit.configuration.collected_answers import Answer, Call
from ir_kit.domain.documents import mapping, mappings, value_of
from ir_kit.domain.logic import NO, UNKNOWN, YES
from ir_kit.exposure.grants import (
    ADMIN,
    EVERYTHING,
    LIST,
    READ,
    RESTRICT,
    WRITE,
    BucketContext,
    Grant,
    ReadPolicy,
    account_in,
    account_levels,
    level_of,
    read_document,
)
from ir_kit.exposure.policy_grants import SAMPLE, Target, principal_of, statement_grants
from ir_kit.policies.decisions import Policies, Request, decide

SINGLE, MULTI = "access_point", "multi_region_access_point"
PERMISSIONS = {"READ": (READ,), "WRITE": (WRITE,), "READWRITE": (READ, WRITE)}
SHOWN_BY = {LIST: "s3:ListBucket", WRITE: "s3:PutObject", ADMIN: "s3:PutObjectAcl"}  # else s3:GetObject


def access_point_grants(context: BucketContext) -> list[Grant]:
    """The grants of the access points that lead to this bucket, those of one Region first."""
    grants: list[Grant] = []
    for path, operation, part in (
        (SINGLE, "ListAccessPoints", "AccessPointList"), (MULTI, "ListMultiRegionAccessPoints", "AccessPoints"),
    ):  # fmt: skip
        here, given = list[Answer](), list[Grant]()
        for call, answer in context.configuration.every("s3control", operation):
            if path == SINGLE and call.parameters.get("Bucket") not in (None, context.bucket.name):
                continue
            here += [answer] if path == MULTI or context.bucket.is_in(call.region) else []
            for point in answer.listed(part):
                ends = [point] if path == SINGLE else mappings(point.get("Regions"))
                if any(end.get("Bucket") == context.bucket.name for end in ends):
                    given += point_grants(context, path, point, call)
        grants += given + grants_not_listed(context, path, here, operation, bool(given))
    return grants


def point_grants(context: BucketContext, path: str, point: Mapping[str, Any], call: Call) -> list[Grant]:
    """The grants of one access point's policy, as far as the bucket's lets them pass; `call` listed it."""
    name, arn, partition = str(point.get("Name")), point.get("AccessPointArn"), context.bucket.partition
    if path == SINGLE:
        account = account_in(arn) or context.bucket.account
        if not isinstance(arn, str):
            arn = f"arn:{partition}:s3:{context.bucket.region}:{account}:accesspoint/{name}"
        region = (arn.split(":")[3] or None) if arn.count(":") > 4 else None
        answer = answer_about(context, "GetAccessPointPolicy", name, account, region)
        details = answer_about(context, "GetAccessPoint", name, account, region)
        settings: Mapping[str, Any] = {**point, **details.response}
        block, text = settings.get("PublicAccessBlockConfiguration"), answer.response.get("Policy")
    else:
        account = call.parameters.get("AccountId") or call.account
        arn = f"arn:{partition}:s3::{account}:accesspoint/{point.get('Alias') or name}"
        answer = answer_about(context, "GetMultiRegionAccessPointPolicy", name, account, None)
        text = value_of(value_of(answer.response, "Established"), "Policy")
        answer = replace(answer, state="absent") if answer.state == "answered" and not text else answer
        details, settings, block = call.answer, point, point.get("PublicAccessBlock")
    if answer.state != "answered":
        return [context.no_grant(path, answer).noted(f"of the access point {name!r}")]
    policy = ReadPolicy(read_document(text, f"policy of access point {name}"), access_point=True)
    levels = [*context.levels, level_of("access_point", details, block)]
    if account is not None and account != context.bucket.account:
        levels += account_levels(context.configuration, account)
    target = Target(path, arn, "/object/", f"the policy of the access point {name!r}")
    grants = statement_grants(context, policy, target, context.stop(RESTRICT, tuple(levels)))
    if settings.get("NetworkOrigin") == "VPC":
        grants = [replace(grant.noted("requests from its VPC alone"), open_to_all=NO) for grant in grants]
    return [passed_by_bucket(grant, arn, account, context) for grant in grants]


def answer_about(context: BucketContext, operation: str, name: str, account: str | None, region: str | None) -> Answer:
    """What was answered about one access point: names repeat from Region to Region, and from account to account."""
    matching = [
        (call.region == region, answer)
        for call, answer in context.configuration.every("s3control", operation)
        if call.parameters.get("Name") == name and account in (None, call.parameters.get("AccountId"), call.account)
    ]
    same = [answer for here, answer in matching if here] or [answer for _, answer in matching]
    return max(same, key=lambda answer: answer.known, default=Answer(operation))


def passed_by_bucket(grant: Grant, arn: str, account: str | None, context: BucketContext) -> Grant:
    """The grant, if the bucket's policy lets the same pass; the own account's principals need no more."""
    own = grant.grantee != "*" and grant.foreign == NO and account == context.bucket.account
    if grant.effective_status == NO or grant.grantee is None or own:
        return grant
    if context.policy is None:
        answer = context.answer("GetBucketPolicy")
        if answer.state == "absent":
            return grant.stopped("bucket_policy", "the bucket has no policy that allows the same")
        return grant.doubted(f"whether the bucket's policy allows the same is not known: {answer.words}")
    through = {"s3:DataAccessPointArn": arn, "s3:DataAccessPointAccount": account}
    action = SHOWN_BY.get(grant.access or "", "s3:GetObject")
    resource = context.bucket.arn if grant.access == LIST else f"{context.bucket.arn}/{SAMPLE}"
    request = Request(principal_of(grant.grantee), action, resource, context.bucket.account, through)
    # of another account's side nothing is known, and nothing is asked: it may allow it to itself
    decision = decide(request, Policies([EVERYTHING], resource=[context.policy.best]))
    if decision.status == NO:
        return grant.stopped("bucket_policy", f"the bucket's policy does not allow the same: {decision.reason}")
    return grant if decision.status == YES else grant.doubted(decision.reason)


def grants_not_listed(
    context: BucketContext, path: str, answers: list[Answer], operation: str, some: bool
) -> list[Grant]:
    """Where not all were listed: what could there be beside what the bucket's own policy lets in?"""
    unknown = [answer for answer in answers if not (answer.known and answer.complete)]
    if answers and not unknown:
        return [] if some else [context.grant(path, detail=f"none leads to it ({operation})")]
    answer, policy = unknown[0] if unknown else Answer(operation), context.policy
    grant, closed = context.unread(path, answer), context.answer("GetBucketPolicy").state == "absent"
    if policy is not None and not policy.policy.unreadable:  # does it allow what comes through access points?
        closed = not any(
            statement.fault is not None
            or (statement.effect == "Allow" and any("dataaccesspoint" in test.lookup for test in statement.conditions))
            for statement in policy.policy.statements
        )
    if closed:  # an outsider passes where the bucket's own policy lets it pass, and that is a grant of its own
        words = "the bucket's policy hands nothing on to access points"
        return [replace(grant.noted(words), open_to_all=NO, foreign=NO)]
    if answer.state == "not_asked" and policy is None:
        return [replace(grant, open_to_all=NO, foreign=NO)]  # what is not known of the bucket's policy leaves it open
    stop = context.stop(RESTRICT)
    return [replace(grant.noted(stop.words), open_to_all=NO) if stop.status == YES else grant]


def access_grants_grants(context: BucketContext) -> list[Grant]:
    """What S3 Access Grants give whose scope lies in this bucket."""
    answers, grants = list(answers_on_grants(context, "ListAccessGrants")), list[Grant]()
    for entry in (entry for answer in answers for entry in answer.listed("AccessGrantsList")):
        scope = str(entry.get("GrantScope") or "")
        name = scope.removeprefix("s3://").partition("/")[0]
        if not scope.startswith("s3://") or fnmatchcase(context.bucket.name, name or "*"):
            grants += access_grant_of(context, entry)
    unknown = [answer for answer in answers if not (answer.known and answer.complete)]
    grants += [context.unread("access_grant", answer) for answer in unknown[:1]]
    if answers:
        return grants or [context.no_grant("access_grant", answers[0])]
    grant = context.no_grant("access_grant", Answer("ListAccessGrants"))
    for answer in answers_on_grants(context, "ListAccessGrantsInstances"):
        if answer.listed("AccessGrantsInstancesList"):
            return [replace(grant, foreign=UNKNOWN).noted("an instance of Access Grants is there")]
        if answer.known and answer.complete:
            return [context.no_grant("access_grant", answer)]
    return [grant]


def answers_on_grants(context: BucketContext, operation: str, anywhere: bool = False) -> Iterator[Answer]:
    """Answers of the bucket's account in its Region; one that names none counts."""
    for call, answer in context.configuration.every("s3control", operation):
        own = None in (answer.account, context.bucket.account) or answer.account == context.bucket.account
        if own and (anywhere or context.bucket.is_in(call.region)):
            yield answer


def access_grant_of(context: BucketContext, entry: Mapping[str, Any]) -> Iterator[Grant]:
    """The grant that one entry of the list of access grants is, a row for each kind of access."""
    given = mapping(entry.get("Grantee"))
    grantee = str(given["GranteeIdentifier"]) if given.get("GranteeIdentifier") else None
    directory = str(given.get("GranteeType") or "").startswith("DIRECTORY")
    foreign = NO if directory else context.inventory.is_foreign_account(account_in(grantee), context.bucket)
    scope, permission = entry.get("GrantScope"), str(entry.get("Permission"))
    name = str(entry.get("AccessGrantId") or entry.get("AccessGrantArn") or scope)
    for access in PERMISSIONS.get(permission, (None,)):
        grant = context.grant(
            "access_grant", grantee=grantee, access=access, effective_status=YES, statement=name, foreign=foreign,
            detail=f"access grant {name!r}: {permission} on {scope}",
        )  # fmt: skip
        if grantee is None or access is None:
            grant = grant.doubted("the grant cannot be read")
        yield grant if foreign == NO else shared_with_account(grant, context)


def shared_with_account(grant: Grant, context: BucketContext) -> Grant:
    """Another account's principals need the instance's resource policy to let them ask for credentials."""
    operation = "GetAccessGrantsInstanceResourcePolicy"
    answers = list(answers_on_grants(context, operation, anywhere=True))
    if any(answer.state == "absent" for answer in answers):
        return grant.stopped("access_grants_resource_policy", "the instance is shared with no other account")
    policy = next((str(answer.response.get("Policy")) for answer in answers if answer.state == "answered"), None)
    if policy is None:
        return grant.doubted(answers[0].words if answers else f"{operation} was not asked")
    account = account_in(grant.grantee)
    if account and account in policy:
        return grant
    return grant.doubted("the instance's resource policy does not name that account")
