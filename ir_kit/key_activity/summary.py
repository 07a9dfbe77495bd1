"""Operators: their sessions, summed up."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pandas as pd

from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.sessions.agents import agent_of
from ir_kit.sessions.places import Row

MOST_REASONS = 12
RANK = {"new": 0, "unclear": 1, "familiar": 2}
NAMES = {
    "operator_id": "varchar", "verdict": "varchar", "novelty": "double", "label": "varchar", "sessions": "bigint",
    "event_count": "bigint", "error_count": "bigint", "log_request_count": "bigint", "bytes_sent": "bigint",
    "first_time": "timestamp", "last_time": "timestamp", "days": "bigint", "is_responder": "boolean",
}  # fmt: skip
LISTS = ("access_key_ids", "source_ip_addresses", "tools", "reasons")


def operators(sessions: pd.DataFrame) -> pd.DataFrame:
    """Sum up the sessions of each operator; the most unusual first."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(sessions):
        groups[row["operator_id"]].append(row)
    rows = [_row(name, listed) for name, listed in groups.items()]
    rows.sort(key=lambda row: (RANK[row["verdict"]], -row["novelty"], row["first_time"], row["operator_id"]))
    frame = frame_of(rows, NAMES)
    for name in LISTS:
        frame[name] = pd.Series([row[name] for row in rows], dtype="object")
    return frame


def _row(name: str, listed: list[Row]) -> dict[str, Any]:
    verdicts: Counter[str] = Counter()
    for row in listed:
        verdicts[row["verdict"]] += max(1, row["event_count"])
    labels = {row["label"] for row in listed if row["label"]}
    days = {
        day
        for row in listed
        for day in range(int(row["start_time"].timestamp()) // 86_400, int(row["end_time"].timestamp()) // 86_400 + 1)
    }
    sent = [value for row in listed for value in (row["bytes_sent"], _more(row)) if value is not None]
    strangest = sorted(listed, key=lambda row: (-row["novelty"], row["start_time"]))
    return {
        "operator_id": name,
        "verdict": min(verdicts, key=lambda verdict: (-verdicts[verdict], RANK[verdict])),
        "novelty": max(row["novelty"] for row in listed),
        "label": None if not labels else labels.pop() if len(labels) == 1 else "mixed",
        "sessions": len(listed),
        "event_count": sum(row["event_count"] for row in listed),
        "error_count": sum(row["error_count"] for row in listed),
        "log_request_count": sum(row["log_request_count"] or 0 for row in listed),
        "bytes_sent": sum(sent) if sent else None,
        "first_time": min(row["start_time"] for row in listed),
        "last_time": max(row["end_time"] for row in listed),
        "days": len(days),
        "is_responder": all(row["is_responder"] for row in listed),
        "access_key_ids": sorted({row["access_key_id"] for row in listed}),
        "source_ip_addresses": sorted({row["source_ip_address"] for row in listed if row["source_ip_address"]}),
        "tools": sorted({tool for row in listed if (tool := agent_of(row["user_agent"]).tool)}),
        "reasons": list(dict.fromkeys(reason for row in strangest for reason in row["reasons"]))[:MOST_REASONS],
    }


def _more(row: Row) -> int | None:
    """Bytes of requests that the access log alone holds, beside those of data events."""
    return row["log_bytes_sent"] if row["seen_in"] == "both" else None
