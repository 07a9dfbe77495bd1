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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import Any

from ir_kit.configuration.collected_answers import Answer, Call
from ir_kit.domain.documents import mapping, mappings, value_of
from ir_kit.domain.logic import NO, UNKNOWN, YES, all_of, any_of
from ir_kit.exposure.grants import RESTRICT, BucketContext, Grant, Stop, account_in, at_best, read_document
from ir_kit.policies.decisions import Decision, Policies, Request, decide
from ir_kit.policies.policy_documents import ACTIONS, Policy, Principal, Statement, parse_policy
from ir_kit.policies.public_access import public_statements, public_status

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
    "list": "s3:ListBucket", "write": "s3:PutObject", "admin": "s3:PutObjectAcl",  # else s3:GetObject
}  # fmt: skip
EVERYTHING = parse_policy(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}, ""
)
"""What another account may allow its own principals: all of it."""
Actions = list[tuple[str, str]]  # each with the resource that it is on


@dataclass(frozen=True)
class AttachedPolicy:
    """A policy of a bucket or an access point, and whether ``RestrictPublicBuckets`` stops public use of it (`stop`)."""

    context: BucketContext
    policy: Policy
    stop: Stop
    path: str
    arn: str  # what its objects' ARNs begin with
    objects: str  # "/" for a bucket, "/object/" for an access point
    words: str

    @cached_property
    def public(self) -> str:
        """Is it public by AWS's definition?"""
        return public_status(self.policy, access_point=self.path != "policy")

    @cached_property
    def denials(self) -> Policy | None:
        """What it denies, all else allowed; None where it denies nothing."""
        denied = tuple(statement for statement in at_best(self.policy).statements if statement.effect != "Allow")
        return replace(self.policy, statements=(*EVERYTHING.statements, *denied), by_action={}) if denied else None

    def unsettled(self, words: str) -> Grant:
        """The row where nobody knows whom it lets in."""
        unknown = dict.fromkeys(("effective_status", "open_to_all", "foreign"), UNKNOWN)
        return self.context.grant(self.path, detail=words, **unknown)

    def grants(self) -> list[Grant]:
        """Its grants, statement by statement."""
        if self.policy.unreadable:
            return [self.unsettled(f"{self.words} cannot be read: {self.policy.unreadable}")]
        grants, access_point = list[Grant](), self.path != "policy"
        public = {grant.statement.name for grant in public_statements(self.policy, access_point=access_point)}
        for statement in self.policy.statements:
            if statement.fault is not None and statement.effect != "Deny":
                words = f"statement {statement.sid or statement.ordinal} cannot be read: {statement.fault}"
                grants.append(self.unsettled(words))
            elif statement.fault is None and statement.effect == "Allow":
                grants += self.allowed_by(statement, statement.name in public)
        return grants or [self.context.grant(self.path, detail=f"{self.words} allows nothing")]

    def allowed_by(self, statement: Statement, public: bool) -> Iterator[Grant]:
        """What a statement gives to each whom it names; does it make the policy public?"""
        name, given = statement.sid or f"statement {statement.ordinal}", self.access_given(statement)
        left_out, conditions, arns = (
            statement.not_resources,
            statement.terms,
            statement.not_resources or statement.resources,
        )
        on = ", ".join(arn if len(arn) <= 80 else arn[:77] + "..." for arn in arns[:3])
        on = ("on all but " if left_out else "on ") + on + (f" and {len(arns) - 3} more" if len(arns) > 3 else "")
        on += f" if {conditions if len(conditions) <= 300 else conditions[:297] + '...'}" if conditions else ""
        for grantee, foreign in grantees_of(statement, self.context):
            everybody = public and (grantee == "*" or foreign == UNKNOWN)
            for access, actions in given:
                names = ", ".join(action for action, _ in actions[:4]) + (" ..." if len(actions) > 4 else "")
                grant = self.context.grant(
                    self.path, grantee=grantee, access=access, effective_status=YES, statement=name,
                    detail=f"{name} of {self.words}: {names} {on}", open_to_all=YES if everybody else NO,
                    foreign=NO if everybody else foreign,
                )  # fmt: skip
                if DELETED.fullmatch(grantee):
                    grant = grant.stopped("principal_deleted", "the user or role of that id is no longer there")
                yield self.less_restricted(self.less_denied(grant, actions, statement))
            if not given:
                words = f"{name} of {self.words} grants no action of S3 on a resource of it"
                yield self.context.grant(self.path, grantee=grantee, detail=words, blocked_by="resource")

    def access_given(self, statement: Statement) -> list[tuple[str | None, Actions]]:
        """Which kinds of access do the actions of a statement give? None: to settings alone."""
        arns = {"object": f"{self.arn}{self.objects}*", "bucket": self.arn}
        covered, on = statement.on_actions, statement.on_resources
        named = {level: arn for level, arn in arns.items() if covered and (on is None or on.covers(arn, {}) != NO)}

        def actions(by_level: Mapping[str, Iterable[str]]) -> Actions:
            pairs = [(f"s3:{name}", named[level]) for level in named for name in by_level.get(level, ())]
            return [(name, arn) for name, arn in pairs if covered and covered.covers(name.lower(), {}) == YES]

        kinds: list[tuple[str | None, Actions]] = [(access, actions(levels)) for access, levels in ACTIONS.items()]
        if not any(pairs for _, pairs in kinds):
            kinds = [(None, actions({"bucket": SETTINGS_ACTIONS}))]
        return [(access, pairs) for access, pairs in kinds if pairs]

    def less_denied(self, grant: Grant, actions: Actions, statement: Statement) -> Grant:
        """The grant, stopped where an explicit denial holds for whoever meets the grant's own conditions.

        It is stopped only where every action on all that is granted is denied for sure; one that is not keeps it open.
        """
        if grant.effective_status != YES or self.denials is None:
            return grant
        conditions: dict[
            str, tuple[str, ...]
        ] = {}  # of somebody who meets the grant's, as far as they name fixed values
        for test in statement.conditions:
            literal = [value for value in test.values if not WILD.search(value)]
            if literal and not test.negated and (test.name in EQUALITIES or test.name in ("bool", "ipaddress")):
                conditions[test.lookup] = (literal[0].partition("/")[0] if test.name == "ipaddress" else literal[0],)
        principal = principal_of(str(grant.grantee), self.context.bucket.partition)
        policies = Policies([EVERYTHING], resource=[self.denials])

        def decided(action: str, resource: str) -> Decision:
            return decide(Request(principal, action, resource, self.context.bucket.account, conditions), policies)

        base, covered, doubt, stopped = f"{self.arn}{self.objects}", statement.on_resources, "", ""
        keys = [arn.split(self.objects, 1)[1] for arn in statement.resources if self.objects in arn]
        if len(keys) < len(statement.resources) or statement.not_resources or not keys:
            keys.append("*")
        patterns = [key for key in dict.fromkeys(keys) if not covered or covered.covers(base + widened(key), {}) != NO]
        for action, resource in actions:
            tried = partial(decided, action)
            objects = (for_some_object(tried, base, pattern) for pattern in patterns)
            for decision in [tried(resource)] if resource == self.arn else objects:
                if decision.status == YES:
                    return grant
                stopped, doubt = (
                    (decision.reason, doubt) if decision.status == NO else (stopped, doubt or decision.reason)
                )
        return grant.doubted(doubt) if doubt else grant.stopped("policy_deny", stopped)

    def less_restricted(self, grant: Grant) -> Grant:
        """The grant under ``RestrictPublicBuckets``: a public policy is left with services and the own account alone."""
        named = grant.foreign == NO and (grant.grantee != "*" or grant.open_to_all == NO)
        if NO in (grant.effective_status, self.public, self.stop.status) or named:
            return grant
        if self.stop.status == UNKNOWN:
            return grant.under(self.stop)
        if self.public == UNKNOWN:
            return grant.doubted("RestrictPublicBuckets is on, and whether the policy is public is not known")
        effect = "leaves services and the own account alone" if YES in (grant.open_to_all, grant.foreign) else "is on"
        return grant.stopped(self.stop.blocked_by, f"the policy is public, and RestrictPublicBuckets {effect}")


