"""The patterns of an ``Action`` or ``Resource`` element, compiled once: does a request's action, or resource, fall under them?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ir_kit.domain.logic import NO, UNKNOWN, YES, Context, Truth, known_of, negation
from ir_kit.policies.globs import ANYTHING, Template, glob, overlap, template

_KEPT = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """Patterns of one element; ``negated`` where it is ``NotAction`` or ``NotResource``."""

    negated: bool
    everything: bool  # one of them is *
    exact: frozenset[str]
    wild: tuple[str, ...]
    templates: tuple[Template, ...] = ()
    cached: dict[str, Truth] = field(default_factory=dict, repr=False)

    def cover_text(self, text: str) -> bool:
        """Does a text fall under them? (No pattern names a variable.)"""
        return self.negated != (
            self.everything or text in self.exact or any(glob(one).fullmatch(text) for one in self.wild)
        )

    def cover(self, resource: str, context: Context) -> Truth:
        """Does a resource fall under them? One that ends in ``/*`` is any below it: unknown where that decides."""
        if self.everything:
            return NO if self.negated else YES
        covered = self.cached.get(resource)
        if covered is None:
            covered = self._covered(resource)
            if len(self.cached) < _KEPT:
                self.cached[resource] = covered
        invalid = False
        for one in self.templates:
            found, may_be = self._filled(one, resource, context)
            covered, invalid = max(covered, found), invalid or may_be
        result = negation(covered) if self.negated else covered
        return min(result, UNKNOWN) if invalid else result

    def unsettled(self, context: Context) -> list[str]:
        """The request keys that they name and that are not known."""
        parts = [part for one in self.templates for part in one.variables()]
        return [part.value for part in parts if not isinstance(known_of(context, part.value), tuple)]

    def _covered(self, resource: str) -> Truth:
        if resource in self.exact:
            return YES
        if not resource.endswith("/*"):
            return YES if any(glob(one).fullmatch(resource) for one in self.wild) else NO
        text = resource[:-1] + ANYTHING
        if any(glob(one).fullmatch(text) for one in self.wild):
            return YES
        partly = any(overlap(one, resource) for one in self.wild) or any(
            one.startswith(resource[:-1]) for one in self.exact
        )
        return UNKNOWN if partly else NO

    def _filled(self, one: Template, resource: str, context: Context) -> tuple[Truth, bool]:
        if not resource.endswith("/*"):
            return one.match(resource, context)
        covered, invalid = one.match(resource[:-1] + ANYTHING, context)
        if covered == NO and overlap(one.widest(), resource):
            covered = UNKNOWN
        return covered, invalid


def action_patterns(given: tuple[str, ...], *, negated: bool) -> Patterns:
    """Actions, whose case does not count: give ``cover_text`` an action in lower case."""
    return _patterns(tuple(one.lower() for one in given), negated, frozenset())


def resource_patterns(given: tuple[str, ...], *, negated: bool, variables: bool) -> Patterns:
    """Resources, whose case counts. Variables stand in the last of an ARN's six parts only.

    Notes
    -----
    A star is taken to cover colons too, as AWS does where it ends a part; in the middle of one of the first five parts this covers more
    texts than AWS would, but none that is an ARN. Source: IAM User Guide, "IAM JSON policy elements: Resource".
    """
    named = frozenset(one for one in given if variables and _in_last_part(one) and template(one, True))
    return _patterns(given, negated, named)


def _in_last_part(pattern: str) -> bool:
    return pattern.count(":", 0, pattern.find("${")) >= 5 if "${" in pattern else False


def _patterns(given: tuple[str, ...], negated: bool, named: frozenset[str]) -> Patterns:
    plain = [one for one in given if one not in named]
    templates = tuple(found for one in given if one in named and (found := template(one, True)))
    wild = tuple(one for one in plain if re.search(r"[*?]", one) and one != "*")
    exact = frozenset(one for one in plain if not re.search(r"[*?]", one))
    return Patterns(negated, "*" in plain, exact, wild, templates)
