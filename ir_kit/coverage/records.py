"""Which of the records that were delivered can be those of which trail, and which show what it recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from ir_kit.coverage.deliveries import Delivered, Match, hull, match
from ir_kit.coverage.states import Scope, scope_of
from ir_kit.coverage.trails import SETTLING, Trail, TrailKey, Trails
from ir_kit.domain.intervals import EARLIEST, Span, edges_of

Fit = Literal["yes", "maybe", "no"]


@dataclass
class Records:
    """Every trail, and everything that was delivered."""

    trails: Trails
    delivered: list[Delivered]

    @cached_property
    def destinations(self) -> set[tuple[str, str]]:
        return {place for trail in self.trails for place in self.places(trail)}

    def places(self, trail: Trail) -> set[tuple[str, str]]:
        """Every bucket and prefix that a trail is known to have delivered to."""
        found = {trail.destination(edge) for edge in [EARLIEST, *trail.edges()]}
        return {place for place in found if place}

    @cached_property
    def stems(self) -> set[str | None]:
        return {one.stem for one in self.delivered}

    @cached_property
    def _by_scope(self) -> dict[tuple[str, str | None, str | None], list[Delivered]]:
        found: dict[tuple[str, str | None, str | None], list[Delivered]] = {}
        for one in self.delivered:
            found.setdefault((one.record_class, one.bucket, one.aws_region), []).append(one)
        return found

    def came(self, scope: Scope) -> list[Delivered]:
        """What was delivered of this class and bucket (or Region)."""
        bucket = None if scope.record_class == "management" else scope.bucket
        return self._by_scope.get((scope.record_class, bucket, scope.aws_region), [])

    def held(self, trail: Trail, time: datetime) -> Match:
        """Are the files that this trail delivers at this time in the evidence?"""
        if not self.stems:
            return "not_held"
        place = trail.destination(time)
        found = {match(place, stem, self.destinations) for stem in self.stems}
        return "held" if "held" in found else "cannot_tell" if "cannot_tell" in found else "not_held"

    def files_of(self, trail: Trail, time: datetime, rows: Iterable[Delivered]) -> list[Delivered]:
        place = trail.destination(time)
        return [row for row in rows if match(place, row.stem, self.destinations) != "not_held"]

    def alive(self, trail: Trail, run: Span) -> list[Delivered]:
        """What the trail can have delivered in a run, once it had settled."""
        key = (trail.key, run)
        if key not in self._alive:
            rows = self.files_of(trail, run.start, self.delivered)
            settled = run.start + SETTLING if run.start > EARLIEST else run.start
            self._alive[key] = [row for row in rows if settled <= row.span.start < run.end]
        return self._alive[key]

    def telling(self, trail: Trail, run: Span, time: datetime) -> list[Delivered]:
        """What of a run shows the trail at this time: records that another may have made, only while it did not change."""
        spans = self._runs_of_others(trail, time)
        if not spans:
            return self.alive(trail, run)
        key = (trail.key, run, spans)
        if key not in self._told:
            others = [other for other in self.trails if other is not trail]
            self._told[key] = [
                row
                for row in self.alive(trail, run)
                if all(
                    span.holds(row.span.start) or not self.may_be_of(one, row)
                    for one, span in zip(others, spans, strict=True)
                )
                and not any(self.is_of(one, row) for one in others)
            ]
        return self._told[key]

    def _runs_of_others(self, trail: Trail, time: datetime) -> tuple[Span, ...]:
        """The runs of the other trails at this time, which many scopes ask for."""
        key = (trail.key, time)
        if key not in self._others:
            self._others[key] = tuple(other.run(time)[0] for other in self.trails if other is not trail)
        return self._others[key]

    def is_of(self, trail: Trail, row: Delivered) -> bool:
        """Do its settings, which are known, make this trail record such a row?"""
        return self._fit(trail, row) == "yes"

    def may_be_of(self, trail: Trail, row: Delivered) -> bool:
        """Could this trail have recorded such a row, by what is known of its settings?"""
        return self._fit(trail, row) != "no"

    def _fit(self, trail: Trail, row: Delivered) -> Fit:
        key = (trail.key, id(row))
        if key not in self._fits:
            self._fits[key] = self._fitted(trail, row)
        return self._fits[key]

    def _fitted(self, trail: Trail, row: Delivered) -> Fit:
        time = row.span.start
        on, chosen = trail.logging.at(time), trail.selectors.at(time)
        off = on.state == "known" and not on.value
        if off or match(trail.destination(time), row.stem, self.destinations) == "not_held":
            return "no"
        covered = scope_of(row).coverage(chosen.value) if chosen.state != "unknown" else None
        if covered is not None and covered.kind == "none":
            return "no"
        known = on.state == chosen.state == "known" and trail.covers(row.aws_region or "", time).value is True
        return "yes" if known else "maybe"

    def forget(self) -> None:
        """Answer anew: what is known of the trails has changed."""
        for name in ("_alive", "_told", "_others", "_fits", "destinations"):
            self.__dict__.pop(name, None)

    @cached_property
    def _others(self) -> dict[tuple[TrailKey, datetime], tuple[Span, ...]]:
        return {}

    @cached_property
    def _fits(self) -> dict[tuple[TrailKey, int], Fit]:
        return {}

    @cached_property
    def _told(self) -> dict[tuple[TrailKey, Span, tuple[Span, ...]], list[Delivered]]:
        return {}

    @cached_property
    def _alive(self) -> dict[tuple[TrailKey, Span], list[Delivered]]:
        return {}

    def hulls(self, trail: Trail) -> list[Span]:
        """From the first to the last delivery of each run of a trail."""
        edges = sorted({*trail.changes(), *edges_of(trail.logging.dark)})
        found = [hull(self.alive(trail, trail.run(edge)[0])) for edge in [EARLIEST, *edges]]
        return [one for one in found if one]
