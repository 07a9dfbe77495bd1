"""Requests on an object that nobody names: is there some object of the bucket on which this is allowed?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ir_kit.domain.logic import NO, UNKNOWN, YES
from ir_kit.policies.deciding import Decision, Levels, Policies, settle, weigh
from ir_kit.policies.documents import Effect, Policy
from ir_kit.policies.globs import glob, overlap
from ir_kit.policies.patterns import Patterns
from ir_kit.policies.requests import Request

_ANY = "\ue000"  # no policy names this character: what stands for the rest of a key

_TOLD_APART: tuple[tuple[Effect, bool], ...] = (("Allow", False), ("Deny", True))


def decide_some(
    request: Request,
    *,
    identity: Sequence[Policy] | None = (),
    boundary: Policy | None = None,
    session: Sequence[Policy] | None = None,
    resource: Sequence[Policy] | None = (),
    scps: Levels | None = None,
    rcps: Levels | None = None,
) -> Decision:
    """Is this allowed on at least one object of those that the request's resource (``arn:aws:s3:::b/*``) may be?

    Returns
    -------
    Decision
        As of `decide`, but ``yes`` also where it is allowed for part of the objects only.

    Notes
    -----
    One object is tried that no pattern names, and one for each part that an Allow names or a Deny spares. What only two policies in
    common allow (``a*`` in one, ``*z`` in the other) is not sought, and stays ``unknown``. Whether an object of that name exists is not
    asked.
    """
    policies = Policies(identity, boundary, session, resource, scps, rcps)
    whole = settle(request, policies)
    if whole.status != "unknown" or not request.resource.endswith("/*"):
        return whole
    for pattern in _parts(request, policies):
        example = _example(pattern, request.resource)
        if example is None:
            continue
        asked = replace(request, resource=example)
        denied, allowed = weigh(asked, policies)
        if denied.truth == NO and allowed.truth == YES:
            one = settle(asked, policies)
            which = "that no statement singles out" if pattern == request.resource else f"under {pattern}"
            return Decision("yes", one.statement, f"{one.reason}, for objects {which}")
    return whole


def _example(pattern: str, resource: str) -> str | None:
    """An object below the resource that a pattern covers; None where none is found by its beginning or its rest."""
    for text in (pattern, resource[:-1] + pattern.partition("/")[2]):
        example = text.replace("*", _ANY).replace("?", _ANY)
        if example.startswith(resource[:-1]) and glob(pattern).fullmatch(example):
            return example
    return None


def _parts(request: Request, policies: Policies) -> list[str]:
    """Patterns of objects that these policies tell apart: those of no pattern, those that an Allow names, those that a Deny spares."""
    found: dict[str, None] = {}
    for policy in policies.everything():
        for effect, negated in _TOLD_APART:
            for statement in policy.on(request.action, effect):
                covered = statement.on_resources
                if covered is None or covered.cover(request.resource, request.known) != UNKNOWN:
                    continue
                found[request.resource] = None
                if covered.negated == negated:
                    found |= {one: None for one in _patterns(covered, request) if overlap(one, request.resource)}
    return list(found)


def _patterns(covered: Patterns, request: Request) -> Iterator[str]:
    yield from sorted(covered.exact)
    yield from covered.wild
    for template in covered.templates:
        filled = template.filled(request.known)
        if filled is not None:
            yield filled
