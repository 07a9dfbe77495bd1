"""What could each compromised credential do to a bucket: read, write, delete, list, change the policy?

First by policies: as whom it acts and which policies bear on it, by ``GetAccountAuthorizationDetails`` and the call that
issued it, decided in AWS's order. A request is taken at its best: whoever holds the credential sets its parts as they
like (see `at_best`), and names whatever object a policy lets them. From where they come, and through which endpoint,
evidence does not settle. A policy that is missing is named, and never taken for one that grants nothing. What policies
do not allow, and none denies, the bucket's ACL may. Then by the logs: what a credential did, it could do.

Source: AWS Managed Policy Reference Guide; IAM User Guide, "Policy evaluation logic".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from typing import Any, NamedTuple

from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import Bucket
from ir_kit.configuration.collected_answers import Answer, Configuration
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.domain.documents import mapping, mappings, parsed, rows_of, value_of
from ir_kit.domain.logic import ABSENT, NO, UNKNOWN, YES
from ir_kit.domain.principals import account_of_arn, role_name, session_name, user_name
from ir_kit.exposure.bucket_verdicts import Exposure, exposure_of
from ir_kit.exposure.grants import LIST, READ, WRITE, BucketContext, Grant, at_best, read_document
from ir_kit.exposure.policy_grants import SAMPLE, WILD, for_some_object, most
from ir_kit.policies.decisions import Decision, Policies, Request, decide
from ir_kit.policies.policy_documents import EFFECTS, UNREADABLE, Policy, Principal

Row = Mapping[str, Any]
ACTIONS = {
    "read": ("s3:GetObject", "s3:GetObjectVersion"), "write": ("s3:PutObject",),
    "delete": ("s3:DeleteObject", "s3:DeleteObjectVersion"), "list": ("s3:ListBucket", "s3:ListBucketVersions"),
    "admin": ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
}  # fmt: skip
BY_ACL = {"read": READ, "list": LIST, "write": WRITE, "delete": WRITE}  # what an ACL has to let everybody do for it
INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
OF_TIME = ("aws:currenttime", "aws:epochtime")
VARIABLE = re.compile(r"\$\{([^}]*)\}")
MANAGED: dict[str, dict[str, Any]] = {
    "AdministratorAccess": {"Action": ["*"]},
    "AmazonS3FullAccess": {"Action": ["s3:*"]},
    "AmazonS3ReadOnlyAccess": {"Action": ["s3:Get*", "s3:List*", "s3:Describe*"]},
    "IAMReadOnlyAccess": {"Action": ["iam:Get*", "iam:List*"]},
    "PowerUserAccess": {"NotAction": ["iam:*", "organizations:*", "account:*"]},
}
"""Policies that AWS manages, where not collected: what those say of S3 that are short and have not changed in years."""


class Rights(NamedTuple):
    """What a user or a role was given, as the details have it; what is not known is a policy that cannot be read."""

    detail: dict[str, Any]
    policies: tuple[Policy, ...]
    boundary: Policy | None


@dataclass(frozen=True)
class Actor:
    """As whom a credential acts, with the policies on its side; several credentials may act as the same."""

    principal: Principal
    policies: Policies
    context: dict[str, Any] = field(hash=False)
    note: str  # what is not known of its session policies

    def decide(self, action: str, resource: str, account: str | None) -> Decision:
        """May it do this?"""
        return decide(Request(self.principal, action, resource, account, self.context), self.policies)


class BucketPolicies(NamedTuple):
    """A bucket with the policies on it: its own (None: not known, and `why`), its default key's."""

    bucket: Bucket
    policy: tuple[Policy, ...] | None
    why: str
    key: str | None
    key_policy: tuple[Policy, ...] | None


def permissions(case: Case) -> list[dict[str, Any]]:
    """What could each compromised credential (responders' left out) do to each bucket in scope?

    Returns
    -------
    list of dict
        One row per credential, bucket and kind of access; see ``bucket_exposure/reachable``.

    Notes
    -----
    Cannot see policies that were changed or removed before collection, but for what was done under them; nor those of
    an organization, which a member account cannot read.
    """
    credentials = rows_of(compromised_credentials(case))
    origins = rows_of(case.ask("exposure/credential_origins"))
    window = (case.incident.window.start, case.incident.window.end)
    rows = by_policies(credentials, origins, exposure_of(case), window)
    used = case.ask("exposure/observed_use").set_index(["access_key_id", "bucket", "access"])["words"].to_dict()
    for row in rows:
        if use := used.get((row["access_key_id"], row["bucket"], row["access"])):
            collected = f"by configuration as collected: {row['detail']}"
            parts = (row["detail"], use) if row["status"] == YES else (use, collected)
            row |= {"status": YES, "detail": "; ".join(parts)}
    return rows