def policy_grants(context: BucketContext) -> list[Grant]:
    """The grants of the bucket's policy; S3's own word on whether it is public counts where the policy cannot tell."""
    answer, stop = context.answer("GetBucketPolicy"), context.stop(RESTRICT)
    is_public = mapping(context.answer("GetBucketPolicyStatus").response.get("PolicyStatus")).get("IsPublic")
    if context.policy is None:
        return [by_policy_status(context.no_grant("policy", answer), is_public, stop)]
    policy = AttachedPolicy(context, context.policy, stop, "policy", context.bucket.arn, "/", "the bucket's policy")
    grants = policy.grants()
    if policy.public == YES:
        note = "GetBucketPolicyStatus says that the policy is not public" if is_public is False else ""
        return [grant.noted(note) if grant.open_to_all == YES else grant for grant in grants]
    if is_public is True and not any(grant.open_to_all != NO for grant in grants):
        grants.append(policy.unsettled("no statement of it was found to be public"))
    return [by_policy_status(grant, is_public, stop) for grant in grants]


def by_policy_status(grant: Grant, is_public: object, stop: Stop) -> Grant:
    """A grant by ``GetBucketPolicyStatus``, where the policy does not tell whether it is public."""
    if grant.open_to_all != UNKNOWN:
        return grant
    if is_public is True:
        grant = grant.noted("GetBucketPolicyStatus: the policy is public")
        return replace(grant, open_to_all=YES, grantee="*", effective_status=YES).under(stop)
    if is_public is False:
        return grant.not_public("GetBucketPolicyStatus: the policy is not public")
    # whether it is public or not, RestrictPublicBuckets lets nobody in by a public one
    return grant.not_public(f"{stop.words} ({stop.blocked_by})") if stop.status == YES else grant


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


