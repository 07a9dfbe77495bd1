"""Is a request allowed? AWS's documented order of policies, on what is known, in three values.

Source: IAM User Guide, "Policy evaluation logic" (how AWS enforcement code logic evaluates requests; cross-account
policy evaluation logic), "Permissions boundaries for IAM entities", "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from ir_kit.domain.logic import NO, UNKNOWN, YES, Known, Present, Status
from ir_kit.policies.conditions import unsettled
from ir_kit.policies.policy_documents import Effect, Named, Policy, Principal, Statement, keys_of

Given: TypeAlias = "str | bool | int | float | Sequence[str] | Present | None"

# S3 takes these from identities of the bucket's account alone, and from its root user whatever the bucket's policy
# denies (S3 API Reference, PutBucketPolicy)
_OF_THE_OWNER = {"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"}
_SESSIONS = ("role_session", "federated_user")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to be decided, as far as it is known.

    Parameters
    ----------
    action : str
        ``s3:GetObject``; its case does not count.
    resource : str
        The ARN. If it ends in ``/*`` it is any below: ``arn:aws:s3:::b/*`` is an object of ``b``, nobody knows which.
    resource_account : str or None
        Whose the resource is; None where that is not known.
    context : mapping
        Request keys (their case does not count) and their values: a text, several, a number or a boolean; ``ABSENT``
        where the key is known not to be in the request; ``PRESENT`` where it is and its value is not known. A key that
        is not given, or None, is not known; ``aws:PrincipalTag/*`` stands for all tags that are not given. What follows
        from the principal and the resource's account need not be given, and gives way to what is.
    """

    principal: Principal
    action: str
    resource: str
    resource_account: str | None
    context: Mapping[str, Given] = field(default_factory=dict)
    known: dict[str, Known] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = dict(keys_of(self.principal))
        if self.resource_account is not None:
            known |= dict.fromkeys(("aws:resourceaccount", "s3:resourceaccount"), (self.resource_account,))
        for name, value in self.context.items():
            key = name.lower()
            if value is None:
                known.pop(key, None)
            elif isinstance(value, Present):
                known[key] = value
            elif isinstance(value, bool):
                known[key] = ("true" if value else "false",)
            else:
                known[key] = (str(value),) if isinstance(value, str | int | float) else tuple(map(str, value))
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "action", self.action.lower())


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy that bears on a request.

    Parameters
    ----------
    identity : sequence of Policy or None
        Of the user and its groups, or of the role: for a federated user those of who asked for the session. None: not
        known.
    boundary, session : Policy, sequence of Policy or None
        The permissions boundary, and the session policies. None: there is none. `UNREADABLE` (in it): nobody knows.
    resource : sequence of Policy or None
        The bucket's policy, and where the request goes through them the access point's; empty where there is none.
        None: not known.
    """

    identity: Sequence[Policy] | None = ()
    boundary: Policy | None = None
    session: Sequence[Policy] | None = None
    resource: Sequence[Policy] | None = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed, the name of the statement that decides, and why, in a sentence.

    Where it is not known, the statement is the one that keeps it from being decided, or the policy that cannot be read.
    None: no statement decides, as where none allows.
    """

    status: Status
    statement: str | None
    reason: str


class Ruling(NamedTuple):
    """What some policies say, and what in them decides it."""

    status: Status
    by: Statement | Policy | None = None
    why: str = ""  # where nothing in them decides it

    @property
    def name(self) -> str | None:
        """What decides, as a reader finds it."""
        return self.by.name if isinstance(self.by, Statement) else self.by.source if self.by else None


_OUTSIDER = Ruling(NO, None, "S3 takes a bucket's policy from identities of the bucket's own account alone")


def all_rulings(*rulings: Ruling) -> Ruling:
    """What is so only where all are so; the first of equals."""
    return min(rulings, key=itemgetter(0))


def any_ruling(*rulings: Ruling) -> Ruling:
    """What is so where any is so; the first of equals."""
    return max(rulings, key=itemgetter(0))


