"""The analyst's labels: ``labels.csv`` beside the incident file, read and appended, never rewritten.

A user agent or an address is what an intruder chose, and a spreadsheet takes a cell that starts with ``=`` for a formula:
`as_written` puts such a text behind an apostrophe, and `as_read` is its inverse.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ir_kit.domain.documents import frame_of
from ir_kit.errors import ParameterError

LABELS = ("owner", "intruder", "unknown")
SOURCE = ("access_key_id", "source_ip_address", "user_agent")
TIMES = ("start_time", "end_time")
COLUMNS = ("labelled_at", "analyst", *SOURCE, *TIMES, "label", "note")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
GUARD = "'"


def as_written(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula."""
    return GUARD + text if text.lstrip(GUARD).startswith(FORMULA) else text


def as_read(cell: str) -> str:
    """The text behind a cell that `as_written` made."""
    return cell[1:] if cell.startswith(GUARD) and cell.lstrip(GUARD).startswith(FORMULA) else cell


def read_labels(folder: Path) -> pd.DataFrame:
    """Which stretches of use has an analyst labelled?

    Returns
    -------
    DataFrame
        One row per label, with its line's number; an empty label takes back what was said before. Empty where there is
        no file.

    Raises
    ------
    ParameterError
        A column is missing, a time is none, there is no such label, or the file is not UTF-8 or cannot be read.
    """
    path = folder / "labels.csv"
    rows: list[dict[str, Any]] = []
    try:
        if path.exists():
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                check_columns(reader.fieldnames or (), path)
                rows = [{"number": reader.line_num} | {name: row[name] or "" for name in COLUMNS} for row in reader]
    except UnicodeDecodeError as error:
        raise ParameterError("labels that are not UTF-8", str(path), "save it as CSV in UTF-8") from error
    except OSError as error:
        raise ParameterError(f"cannot be read ({error.strerror})", str(path), "check its permissions") from error
    for row in rows:
        where = f"{path}:{row['number']}"
        row |= {name: as_read(row[name]) if name in SOURCE[1:] else row[name].strip() for name in COLUMNS}
        if row["label"] not in (*LABELS, ""):
            raise ParameterError(f"no label {row['label']!r}", where, f"choose from {', '.join(LABELS)}")
        row |= {name: pd.to_datetime(row[name], utc=True, errors="coerce") for name in TIMES}
        if any(pd.isna(row[name]) for name in TIMES):
            raise ParameterError("a time that is none", where, "write it as 2026-03-01T00:00:00Z")
    return frame_of(rows, dict.fromkeys(COLUMNS, "varchar") | dict.fromkeys(TIMES, "timestamp") | {"number": "bigint"})


def check_columns(columns: Iterable[str], path: Path) -> None:
    """Raise where a column of labels is missing."""
    if missing := [name for name in COLUMNS if name not in columns]:
        raise ParameterError(f"no column {', '.join(missing)}", f"{path}:1", f"its columns are {', '.join(COLUMNS)}")


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
    path, columns, end = folder / "labels.csv", [*COLUMNS], b""
    try:
        is_new = not path.exists() or not path.stat().st_size
        if not is_new:
            with path.open(encoding="utf-8-sig", newline="") as file:
                columns = next(csv.reader(file), [])
            check_columns(columns, path)
            end = b"" if path.read_bytes()[-1:] in (b"\n", b"\r") else b"\n"
        cells = sessions[[*SOURCE]].astype("object").where(sessions[[*SOURCE]].notna(), "")
        cells = cells.assign(**{name: sessions[name].map(moment) for name in TIMES}, labelled_at=moment(labelled_at))
        cells = cells.assign(analyst=analyst, label=label, note=note).reindex(columns=columns, fill_value="")
        written = cells.map(as_written).to_csv(header=is_new, index=False, quoting=csv.QUOTE_ALL, lineterminator="\n")
        with path.open("ab") as out:  # one write, so that two notebooks do not mix their lines
            out.write(end + written.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise ParameterError(f"labels cannot be written: {error.strerror}", path, "make the folder writable") from error
    except UnicodeError as error:
        raise ParameterError("labels are no UTF-8", path, "store the file as UTF-8") from error
    return len(sessions)


def moment(time: Any) -> str:
    """A time in UTC, as labels have it."""
    stamp = pd.to_datetime(time, utc=True)
    return str(stamp.isoformat().replace("+00:00", "Z"))
