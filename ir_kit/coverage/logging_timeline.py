"""The logging of an account over time: trails joined to deliveries, access logs, and what broke or removed log files.

`unknown` is raised by proof: records that came while a setting did not change show what it was. A trail whose files are
not in the evidence leaves nothing there. What is known of a trail is worked out once for each stretch between its own
changes, and of a bucket only the trails count that can select it: the work grows with trails times buckets.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, groupby, pairwise
from os.path import commonprefix
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import inventory
from ir_kit.coverage.log_delivery import AccessLogs, Expiry, LogTarget, access_logs, expired, trail_targets
from ir_kit.coverage.selectors import CLASSES, LINES, Coverage, Scope, SelectorSet, State, best
from ir_kit.coverage.trails import INSTANT, Trail, TrailKey, Trails, trail_timelines
from ir_kit.domain.documents import frame_of, mapping, rows_of
from ir_kit.domain.intervals import EARLIEST, LATEST, UNKNOWN, Setting, Span, between, edges_of, united

T = TypeVar("T")
HOUR, MOMENT = timedelta(hours=1), timedelta(seconds=1)
SURE_HOURS = 24  # hours of evidence from which a silence can be told from a quiet hour
CHANCE = 1e-3
BODIES = ("parameters", "response", "request_parameters", "response_elements")
MARGIN = timedelta(minutes=15)
AWAY = timedelta(hours=1)  # without a record, from which a trail that was pointed elsewhere is taken to have been away
LAG = timedelta(hours=1)  # by which files come after what they tell
GLOBAL = "us-east-1"
Match = Literal["held", "not_held", "cannot_tell"]
Numbers = npt.NDArray[np.int64]
Row = Mapping[str, Any]


class Delivered(NamedTuple):
    """Records of one class that came between two changes: `span` from the first to just after the last."""

    stem: str | None
    scope: Scope
    span: Span
    records: int
    reads: int
    keys: tuple[str, ...]  # the first and the last


def deliveries(rows: Iterable[Row]) -> list[Delivered]:
    """The rows of ``coverage/delivered``, read: management events first, each scope together."""
    listed = []
    for row in rows:
        scope = Scope(row["record_class"], row["bucket"], row["aws_region"])
        span = Span(row["first_time"], row["last_time"] + MOMENT)
        keys = () if row["first_key"] is None else (row["first_key"], row["last_key"])
        listed.append(Delivered(row["stem"], scope, span, int(row["records"]), int(row["reads"]), keys))
    return sorted(listed, key=lambda row: (CLASSES.index(row.scope.record_class), *map(str, row.scope[1:])))


def match(destination: tuple[str, str] | None, stem: str | None, known: Iterable[tuple[str, str]]) -> Match:
    """Can files below this folder be those of a trail that delivers there?

    Parameters
    ----------
    destination : (bucket, prefix)
    stem : str
        The path above ``AWSLogs/``; None where files do not lie as CloudTrail lays them out.
    known : iterable of (bucket, prefix)
        The destinations of all trails that are known.
    """
    if destination is None or stem is None:
        return "cannot_tell"
    parts, prefix = _parts(stem), _parts(destination[1])
    if prefix and parts[-len(prefix) :] != prefix:
        return "not_held"
    above = parts[: len(parts) - len(prefix)][-2:]
    if destination[0] in above:
        return "held"
    if {bucket for bucket, _ in known} & set(above):
        return "not_held"
    longer = [other for other in (_parts(other) for _, other in known) if len(other) > len(prefix)]
    if any(parts[-len(other) :] == other for other in longer):
        return "not_held"  # a longer prefix of another trail explains the folder
    return "held" if prefix else "cannot_tell"


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def silent_spans(hours: Iterable[Row], start: datetime, end: datetime) -> dict[str, list[Span]]:
    """In which hours did a Region, which is never as quiet as that, deliver no record at all?

    A run of empty hours counts where chance makes it rarer than one in a thousand, by the Region's own share of empty
    hours elsewhere, and where it is more than twice as long as any other. Nights and week-ends, which repeat, do not
    count.

    Returns
    -------
    dict
        Spans by Region, within ``[start, end)``; they are times of doubt, no proof of loss.
    """
    silent: dict[str, list[Span]] = {}
    for region, grouped in groupby((row for row in hours if row["aws_region"]), key=lambda row: str(row["aws_region"])):
        rows = list(grouped)
        first = min(start.replace(minute=0, second=0, microsecond=0), rows[0]["hour"])
        count = int((max(end - MOMENT, rows[-1]["hour"]) - first) / HOUR) + 1
        last = first + count * HOUR
        rows = [{"hour": first - HOUR, "last_time": first - MOMENT}, *rows, {"hour": last, "first_time": last}]
        runs = sorted(  # to the record, not to the hour
            (int((right["hour"] - left["hour"]) / HOUR) - 1, left["last_time"] + MOMENT, right["first_time"])
            for left, right in pairwise(rows)
        )
        (second, *_), (length, since, until) = runs[-2:]
        others, rest = sum(run[0] for run in runs[:-1]), count - length
        if rest >= SURE_HOURS and length > 2 * second and ((others + 0.5) / (rest + 1)) ** length < CHANCE:
            silent[region] = united([Span(max(start, since), min(end, until))])
    return silent


@dataclass(eq=False)
class LoggingTimeline:
    """The logging of an account over time: the state of any scope, at any time."""

    trails: Trails
    delivered: list[Delivered]
    ends: datetime = LATEST
    targets: dict[TrailKey, list[LogTarget]] = field(default_factory=dict)
    expired: dict[TrailKey, Expiry] = field(default_factory=dict)
    window: Span = Span(EARLIEST, LATEST)
    buckets: dict[str, str | None] = field(default_factory=dict)
    regions: list[str] = field(default_factory=list)
    access_logs: AccessLogs = field(default_factory=AccessLogs)
    silent: dict[str, list[Span]] = field(default_factory=dict)  # by Region
    unseen: dict[tuple[str, str], list[Span]] = field(default_factory=dict)  # by bucket and class
    lost: Sequence[Row] = ()  # recorded, and gone: see `integrity.lost_spans`

    def __post_init__(self) -> None:
        rows = self.delivered
        self._computed: dict[Hashable, Any] = {}
        self.states: dict[tuple[Trail, Scope], dict[tuple[int, bool], State]] = {}
        self.listed = list(self.trails)
        self.stems = list(dict.fromkeys(row.stem for row in rows))
        self.destinations = {place for trail in self.trails for place in self.places(trail)}
        self.begins = np.array([_micros(row.span.start) for row in rows], dtype=np.int64)
        self.finishes = np.array([_micros(row.span.end) for row in rows], dtype=np.int64)
        self.calls = sum(row.scope.record_class == "management" for row in rows)
        firsts = [number for number, row in enumerate(rows) if not number or rows[number - 1].scope != row.scope]
        self.slices = {rows[first].scope: slice(first, last) for first, last in pairwise([*firsts, len(rows)])}

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """A value that many scopes and times share, computed at its first use."""
        try:
            value: T = self._computed[key]
        except KeyError:
            value = self._computed[key] = compute()
        return value

    # deliveries

    def places(self, trail: Trail) -> set[tuple[str, str]]:
        """Every bucket and prefix that a trail is known to have delivered to."""
        return {place for edge in [EARLIEST, *trail.edges()] if (place := trail.destination(edge))}

    def matches(self, trail: Trail, time: datetime) -> dict[str | None, Match]:
        """Folder by folder: can its files be those that a trail delivers at this time?"""
        place = trail.destination(time)
        return self.once(("match", place), lambda: {stem: match(place, stem, self.destinations) for stem in self.stems})

    def files_held(self, trail: Trail, time: datetime) -> Match:
        """Are the files that this trail delivers at this time in the evidence?"""
        answers = set(self.matches(trail, time).values())
        return "held" if "held" in answers else "cannot_tell" if "cannot_tell" in answers else "not_held"

    def files_of(self, trail: Trail, time: datetime) -> Numbers:
        """What was delivered that this trail can have, by where it delivers at this time: numbers of rows."""

        def compute() -> Numbers:
            matches = self.matches(trail, time)
            return np.flatnonzero([matches[row.stem] != "not_held" for row in self.delivered])

        return self.once(("files", trail.destination(time)), compute)

    def run_records(self, trail: Trail, run: Span) -> Numbers:
        """What the trail can have delivered in a run, once it had settled: numbers of rows."""

        def compute() -> Numbers:
            settled = run.start + trail.settling if run.start > EARLIEST else run.start
            rows = self.files_of(trail, run.start)
            return rows[(self.begins[rows] >= _micros(settled)) & (self.begins[rows] < _micros(run.end))]

        return self.once(("run", trail, run), compute)

    def hull(self, rows: Numbers) -> Span | None:
        """From the first of these records to the last; None where there is none."""
        if not len(rows):
            return None
        first, last = rows[np.argmin(self.begins[rows])], rows[np.argmax(self.finishes[rows])]
        return Span(self.delivered[first].span.start, self.delivered[last].span.end)

    def hulls(self, trail: Trail) -> list[Span]:
        """From the first to the last delivery of each run of a trail."""
        return [span for run in trail.runs if (span := self.hull(self.run_records(trail, run)))]

    def records_of(self, scope: Scope) -> list[Delivered]:
        """What was delivered of this class and bucket (or Region)."""
        bucket = None if scope.record_class == "management" else scope.bucket
        return self.delivered[self.slices.get(Scope(scope.record_class, bucket, scope.aws_region), slice(0))]

    # edges

    @cached_property
    def cuts(self) -> list[datetime]:
        """Moments at which what is known of any trail changes."""
        return sorted({self.ends, *(edge for trail in self.trails for edge in self.trail_edges(trail))})

    def trail_edges(self, trail: Trail) -> list[datetime]:
        """Moments at which what is known of a trail and of its deliveries changes."""

        def compute() -> list[datetime]:
            parts: list[LogTarget | Expiry] = [*self.targets.get(trail.key, [])]
            parts += [self.expired[trail.key]] if trail.key in self.expired else []
            edges = {*trail.edges(), *(edge for part in parts for edge in part.edges())}
            return sorted(edges.union(change + trail.settling for change in trail.changes))

        return self.once(("trail edges", trail), compute)

    def edges(self, scope: Scope) -> list[datetime]:
        """Moments at which the state of a scope may change."""
        if scope.record_class == LINES:
            return log.edges() if (log := self.access_logs.get(str(scope.bucket))) else []

        def shared() -> set[datetime]:
            hulls = [span for trail in self.trails for span in self.hulls(trail)]
            lost = (row[name] for row in self.lost for name in ("start_time", "end_time"))
            return {*self.cuts, *edges_of(hulls), *lost}

        rows = [*self.records_of(scope), *self.records_of(Scope("management", None, scope.aws_region))]
        spans = [row.span for row in rows] + self.silent.get(scope.aws_region or "", [])
        spans += self.unseen.get((scope.bucket or "", scope.record_class), [])
        return sorted({*self.once("edges", shared), *edges_of(spans)})

    # which trails matter

    @cached_property
    def selections(self) -> list[tuple[int, Span, SelectorSet | None]]:
        """The selectors of each trail, or None where they are not known, while it is not known to be off; a change counts
        until it has settled.
        """
        results = []
        for number, trail in enumerate(self.listed):
            spans: dict[SelectorSet | None, list[Span]] = {}
            for piece in between(self.trail_edges(trail), EARLIEST, LATEST - Trail.settling):
                for time in (piece.start, piece.start + INSTANT):
                    on, selectors = trail.logging.at(time), trail.selectors.at(time)
                    values = [selectors.value, *([selectors.other] if selectors.state == "disputed" else [])]
                    for value in values if on.state != "known" or on.value else ():
                        spans.setdefault(value, []).append(Span(piece.start, piece.end + Trail.settling))
            results += [(number, span, value) for value, listed in spans.items() for span in united(listed)]
        return results

    def selecting(self, scope: Scope) -> list[tuple[Span, int]]:
        """When may the selectors of which trail take this scope?"""
        return self.once(("selecting", scope), lambda: [
            (span, number) for number, span, selectors in self.selections
            if (covered := scope.coverage(selectors)) is None or covered.kind != "none" or covered.words
        ])  # fmt: skip

    @cached_property
    def refuted(self) -> list[tuple[Span, int]]:
        """When do records that came refute the selectors that a trail had by what was answered later?"""
        return [
            (Span(piece.start, piece.end + Trail.settling), number) for number, trail in enumerate(self.listed)
            for piece in between(self.trail_edges(trail), EARLIEST, LATEST - Trail.settling)
            for time in (piece.start, piece.start + INSTANT)
            if trail.selectors.at(time).far and self.known(trail, time)[0] == UNKNOWN
        ]  # fmt: skip

    def candidates(self, scope: Scope, time: datetime) -> list[int]:
        """The trails that may have recorded this scope at this time; others did not select it, or were off."""
        return sorted({n for span, n in (*self.selecting(scope), *self.refuted) if span.holds(time)})

    @cached_property
    def fits(self) -> Any:
        """Row by row of what was delivered: how many trails may have recorded it by what is known of their settings, and
        which where it is one; which surely did (-1: none, -2: several); and from when to when none of those that may have
        was changed.
        """
        results = []
        for row in self.delivered:
            time = row.span.start
            selecting = sorted({n for span, n in self.selecting(row.scope) if span.holds(time)})
            fits = {n: fit for n in selecting if (fit := self._fit(self.listed[n], time, row)) != "no"}
            runs = [self.listed[n].run(time)[0] for n, fit in fits.items() if fit == "maybe"]
            sure = [n for n, fit in fits.items() if fit == "yes"]
            since = _micros(max((run.start for run in runs), default=EARLIEST))
            until = _micros(min((run.end for run in runs), default=LATEST))
            only, owner = ((listed[0] if len(listed) == 1 else -2) if listed else -1 for listed in (list(fits), sure))
            results.append((len(fits), only, owner, since, until))
        kinds = [(name, np.int64) for name in ("number", "only", "owner", "since", "until")]
        return np.array(results, dtype=kinds).view(np.recarray)

    def _fit(self, trail: Trail, time: datetime, row: Delivered) -> Literal["yes", "maybe", "no"]:
        """Did this trail record such a row, by what is known of its settings?"""
        on, selected = trail.logging.at(time), trail.selectors.at(time)
        if (on.state == "known" and not on.value) or self.matches(trail, time)[row.stem] == "not_held":
            return "no"
        covered = row.scope.coverage(selected.value) if selected.state != "unknown" else None
        if covered is not None and covered.kind == "none":
            return "no"
        known = on.state == selected.state == "known"
        return "yes" if known and trail.covers(row.scope.aws_region, time).value is True else "maybe"

    # the state of a scope

    def scopes(self) -> list[Scope]:
        """Every scope: management events of each Region, and each class of each bucket, access-log lines among them."""
        scopes = [Scope("management", None, region) for region in self.regions]
        return scopes + [Scope(kind, *of) for of in self.buckets.items() for kind in (*CLASSES, LINES)]

    def state(self, scope: Scope, span: Span) -> State:
        """What would have become of the requests of a scope in a span between two edges?"""
        if scope.record_class == LINES:
            return self.access_logs.state(str(scope.bucket), span.start)
        states = {
            number: self._lowered(self.trail_state(self.listed[number], scope, span), scope, span, self.listed[number])
            for number in self.candidates(scope, span.start)
        }
        unknown = self._lowered(self._by_unknown_trail(scope, span), scope, span)
        if all(state.state == "not_logged" for state in (*states.values(), unknown)):
            others = self.once(("others", scope.aws_region, cut_at(self.cuts, span.start)), lambda: [
                State("not_logged", self.excluded(trail, scope, span.start, None)) for trail in self.listed
            ])  # fmt: skip
            states = {number: states.get(number, other) for number, other in enumerate(others)}
        return best([*states.values(), unknown])

    def _lowered(self, state: State, scope: Scope, span: Span, trail: Trail | None = None) -> State:
        """The state, lowered where records are lost or where what was delivered contradicts it."""
        region, name = scope.aws_region, trail and trail.key.name
        for row in self.lost if state.state in ("logged", "uncertain") else ():
            of = row.get("trail_name") in (None, name) and row["aws_region"] in (None, region)
            if of and span.touches(row["start_time"], row["end_time"]):
                return State("lost", row["basis"])
        if state.state != "logged":
            return state
        though = f"though it should have been on ({state.basis})"
        if any(unseen.holds(span.start) for unseen in self.unseen.get((scope.bucket or "", scope.record_class), [])):
            words = f"the access log holds requests that CloudTrail does not, {though}"
            return State("uncertain", words, ("contradiction",))
        for silent in self.silent.get(region or "", []):
            if silent.holds(span.start):
                when = f"from {silent.start:%Y-%m-%d %H:%M} to {silent.end:%Y-%m-%d %H:%M}"
                return State("uncertain", f"{region} delivered no record {when}, {though}", ("silence",))
        return state

    def unlogged(self, region: str) -> list[Span]:
        """In which times did no trail record the management events of a Region, by what is known?

        The time before anything recorded them is left out: where changes were never recorded at all, the answers are
        all there is.
        """
        scope, spans = Scope("management", None, region), between(self.cuts, EARLIEST, LATEST)
        spans = united(span for span in spans if self.state(scope, span).state == "not_logged")
        return [span for span in spans if span.start > EARLIEST]

    def log_targets(self, bucket: str) -> list[LogTarget]:
        """The settings of a log bucket over time, for each service that writes to it."""
        targets = [target for listed in self.targets.values() for target in listed]
        targets += [log.log_bucket for _, log in sorted(self.access_logs.items()) if log.log_bucket]
        return [target for target in {id(target): target for target in targets}.values() if target.name == bucket]

    # one trail

    def trail_state(self, trail: Trail, scope: Scope, span: Span) -> State:
        """What this trail would have recorded of a scope, settling included."""

        def state_at(time: datetime) -> State:
            return self.settled(trail, scope, span if time == span.start else Span(time, time + INSTANT))

        return trail.settled(span.start, trail.key.name, state_at, ("logged", "uncertain"))

    def settled(self, trail: Trail, scope: Scope, span: Span) -> State:
        """What this trail would have recorded of a scope, if its changes took effect at once."""
        states = self.states.setdefault((trail, scope), {})
        position = cut_at(self.trail_edges(trail), span.start)
        if position in states:
            return states[position]
        state = self._delivered(trail, scope, span, self._by_settings(trail, scope, span))
        if state.steady:
            states[position] = state
        return state

    def known(self, trail: Trail, time: datetime) -> tuple[Setting, Match, bool]:
        """What is known of a trail at a time, for all scopes: its selectors, whether its files are held, whether it moved."""

        def compute() -> tuple[Setting, Match, bool]:
            selectors = trail.selectors.at(time)
            if selectors.far:  # did records come that no other trail takes, nor this one by what was answered later?
                rows = self.run_records(trail, trail.run(time)[0])
                own = self._unfitting(trail, rows)
                scopes = {self.delivered[row].scope for row in own}
                kinds = (covered.kind for scope in scopes if (covered := scope.coverage(selectors.value)))
                selectors = UNKNOWN if "none" in kinds else selectors
            return selectors, self.files_held(trail, time), self._moved_away(trail, time)

        return self.once(("known", trail, cut_at(self.trail_edges(trail), time)), compute)

    def _unfitting(self, trail: Trail, rows: Numbers) -> Numbers:
        """Those of these rows that no other trail can have recorded."""
        number = self.fits.number[rows]
        unfitting: Numbers = rows[(number == 0) | (self.fits.only[rows] == self.listed.index(trail))]
        return unfitting

    def excluded(self, trail: Trail, scope: Scope, time: datetime, coverages: Sequence[Coverage] | None) -> str:
        """Why the trail cannot have recorded a scope, by its settings; empty where it can.

        `coverages`: what its selectors take of the scope, by each setting that they may have had; None where it is
        nothing.
        """
        name, on, covers = trail.key.name, trail.logging.at(time), trail.covers(scope.aws_region, time)
        if on.state == "known" and not on.value:
            return f"{name} was off ({on.words})"
        if covers.state == "known" and not covers.value:
            return f"{name} records {trail.key.home_region} alone"
        if coverages is None or (coverages and all(covered.kind == "none" for covered in coverages)):
            words = f"{name} does not select it ({self.known(trail, time)[0].words})"
            return f"{words}: {coverages[0].words}" if coverages and coverages[0].words else words
        return ""

    def _by_settings(self, trail: Trail, scope: Scope, span: Span) -> State:
        name, time, (selectors, files, moved_away) = trail.key.name, span.start, self.known(trail, span.start)
        on, covers = trail.logging.at(time), trail.covers(scope.aws_region, time)
        before = scope.coverage(selectors.value) if selectors.state != "unknown" else None
        after = scope.coverage(selectors.other) if selectors.state == "disputed" else before
        if words := self.excluded(trail, scope, time, [before, after] if before and after else []):
            return State("not_logged", words)
        if files == "not_held" or moved_away:
            place = "/".join(trail.destination(time) or ("?",))
            return State("not_logged", f"{name} delivers to s3://{place}, whose files are not in the evidence")
        if before and after and on.state == covers.state == "known":
            if before != after:
                state = State("uncertain", f"{name} was changed unseen: {selectors.words}", ("unseen_change",))
            elif before.kind == "partly":
                state = State("uncertain", f"{name}: {before.words} ({selectors.words})", before.left_out)
            elif scope[1:] == (None, GLOBAL) and trail.leaves_out_global_services(time):
                words = f"{name} leaves out global services (IAM, STS, CloudFront)"
                state = State("uncertain", words, ("global_services",))
            else:
                state = State("logged", f"{name} ({selectors.words})")
        elif before and before.kind == "partly":
            words = f"{name}: {before.words} ({selectors.words}); whether it was on is not known"
            state = State("uncertain", words, before.left_out)
        elif "disputed" in (on.state, covers.state):
            state = State("uncertain", f"{name} was switched unseen", ("unseen_change",))
        else:
            state = self._by_proof(trail, scope, span, on.state == "known", covers.state == "known", before)
        words = state.basis
        if files == "cannot_tell" and self._shares_files(trail, time):
            words += "; which trail delivered the files is unknown"
        return State(state.state, words, state.left_out, state.steady and files == "held")

    def _by_proof(
        self, trail: Trail, scope: Scope, span: Span, on: bool, covers: bool, coverage: Coverage | None
    ) -> State:
        """What records that came in the same run show of a trail whose settings are not known.

        Records that another trail may have made count only while that one did not change, and records that another made
        do not.
        """
        name, (run, change_ends_it) = trail.key.name, trail.run(span.start)

        def compute() -> tuple[Numbers, Span | None]:
            rows, time, fits = self.run_records(trail, run), _micros(span.start), self.fits
            own = (fits.owner[rows] == -1) | (fits.owner[rows] == self.listed.index(trail))
            rows = rows[own & (fits.since[rows] <= time) & (time < fits.until[rows])]
            return rows, self.hull(rows)

        rows, time = self.once(("proof", trail, run, cut_at(self.cuts, span.start)), compute)
        if not covers:
            regions = {self.delivered[row].scope.aws_region for row in rows}
            if scope.aws_region not in regions and not regions - {trail.key.home_region}:
                words = f"whether {name} took this Region is not known, and no record that it delivered shows it"
                return State("unknown", words, steady=False)
        # management events of any Region show what a trail selects of them
        calls = scope.record_class == "management"
        of = slice(0, self.calls) if calls else self.slices.get(scope, slice(0, 0))
        proving = rows[slice(*np.searchsorted(rows, (of.start, of.stop)))]
        selected = coverage is not None and coverage.kind == "all"
        if time is None or not (len(proving) or selected):
            words = f"what {name} selected at that time is not known, and no record that it delivered shows it"
            return State("unknown", words, steady=False)
        start, end = (run.start, run.end) if on else (time.start, run.end if change_ends_it else time.end)
        if not (start <= span.start and span.end <= end):
            words = f"{name} is not known to have been on before or after what it delivered"
            return State("unknown", words, steady=False)
        if selected:
            return State("logged", f"{name} delivered before and after", steady=False)
        showing = self.run_records(trail, run)
        return proven(scope, [self.delivered[row] for row in proving], name, bool(showing[0] < self.calls))

    def _moved_away(self, trail: Trail, time: datetime) -> bool:
        """Was the trail pointed elsewhere, and has nothing come since that can be its own?"""
        points = trail.fields["bucket"].points
        moves = [point for point in points if point.how == "changed" and point.time <= time]
        if not moves or trail.destination(time) is None or moves[-1].words.startswith("CreateTrail"):
            return False
        moved = moves[-1]
        earlier = trail.destination(moved.time - INSTANT)
        if earlier == trail.destination(time) or (earlier is None and self.files_held(trail, time) == "held"):
            return False
        returns = (point.time for point in points if point.time > time and point.value != moved.value)
        rows = self.files_of(trail, time)
        since, until = _micros(moved.time + MARGIN), _micros(min(returns, default=LATEST))
        return not len(self._unfitting(trail, rows[(self.finishes[rows] >= since) & (self.finishes[rows] <= until)]))

    def note_return(self, trail: Trail) -> None:
        """A trail that was pointed elsewhere, and back with no record of it, is back when records come there again."""
        buckets, prefix = trail.fields["bucket"], trail.fields["prefix"]
        rest = [other for other in self.trails if other is not trail]
        sure = ("held",) if rest else ("held", "cannot_tell")
        for point, later in pairwise(list(buckets.points)):
            place = (str(later.value), str(prefix.nearest(later.time) or ""))
            if point.how != "changed" or later.how != "seen" or point.value in (None, later.value):
                continue
            if any(place in self.places(other) for other in rest):
                continue
            stems = {stem for stem in self.stems if match(place, stem, self.destinations) in sure}
            starts = (row.span.start for row in self.delivered if row.stem in stems)
            first = min((start for start in starts if point.time + MARGIN <= start), default=LATEST)
            if point.time + AWAY <= first < later.time:
                buckets.add(first, later.value, "seen", f"records came to s3://{later.value} again")

    def _shares_files(self, trail: Trail, time: datetime) -> bool:
        """Could files that may be this trail's be another's just as well?"""

        def held(of: Trail) -> list[str | None]:
            return [stem for stem, answer in self.matches(of, time).items() if answer != "not_held"]

        key = ("trails of folders", cut_at(self.cuts, time))
        trails = self.once(key, lambda: Counter(stem for other in self.listed for stem in held(other)))
        return any(trails[stem] > 1 for stem in held(trail))

    def _delivered(self, trail: Trail, scope: Scope, span: Span, state: State) -> State:
        """The state, lowered where delivery was in doubt and nothing came, or where the files have expired."""
        if trail.key in self.expired:
            state = self.expired[trail.key].state(state, span.start)
        for target in self.targets.get(trail.key, []) if state.state == "logged" else ():
            doubt = target.doubt(span.start)
            if not doubt:
                continue
            until = min((edge for edge in target.edges() if edge > span.start), default=LATEST)
            rows = self.files_of(trail, span.start)
            later = self.finishes[rows] >= _micros(span.start + MARGIN)
            arrived = rows[later & (self.begins[rows] < _micros(until))]
            if not any(self.delivered[row].scope.aws_region == scope.aws_region for row in arrived):
                words = f"{trail.key.name} may not have been delivered: {doubt}"
                return State("uncertain", words, ("delivery",), steady=False)
            state = state._replace(steady=False)
        return state

    # trails of which nothing is known

    def unexplained(self, scope: Scope) -> list[Delivered]:
        """Which records of a scope came that no known trail can have recorded?"""

        def explained(row: Delivered) -> bool:
            time = row.span.start
            # what settles, and the call that ends it, is recorded still
            first, last = (bisect_left(changes, (edge, -1)) for edge in (row.span.end - MARGIN, time + INSTANT))
            fitting = (
                number for number in self.candidates(scope, time)
                if self.settled(self.listed[number], scope, row.span).state != "not_logged"
            )  # fmt: skip
            numbers = chain((number for _, number in changes[first:last]), fitting)
            return any(self.matches(self.listed[number], time)[row.stem] != "not_held" for number in numbers)

        changes = self.once("changes", lambda: sorted(
            (change, number) for number, trail in enumerate(self.listed) for change in trail.changes
        ))  # fmt: skip
        return self.once(("unexplained", scope), lambda: [row for row in self.records_of(scope) if not explained(row)])

    def _by_unknown_trail(self, scope: Scope, span: Span) -> State:
        """What a trail that neither configuration nor events name must have recorded, by what was delivered."""
        listed = "*" in self.trails.listed or scope.aws_region in self.trails.listed
        contradicts = listed and scope.record_class != "management"

        def compute() -> tuple[Span | None, State]:
            others = self.unexplained(Scope("management", None, scope.aws_region))
            rows = self.unexplained(scope)
            edges = edges_of(row.span for row in (rows if contradicts else [*rows, *others]))
            rows = others if scope.record_class == "management" else rows
            if contradicts:
                words = "records came although no known trail selects them"
                state = State("uncertain", words, ("contradiction",))
            elif rows:
                state = proven(scope, rows, None, bool(others))
            else:
                words = "the trail whose files these are is not known, and they hold no such record"
                state = State("unknown", words)
            return Span(min(edges), max(edges)) if edges else None, state

        time, state = self.once(("unknown trail", scope), compute)
        if time is not None and time.start <= span.start and span.end <= time.end:
            return state
        words = "no trail covers it" if listed else "no trail is known that covers it"
        return State("not_logged" if listed else "unknown", words)


def proven(scope: Scope, rows: Sequence[Delivered], name: str | None, calls: bool) -> State:
    """What these records show of a class: all of it, or that part of it alone that they are of.

    They prove a setting between them only where a change of it would have been recorded too: where management events
    (`calls`) came beside them.
    """
    count, reads = sum(row.records for row in rows), sum(row.reads for row in rows)
    basis = f"{count} records{f' of {name}' if name else ''} were delivered while no setting changed"
    keys, data = [key for row in rows for key in row.keys], scope.record_class != "management"
    folder = commonprefix(keys).rpartition("/")[0]
    for lacks, part, words in (
        (not data and reads in (0, count), "read_only", f"{'all' if reads else 'none'} of them read-only"),
        (data and not keys, "objects", "none of them on an object"),
        (data and folder, "prefix", f"all below {folder}/"),
        (data and not calls, "unseen_change", "but no management event that would show a change"),
    ):
        if lacks:
            return State("uncertain", f"{basis}, {words}", (part,), steady=False)
    return State("logged", basis, steady=False)


def cut_at(edges: list[datetime], time: datetime) -> tuple[int, bool]:
    """Between which of these sorted moments a time is, and whether it is the one before: what is known may differ there."""
    number = bisect_right(edges, time)
    return number, number > 0 and edges[number - 1] == time


def _micros(time: datetime) -> int:
    return (time - EARLIEST) // INSTANT


def logging_timeline(case: Case) -> LoggingTimeline:
    """The logging of a case's account over time, from what was answered, called and delivered."""

    def read(column: str, value: Any) -> Any:
        value = mapping(value) if column in BODIES else value
        return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value

    def ask(question: str) -> list[dict[str, Any]]:
        return [{name: read(name, value) for name, value in row.items()} for row in rows_of(case.ask(question))]

    settings, events = ask("coverage/log_settings"), ask("coverage/log_events")
    hours, window = ask("coverage/delivered_hours"), Span(case.incident.window.start, case.incident.window.end)
    ends = max((row["last_time"] for row in hours), default=LATEST)
    trails = trail_timelines(settings, events, ends)
    targets = {trail.key: trail_targets(trail, settings, events, ends) for trail in trails}
    cuts = between(LoggingTimeline(trails, [], ends, targets).cuts, EARLIEST, LATEST)
    rows = [{"cut": number, "start_time": cut.start, "end_time": cut.end} for number, cut in enumerate(cuts)]
    columns = {"cut": "integer", "start_time": "timestamp", "end_time": "timestamp"}
    case.engine.provide("visibility_cuts", frame_of(rows, columns))
    delivered = deliveries(ask("coverage/delivered"))
    first = LoggingTimeline(trails, delivered, ends, targets)
    for trail in trails:
        first.note_return(trail)
    # a change of a trail is recorded in its home Region: find the times in which it would not have been
    unframed = LoggingTimeline(trails, delivered, ends, targets)
    unlogged = {region: unframed.unlogged(region) for region in sorted({trail.key.home_region for trail in trails})}
    for trail in trails:
        trail.frame(unlogged[trail.key.home_region], ends)
    buckets = {name: bucket.region for name, bucket in inventory(case).buckets.items()}
    unseen = defaultdict[tuple[str, str], list[Span]](list)
    for row in ask("coverage/unseen_requests"):
        unseen[row["bucket"], row["record_class"]].append(Span(row["start_time"], row["end_time"]))
    timeline = LoggingTimeline(
        trails, delivered, ends, targets, {}, window, buckets,
        regions=sorted({region for region in (*(row["aws_region"] for row in hours), *buckets.values()) if region}),
        silent=silent_spans(hours, window.start, window.end), unseen=unseen,
    )  # fmt: skip
    records = [Span(row["first_time"], row["last_time"]) for row in hours]
    for trail in trails:
        place = trail.destination(ends) or trail.destination(EARLIEST) or ("", "")
        for target in targets[trail.key]:
            oldest = timeline.hull(timeline.files_of(trail, ends)) if target.expiry.points else None
            if expiry := expired(target, place[1], records, oldest, LAG, settings):
                timeline.expired[trail.key] = expiry
    of_regions = {region: timeline.unlogged(region) for region in {*buckets.values()} if region}
    of_buckets = {bucket: of_regions[region] for bucket, region in buckets.items() if region}
    lines = ask("coverage/delivered_lines")
    timeline.access_logs = access_logs(settings, events, lines, of_buckets, ends)
    return timeline
