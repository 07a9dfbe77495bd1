"""Writing the analyst's labels: lines appended to ``labels.csv`` beside the incident file, none ever rewritten.

A user agent or an address is what an intruder chose, and a spreadsheet takes a cell that starts with ``=`` for a formula.
So a text that a spreadsheet would not take as text is written behind an apostrophe; `as_written` and `as_read` are each
other's inverse for every text.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ir_kit.errors import ParameterError

__all__ = ["LABELS", "as_read", "as_written", "write_labels"]

LABELS = ("owner", "intruder", "unknown")
COLUMNS = (
    "labelled_at",
    "analyst",
    "access_key_id",
    "source_ip_address",
    "user_agent",
    "start_time",
    "end_time",
    "label",
    "note",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_GUARD = "'"


def as_written(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula."""
    return _GUARD + text if text.lstrip(_GUARD).startswith(_FORMULA) else text


def as_read(cell: str) -> str:
    """The text behind a cell that `as_written` made."""
    return cell[1:] if cell.startswith(_GUARD) and cell.lstrip(_GUARD).startswith(_FORMULA) else cell


def write_labels(
    folder: Path, runs: pd.DataFrame, label: str, *, analyst: str = "", note: str = "", labelled_at: datetime
) -> int:
    """Append what the analyst says of these runs of use to the incident's labels.

    Parameters
    ----------
    folder : Path
        The incident's folder.
    runs : DataFrame
        Rows as in ``key_activity/sessions``: key, address, agent, first and last time.
    label : str
        ``owner``, ``intruder`` or ``unknown``.
    analyst, note : str
        Who says so, and why.
    labelled_at : datetime
        When it is said, with its zone. Of two labels for one run the later counts.

    Returns
    -------
    int
        How many lines were written: one per run.

    Raises
    ------
    ParameterError
        There is no such label, the file that is there has other columns, or it cannot be written.
    """
    if label not in LABELS:
        raise ParameterError(f"no label {label!r}", next_step=f"choose from {', '.join(LABELS)}")
    path = folder / "labels.csv"
    said = {"labelled_at": _moment(labelled_at), "analyst": analyst, "label": label, "note": note}
    try:
        columns, before = _columns(path)
        lines = io.StringIO(newline="")
        writer = csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\n")
        if not columns:
            writer.writerow(COLUMNS)
        for run in runs.to_dict("records"):
            cells = {**said, **_run({str(name): value for name, value in run.items()})}
            writer.writerow([as_written(cells.get(name, "")) for name in columns or COLUMNS])
        with open(path, "ab") as file:  # one write, so that two notebooks do not mix their lines
            file.write((before + lines.getvalue()).encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ParameterError(f"labels cannot be written: {error.strerror}", path, "make the folder writable") from error
    except UnicodeError as error:
        raise ParameterError("labels are no UTF-8", path, "store the file as UTF-8") from error
    return len(runs)


def _run(run: Mapping[str, Any]) -> dict[str, str]:
    words = {name: run[name] for name in ("access_key_id", "source_ip_address", "user_agent")}
    times = {name: _moment(run[name]) for name in ("start_time", "end_time")}
    return {name: "" if pd.isna(word) else str(word) for name, word in words.items()} | times


def _moment(time: Any) -> str:
    stamp = pd.Timestamp(time)
    stamp = stamp.tz_localize(UTC) if stamp.tzinfo is None else stamp.tz_convert(UTC)
    return stamp.isoformat().replace("+00:00", "Z")


def _columns(path: Path) -> tuple[list[str], str]:
    """The columns of the file that is there, in its order, and what ends its last line where that is open."""
    if not path.exists() or not path.stat().st_size:
        return [], ""
    with path.open(encoding="utf-8-sig", newline="") as file:
        columns = next(csv.reader(file), [])
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise ParameterError(f"no column {', '.join(missing)}", f"{path}:1", f"its columns are {', '.join(COLUMNS)}")
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return columns, "" if file.read(1) in (b"\n", b"\r") else "\n"
