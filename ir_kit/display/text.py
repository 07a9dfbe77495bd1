"""How does one value of an answer read as text, with every character on view?"""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "NULL",
    "as_html",
    "as_label",
    "as_text",
    "byte_size",
    "counted",
    "is_null",
    "joined",
    "moment",
    "shortened",
    "visible",
]

NULL = "—"
EMPTY = '""'
EMPTY_LIST = "[]"
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LOOKS_EMPTY = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_PLAIN = re.compile(r"[ -~]*")


def visible(text: str) -> str:
    """How does this text read with no character hidden? Controls, direction marks, odd blanks stand as escapes."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_escape(char) if _is_unseen(char) else char for char in text)


def _is_unseen(char: str) -> bool:
    category = unicodedata.category(char)
    selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return category in _UNSEEN_CATEGORIES or char in _LOOKS_EMPTY or selector or (category == "Zs" and char != " ")


def _escape(char: str) -> str:
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    code = ord(char)
    return short or (f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")


def is_null(value: Any) -> bool:
    """Is this no value: None, NaN, NaT, NA?"""
    if isinstance(value, (list, tuple, set, dict, np.ndarray)):
        return False
    return bool(pd.isna(value))


def moment(value: Any) -> str:
    """A time in UTC, to the second, with its fraction only where it has one: ``2026-03-01 12:00:00Z``."""
    time = pd.Timestamp(value)
    time = time.tz_localize(UTC) if time.tzinfo is None else time.tz_convert(UTC)
    fraction = f"{time:%f}".rstrip("0")
    return f"{time:%Y-%m-%d %H:%M:%S}{'.' + fraction if fraction else ''}Z"


def as_text(value: Any) -> str:
    """A value as it stands in a cell, a label or a terminal; null and the empty text are told apart."""
    if is_null(value):
        return NULL
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{int(value):,}"
    if isinstance(value, (float, np.floating, Decimal)):
        return f"{float(value):,.2f}"
    if isinstance(value, (datetime, np.datetime64)):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, np.ndarray)):
        items = sorted(value, key=str) if isinstance(value, set) else value
        return "; ".join(as_text(item) for item in items) or EMPTY_LIST
    return visible(str(value)) or EMPTY


def as_html(text: str) -> str:
    """This text so that HTML shows it as it is."""
    return html.escape(text, quote=True)


def as_label(value: Any) -> str:
    """A value so that a chart shows it as it is.

    Notes
    -----
    plotly reads a few elements of HTML in every label, ``$...$`` as a formula, and named entities.
    """
    text = as_text(value)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")


def shortened(text: str, length: int) -> str:
    """This text in at most so many characters, its middle left out: the ends of a key, an ARN or a path tell most."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[-(length - 1 - head) :]}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 row``, ``12,000 rows``, ``no rows``."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number or 'no'} {word}" if number < 1000 else f"{number:,} {word}"


def joined(*sentences: str) -> str:
    """Sentences on one line, those that are not empty."""
    return " ".join(sentence for sentence in sentences if sentence)


def byte_size(number: float) -> str:
    """So many bytes, in the unit that suits: ``12 B``, ``1.5 MB``."""
    unit = next((unit for unit in range(5) if abs(number) < 1000 ** (unit + 1)), 5)
    size = number / 1000**unit
    return f"{size:,.{0 if unit == 0 or size >= 100 else 1}f} {('B', 'kB', 'MB', 'GB', 'TB', 'PB')[unit]}"
