"""What would have been recorded, lost files taken off: the one answer from which every zero takes its meaning."""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage import integrity
from ir_kit.coverage.visibility import BLIND, visibility
from ir_kit.domain.frames import rows_of
from ir_kit.domain.intervals import Span


def visible(case: Case) -> pd.DataFrame:
    """Would a request have been recorded, and would its record be in the evidence?

    Returns
    -------
    DataFrame
        The rows of ``logging_gaps/visibility``; no table is written.
    """
    return case.answer("visible", lambda: _up_to_the_end(case, visibility(case, integrity.lost_spans(case))))


def _up_to_the_end(case: Case, frame: pd.DataFrame) -> pd.DataFrame:
    """After the day of the last record, and the last answer, that are held nothing is known: a setting is not carried on.

    To the end of the record's day, since logs are laid out and gathered by day, and a quiet evening is no gap; but where
    the last answer came after the last record, both were gathered by then.
    """
    asked = case.ask("coverage/evidence_end").iloc[0]
    record, answer = asked["last_record"], asked["last_answer"]
    end = answer
    if not pd.isna(record) and not answer >= record:
        end = record.floor("D") + pd.Timedelta(days=1)
    if pd.isna(end) or frame.empty or frame["end_time"].max() <= end:
        return frame
    before = frame[frame["start_time"] < end].copy()
    before["end_time"] = before["end_time"].clip(upper=end)
    group = ["bucket", "aws_region", "record_class"]
    after = frame.groupby(group, dropna=False, sort=False, as_index=False)["end_time"].max()
    first = frame.groupby(group, dropna=False, sort=False, as_index=False)["start_time"].min()
    after["start_time"] = first["start_time"].clip(lower=end)
    after["state"] = "unknown"
    after["basis"] = f"the evidence ends at {end:%Y-%m-%d %H:%M:%S}"
    whole = pd.concat([before, after], ignore_index=True).reindex(columns=frame.columns)
    for column in frame.columns.difference([*group, "start_time", "end_time", "state", "basis"]):
        whole[column] = [
            value if isinstance(value, list) or hasattr(value, "__len__") else [] for value in whole[column]
        ]
    ordered: pd.DataFrame = whole.sort_values(
        [*group, "start_time"], na_position="first", kind="stable", ignore_index=True
    )
    return ordered


def unlogged(visible: pd.DataFrame) -> dict[tuple[str | None, str], list[Span]]:
    """By bucket and class of record, the stretches in which nothing would have been recorded; the account's own calls
    are those of the bucket None, in the Regions that have buckets.
    """
    blind = visible[visible["state"].isin(BLIND)]
    of_buckets = blind["bucket"].notna()
    regions = set(visible.loc[visible["bucket"].notna(), "aws_region"].dropna()) or {"us-east-1"}
    chosen = blind[of_buckets | ((blind["record_class"] == "management") & blind["aws_region"].isin(regions))]
    found: dict[tuple[str | None, str], list[Span]] = {}
    for row in rows_of(chosen[["bucket", "record_class", "start_time", "end_time"]]):
        found.setdefault((row["bucket"], row["record_class"]), []).append(Span(row["start_time"], row["end_time"]))
    return found
