"""What could each compromised credential do to a bucket: read, write, delete, list, change the policy?

First by policies: as whom it acts and which policies bear on it, decided in AWS's order. A request is taken at its best: whoever holds the
credential sets its parts as they like (see `caller_controlled`), and names whatever object a policy lets them. From where they come, and
through which endpoint, evidence does not settle. A session policy is taken from the call that issued the credential. What policies do not
allow, and none denies, the bucket's ACL may. Then by the logs: what a credential did, it could do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, cast

from ir_kit.case import Case
from ir_kit.configuration.answers import Answer, Configuration
from ir_kit.configuration.inventory import Bucket
from ir_kit.credentials.lineage import reached_credentials
from ir_kit.domain.documents import mappings, parsed
from ir_kit.domain.frames import rows_of
from ir_kit.domain.principals import account_of_arn, role_name, session_name, user_name
from ir_kit.exposure.grants import LIST, READ, WRITE, BucketContext, Grant
from ir_kit.exposure.identity_policies import (
    RCP,
    SCP,
    Identities,
    Levels,
    Rights,
    organization_of,
    organization_policies,
    read_document,
)  # fmt: skip
from ir_kit.exposure.policy_grants import SAMPLE, WILD, filled_in, widened
from ir_kit.exposure.status import NO, UNKNOWN, YES, any_of
from ir_kit.exposure.verdicts import Exposure, exposure_of
from ir_kit.policies import (
    ABSENT,
    UNREADABLE,
    Policy,
    Principal,
    Request,
    decide,
    federated_user,
    role_session,
    root,
    user,
)  # fmt: skip
from ir_kit.policies.documents import EFFECTS

Row = Mapping[str, Any]
T = TypeVar("T")
ACTIONS = {
    "read": ("s3:GetObject", "s3:GetObjectVersion"),
    "write": ("s3:PutObject",),
    "delete": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "list": ("s3:ListBucket", "s3:ListBucketVersions"),
    "admin": ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
}
ON_OBJECTS = ("read", "write", "delete")
BY_ACL = {
    "read": READ,
    "list": LIST,
    "write": WRITE,
    "delete": WRITE,
}  # what a public ACL has to let everybody do for it
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
    tags_known: bool = False
    note: str = ""

    @property
    def policies(self) -> list[Policy]:
        """All of its policies, in no order that matters."""
        flat = [
            *(self.identity or ()),
            *(self.session or ()),
            *(policy for level in self.scps or () for policy in level),
        ]
        return flat + ([self.boundary] if self.boundary else [])


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
    credentials = rows_of(reached_credentials(case))
    origins = rows_of(case.ask("exposure/credential_origins"))
    window = (case.incident.window.start, case.incident.window.end)
    found = by_policies(credentials, origins, exposure_of(case), window)
    uses = {
        (use["access_key_id"], use["bucket"], use["access"]): use["words"]
        for use in rows_of(case.ask("exposure/observed_use"))
    }
    for row in found:
        if use := uses.get((row["access_key_id"], row["bucket"], row["access"])):
            allowed = row["status"] == YES
            row["detail"] = (
                f"{row['detail']}; {use}" if allowed else f"{use}; by configuration as collected: {row['detail']}"
            )
            row["status"] = YES
    return found


def by_policies(
    credentials: Sequence[Row], origins: Sequence[Row], exposure: Exposure, times: Sequence[datetime]
) -> list[dict[str, Any]]:
    """The rows of `permissions` by policies and ACLs alone, at the best of these moments."""
    parents = {row["access_key_id"]: row for row in credentials}
    actors, rows = Actors(exposure, origins), list[dict[str, Any]]()
    buckets = [bucket_policies(exposure, name, actors) for name in exposure.inventory.buckets]
    known: dict[Actor | None, list[tuple[str, str, Permission]]] = {}
    for credential in credentials:
        if credential.get("is_responder"):
            continue
        actor = actors.actor(credential, parents.get(credential.get("parent_access_key_id")))
        if actor not in known:
            known[actor] = [
                (on.bucket.name, access, _with_acl(access, permission, exposure.grants[on.bucket.name], actor, exposure))
                for on in buckets
                for access, permission in _permissions_on(actor, on, times)
            ]  # fmt: skip
        rows += [
            {
                "access_key_id": credential["access_key_id"], "principal_arn": credential["principal_arn"], "bucket": bucket,
                "access": access, "status": permission.status, "decided_by": permission.statement, "detail": permission.reason,
            }
            for bucket, access, permission in known[actor]
        ]  # fmt: skip
    return rows


def bucket_policies(exposure: Exposure, name: str, actors: Actors) -> BucketPolicies:
    """The policies on a bucket, as they bear on a caller who sets the request at will."""
    bucket, configuration = exposure.inventory.buckets[name], exposure.configuration
    context = BucketContext(bucket, configuration, exposure.inventory)
    answer, key = context.answer("GetBucketPolicy"), default_key(context.answer("GetBucketEncryption"))
    policy = () if answer.state == "absent" else (context.policy.best,) if context.policy else None
    key_policy = None
    if key and (of_key := kms_answer(configuration, "GetKeyPolicy", key)).state == "answered":
        key_policy = (read_document(of_key.response.get("Policy"), f"key policy of {key}"),)
    rcps = actors.organization_policies(bucket.account, RCP)
    return BucketPolicies(bucket, policy, answer.words, rcps, key, key_policy)


def default_key(answer: Answer) -> str | None:
    """The customer managed key that new objects are encrypted with; None where there is none or nothing tells it."""
    for rule in mappings((answer.part("ServerSideEncryptionConfiguration", dict) or {}).get("Rules")):
        default = rule.get("ApplyServerSideEncryptionByDefault")
        key = default.get("KMSMasterKeyID") if isinstance(default, dict) else None
        if key and not str(key).endswith("alias/aws/s3"):
            return str(key)
    return None


def kms_answer(configuration: Configuration, operation: str, key: str) -> Answer:
    """What was answered about a key, whether it was asked by its ARN or by its id."""
    found = configuration.answer("kms", operation, KeyId=key)
    if found.state == "not_asked":
        for call, answer in configuration.every("kms", operation):
            if str(call.parameters.get("KeyId") or "").rpartition("/")[2] == key.rpartition("/")[2]:
                return answer
    return found


class Actors:
    """Finds the actor behind each credential, and reads each identity once."""

    def __init__(self, exposure: Exposure, origins: Sequence[Row]) -> None:
        self.configuration, self.inventory = exposure.configuration, exposure.inventory
        self.origins = {str(row["access_key_id"]): row for row in origins}
        self._read: dict[Hashable, Any] = {}

    def actor(self, credential: Row, parent: Row | None) -> Actor | None:
        """The actor behind a credential; None where it is not known as whom it acts."""
        arn, key = credential["principal_arn"], str(credential["access_key_id"])
        account, origin = account_of_arn(arn), self.origins.get(key, {})
        if arn is None or account is None:
            return None
        temporary, issued = credential["credential_type"] != "long_term", origin.get("event_name") is not None
        rights: Rights | None = None
        if arn.endswith(":root"):
            kind, issuer = "root", arn
        elif user_name(arn) is not None or role_name(arn) is not None:
            kind, issuer = "user" if user_name(arn) is not None else "role", arn
        else:
            kind, issuer = (
                "federated",
                origin["user_identity_arn"] if issued else parent["principal_arn"] if parent else None,
            )
        rights = self._rights(issuer) if issuer else None
        canonical = next((owner for owner, of in self.inventory.canonical.items() if of == account), None)
        entity_id = rights.entity_id if rights else None
        if kind == "root":
            principal = root(account, canonical)
        elif kind == "user":
            principal = user(arn, canonical, entity_id, temporary)
        elif kind == "role":
            role_arn = credential.get("principal") if ":role/" in str(credential.get("principal")) else None
            user_id = f"{entity_id}:{session_name(arn)}" if entity_id else None
            principal = role_session(arn, role_arn or (rights.arn if rights else None), canonical, user_id)
        else:
            principal = federated_user(arn, issuer or f"arn:aws:iam::{account}:user/", canonical)
        session, note = self._session(key, arn, origin) if temporary and kind in ("role", "federated") else (None, "")
        tags = rights.tags if rights and kind == "user" else None
        identity = () if (issuer or "").endswith(":root") else rights.all_policies if rights else None
        return Actor(
            principal, identity, rights.boundary if rights else None, session,
            self.organization_policies(account, SCP), self._context(origin, temporary, account, tags), tags is not None, note,
        )  # fmt: skip

    def organization_policies(self, account: str | None, kind: str) -> Levels | None:
        """See `identity_policies.organization_policies`; read once for an account."""
        return self._once((account, kind), lambda: organization_policies(self.configuration, account, kind))

    def _once(self, key: Hashable, compute: Callable[[], T]) -> T:
        if key not in self._read:
            self._read[key] = compute()
        return cast(T, self._read[key])

    def _identities(self, account: str | None) -> Identities:
        return self._once(account, lambda: Identities(self.configuration, account))

    def _rights(self, arn: str) -> Rights | None:
        """What the user or role of this ARN was given; None for others."""
        role, account = role_name(arn), account_of_arn(arn)
        kind, name = ("Role", role) if role else ("User", user_name(arn))
        if name is None:
            return None
        return self._once((account, kind, name), lambda: self._identities(account).rights(kind, name))

    def _session(self, key: str, arn: str, origin: Row) -> tuple[tuple[Policy, ...] | None, str]:
        """The session policies, None where none was passed; and what is not known of them."""
        if origin.get("event_name") is None:
            if _INSTANCE.fullmatch(session_name(arn) or ""):
                return None, ""  # an instance's credentials come from AWS, with no session policy
            return (
                UNREADABLE,
            ), "the call that issued it is not in the evidence, nor a session policy it may have passed"
        parameters = parsed(origin["request_parameters"] or "null")
        if not isinstance(parameters, dict) or parameters.get("omitted") or origin["event_name"] == "AssumeRoot":
            return (UNREADABLE,), f"what {origin['event_name']} passed as session policy is not known"
        found = []
        if parameters.get("policy") is not None:
            found.append(read_document(parameters["policy"], f"session policy of {key}"))
        listed = parameters.get("policyArns")
        for entry in listed if isinstance(listed, list) else ():
            policy_arn = str(entry.get("arn") or entry.get("Arn")) if isinstance(entry, dict) else str(entry)
            document, source = (
                self._identities(account_of_arn(arn)).managed_policy(policy_arn),
                f"session policy {policy_arn}",
            )
            missing = Policy(source, unreadable="its document was not collected")
            found.append(missing if document is None else read_document(document, source))
        return tuple(found) or None, ""

    def _context(self, origin: Row, temporary: bool, account: str, tags: Mapping[str, str] | None) -> dict[str, Any]:
        """What evidence settles of the requests of a credential. Its address, and the VPC it comes from, it does not."""
        found: dict[str, Any] = {
            "aws:ViaAWSService": False,
            "aws:CalledVia": ABSENT,
            "aws:PrincipalIsAWSService": False,
        }
        if temporary and origin.get("mfa") is not None:
            found["aws:MultiFactorAuthPresent"] = bool(origin["mfa"])
        if temporary and origin.get("session_creation_date") is not None:
            found["aws:TokenIssueTime"] = origin["session_creation_date"].strftime("%Y-%m-%dT%H:%M:%SZ")
        organization, _, known = organization_of(self.configuration)
        if known and account in self.inventory.accounts:
            found["aws:PrincipalOrgID"] = ABSENT if organization is None else organization
        return found | {f"aws:PrincipalTag/{name}".lower(): (value,) for name, value in (tags or {}).items()}


def _permissions_on(
    actor: Actor | None, on: BucketPolicies, times: Sequence[datetime]
) -> Iterator[tuple[str, Permission]]:
    """What could this actor do to this bucket by policies? One answer per kind of access."""
    if actor is None:
        unknown = Permission(UNKNOWN, None, "as whom the credential acts is not known")
        yield from ((access, unknown) for access in ACTIONS)
        return
    contexts, policies = list(_contexts(actor, on, times)), [*actor.policies, *on.policies]
    for access, (first, *others) in ACTIONS.items():
        # of actions that no policy tells apart, the first stands for all
        apart = [
            action
            for action in others
            if any(policy.on(first.lower(), of) != policy.on(action.lower(), of) for policy in policies for of in EFFECTS)
        ]  # fmt: skip
        best: Permission | None = None
        for action in (first, *apart):
            for context in contexts:
                on_objects = access in ON_OBJECTS
                found = (
                    _on_objects(actor, on, action, context)
                    if on_objects
                    else _decided(actor, on, action, on.bucket.arn, context)
                )
                best = _better(best, found)
            if best and best.status == YES:
                break
        if best and access == "read" and best.status == YES and on.key:
            best = _decrypted(best, actor, on, contexts)
        yield access, best or Permission(NO, None, "")


def _contexts(actor: Actor, on: BucketPolicies, times: Sequence[datetime]) -> Iterator[dict[str, Any]]:
    """The requests to try: one, or one at each end of the window where a policy speaks of time."""
    named = frozenset[str]().union(*(_condition_keys(policy) for policy in [*actor.policies, *on.policies]))
    context = dict(actor.context)
    if on.bucket.region:
        context["aws:RequestedRegion"] = on.bucket.region
    if actor.tags_known:
        given = {key.lower() for key in context}
        context |= {key: ABSENT for key in named if key.startswith("aws:principaltag/") and key not in given}
    if not named & {"aws:currenttime", "aws:epochtime"}:
        yield context
        return
    for time in times:
        moment = {"aws:CurrentTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "aws:EpochTime": int(time.timestamp())}
        yield context | moment


@lru_cache(maxsize=50_000)
def _condition_keys(policy: Policy) -> frozenset[str]:
    """The request keys that a policy's conditions name, in lower case."""
    return frozenset(test.lookup for statement in policy.statements for test in statement.conditions)


