"""Wildcards and policy variables: does a pattern, or an ``Action`` or ``Resource`` element, cover this text?

A glob becomes one regular expression with atomic groups, so that no pattern, however hostile, takes more than time in
proportion to the pattern times the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from ir_kit.domain.logic import ABSENT, NO, UNKNOWN, YES, Context, Status, known_of, negation

ANYTHING = "\ufdd0"  # an unknown run of characters in a resource; no pattern holds it, as it is no character
_CACHED = 4096
_WILD = re.compile(r"[*?]")
_VARIABLE = re.compile(r"\$\{(?:(?P<special>[*?$])|(?P<key>[^{}',]+)(?:,\s*'(?P<default>[^']*)')?)\}")


@lru_cache(maxsize=100_000)
def glob(pattern: str) -> re.Pattern[str]:
    """The regular expression of a glob: ``*`` is any run of characters, ``?`` any character."""
    return expression(glob_pieces(pattern))


def glob_pieces(pattern: str) -> list[str]:
    """A glob as ``*``, ``?`` and escaped text, in order."""
    return [piece if piece in ("*", "?") else re.escape(piece) for piece in re.split(r"([*?])", pattern) if piece]


def expression(pieces: Iterable[str], ignore_case: bool = False) -> re.Pattern[str]:
    """The regular expression of such pieces. Each run between two stars is sought once, as early as it can be."""
    runs = [""]
    for piece in pieces:
        if piece == "*":
            runs.append("")
        else:
            runs[-1] += f"[^{ANYTHING}]" if piece == "?" else piece
    text = runs[0]
    if len(runs) > 1:
        text += "".join(f"(?>.*?{run})" for run in runs[1:-1] if run) + ".*" + runs[-1]
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@lru_cache(maxsize=100_000)
def overlap(first: str, second: str) -> bool:
    """Is there a text that both globs cover?"""
    ends = past_stars({0}, second)  # how far a text that the first covers up to here may have come in the second
    for symbol in first:
        if symbol == "*":
            ends = set(range(min(ends), len(second) + 1))
        else:
            met = ((end, second[end]) for end in ends if end < len(second))
            ends = {end + (other != "*") for end, other in met if symbol == "?" or other in ("*", "?", symbol)}
            ends = past_stars(ends, second)
        if not ends:
            return False
    return len(second) in ends


def past_stars(ends: set[int], pattern: str) -> set[int]:
    """These places in a glob, and those behind the stars that begin there."""
    reached = set(ends)
    for end in ends:
        while pattern.startswith("*", end):
            end += 1
            reached.add(end)
    return reached


class Part(NamedTuple):
    """A piece of a template: text of the policy, a character meant literally, or a request key and its default."""

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

    def values(self, context: Context) -> tuple[tuple[str | None, ...], bool, bool]:
        """The values of its keys (None: not known), is one absent, and may AWS hold the statement invalid for one?"""
        values: list[str | None] = []
        absent = doubtful = False
        for part in self.variables():
            known = known_of(context, part.value)
            if known == ABSENT:
                values.append(part.default)
                absent = absent or part.default is None
            else:
                values.append(known[0] if isinstance(known, tuple) and len(known) == 1 else None)
                doubtful = doubtful or (known is None and part.default is None)
        return tuple(values), absent, absent or doubtful

    def match(self, text: str, context: Context, ignore_case: bool = False) -> tuple[Status, bool]:
        """Does the pattern cover a text, and may AWS hold the statement invalid, as a key that it names is absent?"""
        values, absent, invalid = self.values(context)
        covered = not absent and filled(self, values, ignore_case).fullmatch(text)
        return (NO if not covered else UNKNOWN if None in values else YES), invalid

    def match_arn(self, arn: str, context: Context) -> tuple[Status, bool]:
        """The same for ARNs, each of the six parts between colons by itself."""
        templates, texts = segments(self), arn.split(":", 5)
        invalid = self.values(context)[2]
        if not len(templates) == len(texts) == 6:
            return NO, invalid
        return min(map(lambda template, text: template.match(text, context)[0], templates, texts)), invalid

    def glob_of(self, context: Context) -> str | None:
        """The glob that it comes to in a request; None where a key is not known."""
        values = iter(self.values(context)[0])
        texts = [next(values) if part.kind == "key" else part.value for part in self.parts]
        return None if None in texts else "".join(map(str, texts))

    def widest(self) -> str:
        """A glob that covers whatever this can cover."""
        return "".join(part.value if part.kind == "text" else "*" for part in self.parts)


@lru_cache(maxsize=10_000)
def segments(template: Template) -> list[Template]:
    """The template of an ARN as one for each of its six parts; fewer where it has fewer colons."""
    parted: list[list[Part]] = [[]]
    for part in template.parts:
        pieces = part.value.split(":", 6 - len(parted)) if part.kind == "text" else [part.value]
        for number, piece in enumerate(pieces):
            if number:
                parted.append([])
            parted[-1].append(part._replace(value=piece))
    return [Template(tuple(parts), template.wild) for parts in parted]


@lru_cache(maxsize=100_000)
def filled(template: Template, values: tuple[str | None, ...], ignore_case: bool) -> re.Pattern[str]:
    """The regular expression of a template under these values of its keys; None is any text."""
    pieces: list[str] = []
    remaining = iter(values)
    for part in template.parts:
        value = next(remaining) if part.kind == "key" else part.value
        if value is None:
            pieces.append("*")
        else:
            pieces += glob_pieces(value) if part.kind == "text" and template.wild else [re.escape(value)]
    return expression(pieces, ignore_case)


@lru_cache(maxsize=100_000)
def template_of(pattern: str, wild: bool) -> Template | None:
    """The template of a pattern; None where it names no variable.

    ``${*}``, ``${?}`` and ``${$}`` are those characters themselves. What has not the form of a variable stays text.
    Source: IAM User Guide, "IAM policy elements: Variables and tags".
    """
    parts: list[Part] = []
    end = 0
    for variable in _VARIABLE.finditer(pattern):
        parts.append(Part("text", pattern[end : variable.start()]))
        end = variable.end()
        if variable["special"]:
            parts.append(Part("literal", variable["special"]))
        else:
            parts.append(Part("key", variable["key"].strip().lower(), variable["default"]))
    return Template((*parts, Part("text", pattern[end:])), wild) if parts else None


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """Patterns of an element; ``negated`` where it is ``NotAction`` or ``NotResource``."""

    negated: bool
    everything: bool  # one of them is *
    exact: frozenset[str]
    wild: tuple[str, ...]
    templates: tuple[Template, ...] = ()
    cached: dict[str, Status] = field(default_factory=dict, repr=False)

    def cover_text(self, text: str) -> bool:
        """Does a text fall under them? (No pattern names a variable.)"""
        covered = self.everything or text in self.exact or any(glob(pattern).fullmatch(text) for pattern in self.wild)
        return self.negated != covered

    def covers(self, resource: str, context: Context) -> Status:
        """Does a resource fall under them? One that ends in ``/*`` is any below it: unknown where that decides."""
        if self.everything:
            return NO if self.negated else YES
        below = resource.endswith("/*")
        text = resource[:-1] + ANYTHING if below else resource
        covered = self.cached.get(resource)
        if covered is None:
            covered = NO
            if resource in self.exact or any(glob(pattern).fullmatch(text) for pattern in self.wild):
                covered = YES
            elif below and (
                any(pattern.startswith(resource[:-1]) for pattern in self.exact)
                or any(overlap(pattern, resource) for pattern in self.wild)
            ):
                covered = UNKNOWN
            if len(self.cached) < _CACHED:
                self.cached[resource] = covered
        invalid = False
        for template in self.templates:
            status, doubtful = template.match(text, context)
            if below and status == NO and overlap(template.widest(), resource):
                status = UNKNOWN
            covered, invalid = max(covered, status), invalid or doubtful
        result = negation(covered) if self.negated else covered
        return min(result, UNKNOWN) if invalid else result

    def unsettled(self, context: Context) -> list[str]:
        """The request keys that they name and that are not known."""
        keys = [part.value for template in self.templates for part in template.variables()]
        return [key for key in keys if not isinstance(known_of(context, key), tuple)]

    def globs(self, context: Context) -> list[str]:
        """All of them as globs in a request, without those of which a key is not known."""
        named = (template.glob_of(context) for template in self.templates)
        return [*sorted(self.exact), *self.wild, *(pattern for pattern in named if pattern is not None)]


def patterns_of(values: Sequence[str], *, negated: bool, variables: bool = False) -> Patterns:
    """The patterns of an element, compiled once. Variables stand in the last of an ARN's six parts only.

    A star is taken to cover colons too, as AWS does where it ends a part; in the middle of one of the first five parts
    this covers more texts than AWS would, but none that is an ARN.
    Source: IAM User Guide, "IAM JSON policy elements: Resource".
    """
    named = {value for value in values if variables and value.count(":", 0, value.find("${")) >= 5}
    templates = {value: template for value in values if value in named and (template := template_of(value, True))}
    plain = [value for value in values if value not in templates]
    wild = tuple(value for value in plain if _WILD.search(value) and value != "*")
    exact = frozenset(value for value in plain if not _WILD.search(value))
    return Patterns(negated, "*" in plain, exact, wild, tuple(templates.values()))
