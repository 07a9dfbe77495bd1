"""What of a table is being looked at: a credential, a bucket, a part of the window, some words. And as a parameter."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd

from ir_kit.display.text import moment
from ir_kit.errors import ParameterError

__all__ = ["INCIDENT_HELP", "VIEW_HELP", "View", "iso", "parameter_line", "parse_time"]

INCIDENT_HELP = "the incident's name: its folder below runs"
VIEW_HELP = "what the workbench's tables show: a line that the workbench gives"
NEXT_STEP = "copy the line that the workbench gives, or leave it empty"
UNSEEN_BY_PAPERMILL = {"=": "\\u003d", "#": "\\u0023"}  # it reads a line up to the first of either


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
            The text is not what the workbench gives, or a time in it is none.
        """
        try:
            given = json.loads(text or "{}")
            if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
                raise ValueError
        except ValueError:
            raise ParameterError("a view that cannot be read", "view", NEXT_STEP) from None
        known = sorted(field.name for field in fields(cls))
        if not set(given) <= set(known):
            raise ParameterError("a view of something else", "view", f"it may name {', '.join(known)}")
        for name in ("start", "end"):
            parse_time(given.get(name, ""), name)
        return cls(**given)

    def text(self) -> str:
        """The same, as `of` reads it; empty where nothing is chosen. Nothing but ASCII, no ``=`` and no ``#``."""
        chosen = {name: value for name, value in asdict(self).items() if value}
        text = json.dumps(chosen) if chosen else ""
        return "".join(UNSEEN_BY_PAPERMILL.get(char, char) for char in text)


def parameter_line(name: str, value: str, help_: str) -> str:
    """The line of a parameters cell that gives this value."""
    text = repr(value) if '"' in value or "\\" in value else f'"{value}"'
    return f"{name}: str = {text}  # {help_}"


def parse_time(text: str, where: str) -> pd.Timestamp | None:
    """A time as the analyst writes it, UTC where it names no zone; None where nothing is written."""
    if not text.strip():
        return None
    time = pd.to_datetime(text.strip(), utc=True, errors="coerce")
    if isinstance(time, pd.Timestamp):
        return time
    raise ParameterError("a time that cannot be read", where, "write it as 2026-03-01T00:00:00Z")


def iso(time: Any) -> str:
    """A time as a view writes it."""
    return moment(time).replace(" ", "T")
