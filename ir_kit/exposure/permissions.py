"""What could each compromised credential do to a bucket: read, write, delete, list, change the policy?

First by policies: as whom it acts and which policies bear on it, decided in AWS's order. A request is taken at its
best: whoever holds the credential sets its parts as they like (see `caller_controlled`), and names whatever object a
policy lets them. From where they come, and through which endpoint, evidence does not settle. A session policy is taken
from the call that issued the credential. What policies do not allow, and none denies, the bucket's ACL may. Then by the
logs: what a credential did, it could do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from ir_kit.case import Case
from ir_kit.configuration.answers import Configuration
from ir_kit.configuration.inventory import Bucket
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.domain.documents import mappings, parsed
from ir_kit.domain.frames import rows_of
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.domain.principals import account_of_arn, role_name, session_name, user_name
from ir_kit.exposure import identity_policies as identities
from ir_kit.exposure.grants import LIST, READ, WRITE, BucketContext, Grant
from ir_kit.exposure.identity_policies import Levels, read_document
from ir_kit.exposure.policy_grants import SAMPLE, WILD, filled_in, widened
from ir_kit.exposure.verdicts import Exposure, exposure_of
from ir_kit.policies import ABSENT, UNREADABLE, Policy, Request, decide
from ir_kit.policies.policy_documents import EFFECTS
from ir_kit.policies.policy_principals import Principal, federated_user, role_session, root, user

Row = Mapping[str, Any]
ACTIONS = {
    "read": ("s3:GetObject", "s3:GetObjectVersion"), "write": ("s3:PutObject",),
    "delete": ("s3:DeleteObject", "s3:DeleteObjectVersion"), "list": ("s3:ListBucket", "s3:ListBucketVersions"),
    "admin": ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
}  # fmt: skip
BY_ACL = {"read": READ, "list": LIST, "write": WRITE, "delete": WRITE}  # what an ACL has to let everybody do for it
RANK = {NO: 0, UNKNOWN: 1, YES: 2}
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Actor:
    """As whom a credential acts, with all policies that bear on it; several credentials may act as the same."""

    principal: Principal
    identity: tuple[Policy, ...] | None
    boundary: Policy | None
    session: tuple[Policy, ...] | None
    scps: Levels | None
    context: dict[str, Any] = field(hash=False)
    note: str = ""

    @property
    def policies(self) -> list[Policy]:
        """All of its policies, in no order that matters."""
        parts = (self.identity or (), self.session or (), *(self.scps or ()), (self.boundary,) if self.boundary else ())
        return [policy for part in parts for policy in part]


@dataclass(frozen=True)
class BucketPolicies:
    """A bucket with the policies on it: its own (None: not known, and `why`), its account's, its default key's."""

    bucket: Bucket
    policy: tuple[Policy, ...] | None
    why: str
    rcps: Levels | None
    key: str | None
    key_policy: tuple[Policy, ...] | None

    @property
    def policies(self) -> list[Policy]:
        """The bucket's and its account's, in no order that matters."""
        return [*(self.policy or ()), *(policy for level in self.rcps or () for policy in level)]


class Permission(NamedTuple):
    """Whether a principal could, the statement that decides, and why."""

    status: str
    statement: str | None
    reason: str


def permissions(case: Case) -> list[dict[str, Any]]:
    """What could each compromised credential (responders' left out) do to each bucket in scope?

    Returns
    -------
    list of dict
        One row per credential, bucket and kind of access; see ``bucket_exposure/reachable``.

    Notes
    -----
    Cannot see policies that were changed or removed before collection, but for what was done under them.
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
    known: dict[Actor | None, list[tuple[str, str, Permission]]] = {}
    for credential in credentials:
        if credential.get("is_responder"):
            continue
        parent = parents.get(credential.get("parent_access_key_id"))
        actor = actor_of(credential, parent, by_key.get(str(credential["access_key_id"]), {}), exposure)
        if actor not in known:
            known[actor] = [
                (on.bucket.name, access, permission_on(actor, on, access, times, exposure))
                for on in buckets
                for access in ACTIONS
            ]
        rows += [
            {
                "access_key_id": credential["access_key_id"], "principal_arn": credential["principal_arn"],
                "bucket": bucket, "access": access, "status": permission.status, "decided_by": permission.statement,
                "detail": permission.reason,
            }
            for bucket, access, permission in known[actor]
        ]  # fmt: skip
    return rows


def bucket_policies(exposure: Exposure, name: str) -> BucketPolicies:
    """The policies on a bucket, as they bear on a caller who sets the request at will."""
    bucket, configuration = exposure.inventory.buckets[name], exposure.configuration
    context = BucketContext(bucket, configuration, exposure.inventory)
    answer, encryption, key = context.answer("GetBucketPolicy"), context.answer("GetBucketEncryption"), None
    policy = () if answer.state == "absent" else (context.policy.best,) if context.policy else None
    for rule in mappings((encryption.part("ServerSideEncryptionConfiguration", dict) or {}).get("Rules")):
        default = rule.get("ApplyServerSideEncryptionByDefault")
        named = default.get("KMSMasterKeyID") if isinstance(default, dict) else None
        key = key or (str(named) if named and not str(named).endswith("alias/aws/s3") else None)
    key_policy = None
    for call, of_key in configuration.every("kms", "GetKeyPolicy") if key else ():
        same = str(call.parameters.get("KeyId") or "").rpartition("/")[2] == str(key).rpartition("/")[2]  # ARN or id
        if same and of_key.state == "answered":
            key_policy = (read_document(of_key.response.get("Policy"), f"key policy of {key}"),)
    rcps = identities.organization_policies(configuration, bucket.account, identities.RCP)
    return BucketPolicies(bucket, policy, answer.words, rcps, key, key_policy)


def actor_of(credential: Row, parent: Row | None, origin: Row, exposure: Exposure) -> Actor | None:
    """As whom does a credential act? None where that is not known.

    Parameters
    ----------
    parent : mapping or None
        The credential that issued it.
    origin : mapping
        Its row of ``exposure/credential_origins``; empty where no event issued or names it.
    """
    arn, configuration, inventory = credential["principal_arn"], exposure.configuration, exposure.inventory
    account = account_of_arn(arn)
    if arn is None or account is None:
        return None
    temporary, is_user, is_role = credential["credential_type"] != "long_term", user_name(arn), role_name(arn)
    known = arn.endswith(":root") or is_user is not None or is_role is not None
    issuer = arn if known else origin.get("user_identity_arn") or (parent["principal_arn"] if parent else None)
    rights = identities.rights_of(configuration, issuer) if issuer else None
    canonical = next((owner for owner, of in inventory.canonical.items() if of == account), None)
    entity_id = rights.entity_id if rights else None
    session: tuple[tuple[Policy, ...] | None, str] = (None, "")
    if arn.endswith(":root"):
        principal = root(account, canonical)
    elif is_user is not None:
        principal = user(arn, canonical, entity_id, temporary)
    else:
        session = session_policies(credential, arn, origin, configuration) if temporary else session
        principal = federated_user(arn, issuer or f"arn:aws:iam::{account}:user/", canonical)
    if is_role is not None:
        role_arn = credential.get("principal") if ":role/" in str(credential.get("principal")) else None
        user_id = f"{entity_id}:{session_name(arn)}" if entity_id else None
        principal = role_session(arn, role_arn or (rights.arn if rights else None), canonical, user_id)
    # what evidence settles of its requests; not their address, nor the VPC that they come from
    context: dict[str, Any] = {"aws:ViaAWSService": False, "aws:CalledVia": ABSENT, "aws:PrincipalIsAWSService": False}
    if temporary and origin.get("mfa") is not None:
        context["aws:MultiFactorAuthPresent"] = bool(origin["mfa"])
    if temporary and origin.get("session_creation_date") is not None:
        context["aws:TokenIssueTime"] = origin["session_creation_date"].strftime("%Y-%m-%dT%H:%M:%SZ")
    organization, _, is_known = identities.organization_of(configuration)
    if is_known and account in inventory.accounts:
        context["aws:PrincipalOrgID"] = ABSENT if organization is None else organization
    if is_user is not None and rights and rights.tags is not None:
        context |= {f"aws:principaltag/{name}".lower(): (value,) for name, value in rights.tags.items()}
        context["aws:PrincipalTag/*"] = ABSENT
    return Actor(
        principal, () if str(issuer).endswith(":root") else rights.all_policies if rights else None,
        rights.boundary if rights else None, session[0],
        identities.organization_policies(configuration, account, identities.SCP), context, session[1],
    )  # fmt: skip


def session_policies(
    credential: Row, arn: str, origin: Row, configuration: Configuration
) -> tuple[tuple[Policy, ...] | None, str]:
    """The session policies, None where none was passed; and what is not known of them."""
    event_name, key = origin.get("event_name"), credential["access_key_id"]
    if event_name is None and _INSTANCE.fullmatch(session_name(arn) or ""):
        return None, ""  # an instance's credentials come from AWS, with no session policy
    if event_name is None:
        note = "the call that issued it is not in the evidence, nor a session policy it may have passed"
        return (UNREADABLE,), note
    parameters = parsed(origin["request_parameters"] or "null")
    if not isinstance(parameters, dict) or parameters.get("omitted") or event_name == "AssumeRoot":
        return (UNREADABLE,), f"what {event_name} passed as session policy is not known"
    policies, listed = list[Policy](), parameters.get("policyArns")
    if parameters.get("policy") is not None:
        policies.append(read_document(parameters["policy"], f"session policy of {key}"))
    for entry in listed if isinstance(listed, list) else ():
        policy_arn = str(entry.get("arn") or entry.get("Arn")) if isinstance(entry, dict) else str(entry)
        document = identities.identities_of(configuration, account_of_arn(arn)).managed_policy(policy_arn)
        source = f"session policy {policy_arn}"
        missing = Policy(source, unreadable="its document was not collected")
        policies.append(missing if document is None else read_document(document, source))
    return tuple(policies) or None, ""


def permission_on(
    actor: Actor | None, on: BucketPolicies, access: str, times: Sequence[datetime], exposure: Exposure
) -> Permission:
    """Could this actor do this to this bucket, by policies and by the bucket's ACL?"""
    if actor is None:
        return Permission(UNKNOWN, None, "as whom the credential acts is not known")
    context = actor.context | ({"aws:RequestedRegion": on.bucket.region} if on.bucket.region else {})
    policies, first = [*actor.policies, *on.policies], ACTIONS[access][0].lower()
    moments = times if any(speaks_of_time(policy) for policy in policies) else ()
    best: Permission | None = None
    for action in ACTIONS[access]:
        if best and all(policy.on(first, of) == policy.on(action.lower(), of) for policy in policies for of in EFFECTS):
            continue  # of actions that no policy tells apart, the first stands for all
        permission, at_time = permission_for(actor, on, action, context), None
        for time in moments if permission.status == UNKNOWN else ():  # at both ends of the window
            moment = {"aws:CurrentTime": f"{time:%Y-%m-%dT%H:%M:%SZ}", "aws:EpochTime": int(time.timestamp())}
            at_time = better(at_time, permission_for(actor, on, action, context | moment))
        permission = at_time or permission
        best = better(best, permission)
        if best.status == YES:
            break
    assert best is not None
    if access == "read" and best.status == YES and on.key:
        best = less_undecryptable(best, actor, on, context)
    return with_acl(access, best, exposure.grants[on.bucket.name], actor, exposure)


@lru_cache(maxsize=50_000)
def speaks_of_time(policy: Policy) -> bool:
    """Does a condition of this policy hang on when a request is made?"""
    tests = (test for statement in policy.statements for test in statement.conditions)
    return any(test.lookup in ("aws:currenttime", "aws:epochtime") for test in tests)


def permission_for(actor: Actor, on: BucketPolicies, action: str, context: Mapping[str, Any]) -> Permission:
    """For the bucket; or for all of its objects at once, and where that is not settled, for those that a policy names."""
    if action in (*ACTIONS["list"], *ACTIONS["admin"]):
        return permission_by_policies(actor, on, action, on.bucket.arn, context)
    arn, named = on.bucket.arn, [objects_named(policy, action.lower()) for policy in [*actor.policies, *on.policies]]
    patterns = dict.fromkeys(key for part in named for name, key in part if fnmatchcase(on.bucket.name, name))
    whole: Permission | None = None
    if not patterns or "*" in patterns or on.policy is None:
        whole = permission_by_policies(actor, on, action, f"{arn}/*", context)
        if whole.status != UNKNOWN or on.policy is None:
            return whole
    best: Permission | None = None
    for pattern in patterns:
        key, settled = pattern, True
        for variable in _VARIABLE.findall(pattern):
            known = Request(actor.principal, action, arn, on.bucket.account, context).known
            values = known.get(variable.partition(",")[0].strip().lower())
            value = values[0] if isinstance(values, tuple) and len(values) == 1 else None
            key, settled = key.replace(f"${{{variable}}}", value or SAMPLE), settled and value is not None
        permission = permission_by_policies(actor, on, action, f"{arn}/{widened(key)}", context)
        for filled in filled_in(key) if permission.status == UNKNOWN else ():
            permission = better(permission, permission_by_policies(actor, on, action, f"{arn}/{filled}", context))
        if permission.status == NO and not settled:
            permission = whole or permission_by_policies(actor, on, action, f"{arn}/*", context)
        if permission.status != NO and key != "*":
            permission = permission._replace(reason=f"{permission.reason} (objects such as {key})")
        best = better(best, permission)
        if best.status == YES:
            break
    return best or whole or Permission(NO, None, "")


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


def permission_by_policies(
    actor: Actor, on: BucketPolicies, action: str, resource: str, context: Mapping[str, Any]
) -> Permission:
    decision = decide(
        Request(actor.principal, action, resource, on.bucket.account, context),
        identity=actor.identity, boundary=actor.boundary, session=actor.session, resource=on.policy, scps=actor.scps,
        rcps=on.rcps,
    )  # fmt: skip
    reason = decision.reason
    if decision.status == UNKNOWN and on.policy is None and "policy is not known" in reason:
        reason = f"{reason}: {on.why}" if on.why else reason
    if decision.status == UNKNOWN and actor.note and "could not be read" in reason:
        reason = actor.note
    return Permission(decision.status, decision.statement, reason)


def better(best: Permission | None, other: Permission) -> Permission:
    """The one that lets more through; the first of two alike."""
    return other if best is None or RANK[other.status] > RANK[best.status] else best


def less_undecryptable(read: Permission, actor: Actor, on: BucketPolicies, context: Mapping[str, Any]) -> Permission:
    """Reading what is encrypted under a customer's key takes the right to use the key, too."""
    key = str(on.key)
    if on.key_policy is None:
        words = f"{read.reason}; new objects are encrypted with {key}, whose policy is not known"
        return read._replace(reason=words)
    account = key.split(":")[4] if key.count(":") > 4 else on.bucket.account
    decision = decide(
        Request(actor.principal, "kms:Decrypt", key, account, context),
        identity=actor.identity, boundary=actor.boundary, session=actor.session, resource=on.key_policy,
        scps=actor.scps,
    )  # fmt: skip
    if decision.status != NO:
        return read
    words = f"{read.reason}; but new objects are encrypted with {key}: {decision.reason}"
    return Permission(UNKNOWN, decision.statement or read.statement, words)


def with_acl(access: str, permission: Permission, grants: list[Grant], actor: Actor, exposure: Exposure) -> Permission:
    """What policies do not allow, and none denies, an ACL may."""
    if permission.status == YES or (permission.status == NO and permission.statement is not None):
        return permission
    for grant in grants:
        if grant.path != "acl" or grant.effective_status == NO or grant.access != BY_ACL.get(access, NO):
            continue
        account = exposure.inventory.canonical.get(str(grant.grantee))
        status = NO
        if grant.open_to_all == YES:
            status = grant.effective_status
        elif grant.foreign != NO and account in (None, actor.principal.account):
            status = UNKNOWN
        if any_of((status, permission.status)) != permission.status:
            permission = Permission(status, f"the bucket's ACL ({grant.statement} for {grant.grantee})", grant.detail)
    return permission
