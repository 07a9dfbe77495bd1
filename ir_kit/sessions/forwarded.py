"""Calls that an AWS service made for the principal: the service's address says nothing of who asked for them."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from ir_kit.case import Case
from ir_kit.sessions.operators import operator_id
from ir_kit.sessions.places import KINDS, Place, Row, Together, fill

BESIDE = pd.Timedelta(hours=1)


def judge_forwarded(case: Case, forwarded: list[Row], direct: list[Row], places: dict[str, list[Place]]) -> None:
    """Take the verdict of direct use beside it, where it agrees; else that of habit, where the baseline has it."""
    if not forwarded:
        return
    by_hour = _by_hour(direct)
    habits = _habits(case, forwarded, places)
    for row in forwarded:
        found = {
            other["session_id"]: other
            for principal in row["lineage"].split("\n")
            for hour in _hours(row, pd.Timedelta(0))
            for other in by_hour.get((principal, hour), ())
            if other["start_time"] - BESIDE <= row["end_time"] and other["end_time"] + BESIDE >= row["start_time"]
        }
        beside = list(found.values())
        verdicts = sorted({other["verdict"] for other in beside})
        hands = {other["operator_id"] for other in beside}
        usual = habits[row["lineage"], row["source_ip_address"]]
        row["verdict"] = verdicts[0] if len(verdicts) == 1 else "unclear"
        row["novelty"] = round(sum(other["novelty"] for other in beside) / len(beside), 4) if beside else 0.5
        if usual and len(verdicts) != 1:
            row["verdict"], row["novelty"] = "familiar", min(row["novelty"], 0.1)
        elif usual and row["verdict"] == "new":
            row["verdict"] = "unclear"
        row["operator_id"] = (
            hands.pop() if len(hands) == 1
            else operator_id(row["access_key_id"], row["source_ip_address"], row["user_agent"])
        )  # fmt: skip
        row["reasons"] = [
            f"made by {row['invoked_by'] or row['source_ip_address']} for the principal, so its address and agent are not "
            "compared",
            f"judged by {len(beside)} direct sessions within an hour"
            + (f", {' and '.join(verdicts)}" if verdicts else ""),
            *([f"this service did the same for the principal on {usual} days of the baseline"] if usual else []),
            *([f"labelled {row['label']} by the analyst"] if row["label"] else []),
        ]


def _habits(case: Case, rows: list[Row], places: dict[str, list[Place]]) -> dict[tuple[str, str | None], int]:
    """On how many days of the baseline did each service do all of what it does in the window? None: it did other things."""
    groups: dict[tuple[str, str | None], tuple[Together, Together]] = {}
    for row in rows:
        at = [one for one in places[row["lineage"]] if one.address == row["source_ip_address"]]
        groups[row["lineage"], row["source_ip_address"]] = (
            Together([one for one in at if one.period == "window"]),
            Together([one for one in at if one.period == "baseline"]),
        )
    fill(case, [group for pair in groups.values() for group in pair])
    return {
        where: len(theirs.days)
        if all(value in theirs.deeds.get(kind, {}) for kind in KINDS for value in mine.deeds.get(kind, {}))
        else 0
        for where, (mine, theirs) in groups.items()
    }


def _by_hour(rows: list[Row]) -> dict[tuple[str, pd.Timestamp], list[Row]]:
    """Direct sessions by principal and by every hour that lies beside them."""
    found: dict[tuple[str, pd.Timestamp], list[Row]] = defaultdict(list)
    for row in rows:
        for principal in row["lineage"].split("\n"):
            for hour in _hours(row, BESIDE):
                found[principal, hour].append(row)
    return found


def _hours(row: Row, more: pd.Timedelta) -> pd.DatetimeIndex:
    return pd.date_range((row["start_time"] - more).floor("h"), (row["end_time"] + more).floor("h"), freq="h")
