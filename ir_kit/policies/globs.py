"""Wildcards and policy variables: does a pattern of a policy cover this text?

A glob becomes one regular expression with atomic groups, so that no pattern, however hostile, takes more than time in proportion to the
pattern times the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from ir_kit.domain.logic import ABSENT, NO, UNKNOWN, YES, Context, Truth, known_of

ANYTHING = "\ufdd0"  # stands for an unknown run of characters in a resource; no pattern holds it, as it is no character
_VARIABLE = re.compile(r"\$\{(?:(?P<special>[*?$])|(?P<key>[^{}',]+)(?:,\s*'(?P<default>[^']*)')?)\}")


@lru_cache(maxsize=100_000)
def glob(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """The regular expression of a glob: ``*`` is any run of characters, ``?`` any one."""
    return _compiled(_globbed(pattern), ignore_case)


def _globbed(pattern: str) -> list[str]:
    return [piece if piece in ("*", "?") else re.escape(piece) for piece in re.split(r"([*?])", pattern) if piece]


def _compiled(pieces: list[str], ignore_case: bool) -> re.Pattern[str]:
    """Pieces: ``*``, ``?`` and escaped text, in order. Each run between two stars is sought once, as early as it can be."""
    chunks: list[str] = [""]
    for piece in pieces:
        if piece == "*":
            chunks.append("")
        else:
            chunks[-1] += f"[^{ANYTHING}]" if piece == "?" else piece
    expression = chunks[0]
    if len(chunks) > 1:
        expression += "".join(f"(?>.*?{chunk})" for chunk in chunks[1:-1] if chunk) + ".*" + chunks[-1]
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@lru_cache(maxsize=100_000)
def overlap(one: str, other: str) -> bool:
    """Is there a text that both globs cover?"""
    for first, second in zip(one, other, strict=False):
        if first in "*?" or second in "*?":
            break
        if first != second:
            return False
    ends = {0}
    for symbol in one:
        ends = _step(ends, symbol, other)
        if not ends:
            return False
    return len(other) in _stars(ends, other)


def _stars(ends: set[int], other: str) -> set[int]:
    reached = set()
    for end in ends:
        reached.add(end)
        while end < len(other) and other[end] == "*":
            end += 1
            reached.add(end)
    return reached


def _step(ends: set[int], symbol: str, other: str) -> set[int]:
    ends = _stars(ends, other)
    if symbol == "*":
        return set(range(min(ends), len(other) + 1))
    after = set()
    for end in ends:
        if end == len(other):
            continue
        met = other[end]
        if met == "*":
            after.add(end)
        elif symbol == "?" or met in ("?", symbol):
            after.add(end + 1)
    return after


class Part(NamedTuple):
    """A piece of a template: text as it stands in the policy, a character meant literally, or a request key and its default."""

    kind: Literal["text", "literal", "key"]
    value: str  # a key in lower case
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern that names request keys: ``home/${aws:username}/*``."""

    parts: tuple[Part, ...]
    wild: bool  # do * and ? in the text stand for others?

    def variables(self) -> list[Part]:
        """The request keys that the pattern names."""
        return [part for part in self.parts if part.kind == "key"]

    def match(self, text: str, context: Context, ignore_case: bool = False) -> tuple[Truth, bool]:
        """Does the pattern cover a text, and may AWS hold the whole statement invalid, as a key that it names may be absent?"""
        values: list[str | None] = []
        absent = unsettled = invalid = False
        for part in self.variables():
            known = known_of(context, part.value)
            if known == ABSENT:
                absent = absent or part.default is None
                values.append(part.default)
            elif isinstance(known, tuple) and len(known) == 1:
                values.append(known[0])
            else:
                unsettled = True
                invalid = invalid or (known is None and part.default is None)
                values.append(None)
        if absent or not _filled(self, tuple(values), ignore_case).fullmatch(text):
            return NO, absent or invalid
        return (UNKNOWN if unsettled else YES), invalid

    def match_arn(self, arn: str, context: Context) -> tuple[Truth, bool]:
        """The same for ARNs, each of the six parts between colons by itself."""
        segments, parts = _segments(self), arn.split(":", 5)
        invalid = self.match("", context)[1]
        if len(segments) != 6 or len(parts) != 6:
            return NO, invalid
        return min(one.match(part, context)[0] for one, part in zip(segments, parts, strict=True)), invalid

    def filled(self, context: Context) -> str | None:
        """The glob that it comes to in a request; None where a key is not known."""
        text = ""
        for part in self.parts:
            known = known_of(context, part.value) if part.kind == "key" else (part.value,)
            if known == ABSENT and part.default is not None:
                known = (part.default,)
            if not isinstance(known, tuple) or len(known) != 1:
                return None
            text += known[0]
        return text

    def widest(self) -> str:
        """A glob that covers whatever this can cover."""
        return "".join(part.value if part.kind == "text" else "*" for part in self.parts)


@lru_cache(maxsize=10_000)
def _segments(given: Template) -> list[Template]:
    segments: list[list[Part]] = [[]]
    for part in given.parts:
        pieces = part.value.split(":", 6 - len(segments)) if part.kind == "text" else [part.value]
        for number, piece in enumerate(pieces):
            if number:
                segments.append([])
            segments[-1].append(part._replace(value=piece))
    return [Template(tuple(parts), given.wild) for parts in segments]


@lru_cache(maxsize=100_000)
def _filled(given: Template, values: tuple[str | None, ...], ignore_case: bool) -> re.Pattern[str]:
    pieces: list[str] = []
    left = iter(values)
    for part in given.parts:
        if part.kind == "key":
            value = next(left)
            pieces.append("*" if value is None else re.escape(value))
        elif part.kind == "text" and given.wild:
            pieces += _globbed(part.value)
        else:
            pieces.append(re.escape(part.value))
    return _compiled(pieces, ignore_case)


@lru_cache(maxsize=100_000)
def template(pattern: str, wild: bool) -> Template | None:
    """The template of a pattern; None where it names no variable.

    Notes
    -----
    ``${*}``, ``${?}`` and ``${$}`` are those characters themselves. What has not the form of a variable stays text.
    Source: IAM User Guide, "IAM policy elements: Variables and tags".
    """
    if "${" not in pattern:
        return None
    parts: list[Part] = []
    end = 0
    for found in _VARIABLE.finditer(pattern):
        if found.start() > end:
            parts.append(Part("text", pattern[end : found.start()]))
        end = found.end()
        if found["special"]:
            parts.append(Part("literal", found["special"]))
        else:
            parts.append(Part("key", found["key"].strip().lower(), found["default"]))
    if not parts:
        return None
    if end < len(pattern):
        parts.append(Part("text", pattern[end:]))
    return Template(tuple(parts), wild)
