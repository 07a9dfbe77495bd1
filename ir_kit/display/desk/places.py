"""From a row of a table to its raw records: which they are, in which file, and with which hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.display.text import as_text, is_null, visible
from ir_kit.errors import IrKitError
from ir_kit.evidence import questions as evidence
from ir_kit.ingest.raw import raw_record

__all__ = ["MOST", "Place", "places_of", "raw_text", "run_of"]

MOST = 200
LOGS = {"cloudtrail": "CloudTrail", "access_log": "access log"}
PLACE = ["kind", "source_file", "number", "event_time", "event_name"]
RUN = ("access_key_id", "source_ip_address", "user_agent", "start_time", "end_time")


@dataclass(frozen=True)
class Place:
    """Where one raw record lies."""

    kind: str
    source_file: str
    number: int
    what: str

    @property
    def name(self) -> str:
        """In one line, for a list to choose from."""
        return f"{self.what} · {visible(self.source_file)} : {self.number}"


def places_of(case: Case, row: Mapping[str, Any]) -> list[Place]:
    """Where do the raw records lie that this row rests on? At most `MOST`; empty where the row names none.

    Parameters
    ----------
    case : Case
    row : mapping
        A row of any result table. Its own place where it names one; else the records with its event or request id;
        else, where it is a run of use, the run's events.
    """
    if _has(row, "source_file", "record_number"):
        what = f"{_of(row, 'event_time')} {_of(row, 'event_name')}".strip()
        return [Place("cloudtrail", row["source_file"], int(row["record_number"]), what or "record")]
    events = [row[name] for name in ("event_id", "link_event_id") if _has(row, name)]
    requests = [row["request_id"]] if _has(row, "request_id") else []
    if events or requests:
        found = evidence.records_named(case, event_ids=events, request_ids=requests)
    elif all(name in row for name in RUN) and not is_null(row["access_key_id"]):
        found = evidence.records_of_run(case, row, most=MOST)
    else:
        return []
    return [
        Place(kind, file, int(number), f"{as_text(time)} {as_text(name)} ({LOGS[kind]})")
        for kind, file, number, time, name in found[PLACE].head(MOST).itertuples(index=False)
    ]


def raw_text(case: Case, place: Place) -> str:
    """The file, its SHA-256 and the record as it lies there, secrets replaced and every character on view."""
    hashes = [
        record["sha256"]
        for record in case.store.evidence_records()
        if (record["kind"], record["path"]) == (place.kind, place.source_file)
    ]
    head = [f"file    {visible(place.source_file)}", *(f"sha256  {digest}" for digest in hashes)]
    head += [f"record  {place.number}", ""]
    try:
        record = raw_record(case.store, place.kind, place.source_file, place.number)
    except IrKitError as error:
        return "\n".join([*head, str(error)])
    if isinstance(record, str):
        return "\n".join([*head, visible(record)])
    lines = json.dumps(record, indent=2, ensure_ascii=False, default=str).split("\n")
    return "\n".join([*head, *map(visible, lines)])


def run_of(sessions: pd.DataFrame | None, row: Mapping[str, Any]) -> pd.DataFrame:
    """Which run of use is this row, or part of which is it? A frame of one row; empty where of none."""
    if all(name in row for name in (*RUN, "session_id")):
        return pd.DataFrame([dict(row)])
    if sessions is None or not _has(row, "session_id"):
        return pd.DataFrame()
    its: pd.DataFrame = sessions[sessions["session_id"] == row["session_id"]]
    return its


def _has(row: Mapping[str, Any], *names: str) -> bool:
    return all(name in row and not is_null(row[name]) for name in names)


def _of(row: Mapping[str, Any], name: str) -> str:
    return as_text(row[name]) if _has(row, name) else ""
