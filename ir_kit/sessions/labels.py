"""The analyst's labels: ``labels.csv`` beside the incident file, appended and never rewritten."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ir_kit.errors import ParameterError
from ir_kit.sessions.labelling import LABELS, as_read

NAMES = (
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


@dataclass(frozen=True)
class Label:
    """What an analyst said of a stretch of use."""

    labelled_at: str
    access_key_id: str
    source_ip_address: str
    user_agent: str
    start_time: pd.Timestamp
    end_time: pd.Timestamp
    label: str


def read_labels(folder: Path) -> list[Label]:
    """Which stretches of use has an analyst labelled?

    Parameters
    ----------
    folder : Path
        The incident's folder.

    Returns
    -------
    list of Label
        One per line of ``labels.csv``, in the file's order; empty where there is no such file.

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
            missing = [name for name in NAMES if name not in (reader.fieldnames or ())]
            if missing:
                raise ParameterError(
                    f"no column {', '.join(missing)}", f"{path}:1", f"its columns are {', '.join(NAMES)}"
                )
            return [_label(row, f"{path}:{reader.line_num}") for row in reader]
    except UnicodeDecodeError as error:
        raise ParameterError("labels that are not UTF-8", str(path), "save it as CSV in UTF-8") from error
    except OSError as error:
        what = f"cannot be read ({error.strerror or type(error).__name__})"
        raise ParameterError(what, str(path), "check its permissions") from error


def _label(row: dict[str, str | None], where: str) -> Label:
    label = (row["label"] or "").strip()
    if label not in (*LABELS, ""):  # an empty one takes back what was said before
        raise ParameterError(f"no label {label!r}", where, f"choose from {', '.join(LABELS)}")
    return Label(
        labelled_at=(row["labelled_at"] or "").strip(),
        access_key_id=(row["access_key_id"] or "").strip(),
        source_ip_address=as_read(row["source_ip_address"] or ""),
        user_agent=as_read(row["user_agent"] or ""),
        start_time=_time(row["start_time"], where),
        end_time=_time(row["end_time"], where),
        label=label,
    )


def _time(text: str | None, where: str) -> pd.Timestamp:
    time = pd.to_datetime((text or "").strip(), utc=True, errors="coerce")
    if pd.isna(time):
        raise ParameterError("a time that is none", where, "write it as 2026-03-01T00:00:00Z")
    return time


def label_of(
    labels: list[Label],
    access_key_id: str,
    address: str | None,
    agent: str | None,
    start: pd.Timestamp,
    end: pd.Timestamp,
) -> str | None:
    """What did the analyst say last of a session, matched by key, address, agent and overlap in time? None: nothing."""
    found = [
        label
        for label in labels
        if label.access_key_id == access_key_id
        and label.source_ip_address == (address or "")
        and label.user_agent == (agent or "")
        and label.start_time <= end
        and label.end_time >= start
    ]
    if not found:
        return None
    return max(enumerate(found), key=lambda pair: (pair[1].labelled_at, pair[0]))[1].label or None
