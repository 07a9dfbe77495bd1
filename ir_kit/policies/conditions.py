"""Conditions of a statement: each operator on each key, settled by what is known of a request, or not.

Source: IAM User Guide, "Condition operators", "Conditions with multiple context keys or values", "Single-valued vs.
multivalued context keys".
"""

from __future__ import annotations

import base64
import ipaddress
import operator as operators
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any, TypeVar

from ir_kit.domain.logic import ABSENT, NO, UNKNOWN, YES, Context, Status, known_of, negation
from ir_kit.policies.patterns import Template, glob, template_of

Value = TypeVar("Value")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)
_SECONDS = re.compile(r"\d{5,12}(\.\d{1,6})?", re.ASCII)
_DATE = re.compile(
    r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?)?)?", re.IGNORECASE | re.ASCII
)


def readable(read: Callable[[str], Value]) -> Callable[[str], Value | None]:
    """The same reader, which gives None for what it cannot read and reads each text once."""

    @lru_cache(maxsize=100_000)
    @wraps(read)
    def _attempt(text: str) -> Value | None:
        try:
            return read(text)
        except (ValueError, OverflowError):
            return None

    return _attempt


@readable
def number(text: str) -> Decimal:
    """An integer or decimal number."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


@readable
def date(text: str) -> datetime:
    """A date of the W3C's ISO 8601 profile, UTC where it names no zone; five digits and more are seconds since 1970.

    Source: IAM User Guide, "Condition operators", date.
    """
    if _SECONDS.fullmatch(text):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(text))
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper() + "-01-01"[len(text) - 4 :])
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@readable
def network(text: str) -> Network:
    """A CIDR block, or an address as its own."""
    return ipaddress.ip_network(text.strip(), strict=False)


@lru_cache(maxsize=100_000)
def arn_covers(pattern: str, arn: str) -> bool:
    """Does this pattern cover the ARN, each of the six parts between colons by itself?"""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    pairs = zip(patterns, parts, strict=False)
    return len(patterns) == len(parts) == 6 and all(glob(piece).fullmatch(part) is not None for piece, part in pairs)


def comparison(
    holds: Callable[[Any, Any], bool],
    read: Callable[[str], Any] = str,
    read_pattern: Callable[[str], Any] | None = None,
) -> Callable[[str, str], Status]:
    """An operator on the policy's value and the request's: unknown where either cannot be read."""

    def _compare(pattern: str, value: str) -> Status:
        expected, actual = (read_pattern or read)(pattern), read(value)
        if expected is None or actual is None:
            return UNKNOWN
        return YES if holds(actual, expected) else NO

    return _compare


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {  # of the request's value with the policy's
    "equals": operators.eq, "lessthan": operators.lt, "lessthanequals": operators.le,
    "greaterthan": operators.gt, "greaterthanequals": operators.ge,
}  # fmt: skip
_MATCHERS = {
    "stringequals": comparison(operators.eq),
    "stringequalsignorecase": comparison(operators.eq, str.lower),
    "stringlike": comparison(lambda value, pattern: glob(pattern).fullmatch(value) is not None),
    "arnlike": comparison(lambda value, pattern: arn_covers(pattern, value)),
    "bool": comparison(operators.eq, lambda text: text.lower() if text.lower() in ("true", "false") else None),
    "binaryequals": comparison(operators.eq, readable(lambda text: base64.b64decode(text, validate=True))),
    "ipaddress": comparison(
        lambda address, block: address in block, readable(lambda text: ipaddress.ip_address(text.strip())), network
    ),
    **{f"numeric{name}": comparison(holds, number) for name, holds in _ORDERS.items()},
    **{f"date{name}": comparison(holds, date) for name, holds in _ORDERS.items()},
}
_WITH_VARIABLES = {"stringequals", "stringequalsignorecase", "stringlike", "arnlike", "bool"}
_SPELLINGS = {  # operators under another name, and those that negate: what they come to, and whether negated
    "arnequals": ("arnlike", False), "arnnotequals": ("arnlike", True), "arnnotlike": ("arnlike", True),
    "stringnotequals": ("stringequals", True), "stringnotequalsignorecase": ("stringequalsignorecase", True),
    "stringnotlike": ("stringlike", True), "numericnotequals": ("numericequals", True),
    "datenotequals": ("dateequals", True), "notipaddress": ("ipaddress", True),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Test:
    """An operator on a key: ``{"StringLike": {"s3:prefix": ["home/*"]}}``."""

    operator: str  # as the policy writes it
    key: str  # as the policy writes it
    values: tuple[str, ...]
    lookup: str  # the key in lower case
    name: str  # of the matcher; "null"; empty where AWS has no such operator
    negated: bool
    if_exists: bool
    quantifier: str  # "forallvalues", "foranyvalue" or empty
    patterns: tuple[str | Template, ...]

    def __str__(self) -> str:
        return f"{self.operator} {self.key} {', '.join(self.values)}"

    def holds(self, context: Context) -> Status:
        """Does a request pass?

        A key that is absent fails an operator, passes a negated one and one with ``IfExists``, passes ``ForAllValues``
        and fails ``ForAnyValue``.
        """
        known = known_of(context, self.lookup)
        if not self.name or known is None:
            return UNKNOWN
        if self.name == "null":
            expected = "true" if known == ABSENT else "false"
            return YES if expected in (value.lower() for value in self.values) else NO
        if not isinstance(known, tuple):
            return UNKNOWN
        if known == ABSENT or (self.quantifier and not any(known)):
            if known == ABSENT and self.if_exists:
                return YES
            passes = self.quantifier == "forallvalues" if self.quantifier else self.negated
            return YES if passes else NO
        results = [self.passes(value, context) for value in known]
        if self.quantifier:
            return min(results) if self.quantifier == "forallvalues" else max(results)
        return results[0] if min(results) == max(results) else UNKNOWN  # several values need a quantifier

    def passes(self, value: str, context: Context) -> Status:
        """Does a value of the key pass?"""
        covered: Status = NO
        invalid = doubtful = False
        for pattern in self.patterns:
            if isinstance(pattern, str):
                status = _MATCHERS[self.name](pattern, value)
            elif self.name == "arnlike":
                status, doubtful = pattern.match_arn(value, context)
            else:
                status, doubtful = pattern.match(value, context, self.name in ("stringequalsignorecase", "bool"))
            covered, invalid = max(covered, status), invalid or doubtful
        result = negation(covered) if self.negated else covered
        return min(result, UNKNOWN) if invalid else result


def tests_of(block: Mapping[str, Mapping[str, tuple[str, ...]]], variables: bool) -> tuple[Test, ...]:
    """Every test of a ``Condition`` element; all have to pass."""
    tests = []
    for operator, keys in block.items():
        match = _OPERATOR.fullmatch(operator)
        quantifier, spelled, if_exists = (part.lower() for part in match.groups("")) if match else ("", "", "")
        name, negated = _SPELLINGS.get(spelled, (spelled, False))
        if name not in _MATCHERS and (name != "null" or if_exists):
            name = ""
        wild = name in ("stringlike", "arnlike")
        named = variables and name in _WITH_VARIABLES
        for key, values in keys.items():
            patterns = tuple((template_of(value, wild) if named else None) or value for value in values)
            tests.append(Test(operator, key, values, key.lower(), name, negated, bool(if_exists), quantifier, patterns))
    return tuple(tests)


def unsettled(tests: tuple[Test, ...], context: Context) -> list[str]:
    """The keys that keep these tests from being settled, in the order of the policy."""
    keys: list[str] = []
    for test in tests:
        if test.holds(context) != UNKNOWN:
            continue
        parts = [part for pattern in test.patterns if isinstance(pattern, Template) for part in pattern.variables()]
        named = [(test.key, test.lookup), *((part.value, part.value) for part in parts)]
        open_keys = [key for key, lookup in named if not isinstance(known_of(context, lookup), tuple)]
        keys += open_keys or [f"{test.operator} {test.key}"]
    return list(dict.fromkeys(keys))
