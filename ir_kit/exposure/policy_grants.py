"""Whom do the policies of a bucket and of its access points let in, as they take effect, and what do access grants give?

A grant that conditions hold to fixed values is one for those who meet them; it is public only by AWS's definition. An
explicit denial in the same policy stops it where it holds for whoever the grant is for. A grant of an access point's
policy to another account takes effect only where the bucket's policy allows the same, which it often does for whatever
comes through access points of its account. One that is bound to a VPC is never public.

Source: S3 User Guide, "Managing access with Amazon S3 access points", "Managing multi-Region access points", "S3 Access
Grants".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ir_kit.configuration.collected_answers import Answer, Call
from ir_kit.domain.documents import mapping, mappings, value_of
from ir_kit.domain.logic import NO, UNKNOWN, YES, all_of, any_of
from ir_kit.exposure.grants import EVERYTHING, RESTRICT, BucketContext, Grant, ReadPolicy, Stop, account_in
from ir_kit.policies.decisions import Decision, Policies, Request, decide
from ir_kit.policies.policy_documents import ACTIONS, Principal, Statement

SAMPLE = "any-object"  # an object's key that no policy speaks of
WILD = re.compile(r"\$\{[^}]*\}|[*?]")
# what reads or changes settings, and nothing else: no access to objects or their names
SETTINGS_ACTIONS = (
    "GetBucketAcl", "GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketLocation", "GetBucketLogging",
    "GetBucketVersioning", "GetBucketPublicAccessBlock", "GetBucketOwnershipControls", "GetReplicationConfiguration",
    "GetInventoryConfiguration", "GetLifecycleConfiguration", "GetEncryptionConfiguration", "GetBucketTagging",
    "GetBucketNotification", "GetBucketWebsite", "GetBucketCORS", "GetBucketObjectLockConfiguration",
)  # fmt: skip
DELETED = re.compile(r"(AIDA|AROA|AGPA|ANPA)[A-Z0-9]{8,}")  # S3 shows the id of a principal that is no longer there
ORGANIZATION_KEYS = {"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths"}
ACCOUNT_KEYS = {
    "aws:principalaccount", "aws:sourceaccount", "aws:sourceowner", "aws:principalarn", "aws:sourcearn",
    "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}  # fmt: skip
EQUALITIES = {"stringequals", "stringequalsignorecase", "stringlike", "arnlike"}
SINGLE, MULTI = "access_point", "multi_region_access_point"
PERMISSIONS = {"READ": ("read",), "WRITE": ("write",), "READWRITE": ("read", "write")}
SHOWN_BY = {
    "list": "s3:ListBucket",
    "write": "s3:PutObject",
    "admin": "s3:PutObjectAcl",
}  # else s3:GetObject
Actions = list[tuple[str, str]]  # each with the resource that it is on


class Target(NamedTuple):
    """What a policy is attached to: a bucket, or an access point; `arn` is what its objects' ARNs begin with."""

    path: str
    arn: str
    objects: str  # "/" for a bucket, "/object/" for an access point
    words: str


def policy_grants(context: BucketContext) -> list[Grant]:
    """The grants of the bucket's policy; S3's own word on whether it is public counts where the policy cannot tell."""
    answer, status, policy = context.answer("GetBucketPolicy"), context.answer("GetBucketPolicyStatus"), context.policy
    is_public, stop = (status.part("PolicyStatus", dict) or {}).get("IsPublic"), context.stop(RESTRICT)
    if answer.state == "absent":
        return [context.no_grant("policy", answer)]
    if policy is None:
        return [by_policy_status(context.no_grant("policy", answer), is_public, stop)]
    target = Target("policy", context.bucket.arn, "/", "the bucket's policy")
    grants = statement_grants(context, policy, target, stop)
    if policy.public == YES:
        note = "GetBucketPolicyStatus says that the policy is not public" if is_public is False else ""
        return [grant.noted(note) if grant.open_to_all == YES else grant for grant in grants]
    grants = [by_policy_status(grant, is_public, stop) for grant in grants]
    if is_public is True and not any(grant.open_to_all == YES for grant in grants):
        grants.append(
            by_policy_status(unsettled(context, target, "no statement of it was found to be public"), True, stop)
        )
    return grants


def statement_grants(context: BucketContext, policy: ReadPolicy, target: Target, stop: Stop) -> list[Grant]:
    """The grants of a policy, statement by statement, where `stop` is what ``RestrictPublicBuckets`` does to it."""
    if policy.policy.unreadable:
        return [unsettled(context, target, f"{target.words} cannot be read: {policy.policy.unreadable}")]
    grants: list[Grant] = []
    for statement in policy.policy.statements:
        if statement.fault is not None and statement.effect != "Deny":
            words = f"statement {statement.sid or statement.ordinal} cannot be read: {statement.fault}"
            grants.append(unsettled(context, target, words))
        elif statement.fault is None and statement.effect == "Allow":
            for grant, actions in allowed_by(context, statement, policy, target):
                grant = less_denied(grant, actions, statement, policy, context, target)
                grants.append(less_restricted(grant, policy, stop))
    return grants or [context.grant(target.path, detail=f"{target.words} allows nothing")]


