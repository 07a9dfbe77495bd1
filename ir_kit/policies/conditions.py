"""Patterns and conditions: does a value that a policy names cover that of a request, as far as it is known?

A pattern becomes one regular expression with atomic groups, so that none, however hostile, takes more than time in
proportion to the pattern times the text.

Source: IAM User Guide, "Condition operators", "Conditions with multiple context keys or values", "Single-valued vs.
multivalued context keys", "IAM policy elements: Variables and tags", "IAM JSON policy elements: Resource".
"""

from __future__ import annotations

import base64
import ipaddress
import operator as operators
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from ir_kit.domain.logic import ABSENT, NO, UNKNOWN, YES, Context, Status, known_of, negation

ANYTHING = "\ufdd0"  # an unknown run of characters in a resource; no pattern holds it, as it is no character
_VARIABLE = re.compile(r"\$\{(?:(?P<special>[*?$])|(?P<key>[^{}',]+)(?:,\s*'(?P<default>[^']*)')?)\}")
_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", re.ASCII)
_SECONDS = re.compile(r"\d{5,12}(\.\d{1,6})?", re.ASCII)
_DATE = re.compile(
    r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?)?)?", re.IGNORECASE | re.ASCII
)


@lru_cache(maxsize=100_000)
def value_as(kind: str, text: str) -> Any:
    """A text as a number, a date, an address, a network, bytes, or true or false; None where it cannot be read so.

    A date is of the W3C's ISO 8601 profile, UTC where it names no zone; five digits and more are seconds since 1970.
    """
    try:
        if kind == "numeric":
            return Decimal(text) if _NUMBER.fullmatch(text) else None
        if kind == "date" and _SECONDS.fullmatch(text):
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(text))
        if kind == "date" and _DATE.fullmatch(text):
            moment = datetime.fromisoformat(text.upper() + "-01-01"[len(text) - 4 :])
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if kind == "address":
            return ipaddress.ip_address(text.strip())
        if kind == "network":
            return ipaddress.ip_network(text.strip(), strict=False)
        if kind == "binary":
            return base64.b64decode(text, validate=True)
    except (ValueError, OverflowError):
        return None
    return {"true": True, "false": False}.get(text.lower()) if kind == "bool" else None


_ORDERS = {
    "equals": operators.eq, "lessthan": operators.lt, "lessthanequals": operators.le,
    "greaterthan": operators.gt, "greaterthanequals": operators.ge,
}  # fmt: skip
# operators that read what they compare: the request's value as this, the policy's as that, and when the two pass
_COMPARISONS: dict[str, tuple[str, str, Callable[[Any, Any], bool]]] = {
    "bool": ("bool", "bool", operators.eq), "binaryequals": ("binary", "binary", operators.eq),
    "ipaddress": ("address", "network", lambda address, block: address in block),
    **{f"{kind}{name}": (kind, kind, holds) for kind in ("numeric", "date") for name, holds in _ORDERS.items()},
}  # fmt: skip
_MATCHING = ("stringequals", "stringequalsignorecase", "stringlike", "arnlike")  # by pattern
_WILD = ("stringlike", "arnlike", "resource", "action")
_NEGATED = {
    "stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike", "numericnotequals",
    "datenotequals", "notipaddress",
}  # fmt: skip


