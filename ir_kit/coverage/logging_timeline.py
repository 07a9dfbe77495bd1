"""The logging of an account over time: trails joined to deliveries, access logs, and what broke or removed log files.

`unknown` is raised by proof: records that came while a setting did not change show what it was. A trail whose files are
not in the evidence leaves nothing there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from os.path import commonprefix
from typing import Any, Literal, NamedTuple, TypeVar

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.log_delivery import (
    CLOUDTRAIL,
    AccessLogs,
    Expiry,
    LogTarget,
    access_logs,
    expired,
    frame_access_logs,
    key_target,
    log_bucket,
)
from ir_kit.coverage.selectors import CLASSES, Coverage, Scope, SelectorSet, State, best
from ir_kit.coverage.trails import INSTANT, SETTLING, Trail, TrailKey, Trails, trail_timelines
from ir_kit.domain.documents import frame_of, mapping, mappings, rows_of
from ir_kit.domain.intervals import EARLIEST, LATEST, UNKNOWN, Setting, Span, between, edges_of, united

T = TypeVar("T")
HOUR, MOMENT = timedelta(hours=1), timedelta(seconds=1)
SURE_HOURS = 24  # hours of evidence from which a silence can be told from a quiet hour
CHANCE = 1e-3
LACKING, UNSEEN = 0.1, 3  # share and number of an access log's requests from which CloudTrail is said to lack them
Match = Literal["held", "not_held", "cannot_tell"]


MARGIN = timedelta(minutes=15)
AWAY = timedelta(hours=1)  # without a record, from which a trail that was pointed elsewhere is taken to have been away
LAG = timedelta(hours=1)  # by which files come after what they tell
GLOBAL = "us-east-1"
Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Delivered:
    """Records of one class that came between two changes: `span` from the first to just after the last."""

    stem: str | None
    scope: Scope
    span: Span
    records: int
    reads: int
    folder: str | None  # the folder that all keys share; None where they share none
    keys: bool


def deliveries(rows: Iterable[Row]) -> list[Delivered]:
    """The rows of ``coverage/delivered``, read."""
    return [
        Delivered(
            row["stem"],
            Scope(row["record_class"], row["bucket"], row["aws_region"]),
            Span(row["first_time"], row["last_time"] + MOMENT),
            int(row["records"]),
            int(row["reads"]),
            commonprefix([row["first_key"] or "", row["last_key"] or ""]).rpartition("/")[0] or None,
            row["first_key"] is not None,
        )
        for row in rows
    ]


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


def hull(rows: Iterable[Delivered]) -> Span | None:
    """From the first of these records to the last; None where there is none."""
    spans = [row.span for row in rows]
    return Span(min(span.start for span in spans), max(span.end for span in spans)) if spans else None


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
    by_region: dict[str, list[Row]] = {}
    for row in hours:
        if row["aws_region"]:
            by_region.setdefault(row["aws_region"], []).append(row)
    silent = {}
    for region, rows in by_region.items():
        filled = sorted({row["hour"] for row in rows})
        first = min(start.replace(minute=0, second=0, microsecond=0), filled[0])
        count = int((max(end - MOMENT, filled[-1]) - first) / HOUR) + 1
        edges = [first - HOUR, *filled, first + count * HOUR]
        runs = [Span(left + HOUR, right) for left, right in pairwise(edges) if right > left + HOUR]
        lengths = [int((run.end - run.start) / HOUR) for run in runs]
        spans = []
        for number, run in enumerate(runs):
            others, rest = lengths[:number] + lengths[number + 1 :], count - lengths[number]
            chance = ((sum(others) + 0.5) / (rest + 1)) ** lengths[number]
            if rest >= SURE_HOURS and lengths[number] > 2 * max(others, default=0) and chance < CHANCE:
                # to the record, not to the hour
                before = max((row["last_time"] for row in rows if row["last_time"] < run.start), default=None)
                after = min((row["first_time"] for row in rows if row["first_time"] >= run.end), default=run.end)
                spans.append(Span(max(start, before + MOMENT if before else run.start), min(end, after)))
        silent[region] = united(spans)
    return silent


def unseen_spans(hours: Iterable[Row]) -> dict[tuple[str, str], list[Span]]:
    """When did CloudTrail lack requests on objects that the access log holds?

    A run of hours counts in each of which it lacks more than `LACKING` of them, from `UNSEEN` requests on; hours without
    a line neither end a run nor count. Nothing is said where not one line is in both logs.

    Parameters
    ----------
    hours : rows of ``coverage/unseen_requests``

    Returns
    -------
    dict
        Spans by bucket and class, from the first such request to the last.
    """
    rows = sorted(hours, key=lambda row: (row["bucket"], row["record_class"], row["hour"]))
    spans: dict[tuple[str, str], list[Span]] = {}
    if all(row["unseen"] == row["lines"] for row in rows):
        return spans
    for (bucket, record_class, lacking), hours_of in groupby(
        rows, key=lambda row: (row["bucket"], row["record_class"], row["unseen"] > LACKING * row["lines"])
    ):
        run = list(hours_of)
        if lacking and sum(row["unseen"] for row in run) >= UNSEEN:
            span = Span(run[0]["first_time"], run[-1]["last_time"] + MOMENT)
            spans.setdefault((bucket, record_class), []).append(span)
    return spans


def proven(scope: Scope, rows: list[Delivered], name: str | None, others: Iterable[Delivered]) -> State:
    """What these records show of a class: all of it, or that part of it alone that they are of.

    They prove a setting between them only where a change of it would have been recorded too: where management events
    are among them or `others`.
    """
    count, where = sum(row.records for row in rows), name or "files"
    basis = f"{count} records{f' of {name}' if name else ''} were delivered while no setting changed"

    def uncertain(words: str, part: str) -> State:
        return State("uncertain", f"{basis}, {words}", (part,), where, steady=False)

    if scope.record_class == "management":
        reads = sum(row.reads for row in rows)
        if reads in (0, count):
            return uncertain(f"{'all' if reads else 'none'} of them read-only", "read_only")
    else:
        folders = {row.folder for row in rows if row.keys}
        if not folders:
            return uncertain("none of them on an object", "objects")
        if None not in folders and len({str(folder).partition("/")[0] for folder in folders}) == 1:
            return uncertain(f"all below {next(iter(folders))}/", "prefix")
    if not any(row.scope.record_class == "management" for row in others):
        return uncertain("but no management event that would show a change", "unseen_change")
    return State("logged", basis, (), where, steady=False)


class Proof(NamedTuple):
    """Records that show a trail's settings, and from the first to the last of them."""

    by_scope: dict[Scope, list[Delivered]]
    time: Span | None