def by_policies(
    credentials: Sequence[Row], origins: Sequence[Row], exposure: Exposure, times: Sequence[datetime]
) -> list[dict[str, Any]]:
    """The rows of `permissions` by policies and ACLs alone, at the best of these moments."""
    parents = {row["access_key_id"]: row for row in credentials}
    by_key = {str(row["access_key_id"]): row for row in origins}
    buckets, rows = [bucket_policies(exposure, name) for name in exposure.inventory.buckets], list[dict[str, Any]]()
    known: dict[Actor | None, list[dict[str, Any]]] = {}
    for credential in credentials:
        if credential.get("is_responder"):
            continue
        parent = parents.get(credential.get("parent_access_key_id"))
        actor = actor_of(credential, parent, by_key.get(str(credential["access_key_id"]), {}), exposure)
        if actor not in known:
            known[actor] = [
                {"bucket": on.bucket.name, "access": access, "status": decision.status,
                 "decided_by": decision.statement, "detail": decision.reason}
                for on in buckets
                for access in ACTIONS
                for decision in [permission_on(actor, on, access, times, exposure)]
            ]  # fmt: skip
        rows += [{name: credential[name] for name in ("access_key_id", "principal_arn")} | row for row in known[actor]]
    return rows


def bucket_policies(exposure: Exposure, name: str) -> BucketPolicies:
    """The policies on a bucket, as they bear on a caller who sets the request at will."""
    bucket, key, key_policy = exposure.inventory.buckets[name], None, None
    context = BucketContext(bucket, exposure.configuration, exposure.inventory)
    answer = context.answer("GetBucketPolicy")
    policy = () if answer.state == "absent" else (at_best(context.policy),) if context.policy else None
    encryption = context.answer("GetBucketEncryption").response
    for rule in mappings(value_of(encryption.get("ServerSideEncryptionConfiguration"), "Rules")):
        named = mapping(rule.get("ApplyServerSideEncryptionByDefault")).get("KMSMasterKeyID")
        key = key or (str(named) if named and not str(named).endswith("alias/aws/s3") else None)
    for call, of_key in exposure.configuration.every("kms", "GetKeyPolicy") if key else ():
        same = str(call.parameters.get("KeyId") or "").rpartition("/")[2] == str(key).rpartition("/")[2]  # ARN or id
        if same and of_key.state == "answered":
            key_policy = (at_best(read_document(of_key.response.get("Policy"), f"key policy of {key}")),)
    return BucketPolicies(bucket, policy, answer.words, key, key_policy)


class Identities:
    """The users, roles, groups and managed policies of one account, as ``GetAccountAuthorizationDetails`` has them."""

    def __init__(self, configuration: Configuration, account: str | None) -> None:
        self.details: dict[str, dict[str, dict[str, Any]]] = {"User": {}, "Role": {}, "Group": {}, "Policy": {}}
        self.answer = Answer("GetAccountAuthorizationDetails")
        for call, answer in configuration.every("iam", "GetAccountAuthorizationDetails"):
            if None in (account, call.account) or call.account == account:
                self.answer = answer if self.answer.state != "answered" else self.answer
                for kind, part, name in (
                    ("User", "UserDetailList", "UserName"), ("Role", "RoleDetailList", "RoleName"),
                    ("Group", "GroupDetailList", "GroupName"), ("Policy", "Policies", "Arn"),
                ):  # fmt: skip
                    self.details[kind] |= {str(entry[name]): entry for entry in answer.listed(part) if entry.get(name)}

    def policies_of(self, kind: str, name: str) -> list[Policy]:
        """The policies of a ``User``, ``Role`` or ``Group``: its own, those attached to it and those of its groups."""
        detail, whose = self.details[kind].get(name), f"{kind.lower()} {name}"
        if detail is None:
            answered = self.answer.state == "answered"
            why = "the account's authorization details do not hold it" if answered else self.answer.words
            return [unknown_policy(f"the policies of {whose} are not known: {why}")]
        policies = [
            at_best(read_document(entry.get("PolicyDocument"), f"policy {entry.get('PolicyName')} of {whose}"))
            for entry in mappings(detail.get(f"{kind}PolicyList"))
        ]
        for arn in (str(entry.get("PolicyArn")) for entry in mappings(detail.get("AttachedManagedPolicies"))):
            missing = unknown_policy(f"what {arn} says, which is attached to {whose}, is not known")
            policies.append(self.managed_policy(arn, f"{arn} of {whose}") or missing)
        groups = detail.get("GroupList")
        for group in groups if isinstance(groups, list) else ():
            policies += self.policies_of("Group", str(group))
        return policies

    def managed_policy(self, arn: str, source: str) -> Policy | None:
        """A managed policy in the version that is in force; None where nothing tells it."""
        for version in mappings(self.details["Policy"].get(arn, {}).get("PolicyVersionList")):
            if version.get("IsDefaultVersion") is True and version.get("Document") is not None:
                return at_best(read_document(version["Document"], source))
        known = MANAGED.get(arn.rpartition("/")[2]) if arn.split(":")[4:5] == ["aws"] else None
        statement = {"Sid": "AWSManaged", "Effect": "Allow", "Resource": "*"} | (known or {})
        return at_best(read_document({"Version": "2012-10-17", "Statement": statement}, source)) if known else None


