"""Is a request allowed? AWS's documented order of policies, on what is known, in three values.

Source: IAM User Guide, "Policy evaluation logic" (how AWS enforcement code logic evaluates requests; cross-account policy evaluation
logic), "Permissions boundaries for IAM entities", "AWS JSON policy elements: Principal".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ir_kit.domain.logic import NO, UNKNOWN, YES, Status, Truth
from ir_kit.policies.documents import Policy
from ir_kit.policies.principals import NOBODY, is_service_linked
from ir_kit.policies.requests import Request
from ir_kit.policies.seeking import Found, applies, both, doubt, either, naming, seek

Levels: TypeAlias = "Sequence[Policy | Sequence[Policy]]"

# S3 takes these from identities of the bucket's account alone, and from its root user whatever the bucket's policy denies
# (S3 API Reference, PutBucketPolicy)
_OWNERS_OWN = {"s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed, the name of the statement that decides, and why, in one sentence.

    Where it is not known, the statement is the one that keeps it from being decided, or the policy that cannot be read. None: no statement
    decides, as where none allows.
    """

    status: Status
    statement: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Policies:
    """Every policy that bears on a request; see `decide`."""

    identity: Sequence[Policy] | None
    boundary: Policy | None
    session: Sequence[Policy] | None
    resource: Sequence[Policy] | None
    scps: Levels | None
    rcps: Levels | None

    def everything(self) -> list[Policy]:
        """All of them, in no order that matters."""
        flat = [*(self.identity or ()), *(self.session or ()), *(self.resource or ())]
        flat += [policy for levels in (self.scps, self.rcps) for level in _levels(levels) for policy in level]
        return flat + ([self.boundary] if self.boundary else [])


def decide(
    request: Request,
    *,
    identity: Sequence[Policy] | None = (),
    boundary: Policy | None = None,
    session: Sequence[Policy] | None = None,
    resource: Sequence[Policy] | None = (),
    scps: Levels | None = None,
    rcps: Levels | None = None,
) -> Decision:
    """Is this request allowed, and which statement decides?

    Parameters
    ----------
    request : Request
        Who asks what.
    identity : sequence of Policy or None
        Of the user and its groups, or of the role: for a federated user those of who asked for the session. None: not known.
    boundary : Policy or None
        None: there is none. `UNREADABLE`: nobody knows.
    session : sequence of Policy or None
        None: none was passed. With `UNREADABLE` in it: nobody knows.
    resource : sequence of Policy or None
        The bucket's policy, and where the request goes through them the access point's; empty where there is none. None: not known.
    scps, rcps : sequence or None
        The organization's policies on the principal's, and on the resource's account: a level each, as a sequence (root, units,
        account), or policies of one level, AWS's own ``FullAWSAccess`` and ``RCPFullAWSAccess`` among them. None: none applies.

    Returns
    -------
    Decision
        ``unknown`` where it hangs on a key, a policy or an account that is not known; never where what is known decides without it.

    Notes
    -----
    ACLs, VPC endpoint policies and Block Public Access are not looked at, nor who owns an object.
    """
    return settle(request, Policies(identity, boundary, session, resource, scps, rcps))


def settle(request: Request, policies: Policies) -> Decision:
    """`decide`, with the policies in one hand."""
    return _said(request, *weigh(request, policies))


def weigh(request: Request, policies: Policies) -> tuple[Found, Found]:
    """What denies a request, and what allows it; the latter is not asked for where the former is so."""
    denied = _denied(request, policies)
    return denied, Found(NO) if denied.truth == YES else _allowed(request, policies)


def _said(request: Request, denied: Found, allowed: Found) -> Decision:
    if denied.truth == YES:
        return Decision("no", denied.name, f"{denied.name} denies it")
    if allowed.truth == NO:
        return Decision("no", None, allowed.why)
    if allowed.truth == UNKNOWN:
        return Decision("unknown", allowed.name, doubt(allowed, request, "allows"))
    granted = f"{allowed.name} allows it" if allowed.name else allowed.why
    if denied.truth == UNKNOWN:
        return Decision("unknown", denied.name, f"{granted}, but {doubt(denied, request, 'denies')}")
    return Decision("yes", allowed.name, granted)


def _allowed(request: Request, policies: Policies) -> Found:
    principal = request.principal
    organization = _organization(request, policies)
    granted = _granted(request, policies.resource)
    if principal.kind in ("anonymous", "service"):
        return both(_from_outside(request) or granted.direct, *organization)
    own, owner = principal.account, request.resource_account
    if own is None or owner is None:
        within, across = _within_account(request, policies, granted), _across_accounts(request, policies, granted)
        if within.truth == across.truth:
            return both(across, *organization)
        return both(Found(UNKNOWN, None, "it is not known in whose account the resource is"), *organization)
    reached = _within_account if own == owner else _across_accounts
    return both(reached(request, policies, granted), *organization)


class Granted(NamedTuple):
    """What the resource's policies allow, by how they name the principal."""

    direct: Found
    as_role: Found
    as_account: Found


