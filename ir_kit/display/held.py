"""What do we hold: the files of each source, and the records of each class, counted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Protocol

import pandas as pd

from ir_kit.display.text import is_null

__all__ = ["EXPECTED", "KEYS", "Span", "by_class", "classes", "days_of", "files"]

KEYS = ["source_kind", "record_class", "bucket"]
OBJECT_CLASSES = ("data_read", "data_write", "server_access_log")
EXPECTED = (
    ("access_log", "server_access_log"),
    ("cloudtrail", "data_read"),
    ("cloudtrail", "data_write"),
    ("cloudtrail", "management"),
    ("configuration", "configuration"),
)
"""What an investigation would like to have: shown with its zero where there is none."""


class Span(Protocol):
    """A stretch of time, half-open."""

    @property
    def start(self) -> Any: ...
    @property
    def end(self) -> Any: ...


def days_of(window: Span, baseline: Span | None) -> list[date]:
    """Every day that baseline and window touch."""
    first = min(window.start, baseline.start) if baseline else window.start
    last = max(window.end, baseline.end) if baseline else window.end
    number = ((last - timedelta(microseconds=1)).date() - first.date()).days + 1
    return [first.date() + timedelta(days=place) for place in range(number)]


def by_class(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that hold records; a bucket only where the class is about its objects, all other calls together."""
    held = frame[frame["records"] > 0]
    return held.assign(bucket=held["bucket"].astype(object).where(held["record_class"].isin(OBJECT_CLASSES), None))


def files(sources: pd.DataFrame) -> pd.DataFrame:
    """Which files do we hold, and are they whole: one row per source kind?"""
    rows = [
        {
            "kind": kind,
            "files": len(part),
            "records": int(part["records"].sum()),
            "duplicates": int(part["duplicates"].sum()),
            "rejected": int(part["rejected"].sum()),
            "damaged": int(part["damaged"].sum()),
            "gone since": len(part) - int(part["present"].sum()),
            "first_time": part["first_time"].min(),
            "last_time": part["last_time"].max(),
        }
        for kind, part in sources.groupby("kind", sort=True)
    ]
    names = ["kind", "files", "records", "duplicates", "rejected", "damaged", "gone since", "first_time", "last_time"]
    return pd.DataFrame(rows, columns=names)


def classes(frame: pd.DataFrame, window: Span) -> pd.DataFrame:
    """What do we hold: one row per record class and bucket, with the days of the window that have such records?"""
    days = set(days_of(window, None))
    rows: list[dict[str, Any]] = []
    for values, part in by_class(frame).groupby(KEYS, dropna=False, sort=True):
        held = {pd.Timestamp(day).date() for day in part["day"] if not is_null(day)}
        row = {**dict(zip(KEYS, values, strict=True)), "days of the window": f"{len(days & held)} of {len(days)}"}
        row |= {name: int(part[name].sum()) for name in ("records", "duplicates")}
        rows.append({**row, "first_time": part["first_time"].min(), "last_time": part["last_time"].max()})
    there = {(row["source_kind"], row["record_class"]) for row in rows}
    for kind, name in EXPECTED:
        if (kind, name) not in there:
            nothing = {"days of the window": f"0 of {len(days)}", "records": 0, "duplicates": 0}
            rows.append({"source_kind": kind, "record_class": name, "bucket": None, **nothing})
    rows.sort(key=lambda row: (row["source_kind"], str(row["record_class"]), str(row["bucket"])))
    names = ["record_class", "bucket", "days of the window", "records", "duplicates", "first_time", "last_time"]
    return pd.DataFrame(rows, columns=names)
