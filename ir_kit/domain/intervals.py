"""Half-open spans of time, and settings that are known at some moments and have to be stated for all others."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal, NamedTuple

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """From `start` on, until before `end`."""

    start: datetime
    end: datetime

    def holds(self, time: datetime) -> bool:
        """Is this time in the span?"""
        return self.start <= time < self.end

    def touches(self, start: datetime, end: datetime) -> bool:
        """Does the span share any time with ``[start, end)``?"""
        return self.start < end and start < self.end


def united(spans: Iterable[Span]) -> list[Span]:
    """The same times in as few spans as there can be, in order; empty ones left out."""
    merged: list[Span] = []
    for span in sorted(span for span in spans if span.start < span.end):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def without(span: Span, others: Iterable[Span]) -> list[Span]:
    """What of a span none of the others holds."""
    left, start = [], span.start
    for other in united(others):
        if other.end <= start or other.start >= span.end:
            continue
        if other.start > start:
            left.append(Span(start, other.start))
        start = max(start, other.end)
    return [*left, Span(start, span.end)] if start < span.end else left


def between(cuts: Iterable[datetime], start: datetime, end: datetime) -> list[Span]:
    """The spans between these moments that tile `[start, end)`."""
    return [Span(*edges) for edges in pairwise(sorted({start, end, *(cut for cut in cuts if start < cut < end)}))]


def edges_of(spans: Iterable[Span]) -> list[datetime]:
    """Where each of these begins and ends."""
    return [edge for span in spans for edge in (span.start, span.end)]


@dataclass(frozen=True)
class Point:
    """A value known at a moment. `changed`: it holds from then on, and what was before is not said. `seen`: it was so
    at that moment.
    """

    time: datetime
    value: Any
    how: Literal["changed", "seen"]
    words: str = ""


class Setting(NamedTuple):
    """What is known of a setting at a time.

    `known`: `value` holds. `disputed`: what is known before and after differ, and no change is recorded between;
    `value` and `other`. `unknown`: there is no evidence.
    """

    state: Literal["known", "disputed", "unknown"]
    value: Any = None
    other: Any = None
    words: str = ""
    far: bool = False  # an answer of later, taken to have held before


UNKNOWN = Setting("unknown")


@dataclass
class Timeline:
    """One setting over time.

    `unlogged` are times, in order and apart, in which a change would have left no record: what is known on one side
    does not hold on the other, unless both sides agree. `lasting` values hold through them all the same: that of a
    trail that is off, which nothing but its own records could refute. `ends`: when the evidence of changes ends. An
    answer that was collected later is taken to have held before as well, and the words say so.
    """

    points: list[Point] = field(default_factory=list)  # in order
    unlogged: Sequence[Span] = ()
    lasting: tuple[Any, ...] = ()
    ends: datetime = LATEST

    def add(self, time: datetime, value: Any, how: Literal["changed", "seen"], words: str) -> None:
        """Note what is known of a moment."""
        insort(self.points, Point(time, value, how, words), key=lambda point: point.time)

    def changes(self) -> list[datetime]:
        """When it was changed, as far as recorded."""
        return [point.time for point in self.points if point.how == "changed"]

    def edges(self) -> list[datetime]:
        """Moments at which what is known may change."""
        return [*(point.time for point in self.points), *edges_of(self.unlogged), self.ends]

    def at(self, time: datetime) -> Setting:
        """What is known of the value at this time?"""
        number = bisect_right(self.points, time, key=lambda point: point.time)
        left = self.points[number - 1] if number else None
        right = self.points[number] if number < len(self.points) and self.points[number].how == "seen" else None
        lasts = left is not None and left.value in self.lasting
        near_left = left if left and (lasts or not self.unlogged_between(left.time, time)) else None
        joined = right if right and not self.unlogged_between(time, right.time) else None
        near_right = joined if joined and joined.time <= self.ends else None
        if near_left and near_right and near_left.value != near_right.value:
            words = f"{near_left.words}, but {near_right.words}"
            return Setting("disputed", near_left.value, near_right.value, words)
        if near_left and (near_right or time < self.ends or near_left.how == "seen" or lasts):
            return Setting("known", near_left.value, words=near_left.words)
        if near_right:
            return Setting("known", near_right.value, words=near_right.words)
        if left and right and left.value == right.value:
            return Setting("known", left.value, words=left.words)
        if joined and (left is None or time < self.ends):
            return Setting(
                "known",
                joined.value,
                words=f"{joined.words}; no log in the evidence covers the time up to then",
                far=True,
            )
        return UNKNOWN

    def nearest(self, time: datetime) -> Any:
        """The value that is known next to this time, though it may have changed since; None where none is: a change
        does not tell what was before it.
        """
        before = [point for point in self.points if point.time <= time]
        known = before[-1:] or [point for point in self.points[:1] if point.how == "seen"]
        return known[0].value if known else None

    def unlogged_between(self, start: datetime, end: datetime) -> bool:
        """Would a change between these moments have left no record?"""
        number = bisect_right(self.unlogged, start, key=lambda span: span.end)
        return number < len(self.unlogged) and self.unlogged[number].start < end


def duration(time: timedelta) -> str:
    """A length of time in hours and minutes: ``2 h 55 min``, ``168 h``, ``40 s``."""
    minutes = round(time / timedelta(minutes=1))
    if not minutes:
        return f"{time / timedelta(seconds=1):.0f} s"
    parts = [f"{minutes // 60:,} h"] if minutes >= 60 else []
    return " ".join([*parts, *([f"{minutes % 60} min"] if minutes % 60 else [])])


def hours_and_minutes(hours: float) -> str:
    """A number of hours as a length of time."""
    return duration(timedelta(hours=hours))