def unsettled(context: BucketContext, target: Target, words: str) -> Grant:
    """The row for a policy or a statement of which nobody knows whom it lets in."""
    return context.grant(target.path, effective_status=UNKNOWN, open_to_all=UNKNOWN, foreign=UNKNOWN, detail=words)


def by_policy_status(grant: Grant, is_public: object, stop: Stop) -> Grant:
    """A grant by ``GetBucketPolicyStatus``, where the policy does not tell whether it is public."""
    if grant.open_to_all != UNKNOWN:
        return grant
    if is_public is False:
        return replace(grant.noted("GetBucketPolicyStatus: the policy is not public"), open_to_all=NO)
    if is_public is True:
        public = replace(grant.noted("GetBucketPolicyStatus: the policy is public"), open_to_all=YES, grantee="*")
        if stop.status == YES:
            return public.stopped(stop.blocked_by, stop.words)
        return replace(public, effective_status=YES) if stop.status == NO else public.doubted(stop.words)
    if stop.status == YES:  # whether it is public or not: RestrictPublicBuckets lets nobody in by a public one
        return replace(grant.noted(f"{stop.words} ({stop.blocked_by})"), open_to_all=NO)
    return grant


def allowed_by(
    context: BucketContext, statement: Statement, policy: ReadPolicy, target: Target
) -> Iterator[tuple[Grant, Actions]]:
    """What a statement gives to each whom it names, before anything stops it."""
    name, public = statement.sid or f"statement {statement.ordinal}", statement.name in policy.public_names
    left_out, given, conditions = statement.not_resources, list(access_given(statement, target)), statement.terms

    def few(values: tuple[str, ...]) -> str:
        shown = ", ".join(value if len(value) <= 80 else value[:77] + "..." for value in values[:3])
        return shown + (f" and {len(values) - 3} more" if len(values) > 3 else "")

    on = f"on all but {few(left_out)}" if left_out else f"on {few(statement.resources)}"
    on += f" if {conditions if len(conditions) <= 300 else conditions[:297] + '...'}" if conditions else ""
    for grantee, foreign in grantees_of(statement, context):
        everybody = public and (grantee == "*" or foreign == UNKNOWN)
        for access, actions in given:
            names = ", ".join(action for action, _ in actions[:4]) + (" ..." if len(actions) > 4 else "")
            grant = context.grant(
                target.path, grantee=grantee, access=access, effective_status=YES, statement=name,
                detail=f"{name} of {target.words}: {names} {on}", open_to_all=YES if everybody else NO,
                foreign=NO if everybody else foreign,
            )  # fmt: skip
            if DELETED.fullmatch(grantee):
                grant = grant.stopped("principal_deleted", "the user or role of that id is no longer there")
            yield grant, actions
        if not given:
            words = f"{name} of {target.words} grants no action of S3 on a resource of it"
            yield context.grant(target.path, grantee=grantee, detail=words, blocked_by="resource"), []


def access_given(statement: Statement, target: Target) -> Iterator[tuple[str | None, Actions]]:
    """Which kinds of access do the actions of a statement give? None: to settings alone."""
    arns = {"object": f"{target.arn}{target.objects}*", "bucket": target.arn}
    covered, resources = statement.on_actions, statement.on_resources
    named = {level: arn for level, arn in arns.items() if resources is None or resources.covers(arn, {}) != NO}

    def actions(names: Iterable[str], level: str) -> Actions:
        wanted = names if covered is not None and level in named else ()
        return [
            (f"s3:{name}", named[level])
            for name in wanted
            if covered and covered.covers(f"s3:{name}".lower(), {}) == YES
        ]

    kinds = {
        str(access): [pair for level, names in by_level.items() for pair in actions(names, level)]
        for access, by_level in ACTIONS.items()
    }
    if any(kinds.values()):
        yield from ((access, pairs) for access, pairs in kinds.items() if pairs)
    elif settings := actions(SETTINGS_ACTIONS, "bucket"):
        yield None, settings


def grantees_of(statement: Statement, context: BucketContext) -> Iterator[tuple[str, str]]:
    """Whom a statement names, and whether that is another account than the bucket's."""
    names, inventory = statement.principals, context.inventory

    def foreign(name: str) -> str:
        return inventory.is_foreign_account(account_in(name), context.bucket)

    if names is None:
        yield from [("*", UNKNOWN)] if statement.not_principals is not None else []  # everybody but those
        return
    if names.everybody:  # held to accounts by conditions, or not; unknown for those of a network
        passes = [
            YES if test.lookup in ORGANIZATION_KEYS else any_of(map(foreign, test.values))
            for test in statement.conditions
            if test.name in EQUALITIES and test.lookup in ORGANIZATION_KEYS | ACCOUNT_KEYS
            if not (test.negated or test.if_exists)
        ]
        yield "*", all_of(passes) if passes else UNKNOWN
    # an origin access identity, or the id of a principal that is no longer there, names no account
    yield from ((name, foreign(name)) for name in sorted(names.aws - {"*"}))
    yield from ((name, inventory.is_foreign_owner(name, context.bucket)) for name in sorted(names.canonical))
    yield from ((name, NO) for name in sorted(names.services))
    yield from ((name, foreign(name)) for name in sorted(names.federated))


