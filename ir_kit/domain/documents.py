"""JSON that others wrote, read with tolerance: what cannot be read is None and never raises. And frames as rows and back.

CloudTrail writes the body of a call as JSON made from XML: what can occur many times stands alone where it occurs
once, and names are capitalised as the service pleases.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

JSON = dict[str, Any]
_DTYPES = {
    "varchar": "str", "bigint": "Int64", "integer": "Int32", "double": "float64", "boolean": "boolean",
    "timestamp": "datetime64[us, UTC]",
}  # fmt: skip
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


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """One dict per row, in order; what is null there is None here."""
    rows: list[dict[str, Any]] = frame.astype(object).where(frame.notna(), None).to_dict("records")  # type: ignore[assignment]
    return rows


def frame_of(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame of these columns, typed by their SQL types, also where it has no row or only nulls.

    Lone surrogates, which JSON inside JSON may hold and no column can, become U+FFFD.
    """
    import pandas as pd  # a third of a second, which processes that read logs do not have to spend

    def whole(value: Any) -> Any:
        if isinstance(value, str):
            return without_surrogates(value)
        return [whole(item) for item in value] if isinstance(value, list) else value

    listed = list(rows)
    series = {
        name: pd.Series([whole(row.get(name)) for row in listed], dtype=_DTYPES.get(kind, "object"))
        for name, kind in columns.items()
    }
    return pd.DataFrame(series, columns=list(columns))
