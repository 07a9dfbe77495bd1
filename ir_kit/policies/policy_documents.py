"""A policy as its author wrote it, read with tolerance: what cannot be read is marked with its reason."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import unquote

from ir_kit.policies.conditions import Test, tests_of
from ir_kit.policies.patterns import ANYTHING, Patterns, patterns_of
from ir_kit.policies.policy_principals import Names

Effect = Literal["Allow", "Deny"]
EFFECTS: Final[tuple[Effect, Effect]] = ("Allow", "Deny")

_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")
_PAIRED = ("Action", "Resource", "Principal")
_ELEMENTS = {"Sid", "Effect", "Condition", *_PAIRED, *(f"Not{name}" for name in _PAIRED)}


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A statement. With a ``fault``, what it says is not known, but its effect may be."""

    source: str  # of the policy: "bucket policy of b"
    ordinal: int  # from 1
    sid: str | None
    effect: Effect | None
    fault: str | None = None
    principals: Names | None = None
    not_principals: Names | None = None
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: tuple[Test, ...] = ()
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
        """The statements of this effect that cover an action (in lower case), or may, as they cannot be read."""
        statements = self.by_action.get((action, effect))
        if statements is None:
            statements = self.by_action[action, effect] = tuple(
                statement
                for statement in self.statements
                if statement.effect in (effect, None)
                and (statement.on_actions is None or statement.on_actions.cover_text(action))
            )
        return statements


UNREADABLE: Final = Policy("policies that could not be read", unreadable="they could not be read")


class _Fault(Exception):
    """What is wrong with a document, a statement or an element."""


class _Object(dict[str, Any]):
    """A JSON object, and the names that it gives more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        repeats = Counter(name for name, _ in pairs) if len(self) < len(pairs) else {}
        self.repeated = [name for name, count in repeats.items() if count > 1]


def parse_policy(document: str | Mapping[str, Any] | None, source: str) -> Policy:
    """What does this policy document say?

    What cannot be read is marked: ``unreadable`` of the policy, ``fault`` of a statement. Nothing raises.
    A name given twice makes its statement a fault: readers of JSON differ on which counts, and AWS accepts neither.
    Source: IAM User Guide, "Grammar of the IAM JSON policy language", "IAM JSON policy elements: Version".

    Parameters
    ----------
    document : str, mapping or None
        JSON, also as the IAM API encodes it for a URL; or what JSON became. None: there is none to read.
    source : str
        What a reader calls the policy: ``bucket policy of b``, ``inline policy p of user u``.
    """
    try:
        if document is None:
            raise _Fault("there is no document")
        content: Any = document
        if isinstance(document, str):
            text = unquote(document) if document.lstrip()[:3].upper() == "%7B" else document
            content = json.loads(text, object_pairs_hook=_Object)
        if not isinstance(content, Mapping):
            raise _Fault("it is not a JSON object")
        if isinstance(content, _Object) and content.repeated:
            raise _Fault(f"it gives {_short(content.repeated[0])} twice")
        version = content.get("Version", "2008-10-17")
        if version not in ("2012-10-17", "2008-10-17"):
            raise _Fault(f"its Version is {_short(version)}, which AWS does not know")
        if "Statement" not in content:
            raise _Fault("it has no Statement")
        variables = version == "2012-10-17"
        listed = enumerate(_listed(content["Statement"]), 1)
        statements = tuple(statement_of(given, source, number, variables) for number, given in listed)
        return Policy(source, statements, version=version)
    except _Fault as fault:
        return Policy(source, unreadable=str(fault))
    except ValueError as error:
        return Policy(source, unreadable=f"it is not JSON ({error})")
    except RecursionError:
        return Policy(source, unreadable="it is nested too deeply")


def statement_of(given: object, source: str, ordinal: int, variables: bool) -> Statement:
    """A statement as JSON has it. ``variables``: does the policy's version know them?"""
    effect: Effect | None = None
    sid: str | None = None
    try:
        if not isinstance(given, Mapping):
            raise _Fault("it is not a JSON object")
        sid = given["Sid"] if isinstance(given.get("Sid"), str) and given["Sid"] else None
        if given.get("Effect") in EFFECTS and "Effect" not in getattr(given, "repeated", ()):
            effect = given["Effect"]
        if repeated := repeated_name(given):
            raise _Fault(f"it gives {_short(repeated)} twice")
        if odd := given.keys() - _ELEMENTS:
            raise _Fault(f"it has an element that AWS does not know ({_short(sorted(map(str, odd))[0])})")
        if effect is None:
            raise _Fault("its Effect is neither Allow nor Deny")
        actions, not_actions = texts_of(given, "Action"), texts_of(given, "NotAction")
        resources, not_resources = texts_of(given, "Resource"), texts_of(given, "NotResource")
        for name in _PAIRED:
            if name in given and f"Not{name}" in given:
                raise _Fault(f"it has both {name} and Not{name}")
        if "Action" not in given and "NotAction" not in given:
            raise _Fault("it has neither Action nor NotAction")
        negated = "NotResource" in given or "Resource" not in given
        return Statement(
            source, ordinal, sid, effect, None, names_of(given, "Principal"), names_of(given, "NotPrincipal"),
            resources, not_resources, tests_of(condition_of(given), variables),
            patterns_of([name.lower() for name in actions or not_actions], negated="NotAction" in given),
            patterns_of(resources or not_resources, negated=negated, variables=variables),
        )  # fmt: skip
    except _Fault as fault:
        return Statement(source, ordinal, sid, effect, str(fault))