@dataclass(eq=False)
class Deliveries:
    """Every trail, and everything that was delivered: which records can be those of which trail."""

    trails: Trails
    delivered: list[Delivered]
    _computed: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.stems = {row.stem for row in self.delivered}
        self.destinations = {place for trail in self.trails for place in self.places(trail)}

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """A value that many scopes and times share, computed at its first use."""
        try:
            value: T = self._computed[key]
        except KeyError:
            value = self._computed[key] = compute()
        return value

    def places(self, trail: Trail) -> set[tuple[str, str]]:
        """Every bucket and prefix that a trail is known to have delivered to."""
        return {place for edge in [EARLIEST, *trail.edges()] if (place := trail.destination(edge))}

    def matched(self, trail: Trail, time: datetime, stem: str | None) -> Match:
        """Can files below this folder be those that a trail delivers at this time?"""
        place = trail.destination(time)
        return self.once(("match", place, stem), lambda: match(place, stem, self.destinations))

    def records_of(self, scope: Scope) -> list[Delivered]:
        """What was delivered of this class and bucket (or Region)."""

        def by_scope() -> dict[Scope, list[Delivered]]:
            rows: dict[Scope, list[Delivered]] = {}
            for row in self.delivered:
                rows.setdefault(row.scope, []).append(row)
            return rows

        bucket = None if scope.record_class == "management" else scope.bucket
        scopes = self.once("scopes", by_scope)
        return scopes.get(Scope(scope.record_class, bucket, scope.aws_region), [])

    def files_held(self, trail: Trail, time: datetime) -> Match:
        """Are the files that this trail delivers at this time in the evidence?"""
        answers = {self.matched(trail, time, stem) for stem in self.stems}
        return "held" if "held" in answers else "cannot_tell" if "cannot_tell" in answers else "not_held"

    def files_of(self, trail: Trail, time: datetime, rows: Iterable[Delivered]) -> list[Delivered]:
        """Those of these records that the trail can have delivered, by where it delivers at this time."""
        return [row for row in rows if self.matched(trail, time, row.stem) != "not_held"]

    def run_records(self, trail: Trail, run: Span) -> list[Delivered]:
        """What the trail can have delivered in a run, once it had settled."""

        def compute() -> list[Delivered]:
            settled = run.start + SETTLING if run.start > EARLIEST else run.start
            rows = self.files_of(trail, run.start, self.delivered)
            return [row for row in rows if settled <= row.span.start < run.end]

        return self.once(("run", trail, run), compute)

    def proof(self, trail: Trail, run: Span, time: datetime) -> Proof:
        """What of a run shows the trail's settings at this time: records that another trail may have made count only
        while that one did not change, and records that another made do not.
        """

        others = [other for other in self.trails if other is not trail]

        def compute(spans: tuple[Span, ...]) -> Proof:
            by_scope: dict[Scope, list[Delivered]] = {}
            for row in self.run_records(trail, run):
                fits = ((self.fit(other, row), span) for other, span in zip(others, spans, strict=True))
                if not any(fit == "yes" or (fit == "maybe" and not span.holds(row.span.start)) for fit, span in fits):
                    by_scope.setdefault(row.scope, []).append(row)
            return Proof(by_scope, hull(row for rows in by_scope.values() for row in rows))

        def shared() -> Proof:
            spans = tuple(other.run(time)[0] for other in others)
            return self.once(("proof", trail, run, spans), lambda: compute(spans))

        return self.once(("proof", trail, time), shared)

    def fit(self, trail: Trail, row: Delivered) -> Literal["yes", "maybe", "no"]:
        """Did this trail record such a row, by what is known of its settings?"""

        def compute() -> Literal["yes", "maybe", "no"]:
            time = row.span.start
            on, selected = trail.logging.at(time), trail.selectors.at(time)
            if (on.state == "known" and not on.value) or self.matched(trail, time, row.stem) == "not_held":
                return "no"
            covered = row.scope.coverage(selected.value) if selected.state != "unknown" else None
            if covered is not None and covered.kind == "none":
                return "no"
            known = on.state == selected.state == "known"
            return "yes" if known and trail.covers(row.scope.aws_region, time).value is True else "maybe"

        return self.once(("fit", trail, row), compute)

    def fits_another(self, trail: Trail, row: Delivered) -> bool:
        """Could another trail have recorded such a row?"""
        return any(self.fit(other, row) != "no" for other in self.trails if other is not trail)

    def hulls(self, trail: Trail) -> list[Span]:
        """From the first to the last delivery of each run of a trail."""
        return [span for run in trail.runs if (span := hull(self.run_records(trail, run)))]


