"""JSON that others wrote, read with tolerance: what cannot be read is None and never raises.

CloudTrail writes the body of a call as JSON made from XML: what can occur many times stands alone where it occurs
once, and names are capitalised as the service pleases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

JSON = dict[str, Any]
_SURROGATE = re.compile("[\ud800-\udfff]")


def parsed(text: Any) -> Any:
    """The value of a JSON text; what is no text is given back as it is, what cannot be read is None."""
    if not isinstance(text, str | bytes):
        return text
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def mapping(text: Any) -> JSON:
    """The object of a JSON text; empty where it is none."""
    results = parsed(text)
    return results if isinstance(results, dict) else {}


def mappings(value: Any) -> list[JSON]:
    """The objects of a value that may stand alone or in a list."""
    listed = value if isinstance(value, list) else [value]
    return [item for item in listed if isinstance(item, dict)]


def value_of(parameters: Any, name: str) -> Any:
    """The first value under a name, wherever it lies and however it is capitalised; None where it is not there."""
    return next((value for value in values_of(parameters, name) if value is not None), None)


def values_of(parameters: Any, name: str) -> Iterator[Any]:
    """Every value under a name, wherever it lies and however it is capitalised; the outermost first."""
    if isinstance(parameters, Mapping):
        yield from (value for key, value in parameters.items() if str(key).lower() == name.lower())
        for value in parameters.values():
            yield from values_of(value, name)


def without_surrogates(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which JSON may hold and no column can."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
