"""Everything that a replay of logging needs, fetched from an open case and put together once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.bucket_logging import replayed_bucket_logging
from ir_kit.coverage.deliveries import deliveries, match, silent_spans, unseen_spans
from ir_kit.coverage.log_buckets import CLOUDTRAIL, LOGGING, Expiry, LogTarget, key_target, log_bucket
from ir_kit.coverage.recording import MARGIN, Recording
from ir_kit.coverage.replays import Replay
from ir_kit.coverage.trails import Trail, document, replayed_trails
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.intervals import EARLIEST, LATEST, Span, between

SPAN_COLUMNS = {"cut": "integer", "start_time": "timestamp", "end_time": "timestamp"}
DAY = timedelta(days=1)
AWAY = timedelta(hours=1)  # without a record, from which a trail that was pointed elsewhere is taken to have been away
TRAIL_LAG, LINES_LAG = timedelta(hours=1), timedelta(days=1)  # by which deliveries come after what they tell
GLOBAL = "us-east-1"
Row = dict[str, Any]


@dataclass
class Evidence:
    """What a replay is made of: the answers to the questions of ``logging_gaps``, as rows.

    `delivered` answers for spans of time, which are known only once the changes are.
    """

    window: Span
    delivered: Callable[[list[Span]], list[Row]]
    trail_settings: list[Row] = field(default_factory=list)
    trail_events: list[Row] = field(default_factory=list)
    bucket_settings: list[Row] = field(default_factory=list)
    bucket_events: list[Row] = field(default_factory=list)
    hours: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    reached: list[Row] = field(default_factory=list)
    buckets: tuple[str, ...] = ()
    unseen: list[Row] = field(default_factory=list)


def replay(case: Case, lost: pd.DataFrame | None = None) -> Replay:
    """The logging of a case's account over time.

    Parameters
    ----------
    lost : DataFrame, optional
        See `visibility.visibility`.
    """

    def rows(question: str) -> list[Row]:
        return rows_of(case.ask(question))

    def delivered(spans: list[Span]) -> list[Row]:
        cuts = [{"cut": number, "start_time": span.start, "end_time": span.end} for number, span in enumerate(spans)]
        case.engine.provide("visibility_cuts", frame_of(cuts, SPAN_COLUMNS))
        return rows("coverage/delivered")

    evidence = Evidence(
        Span(case.incident.window.start, case.incident.window.end),
        delivered,
        rows("coverage/trail_settings"),
        rows("coverage/trail_events"),
        rows("coverage/log_bucket_settings"),
        rows("coverage/log_bucket_events"),
        rows("coverage/delivered_hours"),
        rows("coverage/delivered_lines"),
        [row for row in rows("configuration/logged_buckets") if row["successes"]],
        tuple(case.incident.buckets),
        rows("coverage/unseen_requests"),
    )
    return replayed(evidence, rows_of(lost) if lost is not None else [])


def replayed(evidence: Evidence, lost: Iterable[Row] = ()) -> Replay:
    """The replay of this evidence; see `replay`."""
    settings, events = evidence.bucket_settings, evidence.bucket_events
    ends = max((row["last_time"] for row in evidence.hours), default=LATEST)
    trails = replayed_trails(evidence.trail_settings, evidence.trail_events, ends)
    recording = Recording(trails, [], ends)
    for trail in trails:
        recording.targets[trail.key] = list(_targets(trail, settings, events, ends))
    recording.delivered = deliveries(evidence.delivered(between(recording.edges(), EARLIEST, LATEST)))
    for trail in trails:
        _returned(recording, trail)
    # a change of a trail is recorded in its home Region: find the times in which it would not have been
    dark = {region: recording.dark(region) for region in sorted({trail.key.home_region for trail in trails})}
    for trail in trails:
        trail.frame(dark[trail.key.home_region], ends)
    recording.forget()
    for trail in trails:
        _expire(recording, trail, settings, evidence.hours)
    buckets = _buckets(evidence)
    access_logs = replayed_bucket_logging(settings, events, evidence.lines)
    regions = sorted(
        {row["aws_region"] for row in evidence.hours if row["aws_region"]} | {one for one in buckets.values() if one}
    )
    window = evidence.window
    found = Replay(
        window,
        recording,
        buckets,
        regions,
        access_logs,
        silent=silent_spans(evidence.hours, window.start, window.end),
        unseen=unseen_spans(evidence.unseen),
        ends=ends,
        lines_held=any(one.lines for one in access_logs.values()),
    )
    _frame_access_logs(found, settings, events, ends)
    for row in lost:
        span = Span(row["start_time"], row["end_time"])
        found.lost.append(
            (row.get("aws_region"), row.get("trail_name"), span, row.get("basis") or "its record is lost")
        )
    return found


def _returned(recording: Recording, trail: Trail) -> None:
    """A trail that was pointed elsewhere, and back with nothing to tell of it, is back when records come there again."""
    timeline, prefix = trail.fields["bucket"], trail.fields["prefix"]
    rest = [other for other in recording.trails if other is not trail]
    others = {place for other in rest for place in recording.places(other)}
    sure = ("held",) if rest else ("held", "cannot_tell")
    for point, later in pairwise(list(timeline.points)):
        place = (str(later.value), str(prefix.nearest(later.time) or ""))
        if point.how != "changed" or later.how != "seen" or point.value in (None, later.value) or place in others:
            continue
        came = [
            row.span.start
            for row in recording.delivered
            if match(place, row.stem, recording.destinations) in sure and point.time + MARGIN <= row.span.start
        ]
        if came and point.time + AWAY <= min(came) < later.time:
            timeline.add(min(came), later.value, "seen", f"records came to s3://{later.value} again")


def _targets(trail: Trail, settings: list[Row], events: list[Row], ends: datetime) -> Iterable[LogTarget]:
    for name in {str(point.value) for point in trail.fields["bucket"].points if point.value}:
        yield log_bucket(name, CLOUDTRAIL, settings, events, ends)
    for key in {str(point.value) for point in trail.fields["kms_key"].points if point.value}:
        yield key_target(key, events, ends)


def _frame_access_logs(found: Replay, settings: list[Row], events: list[Row], ends: datetime) -> None:
    dark: dict[str | None, tuple[Span, ...]] = {None: ()}
    targets: dict[str, LogTarget] = {}
    for bucket, one in found.access_logs.items():
        region = found.buckets.get(bucket)
        if region not in dark:
            dark[region] = tuple(found.recording.dark(str(region)))
        for timeline in (one.target, one.cloudwatch):
            timeline.dark, timeline.ends = dark[region], ends
        places = sorted({point.value for point in one.target.points if point.value})
        for place, prefix in places:
            if place not in targets:
                targets[place] = log_bucket(place, LOGGING, settings, events, ends)
            found.line_targets[bucket] = targets[place]
            first = one.lines[0].start if one.lines else None
            expiry = _expired(targets[place], prefix, first, one.lines, LINES_LAG, settings)
            if expiry:
                found.line_expiry[bucket] = expiry


def _expire(recording: Recording, trail: Trail, settings: list[Row], hours: list[Row]) -> None:
    held = [Span(row["first_time"], row["last_time"]) for row in hours]
    for target in recording.targets.get(trail.key, []):
        place = trail.destination(recording.ends) or trail.destination(EARLIEST)
        rows = recording.files_of(trail, recording.ends, recording.delivered)
        first = min((row.span.start for row in rows), default=None)
        expiry = _expired(target, place[1] if place else "", first, held, TRAIL_LAG, settings)
        if expiry:
            recording.expired[trail.key] = expiry


def _expired(
    target: LogTarget, prefix: str, first: datetime | None, held: list[Span], lag: timedelta, settings: list[Row]
) -> Expiry | None:
    """Which log objects had a lifecycle rule removed before they could be collected, one that has been taken back
    included?
    """
    collected = max((row["collected_at"] for row in settings), default=None)
    if collected is None:
        return None
    found: list[tuple[datetime, str]] = []
    points = [point for point in target.expiry.points if point.time <= collected]
    for number, point in enumerate(points):
        before = points[number - 1].time if number else EARLIEST
        start = point.time if point.how == "changed" else before
        end = points[number + 1].time if number + 1 < len(points) else collected
        days = [days for rule, days in point.value if prefix.startswith(rule) or rule.startswith(prefix)]
        # objects go at the midnight after their last day
        midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
        if days and midnight > start:
            words = f"log objects expire after {min(days)} days ({point.words})"
            found.append((midnight - min(days) * DAY, words))
    if not found:
        return None
    gone, words = max(found)
    return Expiry(gone, first, _whole_from(held, first or gone, gone, lag), words)


def _whole_from(held: list[Span], first: datetime, gone: datetime, lag: timedelta) -> datetime:
    """From when on is everything held? Records without a gap up to `gone` were not expired; the first of them may have
    come late, by the lag of deliveries.
    """
    start = gone
    for span in sorted(held, reverse=True):
        if span.start < gone:
            if start - span.end > lag:
                break
            start = min(start, span.start)
    return max(start, first) + lag


def _buckets(evidence: Evidence) -> dict[str, str | None]:
    """The buckets in scope with their Regions: those that the incident names, else those listed or reached."""
    regions: dict[str, str | None] = {}
    listed: list[str] = []
    for row in evidence.reached:
        regions[row["bucket"]] = row["aws_region"] or regions.get(row["bucket"])
    for row in evidence.bucket_settings:
        asked, response = document(row["parameters"]), document(row["response"])
        if row["operation"] == "ListBuckets":
            listed += [str(one.get("Name")) for one in response.get("Buckets") or []]
        elif row["operation"] == "GetBucketLocation" and row["answer"] == "answered" and asked.get("Bucket"):
            place = response.get("LocationConstraint") or GLOBAL
            regions[asked["Bucket"]] = "eu-west-1" if place == "EU" else str(place)
            listed.append(str(asked["Bucket"]))
        elif asked.get("Bucket") and row["error_code"] != "NoSuchBucket":
            listed.append(str(asked["Bucket"]))
    chosen = evidence.buckets or [*listed, *(row["bucket"] for row in evidence.reached)]
    return {bucket: regions.get(bucket) for bucket in sorted(set(chosen))}
