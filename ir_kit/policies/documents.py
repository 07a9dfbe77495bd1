"""A policy as its author wrote it, read with tolerance: what cannot be read is marked, with its reason, and never raises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import unquote

from ir_kit.policies.conditions import Test, tests_of
from ir_kit.policies.globs import ANYTHING
from ir_kit.policies.patterns import Patterns, action_patterns, resource_patterns
from ir_kit.policies.principals import Names

Effect = Literal["Allow", "Deny"]
EFFECTS: Final[tuple[Effect, Effect]] = ("Allow", "Deny")

_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")
_PLAIN = (str, bool, int, float)
_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement. With a ``fault``, what it says is not known, but its effect may be."""

    source: str  # of the policy: "bucket policy of b"
    ordinal: int  # from 1
    sid: str | None
    effect: Effect | None
    principals: Names | None = None
    not_principals: Names | None = None
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[Test, ...] = ()
    fault: str | None = None
    on_actions: Patterns | None = field(default=None, repr=False)
    on_resources: Patterns | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The statement as a reader finds it: ``bucket policy of b, statement 2 (AllowPublic)``."""
        return f"{self.source}, statement {self.ordinal}" + (f" ({self.sid})" if self.sid else "")


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A policy: its statements in order, or why it cannot be read."""

    source: str
    statements: tuple[Statement, ...] = ()
    unreadable: str | None = None
    version: str = "2008-10-17"
    by_action: dict[tuple[str, Effect], tuple[Statement, ...]] = field(default_factory=dict, repr=False)

    def on(self, action: str, effect: Effect) -> tuple[Statement, ...]:
        """The statements of this effect that cover an action (in lower case), and those of which that cannot be told."""
        found = self.by_action.get((action, effect))
        if found is None:
            found = tuple(
                statement
                for statement in self.statements
                if statement.effect in (effect, None)
                and (statement.on_actions is None or statement.on_actions.cover_text(action))
            )
            self.by_action[action, effect] = found
        return found


UNREADABLE: Final = Policy("policies that could not be read", unreadable="they could not be read")


class _Fault(Exception):
    """What is wrong with a document, a statement or an element."""


class _Object(dict[str, Any]):
    """A JSON object, and the name that it gives twice."""

    twice: str | None = None


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object()
    for key, value in pairs:
        if key in made:
            made.twice = key
        made[key] = value
    return made


def parse_policy(document: str | Mapping[str, Any] | None, source: str) -> Policy:
    """What does this policy document say?

    Parameters
    ----------
    document : str, mapping or None
        JSON, also as the IAM API encodes it for a URL; or what JSON became. None: there is none to read.
    source : str
        What a reader calls the policy: ``bucket policy of b``, ``inline policy p of user u``.

    Returns
    -------
    Policy
        ``unreadable`` says why, where the document as a whole cannot be read. A single statement that cannot be read keeps its place,
        with a ``fault``. Nothing raises.

    Notes
    -----
    A name given twice makes its statement a fault: readers of JSON differ on which of the two counts, and AWS accepts neither.
    Source: IAM User Guide, "Grammar of the IAM JSON policy language", "IAM JSON policy elements: Version".
    """
    try:
        content = _content(document)
        version = content.get("Version", "2008-10-17")
        if version not in ("2012-10-17", "2008-10-17"):
            raise _Fault(f"its Version is {_short(version)}, which AWS does not know")
        if "Statement" not in content:
            raise _Fault("it has no Statement")
        given = content["Statement"]
        listed = given if isinstance(given, list) else [given]
        variables = version == "2012-10-17"
        statements = tuple(_statement(one, source, number, variables) for number, one in enumerate(listed, 1))
        return Policy(source, statements, version=version)
    except _Fault as fault:
        return Policy(source, unreadable=str(fault))
    except RecursionError:
        return Policy(source, unreadable="it is nested too deeply")


