"""What the delivered files themselves prove: which trail they can be of, from when to when records of a class came, and
where they fell silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from os.path import commonprefix
from typing import Any, Literal

from ir_kit.domain.intervals import Span, united

HOUR = timedelta(hours=1)
MOMENT = timedelta(seconds=1)
SURE_HOURS = 24  # hours of evidence from which a silence can be told from a quiet hour
CHANCE = 1e-3
LACKING, UNSEEN = 0.1, 3  # share and number of an access log's requests from which CloudTrail is said to lack them
Match = Literal["held", "not_held", "cannot_tell"]


@dataclass(frozen=True)
class Delivered:
    """Records of one class that came between two changes: `span` from the first to just after the last."""

    stem: str | None
    aws_region: str | None
    record_class: str
    bucket: str | None
    span: Span
    records: int
    reads: int
    folder: str | None  # the folder that all keys share; None where they share none
    keys: bool


def deliveries(rows: Iterable[Mapping[str, Any]]) -> list[Delivered]:
    """The rows of ``logging_gaps/delivered``, read."""
    found = []
    for row in rows:
        keys = row["first_key"] is not None
        shared = commonprefix([row["first_key"], row["last_key"]]).rpartition("/")[0] if keys else ""
        found.append(
            Delivered(
                row["stem"],
                row["aws_region"],
                row["record_class"],
                row["bucket"],
                Span(row["first_time"], row["last_time"] + MOMENT),
                int(row["records"]),
                int(row["reads"]),
                shared or None,
                keys,
            )
        )
    return found


def match(destination: tuple[str, str] | None, stem: str | None, known: Iterable[tuple[str, str]]) -> Match:
    """Can files below this folder be those of a trail that delivers there?

    Parameters
    ----------
    destination : (bucket, prefix), or None where it is not known
    stem : str or None
        The path above ``AWSLogs/``; None where files do not lie as CloudTrail lays them out.
    known : iterable of (bucket, prefix)
        The destinations of all trails that are known.
    """
    if destination is None or stem is None:
        return "cannot_tell"
    parts = [part for part in stem.split("/") if part]
    bucket, prefix = destination[0], [part for part in destination[1].split("/") if part]
    if prefix and parts[-len(prefix) :] != prefix:
        return "not_held"
    above = parts[: len(parts) - len(prefix)]
    if bucket in above[-2:]:
        return "held"
    others = {one for one, _ in known} - {bucket}
    if others & set(above[-2:]):
        return "not_held"
    longer = [other for _, other in known if len([p for p in other.split("/") if p]) > len(prefix)]
    if any(parts[-len(tail) :] == tail for tail in ([p for p in other.split("/") if p] for other in longer)):
        return "not_held"  # a longer prefix of another trail explains the folder
    return "held" if prefix else "cannot_tell"


def hull(rows: Iterable[Delivered]) -> Span | None:
    """From the first of these records to the last; None where there is none."""
    spans = [row.span for row in rows]
    return Span(min(span.start for span in spans), max(span.end for span in spans)) if spans else None


def silent_spans(hours: Iterable[Mapping[str, Any]], start: datetime, end: datetime) -> dict[str, list[Span]]:
    """In which hours did a Region, which is never as quiet as that, deliver no record at all?

    A run of empty hours counts where chance makes it rarer than one in a thousand, by the Region's own share of empty
    hours elsewhere, and where it is more than twice as long as any other. Nights and week-ends, which repeat, do not
    count.

    Returns
    -------
    dict
        Spans by Region, within ``[start, end)``; they are times of doubt, no proof of loss.
    """
    by_region: dict[str, list[Mapping[str, Any]]] = {}
    for row in hours:
        if row["aws_region"]:
            by_region.setdefault(row["aws_region"], []).append(row)
    found = {}
    for region, rows in by_region.items():
        filled = {row["hour"] for row in rows}
        first, last = min([start.replace(minute=0, second=0, microsecond=0), *filled]), max([end - MOMENT, *filled])
        count = int((last - first) / HOUR) + 1
        runs = _empty_runs(filled, first, count)
        suspect = [run for run in runs if _improbable(run, runs, count)]
        # to the record, not to the hour
        edges = sorted(time for row in rows for time in (row["first_time"], row["last_time"]))
        spans = []
        for run in suspect:
            before = max((edge for edge in edges if edge < run.start), default=run.start)
            after = min((edge for edge in edges if edge >= run.end), default=run.end)
            spans.append(Span(max(start, before + MOMENT if before < run.start else before), min(end, after)))
        found[region] = united(spans)
    return found


def unseen_spans(hours: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[Span]]:
    """When did CloudTrail lack requests on objects that the access log holds?

    A run of hours counts in each of which it lacks more than `LACKING` of them, from `UNSEEN` requests on; hours without
    a line neither end a run nor count. Nothing is said where not one line is held by both.

    Parameters
    ----------
    hours : rows of ``logging_gaps/unseen_requests``

    Returns
    -------
    dict
        Spans by bucket and class, from the first such request to the last.
    """
    rows = sorted(hours, key=lambda row: (row["bucket"], row["record_class"], row["hour"]))
    if all(row["unseen"] == row["lines"] for row in rows):
        return {}
    found: dict[tuple[str, str], list[Span]] = {}
    for (bucket, record_class, lacking), hours_of in groupby(
        rows, key=lambda row: (row["bucket"], row["record_class"], row["unseen"] > LACKING * row["lines"])
    ):
        run = list(hours_of)
        if lacking and sum(row["unseen"] for row in run) >= UNSEEN:
            span = Span(run[0]["first_time"], run[-1]["last_time"] + MOMENT)
            found.setdefault((bucket, record_class), []).append(span)
    return found


def _empty_runs(filled: set[datetime], first: datetime, count: int) -> list[Span]:
    found: list[Span] = []
    for number in range(count):
        hour = first + number * HOUR
        if hour not in filled:
            found.append(Span(hour, hour + HOUR))
    return united(found)


def _improbable(run: Span, runs: list[Span], count: int) -> bool:
    length = int((run.end - run.start) / HOUR)
    others = [int((other.end - other.start) / HOUR) for other in runs if other != run]
    rest = count - length
    if rest < SURE_HOURS or length <= 2 * max(others, default=0):
        return False
    return bool(((sum(others) + 0.5) / (rest + 1)) ** length < CHANCE)