def unknown_policy(words: str) -> Policy:
    """What stands for an identity's policies that are not known."""
    return Policy("identity policies", unreadable=words)


identities_of = lru_cache(maxsize=256)(Identities)  # of an account, of any where that is None; read once


@lru_cache(maxsize=4096)
def rights_of(configuration: Configuration, arn: str) -> Rights | None:
    """What the user or the role of this ARN was given; None for others; read once."""
    name, kind = role_name(arn) or user_name(arn), "Role" if role_name(arn) else "User"
    if name is None:
        return None
    identities, boundary = identities_of(configuration, account_of_arn(arn)), None
    detail, policies = identities.details[kind].get(name, {}), identities.policies_of(kind, name)
    bound = mapping(detail.get("PermissionsBoundary")).get("PermissionsBoundaryArn")
    if bound and (boundary := identities.managed_policy(str(bound), f"boundary {bound}")) is None:
        policies.append(unknown_policy(f"what the permissions boundary {bound} says is not known"))
        boundary = Policy("permissions boundary", unreadable="its document is not known")
    return Rights(detail, tuple(policies), boundary)


def actor_of(credential: Row, parent: Row | None, origin: Row, exposure: Exposure) -> Actor | None:
    """As whom does a credential act, which `parent` issued? None where that is not known.

    `origin` is its row of ``exposure/credential_origins``; empty where no event issued or names it.
    """
    arn, configuration, inventory = credential["principal_arn"], exposure.configuration, exposure.inventory
    account, temporary = account_of_arn(arn), credential["credential_type"] != "long_term"
    if arn is None or account is None:
        return None
    is_root, is_user, is_role = arn.endswith(":root"), user_name(arn) is not None, role_name(arn) is not None
    known = is_root or is_user or is_role
    issuer = arn if known else origin.get("user_identity_arn") or (parent["principal_arn"] if parent else None)
    rights = rights_of(configuration, issuer) if issuer else None
    detail = rights.detail if rights else {}
    entity_id, tags = detail.get("UserId") or detail.get("RoleId"), detail.get("Tags")
    canonical = next((owner for owner, of in inventory.canonical.items() if of == account), None)
    limited = temporary and not (is_root or is_user)
    session, note = session_policies(credential, arn, origin, configuration) if limited else (None, "")
    own = f"arn:{arn.split(':')[1]}:iam::{account}:user/"
    principal = Principal("federated_user", arn, None, issuer or own, canonical)
    if is_root:
        principal = Principal("root", arn, canonical_id=canonical)
    elif is_user:
        user_id = str(entity_id) if entity_id else None
        principal = Principal("user", arn, canonical_id=canonical, user_id=user_id, temporary=temporary)
    elif is_role:
        named = [str(role) for role in (credential.get("principal"), detail.get("Arn")) if ":role/" in str(role)]
        user_id = f"{entity_id}:{session_name(arn)}" if entity_id else None
        principal = Principal("role_session", arn, next(iter(named), None), canonical_id=canonical, user_id=user_id)
    # what evidence settles of its requests; not their address, nor the VPC that they come from
    context: dict[str, Any] = {"aws:ViaAWSService": False, "aws:CalledVia": ABSENT, "aws:PrincipalIsAWSService": False}
    if temporary and origin.get("mfa") is not None:
        context["aws:MultiFactorAuthPresent"] = bool(origin["mfa"])
    if temporary and origin.get("session_creation_date") is not None:
        context["aws:TokenIssueTime"] = origin["session_creation_date"].strftime("%Y-%m-%dT%H:%M:%SZ")
    for _, answer in configuration.every("organizations", "DescribeOrganization"):
        organization = answer.part("Organization", dict)
        if account in inventory.accounts and (organization or answer.state == "absent"):
            context.setdefault("aws:PrincipalOrgID", str(organization.get("Id")) if organization else ABSENT)
    if is_user and isinstance(tags, list):
        context |= {f"aws:principaltag/{tag.get('Key')}".lower(): (str(tag.get("Value")),) for tag in mappings(tags)}
        context["aws:PrincipalTag/*"] = ABSENT
    identity = () if str(issuer).endswith(":root") else rights.policies if rights else None
    return Actor(principal, Policies(identity, rights.boundary if rights else None, session), context, note)