def decide(request: Request, policies: Policies) -> Decision:
    """Is this request allowed under these policies, and which statement decides?

    ``unknown`` where it hangs on a key, a policy or an account that is not known; never where what is known decides
    without it. ACLs, VPC endpoint policies, an organization's policies (SCPs, RCPs) and Block Public Access are
    not looked at, nor who owns an object.
    """
    denied = denial(request, policies)
    if denied.status == YES:
        return Decision(NO, denied.name, f"{denied.name} denies it")
    allowed = permission(request, policies)
    if allowed.status == NO:
        return Decision(NO, None, allowed.why)
    if allowed.status == UNKNOWN:
        return Decision(UNKNOWN, allowed.name, doubt(allowed, request, "allows"))
    granted = f"{allowed.name} allows it" if allowed.name else allowed.why
    if denied.status == UNKNOWN:
        return Decision(UNKNOWN, denied.name, f"{granted}, but {doubt(denied, request, 'denies')}")
    return Decision(YES, allowed.name, granted)


def denial(request: Request, policies: Policies) -> Ruling:
    """What denies a request: the resource's policies, or any other; of equals the resource's, then the last."""
    principal, sides = request.principal, list[Iterable[Policy] | None]()
    if principal.is_member:
        sides = [policies.identity, [policies.boundary] if policies.boundary else ()]
    sides += [policies.session or ()] if principal.kind in _SESSIONS else []
    rulings: list[Ruling] = []
    for side in sides:
        rulings.insert(0, sought(side, request, "Deny"))
        if rulings[0].status == YES:
            return rulings[0]
    return any_ruling(denial_by_resource(request, policies), *rulings)


def denial_by_resource(request: Request, policies: Policies) -> Ruling:
    """What the resource's policies deny."""
    if request.principal.kind == "root" and request.action in _OF_THE_OWNER:
        if request.resource_account == request.principal.account:
            return Ruling(NO)
        if request.resource_account is None:
            return Ruling(UNKNOWN, None, "it is not known whether the resource is in the root user's account")
    if policies.resource is None:
        return Ruling(UNKNOWN, None, "the resource's policy is not known")
    boundary = policies.boundary
    bounded: Status = NO if boundary is None else UNKNOWN if boundary.unreadable else YES
    worst = Ruling(NO)
    for policy in policies.resource:
        worst = any_ruling(worst, Ruling(UNKNOWN if policy.unreadable else NO, policy))
        for statement in policy.on(request.action, "Deny"):
            status = min(max(naming(statement, request, bounded)), applies(statement, request))
            worst = any_ruling(worst, Ruling(status, statement))
    return worst


def permission(request: Request, policies: Policies) -> Ruling:
    """What allows a request that nothing denies."""
    principal, owner = request.principal, request.resource_account
    granted = grants_of_resource(request, policies.resource)
    if principal.kind in ("anonymous", "service"):
        return _OUTSIDER if request.action in _OF_THE_OWNER else granted[0]
    if principal.account is not None and owner is not None:
        reached = within_account if principal.account == owner else across_accounts
        return reached(request, policies, granted)
    ruling = across_accounts(request, policies, granted)
    if within_account(request, policies, granted).status != ruling.status:
        return Ruling(UNKNOWN, None, "it is not known in whose account the resource is")
    return ruling


def within_account(request: Request, policies: Policies, granted: Sequence[Ruling]) -> Ruling:
    """Same account: either side suffices; boundary and session limit what is not granted to the very principal."""
    direct, as_role, _ = granted
    if direct.status == YES and request.principal.kind != "root":
        return direct
    own, *limits = own_rights(request, policies)
    if request.principal.kind == "root":
        return own
    own = any_ruling(own, as_role)
    if own.status == NO:
        own = Ruling(NO, None, "no statement of its identity policies or of the resource's policy allows it")
    limited = all_rulings(own, *limits)
    return limited if direct.status == NO else any_ruling(direct, limited)


def across_accounts(request: Request, policies: Policies, granted: Sequence[Ruling]) -> Ruling:
    """Another account: the resource's has to allow it, and the principal's own as well."""
    if request.action in _OF_THE_OWNER:
        return _OUTSIDER
    given = any_ruling(*granted)
    if given.status == NO:
        return Ruling(NO, None, "no statement of the resource's policy allows it to another account")
    return all_rulings(given, *own_rights(request, policies))


