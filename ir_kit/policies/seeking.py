"""What policies say on a request, statement by statement: the one that comes nearest to holding, and what keeps it from being settled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ir_kit.domain.logic import NO, UNKNOWN, YES, Truth
from ir_kit.policies.conditions import unsettled
from ir_kit.policies.documents import Effect, Policy, Statement
from ir_kit.policies.principals import Named
from ir_kit.policies.requests import Request


class Found(NamedTuple):
    """What some policies say, and what in them decides it."""

    truth: Truth
    by: Statement | Policy | None = None
    why: str = ""  # where nothing in them decides it

    @property
    def name(self) -> str | None:
        """What decides, as a reader finds it."""
        return self.by.name if isinstance(self.by, Statement) else self.by.source if self.by else None


def both(first: Found, *others: Found) -> Found:
    """What is so only where all are so."""
    for other in others:
        if other.truth < first.truth:
            first = other
    return first


def either(one: Found, other: Found) -> Found:
    """What is so where one is so."""
    return other if other.truth > one.truth else one


def seek(policies: Iterable[Policy] | None, request: Request, effect: Effect, nothing: str) -> Found:
    """Does a statement of these policies, which name no principals, hold? ``nothing`` is said where none does."""
    if policies is None:
        return Found(UNKNOWN, None, "its identity policies are not known")
    best = Found(NO, None, nothing)
    for policy in policies:
        if policy.unreadable and best.truth == NO:
            best = Found(UNKNOWN, policy)
        for statement in policy.on(request.action, effect):
            truth = applies(statement, request)
            if truth == YES:
                return Found(YES, statement)
            if truth > best.truth:
                best = Found(truth, statement)
    return best


def applies(statement: Statement, request: Request) -> Truth:
    """Does a statement that covers the action, and names the principal, hold for the resource and under its conditions?"""
    if statement.fault is not None or statement.on_resources is None:
        return UNKNOWN
    truth = statement.on_resources.cover(request.resource, request.known)
    for test in statement.conditions:
        if truth == NO:
            return NO
        truth = min(truth, test.holds(request.known))
    return truth


def naming(statement: Statement, request: Request, bounded: Truth) -> Named:
    """How far does a statement of a resource's policy name who asks? ``bounded``: has that one a permissions boundary?"""
    principal, known = request.principal, request.known
    if statement.principals is not None:
        return statement.principals.names(principal, known)
    if statement.not_principals is not None:
        effect = statement.effect or "Deny"
        return statement.not_principals.spares(principal, known, effect=effect, bounded=bounded)
    return Named(UNKNOWN, UNKNOWN, UNKNOWN)  # it cannot be read, or names nobody, which S3 does not accept


def doubt(found: Found, request: Request, verb: str) -> str:
    """Why it is not known whether this denies, or allows, in a sentence."""
    by = found.by
    if by is None:
        return found.why
    if isinstance(by, Policy):
        return f"{by.source} cannot be read: {by.unreadable}"
    if by.fault is not None or by.on_resources is None:
        return f"{by.name} cannot be read: {by.fault}"
    keys = by.on_resources.unsettled(request.known) + unsettled(by.conditions, request.known)
    if keys:
        return f"whether {by.name} {verb} it depends on {', '.join(dict.fromkeys(keys))}, which the evidence does not settle"
    if by.on_resources.cover(request.resource, request.known) == UNKNOWN:
        if request.resource.endswith("/*"):
            return f"{by.name} {verb} it for part of {request.resource} only"
        return f"{by.name} names a variable that is not in the request, and may be invalid for that"
    return f"whether {by.name} names this principal is not known"