def session_policies(
    credential: Row, arn: str, origin: Row, configuration: Configuration
) -> tuple[tuple[Policy, ...] | None, str]:
    """The session policies, None where none was passed; and what is not known of them."""
    event_name, key = origin.get("event_name"), credential["access_key_id"]
    if event_name is None and INSTANCE.fullmatch(session_name(arn) or ""):
        return None, ""  # an instance's credentials come from AWS, with no session policy
    if event_name is None:
        note = "the call that issued it is not in the evidence, nor a session policy it may have passed"
        return (UNREADABLE,), note
    parameters = parsed(origin["request_parameters"] or "null")
    if not isinstance(parameters, dict) or parameters.get("omitted") or event_name == "AssumeRoot":
        return (UNREADABLE,), f"what {event_name} passed as session policy is not known"
    policies, listed = list[Policy](), parameters.get("policyArns")
    if parameters.get("policy") is not None:
        policies.append(at_best(read_document(parameters["policy"], f"session policy of {key}")))
    for entry in listed if isinstance(listed, list) else ():
        policy_arn = str(entry.get("arn") or entry.get("Arn")) if isinstance(entry, dict) else str(entry)
        source = f"session policy {policy_arn}"
        policy = identities_of(configuration, account_of_arn(arn)).managed_policy(policy_arn, source)
        policies.append(policy or Policy(source, unreadable="its document was not collected"))
    return tuple(policies) or None, ""


def permission_on(
    actor: Actor | None, on: BucketPolicies, access: str, times: Sequence[datetime], exposure: Exposure
) -> Decision:
    """Could this actor do this to this bucket, by policies and by the bucket's ACL?"""
    if actor is None:
        return Decision(UNKNOWN, None, "as whom the credential acts is not known")
    own, first, decided = replace(actor.policies, resource=on.policy), ACTIONS[access][0].lower(), list[Decision]()
    here = {"aws:RequestedRegion": on.bucket.region} if on.bucket.region else {}
    actor = Actor(actor.principal, own, actor.context | here, actor.note)
    sides = (own.identity, own.session, [own.boundary] if own.boundary else (), own.resource)
    policies = [policy for side in sides for policy in side or ()]
    of_time = any(map(names_time, policies))
    for action in ACTIONS[access]:
        # of actions that no policy tells apart, the first stands for all
        if decided and all(part.on(first, of) == part.on(action.lower(), of) for part in policies for of in EFFECTS):
            continue
        decision = permission_for(actor, on, action, policies)
        if decision.status == UNKNOWN and of_time:  # at both ends of the window
            moments = (
                dict(zip(OF_TIME, (f"{time:%Y-%m-%dT%H:%M:%SZ}", int(time.timestamp())), strict=True)) for time in times
            )
            acting = (replace(actor, context=actor.context | moment) for moment in moments)
            decision = most(permission_for(at_time, on, action, policies) for at_time in acting)
        decided.append(decision)
        if decision.status == YES:
            break
    decision = most(decided)
    if access == "read" and decision.status == YES and on.key:
        decision = less_undecryptable(decision, actor, on)
    return with_acl(access, decision, exposure.grants[on.bucket.name], actor, exposure)


@lru_cache(maxsize=50_000)
def names_time(policy: Policy) -> bool:
    """Does a condition of this policy hang on when a request is made?"""
    return any(test.lookup in OF_TIME for statement in policy.statements for test in statement.conditions)


