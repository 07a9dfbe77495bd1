"""Half-open spans of time, and values that are known at some moments and have to be said for all others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Span:
    """From `start` on, until before `end`."""

    start: datetime
    end: datetime

    def holds(self, time: datetime) -> bool:
        return self.start <= time < self.end

    def touches(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end


def united(spans: Iterable[Span]) -> list[Span]:
    """The same times in as few spans as there can be, in order; empty ones left out."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.start < span.end):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


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
    edges = sorted({start, end, *(cut for cut in cuts if start < cut < end)})
    return [Span(one, other) for one, other in zip(edges, edges[1:], strict=False)]


def edges_of(spans: Iterable[Span]) -> list[datetime]:
    """Where each of these begins and ends."""
    return [edge for span in spans for edge in (span.start, span.end)]


def around(time: datetime, cuts: Iterable[datetime]) -> Span:
    """The span between these moments that holds this time."""
    listed = list(cuts)
    start = max((cut for cut in listed if cut <= time), default=EARLIEST)
    return Span(start, min((cut for cut in listed if cut > time), default=LATEST))


@dataclass(frozen=True)
class Point:
    """A value known at a moment. `changed`: it holds from then on, and what was before is not said. `seen`: it was so
    at that moment.
    """

    time: datetime
    value: Any
    how: Literal["changed", "seen"]
    words: str = ""


@dataclass(frozen=True)
class Held:
    """What is known of a value at a time.

    `known`: `value` holds. `disputed`: what is known before and after differ, and no change is recorded between;
    `value` and `other`. `unknown`: nothing tells.
    """

    state: Literal["known", "disputed", "unknown"]
    value: Any = None
    other: Any = None
    words: str = ""
    far: bool = False  # an answer of later, taken to have held before


UNKNOWN = Held("unknown")


@dataclass
class Timeline:
    """One setting over time.

    Parameters
    ----------
    dark : list of Span
        Times in which a change would have left no record: what is known on one side does not hold on the other, unless
        both sides agree.
    lasting : tuple
        Values that hold through dark times all the same: that of a trail that is off, which nothing but its own records
        could refute.
    ends : datetime
        When the evidence of changes ends. An answer that was collected later is taken to have held before as well, and
        the words say so.
    """

    points: list[Point] = field(default_factory=list)
    dark: Sequence[Span] = ()
    lasting: tuple[Any, ...] = ()
    ends: datetime = LATEST

    def add(self, time: datetime, value: Any, how: Literal["changed", "seen"], words: str) -> None:
        self.points.append(Point(time, value, how, words))
        self.points.sort(key=lambda point: point.time)

    def changes(self) -> list[datetime]:
        return [point.time for point in self.points if point.how == "changed"]

    def edges(self) -> list[datetime]:
        """Moments at which what is known may change."""
        return [*(point.time for point in self.points), *edges_of(self.dark), self.ends]

    def at(self, time: datetime) -> Held:
        """What is known of the value at this time?"""
        before = [point for point in self.points if point.time <= time]
        after = [point for point in self.points if point.time > time]
        left = before[-1] if before else None
        right = after[0] if after and after[0].how == "seen" else None
        near_left = left if left and (left.value in self.lasting or not self._dark(left.time, time)) else None
        near_right = right if right and not self._dark(time, right.time) and right.time <= self.ends else None
        if near_left and near_right:
            if near_left.value == near_right.value:
                return Held("known", near_left.value, words=near_left.words)
            return Held("disputed", near_left.value, near_right.value, f"{near_left.words}, but {near_right.words}")
        if near_left and (time < self.ends or near_left.how == "seen" or near_left.value in self.lasting):
            return Held("known", near_left.value, words=near_left.words)
        if near_right:
            return Held("known", near_right.value, words=near_right.words)
        if left and right and left.value == right.value:
            return Held("known", left.value, words=left.words)
        if right and not self._dark(time, right.time) and (left is None or time < self.ends):
            return Held("known", right.value, words=f"{right.words}; no log held covers the time up to then", far=True)
        return UNKNOWN

    def nearest(self, time: datetime) -> Any:
        """The value that is known next to this time, though it may have changed since; None where none is: a change
        does not tell what was before it.
        """
        before = [point for point in self.points if point.time <= time]
        if before:
            return before[-1].value
        return self.points[0].value if self.points and self.points[0].how == "seen" else None

    def _dark(self, start: datetime, end: datetime) -> bool:
        return any(span.touches(start, end) for span in self.dark)