def _within_account(request: Request, policies: Policies, granted: Granted) -> Found:
    """One account: either side suffices; boundary and session limit what is not granted to the very principal."""
    kind = request.principal.kind
    if kind == "root":
        return Found(YES, None, "the root user of an account may do everything in it")
    if granted.direct.truth == YES:
        return granted.direct
    own = either(_identity(request, policies), granted.as_role)
    if own.truth == NO:
        own = Found(NO, None, "no statement of its identity policies or of the resource's policy allows it")
    limited = both(own, *_limits(request, policies))
    return limited if granted.direct.truth == NO else either(granted.direct, limited)


def _across_accounts(request: Request, policies: Policies, granted: Granted) -> Found:
    """Two accounts: the resource's has to allow it, and the principal's own as well."""
    if (refused := _from_outside(request)) is not None:
        return refused
    given = either(either(granted.direct, granted.as_role), granted.as_account)
    if given.truth == NO:
        return Found(NO, None, "no statement of the resource's policy allows it to another account")
    if request.principal.kind == "root":
        return given
    return both(given, _identity(request, policies), *_limits(request, policies))


def _from_outside(request: Request) -> Found | None:
    if request.action not in _OWNERS_OWN:
        return None
    return Found(NO, None, "S3 takes a bucket's policy from identities of the bucket's own account alone")


def _identity(request: Request, policies: Policies) -> Found:
    principal = request.principal
    if principal.kind == "federated_user" and (principal.issuer_arn or "").endswith(":root"):
        return Found(YES, None, "the root user asked for the session")
    return seek(policies.identity, request, "Allow", "no statement of its identity policies allows it")


def _limits(request: Request, policies: Policies) -> list[Found]:
    limits = []
    if policies.boundary is not None and request.principal.kind != "root":
        limits.append(seek([policies.boundary], request, "Allow", "its permissions boundary does not allow it"))
    if request.principal.kind in ("role_session", "federated_user"):
        if policies.session is not None:
            limits.append(seek(policies.session, request, "Allow", "its session policy does not allow it"))
        elif request.principal.kind == "federated_user":
            limits.append(Found(NO, None, "a federated user without a session policy has no right of its issuer's"))
    return limits


def _organization(request: Request, policies: Policies) -> list[Found]:
    if is_service_linked(request.principal):
        return []
    found = [
        seek(level, request, "Allow", "a resource control policy does not allow it") for level in _levels(policies.rcps)
    ]
    if request.principal.kind not in ("anonymous", "service"):
        found += [
            seek(level, request, "Allow", "a service control policy does not allow it")
            for level in _levels(policies.scps)
        ]
    return found


def _levels(given: Levels | None) -> list[Sequence[Policy]]:
    """Policies that stand alone are one level; a level that names none allows nothing."""
    if not given:
        return []
    alone = [one for one in given if isinstance(one, Policy)]
    return [one for one in given if not isinstance(one, Policy)] + ([alone] if alone else [])


def _denied(request: Request, policies: Policies) -> Found:
    principal = request.principal
    sides: list[Iterable[Policy]] = []
    if principal.kind not in ("anonymous", "service", "root"):
        sides.append(policies.identity or ())
        sides.append([policies.boundary] if policies.boundary else ())
    if principal.kind in ("role_session", "federated_user"):
        sides.append(policies.session or ())
    if not is_service_linked(principal):
        sides += _levels(policies.rcps)
        if principal.kind not in ("anonymous", "service"):
            sides += _levels(policies.scps)
    worst = Found(NO)
    if principal.kind not in ("anonymous", "service", "root") and policies.identity is None:
        worst = Found(UNKNOWN, None, "its identity policies are not known")
    for side in sides:
        found = seek(side, request, "Deny", "")
        if found.truth == YES:
            return found
        worst = either(found, worst)
    return either(_refused(request, policies), worst)


def _refused(request: Request, policies: Policies) -> Found:
    """What the resource's policies deny."""
    if request.principal.kind == "root" and request.action in _OWNERS_OWN:
        if request.resource_account == request.principal.account:
            return Found(NO)
        if request.resource_account is None:
            return Found(UNKNOWN, None, "it is not known whether the resource is in the root user's account")
    if policies.resource is None:
        return Found(UNKNOWN, None, "the resource's policy is not known")
    boundary = policies.boundary
    bounded: Truth = NO if boundary is None else UNKNOWN if boundary.unreadable else YES
    worst = Found(NO)
    for policy in policies.resource:
        if policy.unreadable:
            worst = either(worst, Found(UNKNOWN, policy))
        for statement in policy.on(request.action, "Deny"):
            truth = min(naming(statement, request, bounded).anyhow(), applies(statement, request))
            if truth == YES:
                return Found(YES, statement)
            if truth > worst.truth:
                worst = Found(truth, statement)
    return worst


def _granted(request: Request, resource: Sequence[Policy] | None) -> Granted:
    nothing = Found(NO, None, "no statement of the resource's policy allows it")
    best = [nothing, nothing, nothing]
    if resource is None:
        return Granted(*[Found(UNKNOWN, None, "the resource's policy is not known")] * 3)
    for policy in resource:
        if policy.unreadable:
            best = [either(one, Found(UNKNOWN, policy)) for one in best]
        for statement in policy.on(request.action, "Allow"):
            named = naming(statement, request, NO)
            if named == NOBODY:
                continue
            truth = applies(statement, request)
            for way, how_far in enumerate(named):
                if min(how_far, truth) > best[way].truth:
                    best[way] = Found(min(how_far, truth), statement)
    return Granted(*best)