def own_rights(request: Request, policies: Policies) -> list[Ruling]:
    """What the principal's identity policies allow, then each limit of it: boundary and session policy."""
    principal = request.principal
    if principal.kind == "root":
        return [Ruling(YES, None, "the root user of an account may do everything in it")]
    if principal.issued_by_root:
        rulings = [Ruling(YES, None, "the root user asked for the session")]
    else:
        rulings = [sought(policies.identity, request, "Allow", "no statement of its identity policies allows it")]
    if policies.boundary is not None:
        rulings.append(sought([policies.boundary], request, "Allow", "its permissions boundary does not allow it"))
    if policies.session is not None and principal.kind in _SESSIONS:
        rulings.append(sought(policies.session, request, "Allow", "its session policy does not allow it"))
    elif principal.kind == "federated_user":
        rulings.append(Ruling(NO, None, "a federated user without a session policy has no right of its issuer's"))
    return rulings


def grants_of_resource(request: Request, resource: Sequence[Policy] | None) -> list[Ruling]:
    """What the resource's policies allow, by how they name the principal: as `Named` has it."""
    if resource is None:
        return [Ruling(UNKNOWN, None, "the resource's policy is not known")] * 3
    best = [Ruling(NO, None, "no statement of the resource's policy allows it")] * 3
    for policy in resource:
        if policy.unreadable:
            best = [any_ruling(ruling, Ruling(UNKNOWN, policy)) for ruling in best]
        for statement in policy.on(request.action, "Allow"):
            named = naming(statement, request, NO)
            if max(named) != NO:
                status = applies(statement, request)
                rulings = [Ruling(min(how_far, status), statement) for how_far in named]
                best = [any_ruling(*pair) for pair in zip(best, rulings, strict=True)]
    return best


def sought(policies: Iterable[Policy] | None, request: Request, effect: Effect, nothing: str = "") -> Ruling:
    """Does a statement of these policies, which name no principals, hold? ``nothing`` is why where none does."""
    if policies is None:
        return Ruling(UNKNOWN, None, "its identity policies are not known")
    best = Ruling(NO, None, nothing)
    for policy in policies:
        if policy.unreadable:
            best = any_ruling(best, Ruling(UNKNOWN, policy))
        for statement in policy.on(request.action, effect):
            best = any_ruling(best, Ruling(applies(statement, request), statement))
            if best.status == YES:
                return best
    return best


def applies(statement: Statement, request: Request) -> Status:
    """Does a statement that covers the action, and names the principal, hold for the resource under its conditions?"""
    if statement.fault is not None or statement.on_resources is None:
        return UNKNOWN
    status = statement.on_resources.covers(request.resource, request.known)
    for test in statement.conditions:
        if status == NO:
            return NO
        status = min(status, test.holds(request.known))
    return status


def naming(statement: Statement, request: Request, bounded: Status) -> Named:
    """How far does a statement of a resource's policy name who asks? ``bounded``: has it a permissions boundary?"""
    principal, known = request.principal, request.known
    if statement.principals is not None:
        return statement.principals.names(principal, known)
    if statement.not_principals is not None:
        return statement.not_principals.spares(principal, known, effect=statement.effect or "Deny", bounded=bounded)
    return Named(UNKNOWN, UNKNOWN, UNKNOWN)  # it cannot be read, or names nobody, which S3 does not accept


def doubt(ruling: Ruling, request: Request, verb: str) -> str:
    """Why it is not known whether this denies, or allows, in a sentence."""
    by = ruling.by
    if by is None:
        return ruling.why
    if isinstance(by, Policy):
        return f"{by.source} cannot be read: {by.unreadable}"
    if by.fault is not None or by.on_resources is None:
        return f"{by.name} cannot be read: {by.fault}"
    keys = dict.fromkeys(by.on_resources.unsettled(request.known) + unsettled(by.conditions, request.known))
    if keys:
        return f"whether {by.name} {verb} it depends on {', '.join(keys)}, which the evidence does not settle"
    if by.on_resources.covers(request.resource, request.known) == UNKNOWN:
        if request.resource.endswith("/*"):
            return f"{by.name} {verb} it for part of {request.resource} only"
        return f"{by.name} names a variable that is not in the request, and may be invalid for that"
    return f"whether {by.name} names this principal is not known"