def cut_at(edges: list[datetime], time: datetime) -> tuple[int, bool]:
    """Between which of these sorted moments a time is, and whether it is the one before: what is known may differ there."""
    number = bisect_right(edges, time)
    return number, number > 0 and edges[number - 1] == time


class Known(NamedTuple):
    """What is known of a trail at a time."""

    on: Setting
    selectors: Setting
    place: tuple[str, str] | None
    files: Match
    moved_away: bool


class Lost(NamedTuple):
    """Records that were recorded and are gone, of a Region (or all) and of a trail (or all)."""

    aws_region: str | None
    trail_name: str | None
    span: Span
    basis: str


@dataclass(eq=False)
class LoggingTimeline(Deliveries):
    """The logging of an account over time: the state of any scope, at any time."""

    ends: datetime = LATEST
    targets: dict[TrailKey, list[LogTarget]] = field(default_factory=dict)
    expired: dict[TrailKey, Expiry] = field(default_factory=dict)
    window: Span = Span(EARLIEST, LATEST)
    buckets: dict[str, str | None] = field(default_factory=dict)
    regions: list[str] = field(default_factory=list)
    access_logs: AccessLogs = field(default_factory=AccessLogs)
    silent: dict[str, list[Span]] = field(default_factory=dict)  # by Region
    unseen: dict[tuple[str, str], list[Span]] = field(default_factory=dict)  # by bucket and class
    lost: list[Lost] = field(default_factory=list)
    states: dict[tuple[Trail, Scope], dict[tuple[int, bool], State]] = field(
        default_factory=dict, init=False, repr=False
    )

    def scopes(self) -> list[Scope]:
        """Every scope: management events of each Region, and each class of each bucket."""
        scopes = [Scope("management", None, region) for region in self.regions]
        return scopes + [Scope(kind, bucket, region) for bucket, region in self.buckets.items() for kind in CLASSES]

    def edges(self, scope: Scope) -> list[datetime]:
        """Moments at which the state of a scope may change."""
        rows = [*self.records_of(scope), *self.records_of(Scope("management", None, scope.aws_region))]
        spans = [row.span for row in rows] + self.silent.get(scope.aws_region or "", [])
        spans += self.unseen.get((scope.bucket or "", scope.record_class), [])
        return sorted({*self.once("edges", self._shared_edges), *edges_of(spans)})

    def setting_edges(self) -> set[datetime]:
        """Moments at which what is known of any trail changes."""
        return {self.ends, *(edge for trail in self.trails for edge in self.trail_edges(trail))}

    def _shared_edges(self) -> set[datetime]:
        hulls = [span for trail in self.trails for span in self.hulls(trail)]
        return {*self.setting_edges(), *edges_of(hulls), *edges_of(lost.span for lost in self.lost)}

    def trail_edges(self, trail: Trail) -> list[datetime]:
        """Moments at which what is known of a trail and of its deliveries changes."""

        def compute() -> list[datetime]:
            edges = {*trail.edges(), *(change + SETTLING for change in trail.changes())}
            for target in self.targets.get(trail.key, []):
                edges.update(target.edges())
            edges.update(self.expired[trail.key].edges() if trail.key in self.expired else ())
            return sorted(edges)

        return self.once(("trail edges", trail), compute)

    def state(self, scope: Scope, span: Span) -> State:
        """What would have become of the requests of a scope in a span between two edges?"""
        states = [(self.trail_state(trail, scope, span), trail.key.name) for trail in self.trails]
        lowered = [self._lowered(state, scope, span, name) for state, name in states]
        return best([*lowered, self._lowered(self._by_unknown_trail(scope, span), scope, span, None)])

    def log_state(self, bucket: str, span: Span) -> State:
        """What would have become of the access-log lines of a bucket in a span between two edges?"""
        return self.access_logs.state(bucket, span.start)

    def _lowered(self, state: State, scope: Scope, span: Span, name: str | None) -> State:
        """The state, lowered where records are lost or where what was delivered contradicts it."""
        if state.state not in ("logged", "uncertain"):
            return state
        for lost in self.lost:
            of = lost.trail_name in (None, name) and lost.aws_region in (None, scope.aws_region)
            if of and lost.span.touches(span.start, span.end):
                return State("lost", lost.basis, (), state.where)
        if state.state != "logged":
            return state
        for unseen in self.unseen.get((scope.bucket or "", scope.record_class), []):
            if unseen.holds(span.start):
                words = f"the access log holds requests that CloudTrail does not, though it should have been on ({state.basis})"
                return State("uncertain", words, ("contradiction",), state.where)
        for silent in self.silent.get(scope.aws_region or "", []):
            if silent.holds(span.start):
                when = f"from {silent.start:%Y-%m-%d %H:%M} to {silent.end:%Y-%m-%d %H:%M}"
                words = f"{scope.aws_region} delivered no record {when}, though it should have been on ({state.basis})"
                return State("uncertain", words, ("silence",), state.where)
        return state

    def unlogged(self, region: str) -> list[Span]:
        """In which times did no trail record the management events of a Region, by what is known?

        The time before anything recorded them is left out: where changes were never recorded at all, the answers are
        all there is.
        """
        scope, spans = Scope("management", None, region), between(self.setting_edges(), EARLIEST, LATEST)
        spans = [span for span in spans if self.state(scope, span).state == "not_logged"]
        return [span for span in united(spans) if span.start > EARLIEST]

    def log_targets(self, bucket: str) -> list[LogTarget]:
        """The settings of a log bucket over time, for each service that writes to it."""
        targets = [target for listed in self.targets.values() for target in listed]
        targets += [log.log_bucket for _, log in sorted(self.access_logs.items()) if log.log_bucket]
        return [target for target in {id(target): target for target in targets}.values() if target.name == bucket]

    # one trail

    def trail_state(self, trail: Trail, scope: Scope, span: Span) -> State:
        """What this trail would have recorded of a scope, settling included."""
        state = self.settled(trail, scope, span)
        for change in trail.changes():
            if change <= span.start < change + SETTLING:
                before = self.settled(trail, scope, Span(change - INSTANT, change))
                if before.state != state.state and {before.state, state.state} & {"logged", "uncertain"}:
                    words = f"{trail.key.name} settles after a change at {change:%Y-%m-%d %H:%M:%S}"
                    return State("uncertain", words, ("settling",), trail.key.name)
        return state

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

    def known(self, trail: Trail, time: datetime) -> Known:
        """What is known of a trail at a time, for all scopes."""

        def compute() -> Known:
            selectors = trail.selectors.at(time)
            if selectors.far and self._refuted(trail, time, selectors.value):
                selectors = UNKNOWN
            place, files = trail.destination(time), self.files_held(trail, time)
            return Known(trail.logging.at(time), selectors, place, files, self._moved_away(trail, time))

        return self.once(("known", trail, cut_at(self.trail_edges(trail), time)), compute)

    def _by_settings(self, trail: Trail, scope: Scope, span: Span) -> State:
        name, known, covers = trail.key.name, self.known(trail, span.start), trail.covers(scope.aws_region, span.start)
        on, selectors = known.on, known.selectors
        if on.state == "known" and not on.value:
            return State("not_logged", f"{name} was off ({on.words})")
        if covers.state == "known" and not covers.value:
            return State("not_logged", f"{name} records {trail.key.home_region} alone")
        before = scope.coverage(selectors.value) if selectors.state != "unknown" else None
        after = scope.coverage(selectors.other) if selectors.state == "disputed" else before
        if before and after and before.kind == after.kind == "none":
            words = f"{name} does not select it ({selectors.words})"
            return State("not_logged", f"{words}: {before.words}" if before.words else words)
        if known.files == "not_held" or known.moved_away:
            place = "/".join(known.place or ("?",))
            return State("not_logged", f"{name} delivers to s3://{place}, whose files are not in the evidence")
        if on.state == covers.state == "known" and before and after:
            state = self._by_selectors(trail, scope, span.start, before, after, selectors.words)
        elif before and before.kind == "partly":
            words = f"{name}: {before.words} ({selectors.words}); whether it was on is not known"
            state = State("uncertain", words, before.left_out, name)
        elif "disputed" in (on.state, covers.state):
            state = State("uncertain", f"{name} was switched unseen", ("unseen_change",), name)
        else:
            state = self._by_proof(trail, scope, span, on.state == "known", covers.state == "known", before)
        if known.files == "cannot_tell" and self._shared(trail, span.start):
            words = f"{state.basis}; which trail the files are of cannot be told"
            return State(state.state, words, state.left_out, state.where, steady=False)
        return state if known.files == "held" else State(state.state, state.basis, state.left_out, state.where, False)

    def _by_selectors(
        self, trail: Trail, scope: Scope, time: datetime, before: Coverage, after: Coverage, words: str
    ) -> State:
        name = trail.key.name
        if before.kind == after.kind == "all":
            if scope.bucket is None and scope.aws_region == GLOBAL and trail.leaves_out_global_services(time):
                words = f"{name} leaves out global services (IAM, STS, CloudFront)"
                return State("uncertain", words, ("global_services",), name)
            return State("logged", f"{name} ({words})", (), name)
        if before == after:
            return State("uncertain", f"{name}: {before.words} ({words})", before.left_out, name)
        return State("uncertain", f"{name} was changed unseen: {words}", ("unseen_change",), name)

    def _by_proof(
        self, trail: Trail, scope: Scope, span: Span, on: bool, covers: bool, coverage: Coverage | None
    ) -> State:
        """What records that came in the same run show of a trail whose settings are not known."""
        name = trail.key.name

        def unknown(words: str) -> State:
            return State("unknown", words, steady=False)

        run, change_ends_it = trail.run(span.start)
        by_scope, time = self.proof(trail, run, span.start)
        regions = {proved.aws_region for proved in by_scope}
        if not covers and scope.aws_region not in regions and not regions - {trail.key.home_region}:
            return unknown(f"whether {name} took this Region is not known, and no record that it delivered shows it")
        rows = by_scope.get(scope, [])
        if scope.record_class == "management":  # of any Region, they show what a trail selects of them
            rows = [row for proved, of in by_scope.items() if proved.record_class == "management" for row in of]
        selected = coverage is not None and coverage.kind == "all"
        if time is None or not (rows or selected):
            return unknown(f"what {name} selected at that time is not known, and no record that it delivered shows it")
        start, end = (run.start, run.end) if on else (time.start, run.end if change_ends_it else time.end)
        if not (start <= span.start and span.end <= end):
            return unknown(f"{name} is not known to have been on before or after what it delivered")
        if selected:
            return State("logged", f"{name} delivered before and after", (), name, steady=False)
        return proven(scope, rows, name, self.run_records(trail, run))

    def _refuted(self, trail: Trail, time: datetime, selectors: SelectorSet | None) -> bool:
        """Did records come that the trail would not have selected by what was answered later?"""
        for row in self.run_records(trail, trail.run(time)[0]):
            covered = row.scope.coverage(selectors)
            if covered is not None and covered.kind == "none" and not self.fits_another(trail, row):
                return True
        return False

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
        until = min(
            (point.time for point in points if point.time > time and point.value != moved.value), default=LATEST
        )
        return not any(
            moved.time + MARGIN <= row.span.end <= until and not self.fits_another(trail, row)
            for row in self.files_of(trail, time, self.delivered)
        )

    def _shared(self, trail: Trail, time: datetime) -> bool:
        """Could files that may be this trail's be another's just as well?"""

        def compute() -> set[Trail]:
            shared: set[Trail] = set()
            for stem in self.stems:
                fitting = [other for other in self.trails if self.matched(other, time, stem) != "not_held"]
                shared.update(fitting if len(fitting) > 1 else ())
            return shared

        return trail in self.once(("shared", time), compute)

    def _delivered(self, trail: Trail, scope: Scope, span: Span, state: State) -> State:
        """The state, lowered where delivery was in doubt and nothing came, or where the files have expired."""
        if trail.key in self.expired:
            state = self.expired[trail.key].state(state, span.start)
        for target in self.targets.get(trail.key, []) if state.state == "logged" else ():
            doubt = target.doubt(span.start)
            if not doubt:
                continue
            until = min((edge for edge in target.edges() if edge > span.start), default=LATEST)
            rows = [row for row in self.delivered if row.scope.aws_region == scope.aws_region]
            arrived = any(
                row.span.end >= span.start + MARGIN and row.span.start < until
                for row in self.files_of(trail, span.start, rows)
            )
            words = f"{trail.key.name} may not have been delivered: {doubt}"
            if not arrived:
                return State("uncertain", words, ("delivery",), trail.key.name, steady=False)
            state = State(state.state, state.basis, state.left_out, state.where, steady=False)
        return state

    # trails of which nothing is known

    def unexplained(self, scope: Scope) -> list[Delivered]:
        """Which records of a scope came that no known trail can have recorded?"""
        return self.once(
            ("unexplained", scope),
            lambda: [
                row for row in self.records_of(scope) if not any(self._explains(t, scope, row) for t in self.trails)
            ],
        )

    def _explains(self, trail: Trail, scope: Scope, row: Delivered) -> bool:
        """Can this trail have recorded it? Rows lie between two changes each."""
        if self.matched(trail, row.span.start, row.stem) == "not_held":
            return False
        # what settles, and the call that ends it, is recorded still
        if any(edge <= row.span.start and row.span.end <= edge + MARGIN for edge in trail.changes()):
            return True
        return self.settled(trail, scope, row.span).state != "not_logged"

    def _by_unknown_trail(self, scope: Scope, span: Span) -> State:
        """What a trail that neither configuration nor events name must have recorded, by what was delivered."""
        listed = "*" in self.trails.listed or scope.aws_region in self.trails.listed
        nothing = State("unknown", "no trail is known that covers it")
        if listed:
            nothing = State("not_logged", "no trail covers it")
        rows, others = self.unexplained(scope), self.unexplained(Scope("management", None, scope.aws_region))
        contradicts = listed and scope.record_class != "management"
        time = self.once(("unexplained hull", scope), lambda: hull(rows if contradicts else [*rows, *others]))
        if time is None or not (time.start <= span.start and span.end <= time.end):
            return nothing
        if contradicts:
            return State("uncertain", "records came although no known trail selects them", ("contradiction",), "files")
        rows = others if scope.record_class == "management" else rows
        if not rows:
            return State("unknown", "the trail whose files these are is not known, and they hold no such record")
        return proven(scope, rows, None, [*rows, *others])


