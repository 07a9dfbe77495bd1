"""What of a table is being looked at: a credential, a bucket, a part of the window, some words. And as a parameter."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ir_kit.display.desk.grid_rows import Rows
from ir_kit.display.text import counted, moment
from ir_kit.errors import ParameterError

__all__ = ["INCIDENT_HELP", "VIEW_HELP", "View", "as_time", "ends_of", "iso", "parameter_line", "starts_of"]

INCIDENT_HELP = "the incident's name: its folder below runs"
VIEW_HELP = "what the desk's tables show: a line that the desk gives"
STARTS = ("event_time", "start_time", "first_time", "hour", "issued_at", "first_used", "labelled_at")
ENDS = ("end_time", "last_time", "last_used")
_UNSEEN_BY_PAPERMILL = {"=": "\\u003d", "#": "\\u0023"}  # it reads a line up to the first of either


@dataclass(frozen=True)
class View:
    """What is chosen; an empty text chooses everything. Times are ISO 8601, from `start` up to but not including `end`."""

    access_key_id: str = ""
    bucket: str = ""
    start: str = ""
    end: str = ""
    search: str = ""

    @classmethod
    def of(cls, text: str) -> View:
        """The view that the parameter ``view`` of a playbook names.

        Raises
        ------
        ParameterError
            The text is not what the desk gives, or a time in it is none.
        """
        help_ = "copy the line that the desk gives, or leave it empty"
        if not text.strip():
            return cls()
        try:
            given = json.loads(text)
        except ValueError:
            raise ParameterError("a view that cannot be read", "view", help_) from None
        known = {field.name for field in fields(cls)}
        if not isinstance(given, dict) or not set(given) <= known:
            raise ParameterError("a view of something else", "view", f"it may name {', '.join(sorted(known))}")
        if not all(isinstance(value, str) for value in given.values()):
            raise ParameterError("a view of something else", "view", "each of its values is a text")
        for name in ("start", "end"):
            as_time(given.get(name, ""), name)
        return cls(**given)

    def text(self) -> str:
        """The same, as `of` reads it; empty where nothing is chosen. Nothing but ASCII, no ``=`` and no ``#``."""
        chosen = {name: value for name, value in asdict(self).items() if value}
        text = json.dumps(chosen) if chosen else ""
        return "".join(_UNSEEN_BY_PAPERMILL.get(char, char) for char in text)

    def mask(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of these rows does it choose? A row without a time lies in no part of the window."""
        frame = rows.frame
        mask: npt.NDArray[np.bool_] = np.ones(len(frame), dtype=bool)
        for name in ("access_key_id", "bucket"):
            value = getattr(self, name)
            if value and name in frame.columns:
                mask &= (frame[name] == value).to_numpy(dtype=bool)
        first, last = starts_of(frame), ends_of(frame)
        start, end = as_time(self.start, "start"), as_time(self.end, "end")
        if first and start is not None:
            latest = frame[last].fillna(frame[first]) if last else frame[first]
            mask &= (_utc(latest) >= start).to_numpy(dtype=bool)
        if first and end is not None:
            mask &= (_utc(frame[first]) < end).to_numpy(dtype=bool)
        return mask & rows.matching(self.search)

    def words(self, rows: Rows) -> str:
        """In a sentence what is left out; empty where nothing is chosen."""
        left_out = len(rows.frame) - int(self.mask(rows).sum())
        return f"The parameter `view` leaves out {counted(left_out, 'row')}." if self.text() else ""


def parameter_line(name: str, value: str, help_: str) -> str:
    """The line of a parameters cell that gives this value."""
    text = repr(value) if '"' in value or "\\" in value else f'"{value}"'
    return f"{name}: str = {text}  # {help_}"


def starts_of(frame: pd.DataFrame) -> str:
    """The column that says when a row was, or began; empty where none does."""
    return next((name for name in STARTS if name in frame.columns and _is_time(frame[name])), "")


def ends_of(frame: pd.DataFrame) -> str:
    """The column that says when a row ended; empty where none does."""
    return next((name for name in ENDS if name in frame.columns and _is_time(frame[name])), "")


def as_time(text: str, where: str) -> pd.Timestamp | None:
    """A time as the analyst writes it, UTC where it names no zone; None where nothing is written."""
    if not text.strip():
        return None
    time = pd.to_datetime(text.strip(), utc=True, errors="coerce")
    if isinstance(time, pd.Timestamp):
        return time
    raise ParameterError("a time that is none", where, "write it as 2026-03-01T00:00:00Z")


def iso(time: Any) -> str:
    """A time as the view keeps it."""
    return moment(time).replace(" ", "T")


def _is_time(values: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_datetime64_any_dtype(values.dtype))


def _utc(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.dt.tz_localize("UTC") if values.dt.tz is None else values
