"""Conditions of a statement: each operator on each key, settled by what is known of a request, or not.

Source: IAM User Guide, "Condition operators", "Conditions with multiple context keys or values", "Single-valued vs. multivalued context keys".
"""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ir_kit.domain.logic import ABSENT, NO, UNKNOWN, YES, Context, Truth, known_of, negation
from ir_kit.policies import values
from ir_kit.policies.globs import Template, glob, template

Quantifier = Literal["", "ForAllValues", "ForAnyValue"]
Matcher = Callable[[str, str], Truth]  # the policy's value, the request's

_OPERATOR = re.compile(
    r"(?:(?P<quantifier>ForAllValues|ForAnyValue):)?(?P<name>[A-Za-z]+?)(?P<if_exists>IfExists)?", re.IGNORECASE
)
_VARIABLES = {"stringequals", "stringequalsignorecase", "stringlike", "arnlike", "bool"}


def _ordered(parse: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> Matcher:
    def compare(given: str, value: str) -> Truth:
        one, other = parse(given), parse(value)
        if one is None or other is None:
            return UNKNOWN
        return YES if holds(other, one) else NO

    return compare


def _in_network(given: str, value: str) -> Truth:
    block, address = values.network(given), values.address(value)
    if block is None or address is None:
        return UNKNOWN
    return YES if address.version == block.version and address in block else NO


def _same_bool(given: str, value: str) -> Truth:
    one, other = given.lower(), value.lower()
    return (YES if one == other else NO) if {one, other} <= {"true", "false"} else UNKNOWN


def _plain(holds: Callable[[str, str], bool]) -> Matcher:
    return lambda given, value: YES if holds(given, value) else NO


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {  # of the request's value with the policy's
    "equals": operators.eq,
    "lessthan": operators.lt,
    "lessthanequals": operators.le,
    "greaterthan": operators.gt,
    "greaterthanequals": operators.ge,
}
_MATCHERS: dict[str, Matcher] = {
    "stringequals": _plain(lambda given, value: given == value),
    "stringequalsignorecase": _plain(lambda given, value: given.lower() == value.lower()),
    "stringlike": _plain(lambda given, value: glob(given).fullmatch(value) is not None),
    "arnlike": _plain(values.arn_covers),
    "bool": _same_bool,
    "binaryequals": _ordered(values.binary, _COMPARISONS["equals"]),
    "ipaddress": _in_network,
    **{f"numeric{name}": _ordered(values.number, holds) for name, holds in _COMPARISONS.items()},
    **{f"date{name}": _ordered(values.date, holds) for name, holds in _COMPARISONS.items()},
}
_SPELLINGS = {  # operators under another name, and those that negate: what they come to, and whether negated
    "arnequals": ("arnlike", False),
    "arnnotequals": ("arnlike", True),
    "arnnotlike": ("arnlike", True),
    "stringnotequals": ("stringequals", True),
    "stringnotequalsignorecase": ("stringequalsignorecase", True),
    "stringnotlike": ("stringlike", True),
    "numericnotequals": ("numericequals", True),
    "datenotequals": ("dateequals", True),
    "notipaddress": ("ipaddress", True),
}


@dataclass(frozen=True, slots=True)
class Test:
    """One operator on one key: ``{"StringLike": {"s3:prefix": ["home/*"]}}``."""

    operator: str  # as the policy writes it
    key: str  # as the policy writes it
    values: tuple[str, ...]
    name: str  # of the matcher; "null"; empty where AWS has no such operator
    negated: bool
    if_exists: bool
    quantifier: Quantifier
    patterns: tuple[str | Template, ...]
    lookup: str  # the key in lower case

    def holds(self, context: Context) -> Truth:
        """Does a request pass?

        Notes
        -----
        A key that is absent fails an operator, passes a negated one and one with ``IfExists``, passes ``ForAllValues`` and fails
        ``ForAnyValue``.
        """
        if not self.name:
            return UNKNOWN
        known = known_of(context, self.lookup)
        if self.name == "null":
            return self._null(known is None, known == ABSENT)
        if not isinstance(known, tuple):
            return UNKNOWN
        if known == ABSENT or (self.quantifier and not any(known)):
            if self.if_exists and known == ABSENT:
                return YES
            if self.quantifier:
                return YES if self.quantifier == "ForAllValues" else NO
            return YES if self.negated else NO
        results = [self._passes(value, context) for value in known]
        if self.quantifier == "ForAllValues":
            return min(results)
        if self.quantifier == "ForAnyValue":
            return max(results)
        return results[0] if min(results) == max(results) else UNKNOWN  # several values need a quantifier

    def _null(self, unknown: bool, absent: bool) -> Truth:
        if unknown:
            return UNKNOWN
        wanted = {value.lower() for value in self.values}
        return YES if ("true" if absent else "false") in wanted else NO

    def _passes(self, value: str, context: Context) -> Truth:
        covered: Truth = NO
        invalid = False
        for pattern in self.patterns:
            if isinstance(pattern, str):
                one = _MATCHERS[self.name](pattern, value)
            else:
                one, may_be = self._filled(pattern, value, context)
                invalid = invalid or may_be
            if one > covered:
                covered = one
        result = negation(covered) if self.negated else covered
        return min(result, UNKNOWN) if invalid else result

    def _filled(self, pattern: Template, value: str, context: Context) -> tuple[Truth, bool]:
        if self.name == "arnlike":
            return pattern.match_arn(value, context)
        return pattern.match(value, context, self.name in ("stringequalsignorecase", "bool"))

    def said(self) -> str:
        """The test as a reader reads it."""
        return f"{self.operator} {self.key} {', '.join(self.values)}"


def tests_of(block: Mapping[str, Mapping[str, tuple[str, ...]]], variables: bool) -> tuple[Test, ...]:
    """Every test of a ``Condition`` element; all have to pass."""
    return tuple(
        _test(operator, key, given, variables) for operator, keys in block.items() for key, given in keys.items()
    )


def _test(operator: str, key: str, given: tuple[str, ...], variables: bool) -> Test:
    found = _OPERATOR.fullmatch(operator)
    spelled = found["name"].lower() if found else ""
    name, negated = _SPELLINGS.get(spelled, (spelled, False))
    quantifier = _quantifier((found and found["quantifier"]) or "")
    if_exists = bool(found and found["if_exists"])
    if name not in _MATCHERS and (name != "null" or if_exists):
        name = ""
    wild = name in ("stringlike", "arnlike")
    patterns: Iterator[str | Template] = (
        (template(value, wild) if variables and name in _VARIABLES else None) or value for value in given
    )
    return Test(operator, key, given, name, negated, if_exists, quantifier, tuple(patterns), key.lower())


def _quantifier(text: str) -> Quantifier:
    return {"forallvalues": "ForAllValues", "foranyvalue": "ForAnyValue"}.get(text.lower(), "")  # type: ignore[return-value]


def unsettled(tests: tuple[Test, ...], context: Context) -> list[str]:
    """The keys that keep these tests from being settled, in the order of the policy."""
    keys: dict[str, None] = {}
    for test in tests:
        if test.holds(context) != UNKNOWN:
            continue
        own = [test.key] if not isinstance(known_of(context, test.lookup), tuple) else []
        own += [
            part.value
            for pattern in test.patterns
            if isinstance(pattern, Template)
            for part in pattern.variables()
            if not isinstance(known_of(context, part.value), tuple)
        ]
        keys |= dict.fromkeys(own or [f"{test.operator} {test.key}"])
    return list(keys)