def repeated_name(value: object) -> str | None:
    """A name that an object, or any object in it, gives twice."""
    if isinstance(value, _Object) and value.repeated:
        return value.repeated[0]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return next((name for part in inner if (name := repeated_name(part)) is not None), None)


def texts_of(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The element as texts, a single text as a list of it; empty where it is not there."""
    listed = _listed(given[name]) if name in given else []
    if not all(isinstance(text, str) for text in listed):
        raise _Fault(f"its {name} is not text")
    if any(ANYTHING in text for text in listed):
        raise _Fault(f"its {name} holds U+FDD0, which is no character")
    return tuple(listed)


def condition_of(given: Mapping[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The ``Condition`` of a statement: by operator and key, the values as texts."""
    condition = given.get("Condition", {})
    if not isinstance(condition, Mapping):
        raise _Fault("its Condition is not a JSON object")
    block: dict[str, dict[str, tuple[str, ...]]] = {}
    for operator, keys in condition.items():
        if not isinstance(operator, str) or not isinstance(keys, Mapping):
            raise _Fault("an operator of its Condition is not a JSON object")
        for key, value in keys.items():
            listed = _listed(value)
            if not isinstance(key, str) or not all(isinstance(part, str | bool | int | float) for part in listed):
                raise _Fault("a value of its Condition is neither text nor number nor boolean")
            texts = (str(part).lower() if isinstance(part, bool) else str(part) for part in listed)
            block.setdefault(operator, {})[key] = tuple(texts)
    return block


def names_of(given: Mapping[str, Any], name: str) -> Names | None:
    """The ``Principal`` or ``NotPrincipal`` of a statement; None where it has none."""
    value = given.get(name, {})
    if name not in given:
        return None
    if value == "*":
        return Names(everybody=True)
    if not isinstance(value, Mapping) or not value:
        raise _Fault(f"its {name} names nobody")
    families = {family: frozenset(texts_of(value, family)) for family in value if isinstance(family, str)}
    aws, services, federated, canonical, star = (
        families.pop(family, frozenset()) for family in ("AWS", "Service", "Federated", "CanonicalUser", "*")
    )
    if families:
        raise _Fault(f"its {name} is of a kind that AWS does not know")
    accounts = frozenset(root[1] if (root := _ROOT.fullmatch(text)) else text for text in aws)
    return Names("*" in aws | star, accounts, services, federated, canonical)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."
