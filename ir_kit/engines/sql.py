"""A question's text and its parameters: bound by name for the engine, or written out as literals for the record.

Only a placeholder (``:name``) is ever replaced; the rest of the text stays as it is in the file, on every engine. A list stands for its
elements, as in ``access_key_id in (:access_keys)``; an empty one for ``null``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Any

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.tokenizer_core import TokenType

from ir_kit.errors import ParameterError


@cache
def placeholders(text: str) -> tuple[tuple[int, int, str], ...]:
    """Where does this text name a parameter? Start, end and name of each, outside strings and comments."""
    tokens = Trino.Tokenizer().tokenize(text)
    return tuple(
        (colon.start, name.end + 1, name.text)
        for colon, name in pairwise(tokens)
        if colon.token_type == TokenType.COLON and name.start == colon.end + 1
    )


def _replaced(text: str, parameters: Mapping[str, Any], write: Callable[[str, Any], str]) -> str:
    pieces, position = [], 0
    for start, end, name in placeholders(text):
        if name not in parameters:
            raise ParameterError(f"no value for the parameter :{name}", next_step="give it to ask()")
        pieces += [text[position:start], write(name, parameters[name])]
        position = end
    return "".join(pieces) + text[position:]


def bound(text: str, parameters: Mapping[str, Any], mark: str = "$") -> tuple[str, dict[str, Any]]:
    """The text with an engine's named placeholders, and the values that belong to them."""
    values: dict[str, Any] = {}

    def write(name: str, value: Any) -> str:
        if not isinstance(value, list | tuple):
            values[name] = _naive(value)
            return mark + name
        for index, item in enumerate(value):
            values[f"{name}_{index}"] = _naive(item)
        return ", ".join(f"{mark}{name}_{index}" for index in range(len(value))) or "null"

    return _replaced(text, parameters, write), values


def with_literals(text: str, parameters: Mapping[str, Any]) -> str:
    """The text with its values written out, fit to paste into a console."""

    def write(_: str, value: Any) -> str:
        if isinstance(value, list | tuple):
            return ", ".join(_literal(item) for item in value) or "null"
        return _literal(value)

    return _replaced(text, parameters, write)


def _literal(value: Any) -> str:
    if isinstance(value, datetime):
        return (
            f"timestamp {exp.Literal.string(_naive(value).isoformat(sep=' ', timespec='seconds')).sql(dialect='trino')}"
        )
    return str(exp.convert(value).sql(dialect="trino"))


def _naive(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value
