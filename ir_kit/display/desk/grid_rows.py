"""Which rows of a frame does a grid's question name: searched, filtered, sorted, one page of them? No widget in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ir_kit.display.text import as_text

__all__ = ["Page", "Rows"]

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
LONGEST = 1_000  # rows of one page
BETWEEN = "\x1f"
TIME = "%Y-%m-%d %H:%M:%SZ"


class Page(NamedTuple):
    """One page: how many rows there are, how many the question found, and these rows with their places in the frame."""

    total: int
    found: int
    rows: list[tuple[int, list[str]]]


class Rows:
    """A frame that answers a grid's questions.

    Parameters
    ----------
    frame : DataFrame
    columns : sequence of str
        Those that the grid shows, in this order.
    """

    def __init__(self, frame: pd.DataFrame, columns: Sequence[str]) -> None:
        self.frame = frame.reset_index(drop=True)
        self.columns = list(columns)
        self._texts: dict[str, pa.Array] = {}
        self._orders: dict[str, Places] = {}
        self._joined: pa.Array | None = None
        self._given: Places = np.arange(len(self.frame))

    def among(self, mask: Mask | None) -> None:
        """Answer from these rows alone; from all of them where it is None."""
        self._given = np.arange(len(self.frame)) if mask is None else np.flatnonzero(mask)

    def mark(self, name: str, mask: Mask, value: str) -> None:
        """Write this value into a column of these rows."""
        self.frame[name] = self.frame[name].astype("object").where(~mask, value)
        self._texts.pop(name, None)
        self._orders.pop(name, None)
        self._joined = None

    def is_number(self, name: str) -> bool:
        """Is this a column of numbers?"""
        kind = self.frame[name].dtype
        return bool(pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind))

    def page(self, question: Mapping[str, Any]) -> Page:
        """Which rows does this question of DataTables name?

        Parameters
        ----------
        question : mapping
            As DataTables sends it: ``start``, ``length``, ``search``, ``order``, ``columns`` with their searches.
        """
        places = self.found(question)
        start, length = max(int(question["start"]), 0), int(question["length"])
        shown = places[start : start + (min(length, LONGEST) if length > 0 else LONGEST)]
        cells = [[as_text(value) for value in self.frame[name].iloc[shown].tolist()] for name in self.columns]
        rows = [(int(place), [column[at] for column in cells]) for at, place in enumerate(shown)]
        return Page(len(self._given), len(places), rows)

    def found(self, question: Mapping[str, Any]) -> Places:
        """The places in the frame of all rows that this question names, in its order."""
        mask: Mask = np.zeros(len(self.frame), dtype=bool)
        mask[self._given] = True
        mask &= self.matching(str(question.get("search", {}).get("value") or ""))
        for name, column in zip(self.columns, question.get("columns", ()), strict=False):
            search = (column.get("columnControl") or {}).get("search") or {}
            mask &= self._column(name, str(search.get("logic") or ""), str(search.get("value") or ""))
        places = np.flatnonzero(mask)
        for order in reversed(question.get("order") or ()):  # the last key first: each sort keeps the one before
            rank = self._order(self.columns[int(order["column"])])[places]
            present = rank >= 0
            key = np.where(present, -rank if order.get("dir") == "desc" else rank, len(self.frame))
            places = places[np.argsort(key, kind="stable")]
        return places

    def matching(self, search: str) -> Mask:
        """Which rows hold every word of this search, in any of their columns, in upper or lower case?"""
        mask: Mask = np.ones(len(self.frame), dtype=bool)
        for word in search.split():  # at every blank, BETWEEN too: no word reaches from one column into the next
            mask &= _true(pc.match_substring(self._all_text(), pc.utf8_lower(word).as_py()))
        return mask

    def prepare(self) -> None:
        """Make ready to be searched, while nobody waits."""
        if self.columns:
            self._all_text()

    def text(self, name: str) -> pa.Array:
        """A column as text to search in; null stays null."""
        if name not in self._texts:
            self._texts[name] = _text(self.frame[name])
        return self._texts[name]

    def _all_text(self) -> pa.Array:
        """Each row as one text in lower case."""
        if self._joined is None:
            texts = [self.text(name) for name in self.columns]
            joined = pc.binary_join_element_wise(*texts, BETWEEN, null_handling="replace", null_replacement="")
            self._joined = pc.utf8_lower(joined)
        return self._joined

    def _order(self, name: str) -> Places:
        """The rank of each row by this column, equal values alike; -1 where there is none."""
        if name not in self._orders:
            values = self.frame[name]
            if not (self.is_number(name) or pd.api.types.is_datetime64_any_dtype(values.dtype)):
                values = self.text(name).to_pandas()
            codes, _ = pd.factorize(values, sort=True)
            self._orders[name] = codes.astype(np.intp)
        return self._orders[name]

    def _column(self, name: str, logic: str, value: str) -> Mask:
        everything: Mask = np.ones(len(self.frame), dtype=bool)
        text = self.text(name)
        missing = _true(pc.is_null(text)) | _true(pc.equal(text, ""))
        if logic in ("empty", "notEmpty"):
            return missing if logic == "empty" else ~missing
        if not value:
            return everything
        if self.is_number(name):
            return self._number(name, logic, value)
        found = {
            "equal": lambda: _true(pc.equal(pc.utf8_lower(text), value.lower())),
            "starts": lambda: _true(pc.starts_with(text, value, ignore_case=True)),
            "ends": lambda: _true(pc.ends_with(text, value, ignore_case=True)),
        }
        denied = {"notEqual": "equal", "notContains": "contains"}
        positive = denied.get(logic, logic)
        mask = found.get(positive, lambda: _true(pc.match_substring(text, value, ignore_case=True)))()
        return ~mask if logic in denied else mask

    def _number(self, name: str, logic: str, value: str) -> Mask:
        try:
            bound = float(value.replace(",", ""))
        except ValueError:
            return np.ones(len(self.frame), dtype=bool)  # not yet a number: it is being typed
        numbers = self.frame[name].to_numpy(dtype=float, na_value=np.nan)
        compare = {
            "notEqual": np.not_equal,
            "greater": np.greater,
            "greaterOrEqual": np.greater_equal,
            "less": np.less,
            "lessOrEqual": np.less_equal,
        }
        mask: Mask = compare.get(logic, np.equal)(numbers, bound) & ~np.isnan(numbers)
        return mask


def _true(answer: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(answer, False).to_numpy(zero_copy_only=False)
    return mask


def _text(values: pd.Series[Any]) -> pa.Array:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        utc = values.dt.tz_convert("UTC").dt.tz_localize(None) if values.dt.tz is not None else values
        return pc.strftime(pa.array(utc.astype("datetime64[s]"), from_pandas=True), format=TIME)
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return pa.array(values, from_pandas=True).cast(pa.string())
    try:
        return pa.array(values, type=pa.string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # lists, dates, yes and no
        return pa.array([_word(value) for value in values.tolist()], type=pa.string())


def _word(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    text = as_text(value)
    return None if text == as_text(None) else text
