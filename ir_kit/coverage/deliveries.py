"""What the delivered files themselves prove: which trail they can be of, which settings they show, where they fell silent."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from os.path import commonprefix
from typing import Any, Literal, NamedTuple, TypeVar

from ir_kit.coverage.states import Scope, State
from ir_kit.coverage.trails import SETTLING, Trail, Trails
from ir_kit.domain.intervals import EARLIEST, Span, united

T = TypeVar("T")
HOUR, MOMENT = timedelta(hours=1), timedelta(seconds=1)
SURE_HOURS = 24  # hours of evidence from which a silence can be told from a quiet hour
CHANCE = 1e-3
LACKING, UNSEEN = 0.1, 3  # share and number of an access log's requests from which CloudTrail is said to lack them
Match = Literal["held", "not_held", "cannot_tell"]
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