def logging_timeline(case: Case, lost: pd.DataFrame | None = None) -> LoggingTimeline:
    """The logging of a case's account over time.

    Parameters
    ----------
    lost : DataFrame, optional
        Spans whose records were recorded and are gone; see `integrity.lost_spans`.
    """

    def ask(question: str, cuts: Sequence[Span] = ()) -> list[dict[str, Any]]:
        if cuts:
            rows = [{"cut": number, "start_time": cut.start, "end_time": cut.end} for number, cut in enumerate(cuts)]
            columns = {"cut": "integer", "start_time": "timestamp", "end_time": "timestamp"}
            case.engine.provide("visibility_cuts", frame_of(rows, columns))
        return rows_of(case.ask(question))

    window = Span(case.incident.window.start, case.incident.window.end)
    return timeline_of(window, case.incident.buckets, ask, rows_of(lost) if lost is not None else ())


def timeline_of(
    window: Span, named_buckets: Sequence[str], ask: Callable[..., list[Any]], lost: Iterable[Row] = ()
) -> LoggingTimeline:
    """The logging of an account over time, from the rows of this package's questions; see `logging_timeline`.

    Parameters
    ----------
    ask : callable
        From the name of a question, and for ``coverage/delivered`` the spans to cut at, to its rows.
    """
    settings, events = ask("coverage/log_bucket_settings"), ask("coverage/log_bucket_events")
    hours = ask("coverage/delivered_hours")
    ends = max((row["last_time"] for row in hours), default=LATEST)
    trails = trail_timelines(ask("coverage/trail_settings"), ask("coverage/trail_events"), ends)
    targets = {trail.key: list(_targets(trail, settings, events, ends)) for trail in trails}
    undelivered = LoggingTimeline(trails, [], ends, targets)
    delivered = deliveries(ask("coverage/delivered", between(undelivered.setting_edges(), EARLIEST, LATEST)))
    first = LoggingTimeline(trails, delivered, ends, targets)
    for trail in trails:
        _return(first, trail)
    # a change of a trail is recorded in its home Region: find the times in which it would not have been
    unframed = LoggingTimeline(trails, delivered, ends, targets)
    unlogged = {region: unframed.unlogged(region) for region in sorted({trail.key.home_region for trail in trails})}
    for trail in trails:
        trail.frame(unlogged[trail.key.home_region], ends)
    reached = [row for row in ask("configuration/logged_buckets") if row["successes"]]
    buckets = _buckets(named_buckets, reached, settings)
    timeline = LoggingTimeline(
        trails, delivered, ends, targets, {}, window, buckets,
        regions=sorted({region for region in (*(row["aws_region"] for row in hours), *buckets.values()) if region}),
        access_logs=access_logs(settings, events, ask("coverage/delivered_lines")),
        silent=silent_spans(hours, window.start, window.end), unseen=unseen_spans(ask("coverage/unseen_requests")),
        lost=[
            Lost(row.get("aws_region"), row.get("trail_name"), Span(row["start_time"], row["end_time"]),
                 row.get("basis") or "its record is lost")
            for row in lost
        ],
    )  # fmt: skip
    records = [Span(row["first_time"], row["last_time"]) for row in hours]
    collected = max((row["collected_at"] for row in settings), default=None)
    for trail in trails:
        place = trail.destination(ends) or trail.destination(EARLIEST)
        since = min((row.span.start for row in timeline.files_of(trail, ends, delivered)), default=None)
        for target in targets[trail.key]:
            expiry = expired(target, place[1] if place else "", since, records, LAG, collected)
            if expiry:
                timeline.expired[trail.key] = expiry
    by_region = {
        region: timeline.unlogged(region)
        for region in {buckets.get(bucket) for bucket in timeline.access_logs}
        if region
    }
    of_buckets = {bucket: by_region.get(buckets.get(bucket) or "", []) for bucket in timeline.access_logs}
    frame_access_logs(timeline.access_logs, of_buckets, settings, events, ends)
    return timeline