def principal_of(grantee: str) -> Principal:
    """Somebody whom a statement names so."""
    account = account_in(grantee)
    if grantee == "*":
        return Principal("anonymous")
    if grantee == account:
        return Principal("root", f"arn:aws:iam::{account}:root")
    if account and ":role/" in grantee:
        name = grantee.rpartition("/")[2]
        session = f"arn:{grantee.split(':')[1]}:sts::{account}:assumed-role/{name}/{SAMPLE}"
        return Principal("role_session", session, grantee)
    if account and ":user/" in grantee:
        return Principal("user", grantee)
    if account and grantee.startswith("arn:") and ":sts:" in grantee:
        return Principal("role_session", grantee)
    if grantee.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Principal("service", grantee)
    return Principal("root", canonical_id=grantee)


def less_denied(
    grant: Grant, actions: Actions, statement: Statement, policy: ReadPolicy, context: BucketContext, target: Target
) -> Grant:
    """The grant, stopped where an explicit denial holds for whoever meets the grant's own conditions.

    It is stopped only where every action on all that is granted is denied for sure; one that is not keeps it open.
    """
    denials = policy.denials
    if grant.effective_status != YES or denials is None or not actions:
        return grant
    conditions, principal = favourable_request(statement), principal_of(str(grant.grantee))

    def decided(action: str, resource: str) -> Decision:
        request = Request(principal, action, resource, context.bucket.account, conditions)
        return decide(request, Policies([EVERYTHING], resource=[denials]))

    base, doubt, stopped = f"{target.arn}{target.objects}", "", ""
    keys = [arn.split(target.objects, 1)[1] for arn in statement.resources if target.objects in arn]
    if len(keys) < len(statement.resources) or statement.not_resources or not keys:
        keys.append("*")
    covered = statement.on_resources
    patterns = [key for key in dict.fromkeys(keys) if not covered or covered.covers(base + widened(key), {}) != NO]
    for action, resource in actions:
        for pattern in [None] if resource == target.arn else patterns:
            whole = decided(action, target.arn if pattern is None else base + widened(pattern))
            tried = filled_in(pattern) if pattern is not None and whole.status == UNKNOWN else []
            if whole.status == YES or any(decided(action, base + key).status == YES for key in tried):
                return grant
            stopped, doubt = (whole.reason, doubt) if whole.status == NO else (stopped, doubt or whole.reason)
    return grant.doubted(doubt) if doubt else grant.stopped("policy_deny", stopped)


def favourable_request(statement: Statement) -> dict[str, tuple[str, ...]]:
    """The request of somebody who meets a grant's conditions, as far as they name fixed values."""
    request: dict[str, tuple[str, ...]] = {}
    for test in statement.conditions:
        literal = [value for value in test.values if not WILD.search(value)]
        if literal and not test.negated and (test.name in EQUALITIES or test.name in ("bool", "ipaddress")):
            request[test.lookup] = (literal[0].partition("/")[0] if test.name == "ipaddress" else literal[0],)
    return request


def less_restricted(grant: Grant, policy: ReadPolicy, stop: Stop) -> Grant:
    """The grant under ``RestrictPublicBuckets``: of a public policy, it leaves services and the own account alone."""
    named = grant.foreign == NO and (grant.grantee != "*" or grant.open_to_all == NO)
    if NO in (grant.effective_status, policy.public, stop.status) or named:
        return grant
    if stop.status == UNKNOWN:
        return grant.doubted(stop.words)
    if policy.public == UNKNOWN:
        return grant.doubted("RestrictPublicBuckets is on, and whether the policy is public is not known")
    outsider = YES in (grant.open_to_all, grant.foreign)
    effect = "leaves services and the own account alone" if outsider else "is on"
    return grant.stopped(stop.blocked_by, f"the policy is public, and RestrictPublicBuckets {effect}")


def widened(pattern: str) -> str:
    """The folder of objects in which all that a pattern covers lies, or the object that it names."""
    wild = WILD.search(pattern)
    return f"{pattern[: wild.start()].rpartition('/')[0]}/*".lstrip("/") if wild else pattern


def filled_in(pattern: str) -> list[str]:
    """Keys that a pattern covers: with a name in place of each wildcard, and the shortest."""
    named = WILD.sub(lambda wild: "0" if wild[0] == "?" else SAMPLE, pattern)
    shortest = WILD.sub(lambda wild: "0" if wild[0] == "?" else "", pattern)
    return list(dict.fromkeys(key for key in (named, shortest) if key and not key.endswith("/")))


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
    policy = ReadPolicy.of(text, f"policy of access point {name}", access_point=True)
    target = Target(path, arn, "/object/", f"the policy of the access point {name!r}")
    grants = statement_grants(
        context, policy, target, context.stop(RESTRICT, context.levels_at_point(details, block, account))
    )
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
    resource = context.bucket.arn if grant.access == "list" else f"{context.bucket.arn}/{SAMPLE}"
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
