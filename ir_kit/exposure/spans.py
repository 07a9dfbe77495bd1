"""When was each bucket public? The window, cut where a setting changed or where nothing would have shown a change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.domain.frames import frame_of
from ir_kit.exposure.replayed import Replayed, replayed
from ir_kit.tables import types_of

TABLE = "bucket_exposure/spans"


def spans(case: Case) -> pd.DataFrame:
    """When was each bucket in scope public by AWS's definition, when was it not, and when is that not known?

    Returns
    -------
    DataFrame
        One row per bucket and interval; the intervals of a bucket tile the window. Empty where no bucket is in scope.

    Notes
    -----
    Settings are carried forward from calls and answers, and back from an answer to the last call before it, but never
    over a time in which management events were not recorded. ACLs of single objects are not in it.
    """
    known = replayed(case)
    start, end = pd.Timestamp(case.incident.window.start), pd.Timestamp(case.incident.window.end)
    rows = [row for name in sorted(known.holdings.buckets) for row in _of_bucket(known, name, start, end)]
    return frame_of(rows, types_of(TABLE))


def _of_bucket(known: Replayed, name: str, start: pd.Timestamp, end: pd.Timestamp) -> Iterable[dict[str, Any]]:
    edges = {start, end}
    for time in known.history.edges(name, known.bucket(name).account):
        if start < time < end:
            edges.add(pd.Timestamp(time))
    listed = sorted(edges)
    found: list[dict[str, Any]] = []
    for begin, stop in zip(listed, listed[1:], strict=False):
        status, basis = known.public_at(name, begin)
        if found and (found[-1]["public_status"], found[-1]["basis"]) == (status, basis):
            found[-1]["end_time"] = stop
        else:
            row = {"bucket": name, "start_time": begin, "end_time": stop, "public_status": status, "basis": basis}
            found.append(row)
    return found