def _targets(trail: Trail, settings: Sequence[Row], events: Sequence[Row], ends: datetime) -> Iterator[LogTarget]:
    for name in {str(point.value) for point in trail.fields["bucket"].points if point.value}:
        yield log_bucket(name, CLOUDTRAIL, settings, events, ends)
    for key in {str(point.value) for point in trail.fields["kms_key"].points if point.value}:
        yield key_target(key, events, ends)


def _return(timeline: LoggingTimeline, trail: Trail) -> None:
    """A trail that was pointed elsewhere, and back with no record of it, is back when records come there again."""
    buckets, prefix = trail.fields["bucket"], trail.fields["prefix"]
    rest = [other for other in timeline.trails if other is not trail]
    others = {place for other in rest for place in timeline.places(other)}
    sure = ("held",) if rest else ("held", "cannot_tell")
    for point, later in pairwise(list(buckets.points)):
        place = (str(later.value), str(prefix.nearest(later.time) or ""))
        if point.how != "changed" or later.how != "seen" or point.value in (None, later.value) or place in others:
            continue
        stems = {stem for stem in timeline.stems if match(place, stem, timeline.destinations) in sure}
        times = [
            row.span.start for row in timeline.delivered if row.stem in stems and point.time + MARGIN <= row.span.start
        ]
        if times and point.time + AWAY <= min(times) < later.time:
            buckets.add(min(times), later.value, "seen", f"records came to s3://{later.value} again")


def _buckets(named: Sequence[str], reached: Sequence[Row], settings: Sequence[Row]) -> dict[str, str | None]:
    """The buckets in scope with their Regions: those that the incident names, else those listed or reached."""
    regions: dict[str, str | None] = {}
    for row in reached:
        regions[row["bucket"]] = row["aws_region"] or regions.get(row["bucket"])
    listed = set(regions)
    for row in settings:
        bucket, response = mapping(row["parameters"]).get("Bucket"), mapping(row["response"])
        if row["operation"] == "ListBuckets":
            listed.update(str(given.get("Name")) for given in mappings(response.get("Buckets")))
        elif bucket and row["error_code"] != "NoSuchBucket":
            listed.add(bucket)
        if row["operation"] == "GetBucketLocation" and row["answer"] == "answered" and bucket:
            place = response.get("LocationConstraint") or GLOBAL
            regions[bucket] = "eu-west-1" if place == "EU" else str(place)
    return {bucket: regions.get(bucket) for bucket in sorted(set(named) or listed)}