def permission_for(actor: Actor, on: BucketPolicies, action: str, policies: Sequence[Policy]) -> Decision:
    """For the bucket; or for all of its objects at once, and where that is not settled, for those that a policy names."""
    arn = on.bucket.arn
    if action in (*ACTIONS["list"], *ACTIONS["admin"]):
        return permission_by_policies(actor, on, action, arn)
    named = (objects_named(policy, action.lower()) for policy in policies)
    patterns = dict.fromkeys(key for part in named for name, key in part if fnmatchcase(on.bucket.name, name))
    whole, decided = None, list[Decision]()
    if not patterns or "*" in patterns or on.policy is None:
        whole = permission_by_policies(actor, on, action, f"{arn}/*")
        if whole.status != UNKNOWN or on.policy is None or not patterns:
            return whole
    for pattern in patterns:
        key, settled = pattern, True
        for variable in VARIABLE.findall(pattern):
            known = Request(actor.principal, action, arn, on.bucket.account, actor.context).known
            values = known.get(variable.partition(",")[0].strip().lower())
            value = values[0] if isinstance(values, tuple) and len(values) == 1 else None
            key, settled = key.replace(f"${{{variable}}}", value or SAMPLE), settled and value is not None
        decision = for_some_object(partial(permission_by_policies, actor, on, action), f"{arn}/", key)
        if decision.status == NO and not settled:
            decision = whole or permission_by_policies(actor, on, action, f"{arn}/*")
        if decision.status != NO and key != "*":
            decision = replace(decision, reason=f"{decision.reason} (objects such as {key})")
        decided.append(decision)
        if decision.status == YES:
            break
    return most(decided)


@lru_cache(maxsize=200_000)
def objects_named(policy: Policy, action: str) -> tuple[tuple[str, str], ...]:
    """The buckets and keys of objects, as patterns, that a policy's statements on an action name."""
    named = list[tuple[str, str]]()
    for statement in policy.on(action, "Allow"):
        for arn in statement.resources:
            name, slash, key = arn.rpartition(":::")[2].partition("/")
            # without a slash it covers all objects, or none
            named.append((WILD.sub("*", name), key) if slash and ":::" in arn else ("*", "*"))
        named += [("*", "*")] if statement.not_resources or not statement.resources else []
    for statement in policy.on(action, "Deny"):
        left_out = [arn.rpartition(":::")[2].partition("/") for arn in statement.not_resources]
        named += [(WILD.sub("*", name), key) for name, _, key in left_out if key]
    return tuple(named)


def permission_by_policies(actor: Actor, on: BucketPolicies, action: str, resource: str) -> Decision:
    """The decision on one action and resource, and why it is not known in the words of what was not answered."""
    decision = actor.decide(action, resource, on.bucket.account)
    if decision.status == UNKNOWN and actor.note and "could not be read" in decision.reason:
        return replace(decision, reason=actor.note)
    if decision.status == UNKNOWN and on.policy is None and "policy is not known" in decision.reason:
        return replace(decision, reason=f"{decision.reason}: {on.why}")
    return decision


def less_undecryptable(read: Decision, actor: Actor, on: BucketPolicies) -> Decision:
    """Reading what is encrypted under a customer's key takes the right to use the key, too."""
    key = str(on.key)
    if on.key_policy is None:
        return replace(read, reason=f"{read.reason}; new objects are encrypted with {key}, whose policy is not known")
    account = key.split(":")[4] if key.count(":") > 4 else on.bucket.account
    actor = replace(actor, policies=replace(actor.policies, resource=on.key_policy))
    decision = actor.decide("kms:Decrypt", key, account)
    if decision.status != NO:
        return read
    words = f"{read.reason}; but new objects are encrypted with {key}: {decision.reason}"
    return Decision(UNKNOWN, decision.statement or read.statement, words)


def with_acl(access: str, decision: Decision, grants: list[Grant], actor: Actor, exposure: Exposure) -> Decision:
    """What policies do not allow, and none denies, an ACL may."""
    if decision.status == YES or (decision.status == NO and decision.statement is not None):
        return decision
    for grant in grants:
        if grant.path != "acl" or grant.effective_status == NO or grant.access != BY_ACL.get(access, NO):
            continue
        account, status = exposure.inventory.canonical.get(str(grant.grantee)), NO
        if grant.open_to_all == YES:
            status = grant.effective_status
        elif grant.foreign != NO and account in (None, actor.principal.account):
            status = UNKNOWN
        if status > decision.status:
            words = f"the bucket's ACL ({grant.statement} for {grant.grantee})"
            decision = Decision(status, words, grant.detail)  # type: ignore[arg-type]
    return decision
