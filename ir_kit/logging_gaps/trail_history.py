"""What each trail could see over time, so that a reader can follow what visibility was replayed from."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.logging_timeline import LoggingTimeline, logging_timeline
from ir_kit.coverage.selectors import SelectorSet, coverage_of_bucket, coverage_of_region
from ir_kit.coverage.trails import Trail
from ir_kit.domain.documents import frame_of
from ir_kit.domain.intervals import Span, between
from ir_kit.tables import types_of

TABLE = "logging_gaps/trails"


def trails(case: Case) -> pd.DataFrame:
    """What could each trail see, before and after each change of it?

    Returns
    -------
    DataFrame
        One row per trail and interval of the window; empty if no trail is known. Also written to
        ``logging_gaps/trails``.
    """
    replayed = logging_timeline(case)
    results: list[dict[str, Any]] = []
    for trail in replayed.trails:
        edges = [edge for span in replayed.hulls(trail) for edge in (span.start, span.end)]
        for span in between([*trail.edges(), *edges], replayed.window.start, replayed.window.end):
            row = state_of(replayed, trail, span)
            if results and all(
                results[-1][name] == row[name] for name in row if name not in ("start_time", "end_time", "basis")
            ):
                results[-1]["end_time"] = span.end
            else:
                results.append(row)
    frame = frame_of(results, types_of(TABLE))
    case.write_table(TABLE, frame)
    return frame


def state_of(replayed: LoggingTimeline, trail: Trail, span: Span) -> dict[str, Any]:
    """The row of a trail in a span between two of its edges."""
    on, chosen, place = trail.logging.at(span.start), trail.selectors.at(span.start), trail.destination(span.start)
    status = ("yes" if on.value else "no") if on.state == "known" else "unknown"
    run, recorded_end = trail.run(span.start)
    delivering = replayed.hull(replayed.run_records(trail, run))
    until = run.end if recorded_end or delivering is None else delivering.end
    proven = status == "unknown" and delivering is not None and delivering.start <= span.start < until
    selectors = chosen.value if chosen.state == "known" else None
    basis = (on.words, chosen.words, "by what it delivered" if proven else "")
    return {
        "trail_name": trail.key.name, "home_region": trail.key.home_region, "account_id": trail.key.account,
        "start_time": span.start, "end_time": span.end, "logging_status": "yes" if proven else status,
        **{kind: selected(replayed, kind, selectors, status) for kind in ("management", "data_read", "data_write")},
        "destination": f"s3://{place[0]}/{place[1]}" if place else None,
        "files_held": replayed.files_held(trail, span.start),
        "basis": "; ".join(dict.fromkeys(words for words in basis if words)),
    }  # fmt: skip


def selected(replayed: LoggingTimeline, record_class: str, selectors: SelectorSet | None, status: str) -> str:
    """What selectors take of a class: ``all``, ``none``, ``unknown``, or in words."""
    if status == "no":
        return "none"
    if selectors is None:
        return "unknown"
    if record_class == "management":
        covered = coverage_of_region(selectors)
        return covered.words if covered.kind == "partly" else covered.kind
    every = coverage_of_bucket(selectors, "\x00any", record_class)
    if every.kind == "all":
        return "all"
    results = {bucket: coverage_of_bucket(selectors, bucket, record_class) for bucket in replayed.buckets}
    parts = [
        bucket if covered.kind == "all" else f"{bucket} ({covered.words})"
        for bucket, covered in results.items() if covered.kind != "none"
    ]  # fmt: skip
    return ", ".join(parts) or ("none" if every.kind == "none" else every.words)