def principal_of(grantee: str, partition: str) -> Principal:
    """Somebody whom a statement names so, in the partition of the bucket where it names an account alone."""
    account, name = account_in(grantee), grantee.rpartition("/")[2]
    if account and ":role/" in grantee:
        session = f"arn:{grantee.split(':')[1]}:sts::{account}:assumed-role/{name}/{SAMPLE}"
        return Principal("role_session", session, grantee)
    if account and (":user/" in grantee or ":sts:" in grantee):
        return Principal("user" if ":user/" in grantee else "role_session", grantee)
    if grantee.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Principal("service", grantee)
    if grantee == account:
        return Principal("root", f"arn:{partition}:iam::{account}:root")
    return Principal("anonymous") if grantee == "*" else Principal("root", canonical_id=grantee)


def widened(pattern: str) -> str:
    """The folder of objects in which all that a pattern covers lies, or the object that it names."""
    wild = WILD.search(pattern)
    return f"{pattern[: wild.start()].rpartition('/')[0]}/*".lstrip("/") if wild else pattern


def for_some_object(decided: Callable[[str], Decision], base: str, pattern: str) -> Decision:
    """The decision that lets most through: for the folder that a pattern covers, or keys with a name, or the shortest text,
    in place of each wildcard.
    """
    whole = decided(base + widened(pattern))
    if whole.status != UNKNOWN:
        return whole
    filled = [WILD.sub(lambda wild, text=text: "0" if wild[0] == "?" else text, pattern) for text in (SAMPLE, "")]  # type: ignore[misc]
    keys = [key for key in dict.fromkeys(filled) if key and not key.endswith("/")]
    return most([whole, *(decided(base + key) for key in keys)])


def most(decisions: Iterable[Decision]) -> Decision:
    """The one that lets most through; the first of two alike."""
    return max(decisions, key=lambda decision: decision.status)


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
    policy, whose = read_document(text, f"policy of access point {name}"), f"the policy of the access point {name!r}"
    stop = context.stop(RESTRICT, context.levels_at_point(details, block, account))
    grants = AttachedPolicy(context, policy, stop, path, arn, "/object/", whose).grants()
    if settings.get("NetworkOrigin") == "VPC":
        grants = [grant.not_public("requests from its VPC alone") for grant in grants]
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
    request = Request(
        principal_of(grant.grantee, context.bucket.partition), action, resource, context.bucket.account, through
    )
    # of another account's side nothing is known, and nothing is asked: it may allow it to itself
    decision = decide(request, Policies([EVERYTHING], resource=[at_best(context.policy)]))
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
    if policy is not None and not policy.unreadable:  # does it allow what comes through access points?
        closed = not any(
            statement.fault is not None
            or (statement.effect == "Allow" and any("dataaccesspoint" in test.lookup for test in statement.conditions))
            for statement in policy.statements
        )
    if closed:  # an outsider passes where the bucket's own policy lets it pass, and that is a grant of its own
        words = "the bucket's policy hands nothing on to access points"
        return [replace(grant.not_public(words), foreign=NO)]
    if answer.state == "not_asked" and policy is None:
        return [replace(grant, open_to_all=NO, foreign=NO)]  # what is not known of the bucket's policy leaves it open
    stop = context.stop(RESTRICT)
    return [grant.not_public(stop.words) if stop.status == YES else grant]


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
    """The grant that one entry of the list of access grants is, a row for each kind of access.

    Another account's principals need the instance's resource policy to let them ask for credentials.
    """
    given = mapping(entry.get("Grantee"))
    grantee = str(given["GranteeIdentifier"]) if given.get("GranteeIdentifier") else None
    directory, account = str(given.get("GranteeType") or "").startswith("DIRECTORY"), account_in(grantee)
    foreign = NO if directory else context.inventory.is_foreign_account(account, context.bucket)
    operation, sharing = "GetAccessGrantsInstanceResourcePolicy", Stop(NO)
    answers = [] if foreign == NO else list(answers_on_grants(context, operation, anywhere=True))
    policies = [str(answer.response.get("Policy")) for answer in answers if answer.state == "answered"]
    if any(answer.state == "absent" for answer in answers):
        sharing = Stop(YES, "access_grants_resource_policy", "the instance is shared with no other account")
    elif foreign != NO and not policies:
        sharing = Stop(UNKNOWN, None, answers[0].words if answers else f"{operation} was not asked")
    elif foreign != NO and not (account and account in policies[0]):
        sharing = Stop(UNKNOWN, None, "the instance's resource policy does not name that account")
    scope, permission = entry.get("GrantScope"), str(entry.get("Permission"))
    name = str(entry.get("AccessGrantId") or entry.get("AccessGrantArn") or scope)
    for access in PERMISSIONS.get(permission, (None,)):
        grant = context.grant(
            "access_grant", grantee=grantee, access=access, effective_status=YES, statement=name, foreign=foreign,
            detail=f"access grant {name!r}: {permission} on {scope}",
        )  # fmt: skip
        readable = grantee is not None and access is not None
        yield (grant if readable else grant.doubted("the grant cannot be read")).under(sharing)