def _content(document: object) -> Mapping[str, Any]:
    if document is None:
        raise _Fault("there is no document")
    if isinstance(document, str):
        text = unquote(document) if document.lstrip()[:3].upper() == "%7B" else document
        try:
            document = json.loads(text, object_pairs_hook=_object)
        except ValueError as error:
            raise _Fault(f"it is not JSON ({error})") from None
    if not isinstance(document, Mapping):
        raise _Fault("it is not a JSON object")
    if isinstance(document, _Object) and document.twice is not None:
        raise _Fault(f"it gives {_short(document.twice)} twice")
    return document


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _statement(given: object, source: str, ordinal: int, variables: bool) -> Statement:
    effect: Effect | None = None
    sid: str | None = None
    try:
        if not isinstance(given, Mapping):
            raise _Fault("it is not a JSON object")
        sid = given["Sid"] if isinstance(given.get("Sid"), str) and given["Sid"] else None
        twice = _twice(given)
        if twice != "Effect" and given.get("Effect") in EFFECTS:
            effect = given["Effect"]
        if twice is not None:
            raise _Fault(f"it gives {_short(twice)} twice")
        if odd := given.keys() - _ELEMENTS:
            raise _Fault(f"it has an element that AWS does not know ({_short(sorted(map(str, odd))[0])})")
        if effect is None:
            raise _Fault("its Effect is neither Allow nor Deny")
        elements = {name: _texts(given, name) for name in ("Action", "NotAction", "Resource", "NotResource")}
        for one in ("Action", "Resource", "Principal"):
            if one in given and f"Not{one}" in given:
                raise _Fault(f"it has both {one} and Not{one}")
        if "Action" not in given and "NotAction" not in given:
            raise _Fault("it has neither Action nor NotAction")
        return Statement(
            source,
            ordinal,
            sid,
            effect,
            _names(given, "Principal"),
            _names(given, "NotPrincipal"),
            elements["Action"],
            elements["NotAction"],
            elements["Resource"],
            elements["NotResource"],
            tests_of(_block(given), variables),
            on_actions=action_patterns(elements["Action"] or elements["NotAction"], negated="NotAction" in given),
            on_resources=resource_patterns(
                elements["Resource"] or elements["NotResource"],
                negated="NotResource" in given or "Resource" not in given,
                variables=variables,
            ),
        )
    except _Fault as fault:
        return Statement(source, ordinal, sid, effect, fault=str(fault))


def _twice(given: object) -> str | None:
    if isinstance(given, _Object) and given.twice is not None:
        return given.twice
    inner = given.values() if isinstance(given, Mapping) else given if isinstance(given, list) else ()
    for value in inner:
        if isinstance(value, (Mapping, list)) and (found := _twice(value)) is not None:
            return found
    return None


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The element as texts, one alone as a list of one; empty where it is not there."""
    if name not in given:
        return ()
    value = given[name]
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in listed):
        raise _Fault(f"its {name} is not text")
    if any(ANYTHING in one for one in listed):
        raise _Fault(f"its {name} holds U+FDD0, which is no character")
    return tuple(listed)


def _block(given: Mapping[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    condition = given.get("Condition", {})
    if not isinstance(condition, Mapping):
        raise _Fault("its Condition is not a JSON object")
    block: dict[str, dict[str, tuple[str, ...]]] = {}
    for operator, keys in condition.items():
        if not isinstance(operator, str) or not isinstance(keys, Mapping):
            raise _Fault("an operator of its Condition is not a JSON object")
        block[operator] = {}
        for key, value in keys.items():
            listed = value if isinstance(value, list) else [value]
            if not isinstance(key, str) or not all(isinstance(one, _PLAIN) for one in listed):
                raise _Fault("a value of its Condition is neither text nor number nor boolean")
            block[operator][key] = tuple(_text(one) for one in listed)
    return block


def _text(value: str | bool | int | float) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _names(given: Mapping[str, Any], name: str) -> Names | None:
    if name not in given:
        return None
    value = given[name]
    if value == "*":
        return Names(everybody=True)
    if not isinstance(value, Mapping) or not value:
        raise _Fault(f"its {name} names nobody")
    families = {family: _texts(value, family) for family in value if isinstance(family, str)}
    if not families.keys() <= {"AWS", "Service", "Federated", "CanonicalUser", "*"}:
        raise _Fault(f"its {name} is of a kind that AWS does not know")
    aws = families.get("AWS", ())
    return Names(
        everybody="*" in aws or "*" in families.get("*", ()),
        aws=frozenset(found[1] if (found := _ROOT.fullmatch(one)) else one for one in aws),
        services=frozenset(families.get("Service", ())),
        federated=frozenset(families.get("Federated", ())),
        canonical=frozenset(families.get("CanonicalUser", ())),
    )