def _on_objects(actor: Actor, on: BucketPolicies, action: str, context: Mapping[str, Any]) -> Permission:
    """For all objects of the bucket at once, and where that is not settled for those that a policy names, one after another."""
    policies, arn = [*actor.policies, *on.policies], on.bucket.arn
    patterns = dict.fromkeys(
        key
        for policy in policies
        for name, key in _objects_named(policy, action.lower())
        if fnmatchcase(on.bucket.name, name)
    )
    whole: Permission | None = None
    if not patterns or "*" in patterns or on.policy is None:
        whole = _decided(actor, on, action, f"{arn}/*", context)
        if whole.status != UNKNOWN or on.policy is None:
            return whole
    best: Permission | None = None
    for pattern in patterns:
        known = Request(actor.principal, action, arn, on.bucket.account, context).known if "${" in pattern else {}
        values = {
            variable: known.get(variable.partition(",")[0].strip().lower()) for variable in _VARIABLE.findall(pattern)
        }
        settled = all(isinstance(value, tuple) and len(value) == 1 for value in values.values())
        key = pattern
        for variable, value in values.items():
            text = str(value[0]) if isinstance(value, tuple) and len(value) == 1 else SAMPLE
            key = key.replace(f"${{{variable}}}", text)
        found = _decided(actor, on, action, f"{arn}/{widened(key)}", context)
        for filled in filled_in(key) if found.status == UNKNOWN else ():
            found = _better(found, _decided(actor, on, action, f"{arn}/{filled}", context))
        if found.status == NO and not settled:
            found = whole or _decided(actor, on, action, f"{arn}/*", context)
        if found.status != NO and key != "*":
            found = found._replace(reason=f"{found.reason} (objects such as {key})")
        best = _better(best, found)
        if best.status == YES:
            break
    return best or whole or Permission(NO, None, "")


