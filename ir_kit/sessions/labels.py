"""The analyst's labels: ``labels.csv`` beside the incident file, read and appended, never rewritten.

A user agent or an address is what an intruder chose, and a spreadsheet takes a cell that starts with ``=`` for a formula.
So a text that a spreadsheet would not take as text is written behind an apostrophe; `as_written` and `as_read` are each
other's inverse for every text.
"""

from __future__ import annotations

import csv
import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.errors import ParameterError

LABELS = ("owner", "intruder", "unknown")
COLUMNS = (
    "labelled_at", "analyst", "access_key_id", "source_ip_address", "user_agent", "start_time", "end_time", "label", "note",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_GUARD = "'"


class Label(NamedTuple):
    """What an analyst said of a stretch of use."""

    labelled_at: str
    access_key_id: str
    source_ip_address: str
    user_agent: str
    start_time: pd.Timestamp
    end_time: pd.Timestamp
    label: str


def as_written(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula."""
    return _GUARD + text if text.lstrip(_GUARD).startswith(_FORMULA) else text


def as_read(cell: str) -> str:
    """The text behind a cell that `as_written` made."""
    return cell[1:] if cell.startswith(_GUARD) and cell.lstrip(_GUARD).startswith(_FORMULA) else cell


def read_labels(folder: Path) -> list[Label]:
    """Which stretches of use has an analyst labelled? In the file's order; empty where there is no ``labels.csv``.

    Raises
    ------
    ParameterError
        A column is missing, a time is none, there is no such label, or the file is not UTF-8 or cannot be read.
    """
    path = folder / "labels.csv"
    try:
        if not path.exists():
            return []
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            _check_columns(reader.fieldnames or (), path)
            return [_label(row, f"{path}:{reader.line_num}") for row in reader]
    except UnicodeDecodeError as error:
        raise ParameterError("labels that are not UTF-8", str(path), "save it as CSV in UTF-8") from error
    except OSError as error:
        raise ParameterError(f"cannot be read ({error.strerror})", str(path), "check its permissions") from error


def _check_columns(columns: Iterable[str], path: Path) -> None:
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise ParameterError(f"no column {', '.join(missing)}", f"{path}:1", f"its columns are {', '.join(COLUMNS)}")


def _label(row: dict[str, str | None], where: str) -> Label:
    cells = {name: (row[name] or "") for name in COLUMNS}
    label = cells["label"].strip()
    if label not in (*LABELS, ""):  # an empty label takes back what was said before
        raise ParameterError(f"no label {label!r}", where, f"choose from {', '.join(LABELS)}")
    start, end = (pd.to_datetime(cells[name].strip(), utc=True, errors="coerce") for name in ("start_time", "end_time"))
    if pd.isna(start) or pd.isna(end):
        raise ParameterError("a time that is none", where, "write it as 2026-03-01T00:00:00Z")
    address, agent = as_read(cells["source_ip_address"]), as_read(cells["user_agent"])
    return Label(cells["labelled_at"].strip(), cells["access_key_id"].strip(), address, agent, start, end, label)


def label_of(labels: Iterable[Label]) -> Callable[[dict[str, Any]], str | None]:
    """What did the analyst say last of a session (a row), by key, address, user agent and overlap in time? None: nothing."""
    by_source: dict[tuple[str, str, str], list[Label]] = defaultdict(list)
    for label in sorted(labels, key=lambda label: label.labelled_at):
        by_source[label.access_key_id, label.source_ip_address, label.user_agent].append(label)

    def latest(row: dict[str, Any]) -> str | None:
        listed = by_source.get((row["access_key_id"], row["source_ip_address"] or "", row["user_agent"] or ""), [])
        fitting = [
            label for label in listed if label.start_time <= row["end_time"] and label.end_time >= row["start_time"]
        ]
        return (fitting[-1].label or None) if fitting else None

    return latest


def write_labels(
    folder: Path, sessions: pd.DataFrame, label: str, *, analyst: str = "", note: str = "", labelled_at: datetime
) -> int:
    """Append what the analyst says of these rows of ``key_activity/sessions`` to the incident's labels.

    A line per session; how many there are. Of two labels for one session the later counts.

    Raises
    ------
    ParameterError
        There is no such label, the file that is there has other columns, or it cannot be written.
    """
    if label not in LABELS:
        raise ParameterError(f"no label {label!r}", next_step=f"choose from {', '.join(LABELS)}")
    path = folder / "labels.csv"
    given = {"labelled_at": _moment(labelled_at), "analyst": analyst, "label": label, "note": note}
    try:
        columns, before = _existing(path)
        lines = io.StringIO(newline="")
        writer = csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\n")
        if not columns:
            writer.writerow(COLUMNS)
        for row in sessions.to_dict("records"):
            words = {name: row[name] for name in ("access_key_id", "source_ip_address", "user_agent")}
            cells = given | {name: "" if pd.isna(word) else str(word) for name, word in words.items()}
            cells |= {name: _moment(row[name]) for name in ("start_time", "end_time")}
            writer.writerow([as_written(cells.get(name, "")) for name in columns or COLUMNS])
        with open(path, "ab") as file:  # one write, so that two notebooks do not mix their lines
            file.write((before + lines.getvalue()).encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ParameterError(f"labels cannot be written: {error.strerror}", path, "make the folder writable") from error
    except UnicodeError as error:
        raise ParameterError("labels are no UTF-8", path, "store the file as UTF-8") from error
    return len(sessions)


def _moment(time: Any) -> str:
    stamp = pd.Timestamp(time)
    stamp = stamp.tz_localize(UTC) if stamp.tzinfo is None else stamp.tz_convert(UTC)
    return stamp.isoformat().replace("+00:00", "Z")


def _existing(path: Path) -> tuple[list[str], str]:
    """The columns of the file that is there, in its order, and what ends its last line where that is open."""
    if not path.exists() or not path.stat().st_size:
        return [], ""
    with path.open(encoding="utf-8-sig", newline="") as file:
        columns = next(csv.reader(file), [])
    _check_columns(columns, path)
    return columns, "" if path.read_bytes()[-1:] in (b"\n", b"\r") else "\n"