class Key(NamedTuple):
    """A request key that a pattern names, in lower case, and what stands for it where it is absent."""

    name: str
    default: str | None

    def value(self, context: Context) -> str | None:
        """The text that stands for it in a request; None where that is not known."""
        known = known_of(context, self.name)
        return self.default if known == ABSENT else known[0] if isinstance(known, tuple) and len(known) == 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A value that a policy names, and how it compares: as an operator, an ``action`` or a ``resource``."""

    kind: str
    text: str
    variables: bool  # does it name any? ``${aws:username}``
    pieces: tuple[str | Key, ...]  # ``*``, ``?``, other text escaped, and request keys
    keys: tuple[Key, ...]

    def covers(self, text: str, context: Context) -> Status:
        """Does the pattern cover a text? A resource that ends in ``/*`` is any below: unknown where that decides."""
        if self.kind in _COMPARISONS and not self.variables:
            kind, own_kind, holds = _COMPARISONS[self.kind]
            value, own = value_as(kind, text), value_as(own_kind, self.text)
            return UNKNOWN if value is None or own is None else YES if holds(value, own) else NO
        if self.kind == "arnlike":
            patterns, texts = segments(self), text.split(":", 5)
            parts = (pattern.covers(part, context) for pattern, part in zip(patterns, texts, strict=False))
            return min(parts) if len(patterns) == len(texts) == 6 else NO
        below = self.kind == "resource" and text.endswith("/*")
        values = None if self.keys and self.is_void(context) else tuple([key.value(context) for key in self.keys])
        if values is not None and filled(self, values).fullmatch(text[:-1] + ANYTHING if below else text):
            return UNKNOWN if None in values else YES
        if not below:
            return NO
        widest = _VARIABLE.sub("*", self.text) if self.variables else self.text
        return UNKNOWN if overlaps(widest, text[:-1]) else NO

    def is_void(self, context: Context, *, perhaps: bool = False) -> bool:
        """Is a key absent that it names without a default, so that AWS may hold the statement invalid; or may be so?"""
        without = (known_of(context, key.name) for key in self.keys if key.default is None)
        return any(value == ABSENT or (perhaps and value is None) for value in without)


@lru_cache(maxsize=100_000)
def pattern_of(kind: str, text: str, variables: bool = False) -> Pattern:
    """The pattern that a policy writes so; ``variables``: does ``${...}`` stand for a request key?

    ``${*}``, ``${?}`` and ``${$}`` are those characters themselves. What has not the form of a variable stays text.
    """
    pieces: list[str | Key] = []
    end, named = 0, [*_VARIABLE.finditer(text)] if variables else []
    for variable in [*named, None]:
        plain = text[end : variable.start() if variable else None]
        parts = re.split(r"([*?])", plain) if kind in _WILD else [plain]
        pieces += [part if kind in _WILD and part in ("*", "?") else re.escape(part) for part in parts if part]
        if variable:
            end = variable.end()
            key = Key((variable["key"] or "").strip().lower(), variable["default"])
            pieces.append(re.escape(variable["special"]) if variable["special"] else key)
    keys = tuple(piece for piece in pieces if isinstance(piece, Key))
    return Pattern(kind, text, bool(named), tuple(pieces), keys)


@lru_cache(maxsize=10_000)
def segments(pattern: Pattern) -> list[Pattern]:
    """The pattern of an ARN as one for each of its six parts between colons; fewer where it has fewer."""
    text = _VARIABLE.sub(lambda variable: "_" * len(variable[0]), pattern.text) if pattern.variables else pattern.text
    ends = accumulate((len(part) + 1 for part in text.split(":", 5)), initial=0)
    return [pattern_of("stringlike", pattern.text[start : end - 1], pattern.variables) for start, end in pairwise(ends)]


@lru_cache(maxsize=100_000)
def filled(pattern: Pattern, values: tuple[str | None, ...]) -> re.Pattern[str]:
    """The regular expression of a pattern under these values of its keys; None is any text.

    Each run between two stars is sought once, as early as it can be.
    """
    runs, remaining = [""], iter(values)
    for piece in pattern.pieces:
        value = next(remaining) if isinstance(piece, Key) else None
        token = "*" if isinstance(piece, Key) and value is None else piece if value is None else re.escape(value)
        if token == "*":
            runs.append("")
        else:
            runs[-1] += f"[^{ANYTHING}]" if token == "?" else str(token)
    text = runs[0]
    if len(runs) > 1:
        text += "".join(f"(?>.*?{run})" for run in runs[1:-1] if run) + ".*" + runs[-1]
    any_case = pattern.kind in ("stringequalsignorecase", "bool")
    return re.compile(text, re.DOTALL | (re.IGNORECASE if any_case else 0))


@lru_cache(maxsize=100_000)
def overlaps(pattern: str, prefix: str) -> bool:
    """Does a pattern cover a text that begins so?"""
    literal = re.split(r"[*?]", pattern, maxsplit=1)[0]
    if literal.startswith(prefix) or not prefix.startswith(literal):
        return literal.startswith(prefix)
    pattern, prefix = re.sub(r"\*+", "*", pattern[len(literal) :]), prefix[len(literal) :]
    places = {0}  # how far the pattern may have come
    for character in prefix:
        places |= {place + 1 for place in places if pattern[place : place + 1] == "*"}
        met = [place for place in places if pattern[place : place + 1] in ("*", "?", character)]
        places = {place + (pattern[place] != "*") for place in met}
        if not places:
            return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """All values of a condition or an element; ``negated`` where what they cover fails."""

    patterns: tuple[Pattern, ...]
    negated: bool
    everything: bool = False  # is one of an element ``*``?
    cached: dict[str, Status] = field(default_factory=dict, repr=False)  # by text, of the patterns that name no key

    def covers(self, text: str, context: Context) -> Status:
        """Does a text fall under them, or, negated, under none?"""
        if self.everything:
            return NO if self.negated else YES
        if text not in self.cached:
            plain = (pattern.covers(text, context) for pattern in self.patterns if not pattern.keys)
            if len(self.cached) == 4096:
                self.cached.clear()
            self.cached[text] = max(plain, default=NO)
        covered, keyed = self.cached[text], [pattern for pattern in self.patterns if pattern.keys]
        for pattern in keyed:
            covered = max(covered, pattern.covers(text, context))
        result = negation(covered) if self.negated else covered
        return min(result, UNKNOWN) if any(one.is_void(context, perhaps=True) for one in keyed) else result

    def unsettled(self, context: Context) -> list[str]:
        """The request keys that they name and that are not known."""
        keys = [key.name for pattern in self.patterns for key in pattern.keys]
        return [key for key in keys if not isinstance(known_of(context, key), tuple)]


def patterns_of(kind: str, values: Sequence[str], *, negated: bool, variables: bool = False) -> Patterns:
    """The values of ``Action`` or ``Resource``, of which variables stand in the last of an ARN's six parts only.

    A star is taken to cover colons too, as AWS does where it ends a part; in the middle of one of the first five parts
    this covers more texts than AWS would, but none that is an ARN.
    """
    named = ((value, variables and value.count(":", 0, value.find("${")) >= 5) for value in values)
    return Patterns(tuple(pattern_of(kind, *pair) for pair in named), negated, "*" in values)


@dataclass(frozen=True, slots=True)
class Test:
    """An operator on a key: ``{"StringLike": {"s3:prefix": ["home/*"]}}``."""

    operator: str  # as the policy writes it
    key: str  # as the policy writes it
    values: tuple[str, ...]
    lookup: str  # the key in lower case
    name: str  # what the operator comes to, negation apart; "null"; empty where AWS has no such operator
    negated: bool
    if_exists: bool
    quantifier: str  # "forallvalues", "foranyvalue" or empty
    patterns: Patterns

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
        results = [self.patterns.covers(value, context) for value in known]
        if self.quantifier:
            return min(results) if self.quantifier == "forallvalues" else max(results)
        return results[0] if min(results) == max(results) else UNKNOWN  # several values need a quantifier


def tests_of(block: Mapping[str, Mapping[str, tuple[str, ...]]], variables: bool) -> tuple[Test, ...]:
    """Every test of a ``Condition`` element; all have to pass."""
    tests = []
    for operator, keys in block.items():
        match = _OPERATOR.fullmatch(operator)
        quantifier, spelled, if_exists = (part.lower() for part in match.groups("")) if match else ("", "", "")
        negated = spelled in _NEGATED
        name = (spelled.replace("not", "", 1) if negated else spelled).replace("arnequals", "arnlike")
        if name not in (*_MATCHING, *_COMPARISONS) and (name != "null" or if_exists):
            name = ""
        named = variables and name in (*_MATCHING, "bool")
        for key, values in keys.items():
            patterns = Patterns(tuple(pattern_of(name, value, named) for value in values), negated)
            tests.append(Test(operator, key, values, key.lower(), name, negated, bool(if_exists), quantifier, patterns))
    return tuple(tests)


def unsettled(tests: Iterable[Test], context: Context) -> list[str]:
    """The keys that keep these tests from being settled, in the order of the policy."""
    keys: list[str] = []
    for test in tests:
        if test.holds(context) == UNKNOWN:
            own = [] if isinstance(known_of(context, test.lookup), tuple) else [test.key]
            keys += own + test.patterns.unsettled(context) or [f"{test.operator} {test.key}"]
    return list(dict.fromkeys(keys))
