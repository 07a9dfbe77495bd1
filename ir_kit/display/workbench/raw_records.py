"""From a row of a table to its raw records: which they are, in which file, and with which hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.case import Case
from ir_kit.display.text import as_text, is_null, visible
from ir_kit.errors import IrKitError
from ir_kit.evidence import questions as evidence
from ir_kit.ingest.raw import raw_record

MOST = 200
LOGS = {"cloudtrail": "CloudTrail", "access_log": "access log"}
SESSION = ("access_key_id", "source_ip_address", "user_agent", "start_time", "end_time")


class RecordPlace(NamedTuple):
    """Where one raw record lies."""

    kind: str
    source_file: str
    number: int
    words: str


def record_places(case: Case, row: Mapping[str, Any]) -> list[RecordPlace]:
    """Where do the raw records lie that this row rests on? At most `MOST`; empty where the row names none.

    Parameters
    ----------
    case : Case
    row : mapping
        A row of any result table. Its own place where it names one; else the records with its event or request id;
        else, where it is a session, the session's events.
    """
    known = {name: value for name, value in row.items() if not is_null(value)}
    if "source_file" in known and "record_number" in known:
        words = " ".join(as_text(known[name]) for name in ("event_time", "event_name") if name in known)
        return [RecordPlace("cloudtrail", known["source_file"], int(known["record_number"]), words or "record")]
    events = [known[name] for name in ("event_id", "link_event_id") if name in known]
    requests = [known[name] for name in ("request_id",) if name in known]
    if events or requests:
        found = evidence.records_named(case, event_ids=events, request_ids=requests)
    elif all(name in row for name in SESSION) and "access_key_id" in known:
        found = evidence.records_of_run(case, row, most=MOST)
    else:
        return []
    columns = ["kind", "source_file", "number", "event_time", "event_name"]
    return [
        RecordPlace(kind, file, int(number), f"{as_text(time)} {as_text(name)} ({LOGS[kind]})")
        for kind, file, number, time, name in found[columns].head(MOST).itertuples(index=False)
    ]


def raw_text(case: Case, place: RecordPlace) -> str:
    """The file, its SHA-256 and the record as it lies there, secrets replaced and every character on view."""
    lines = [f"file    {visible(place.source_file)}"]
    for record in case.store.evidence_records():
        if (record["kind"], record["path"]) == (place.kind, place.source_file):
            lines.append(f"sha256  {record['sha256']}")
    lines += [f"record  {place.number}", ""]
    try:
        raw = raw_record(case.store, place.kind, place.source_file, place.number)
    except IrKitError as error:
        return "\n".join([*lines, str(error)])
    if isinstance(raw, str):
        return "\n".join([*lines, visible(raw)])
    text = json.dumps(raw, indent=2, ensure_ascii=False, default=str)
    return "\n".join([*lines, *map(visible, text.split("\n"))])


def session_of(sessions: pd.DataFrame | None, row: Mapping[str, Any]) -> pd.DataFrame:
    """Which session is this row, or part of which is it? A frame of one row; empty where of none."""
    if all(name in row for name in (*SESSION, "session_id")):
        return pd.DataFrame([dict(row)])
    if sessions is None or is_null(row.get("session_id")):
        return pd.DataFrame()
    return sessions.query("session_id == @row['session_id']")
