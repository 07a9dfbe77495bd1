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

NULL, EMPTY, EMPTY_LIST = "—", '""', "[]"
UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
LOOKS_EMPTY = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
PLAIN = re.compile(r"[ -~]*")


def visible(text: str) -> str:
    """How does this text read with no character hidden? Controls, direction marks, odd blanks stand as escapes."""
    if PLAIN.fullmatch(text):
        return text
    return "".join(map(visible_char, text))


def visible_char(char: str) -> str:
    """This character, or its escape where it cannot be seen."""
    category, code = unicodedata.category(char), ord(char)
    selector = 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF
    odd_blank = category == "Zs" and char != " "
    if not (category in UNSEEN_CATEGORIES or char in LOOKS_EMPTY or selector or odd_blank):
        return char
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or (
        f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    )


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