@lru_cache(maxsize=200_000)
def _objects_named(policy: Policy, action: str) -> tuple[tuple[str, str], ...]:
    """The buckets and keys of objects, as patterns, that a policy's statements on an action name."""
    found = []
    for statement in policy.on(action, "Allow"):
        for arn in statement.resources:
            name, slash, key = arn.rpartition(":::")[2].partition("/")
            # without a slash it covers all objects, or none
            found.append((WILD.sub("*", name), key) if slash and ":::" in arn else ("*", "*"))
        found += [("*", "*")] if statement.not_resources or not statement.resources else []
    for statement in policy.on(action, "Deny"):
        left_out = [arn.rpartition(":::")[2].partition("/") for arn in statement.not_resources]
        found += [(WILD.sub("*", name), key) for name, _, key in left_out if key]
    return tuple(found)


def _decided(actor: Actor, on: BucketPolicies, action: str, resource: str, context: Mapping[str, Any]) -> Permission:
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


def _better(best: Permission | None, other: Permission) -> Permission:
    """The one that lets more through; the first of two alike."""
    return other if best is None or RANK[other.status] > RANK[best.status] else best


def _decrypted(read: Permission, actor: Actor, on: BucketPolicies, contexts: Sequence[Mapping[str, Any]]) -> Permission:
    """Reading what is encrypted under a customer's key takes the right to use the key, too."""
    key = str(on.key)
    if on.key_policy is None:
        words = f"{read.reason}; new objects are encrypted with {key}, whose policy is not known"
        return read._replace(reason=words)
    account = key.split(":")[4] if key.count(":") > 4 else on.bucket.account
    decisions = [
        decide(
            Request(actor.principal, "kms:Decrypt", key, account, context),
            identity=actor.identity, boundary=actor.boundary, session=actor.session, resource=on.key_policy, scps=actor.scps,
        )
        for context in contexts
    ]  # fmt: skip
    if any(decision.status != NO for decision in decisions):
        return read
    words = f"{read.reason}; but new objects are encrypted with {key}: {decisions[0].reason}"
    return Permission(UNKNOWN, decisions[0].statement or read.statement, words)


def _with_acl(
    access: str, found: Permission, grants: list[Grant], actor: Actor | None, exposure: Exposure
) -> Permission:
    """What policies do not allow, and none denies, an ACL may."""
    if actor is None or found.status == YES or (found.status == NO and found.statement is not None):
        return found
    for grant in grants:
        if (
            grant.path != "acl"
            or grant.effective_status == NO
            or grant.access is None
            or grant.access != BY_ACL.get(access)
        ):
            continue
        account = exposure.inventory.canonical.get(str(grant.grantee))
        status = NO
        if grant.open_to_all == YES:
            status = grant.effective_status
        elif grant.foreign != NO and account in (None, actor.principal.account):
            status = UNKNOWN
        if any_of((status, found.status)) != found.status:
            found = Permission(status, f"the bucket's ACL ({grant.statement} for {grant.grantee})", grant.detail)
    return found
