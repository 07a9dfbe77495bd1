"""What each trail recorded, and what of it is held: the replay of trails joined to the files that were delivered.

A state is one of `logged`, `uncertain`, `unknown`, `lost`, `not_logged`; of several trails the best counts. `unknown`
is raised by proof: records that came while a setting did not change show what it was. A trail whose files are not held
leaves nothing in the evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from ir_kit.coverage.deliveries import Delivered, hull, match
from ir_kit.coverage.log_buckets import Expiry, LogTarget
from ir_kit.coverage.records import Records
from ir_kit.coverage.selector_coverage import Coverage
from ir_kit.coverage.selectors import SelectorSet
from ir_kit.coverage.states import Scope, State, best, proven, scope_of, shows, watched
from ir_kit.coverage.trails import INSTANT, SETTLING, Trail, TrailKey
from ir_kit.domain.intervals import EARLIEST, LATEST, UNKNOWN, Span, between, united

MARGIN = timedelta(minutes=15)


@dataclass
class Recording(Records):
    """Every trail, everything that was delivered, and what each proves of the other."""

    ends: datetime
    targets: dict[TrailKey, list[LogTarget]] = field(default_factory=dict)
    expired: dict[TrailKey, Expiry] = field(default_factory=dict)

    def edges(self, scope: Scope | None = None) -> list[datetime]:
        """Moments at which a state may change, of anything, or of a scope by what was delivered of it."""
        found = {self.ends}
        for trail in self.trails:
            found.update(trail.edges())
            found.update(change + SETTLING for change in trail.changes())
        for target in (target for listed in self.targets.values() for target in listed):
            found.update(target.edges())
        for expiry in self.expired.values():
            found.update(expiry.edges())
        if scope is not None:
            for row in [*self.came(scope), *self.came(Scope("management", None, scope.aws_region))]:
                found.update((row.span.start, row.span.end))
            for trail in self.trails:
                found.update(edge for run in self.hulls(trail) for edge in (run.start, run.end))
        return sorted(found)

    def forget(self) -> None:
        """Answer anew: what is known of the trails has changed."""
        super().forget()
        self.__dict__.pop("_unexplained", None)

    # one trail

    def trail_state(self, trail: Trail, scope: Scope, span: Span) -> State:
        """What this trail would have recorded of a scope, settling included."""
        found = self._settled(trail, scope, span)
        for edge in [change for change in trail.changes() if change <= span.start < change + SETTLING]:
            before = self._settled(trail, scope, Span(edge - INSTANT, edge))
            if before.state != found.state and {before.state, found.state} & {"logged", "uncertain"}:
                words = f"{trail.key.name} settles after a change at {edge:%Y-%m-%d %H:%M:%S}"
                return State("uncertain", words, ("settling",), trail.key.name)
        return found

    def _settled(self, trail: Trail, scope: Scope, span: Span) -> State:
        name, time = trail.key.name, span.start
        on, covers = trail.logging.at(time), trail.covers(scope.aws_region or "", time)
        if on.state == "known" and not on.value:
            return State("not_logged", f"{name} was off ({on.words})")
        if covers.state == "known" and not covers.value:
            return State("not_logged", f"{name} records {trail.key.home_region} alone")
        chosen = trail.selectors.at(time)
        if chosen.far and self._refuted(trail, time, chosen.value):
            chosen = UNKNOWN
        before = scope.coverage(chosen.value) if chosen.state != "unknown" else None
        after = scope.coverage(chosen.other) if chosen.state == "disputed" else before
        if before and after and before.kind == after.kind == "none":
            what = f"{name} does not select it ({chosen.words})"
            return State("not_logged", f"{what}: {before.words}" if before.words else what)
        held = self.held(trail, time)
        place = trail.destination(time)
        if held == "not_held" or self._moved_away(trail, time):
            return State("not_logged", f"{name} delivers to s3://{'/'.join(place or ('?',))}, whose files are not held")
        if on.state == covers.state == "known" and before and after:
            found = self._by_selectors(trail, scope, time, before, after, chosen.words)
        elif before and before.kind == "partly":
            found = State(
                "uncertain",
                f"{name}: {before.words} ({chosen.words}); whether it was on is not known",
                before.left_out,
                name,
            )
        else:
            disputed = "disputed" in (on.state, covers.state)
            found = self._by_proof(trail, scope, span, on.state == "known", covers.state == "known", disputed, before)
        note = (
            "; which trail the files held are of cannot be told"
            if held == "cannot_tell" and self._shared(trail, time)
            else ""
        )
        return self._delivered(trail, scope, span, State(found.state, found.basis + note, found.left_out, found.where))

    def _shared(self, trail: Trail, time: datetime) -> bool:
        """Could files that may be this trail's be another's just as well?"""
        for stem in self.stems:
            fits = [one for one in self.trails if match(one.destination(time), stem, self.destinations) != "not_held"]
            if trail in fits and len(fits) > 1:
                return True
        return False

    def _refuted(self, trail: Trail, time: datetime, selectors: SelectorSet | None) -> bool:
        """Did records come that the trail would not have selected by what was answered later?"""
        for row in self.alive(trail, trail.run(time)[0]):
            covered = scope_of(row).coverage(selectors)
            if covered is not None and covered.kind == "none":
                others = [other for other in self.trails if other is not trail]
                if not any(self.may_be_of(other, row) for other in others):
                    return True
        return False

    def _by_selectors(
        self, trail: Trail, scope: Scope, time: datetime, before: Coverage, after: Coverage, words: str
    ) -> State:
        name = trail.key.name
        if before.kind == after.kind == "all":
            if scope.bucket is None and scope.aws_region == "us-east-1" and trail.leaves_out_global_services(time):
                return State(
                    "uncertain", f"{name} leaves out global services (IAM, STS, CloudFront)", ("global_services",), name
                )
            return State("logged", f"{name} ({words})", (), name)
        if before == after:
            return State("uncertain", f"{name}: {before.words} ({words})", before.left_out, name)
        return State("uncertain", f"{name} was changed unseen: {words}", ("unseen_change",), name)

    def _moved_away(self, trail: Trail, time: datetime) -> bool:
        """Was the trail pointed elsewhere, and has nothing come since that can be its own?"""
        moves = [point for point in trail.fields["bucket"].points if point.how == "changed" and point.time <= time]
        if not moves or trail.destination(time) is None or moves[-1].words.startswith("CreateTrail"):
            return False
        moved = moves[-1].time
        earlier = trail.destination(moved - INSTANT)
        if earlier == trail.destination(time) or (earlier is None and self.held(trail, time) == "held"):
            return False
        points = trail.fields["bucket"].points
        until = min(
            (point.time for point in points if point.time > time and point.value != moves[-1].value), default=LATEST
        )
        since = [
            row
            for row in self.files_of(trail, time, self.delivered)
            if moved + MARGIN <= row.span.end <= until
            and not any(self.may_be_of(other, row) for other in self.trails if other is not trail)
        ]
        return not since

    def _by_proof(
        self, trail: Trail, scope: Scope, span: Span, on: bool, covers: bool, disputed: bool, coverage: Coverage | None
    ) -> State:
        """What records that came in the same run show of a trail whose settings are not known."""
        name = trail.key.name
        if disputed:
            return State("uncertain", f"{name} was switched unseen", ("unseen_change",), name)
        run, recorded_end = trail.run(span.start)
        alive = self.telling(trail, run, span.start)
        seen = hull(alive)
        regions = {row.aws_region for row in alive}
        if not covers and scope.aws_region not in regions and not regions - {trail.key.home_region}:
            return State(
                "unknown", f"whether {name} took this Region is not known, and nothing that it delivered tells"
            )
        rows = [row for row in alive if shows(scope, row)]
        if seen is None or not (rows or (coverage and coverage.kind == "all")):
            return State(
                "unknown", f"what {name} selected at that time is not known, and nothing that it delivered tells"
            )
        start, end = (run.start, run.end) if on else (seen.start, run.end if recorded_end else seen.end)
        if not (start <= span.start and span.end <= end):
            return State("unknown", f"{name} is not known to have been on before or after what it delivered")
        if coverage and coverage.kind == "all":
            return State("logged", f"{name} delivered before and after", (), name)
        return watched(proven(scope, rows, name), self.alive(trail, run))

    def _delivered(self, trail: Trail, scope: Scope, span: Span, found: State) -> State:
        """The state, lowered where delivery was in doubt and nothing came, or where the files have expired."""
        if found.state not in ("logged", "uncertain"):
            return found
        expired = self.expired.get(trail.key)
        found = expired.state(found, span.start) if expired else found
        if found.state == "lost":
            return found
        for target in self.targets.get(trail.key, []):
            doubt = target.doubt(span.start)
            if doubt and found.state == "logged":
                edges = [edge for edge in target.edges() if edge > span.start]
                until = min(edges, default=LATEST)
                rows = self.files_of(
                    trail, span.start, [row for row in self.delivered if row.aws_region == scope.aws_region]
                )
                if not any(row.span.end >= span.start + MARGIN and row.span.start < until for row in rows):
                    return State(
                        "uncertain",
                        f"{trail.key.name} may not have been delivered: {doubt}",
                        ("delivery",),
                        trail.key.name,
                    )
        return found

    # all trails, and those that nobody names

    def state(self, scope: Scope, span: Span) -> State:
        """What would have become of a request of this scope in this span; see `edges` for how to cut spans."""
        found = [self.trail_state(trail, scope, span) for trail in self.trails]
        found.append(self._unnamed(scope, span))
        return best(found)

    def unexplained(self, scope: Scope) -> list[Delivered]:
        """Which records of a scope came that no known trail can have recorded?"""
        if scope not in self._unexplained:
            self._unexplained[scope] = [row for row in self.came(scope) if not self._explained(scope, row)]
        return self._unexplained[scope]

    @cached_property
    def _unexplained(self) -> dict[Scope, list[Delivered]]:
        return {}

    def _explained(self, scope: Scope, row: Delivered) -> bool:
        """Can a known trail have recorded it? Rows lie between two changes each."""
        for trail in self.trails:
            if match(trail.destination(row.span.start), row.stem, self.destinations) == "not_held":
                continue
            # what settles, and the call that ends it, is recorded still
            if any(edge <= row.span.start and row.span.end <= edge + MARGIN for edge in trail.changes()):
                return True
            if self._settled(trail, scope, row.span).state != "not_logged":
                return True
        return False

    def _unnamed(self, scope: Scope, span: Span) -> State:
        """What a trail that neither configuration nor events name must have recorded, by what was delivered."""
        listed = "*" in self.trails.listed or scope.aws_region in self.trails.listed
        nothing = (
            State("not_logged", "no trail covers it")
            if listed
            else State("unknown", "no trail is known that covers it")
        )
        region = Scope("management", None, scope.aws_region)
        rows, own = self.unexplained(Scope(scope.record_class, scope.bucket, scope.aws_region)), None
        if listed and scope.record_class != "management":
            own = hull(rows)
            if own and own.start <= span.start and span.end <= own.end:
                return State(
                    "uncertain", "records came although no known trail selects them", ("contradiction",), "files"
                )
            return nothing
        seen = hull([*rows, *self.unexplained(region)])
        if seen is None or not (seen.start <= span.start and span.end <= seen.end):
            return nothing
        rows = [row for row in (self.unexplained(region) if scope.record_class == "management" else rows)]
        if not rows:
            return State("unknown", "the trail whose files these are is not known, and they hold no such record")
        return watched(proven(scope, rows, None), [*rows, *self.unexplained(region)])

    def dark(self, region: str) -> list[Span]:
        """In which times did no trail record the management events of a Region, by what is known?

        The time before anything recorded them is left out: where changes were never seen at all, the answers are all
        there is.
        """
        scope = Scope("management", None, region)
        found = []
        for span in between(self.edges(), EARLIEST, LATEST):
            if self.state(scope, span).state == "not_logged":
                found.append(span)
        return [span for span in united(found) if span.start > EARLIEST]
