"""Whom does a policy of a bucket or an access point let in, as it takes effect?

A grant that conditions hold to fixed values is one for those who meet them; it is public only by AWS's definition. An
explicit denial in the same policy stops it where it holds for whoever the grant is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

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
