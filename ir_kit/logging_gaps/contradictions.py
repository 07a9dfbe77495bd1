"""What the evidence says against itself: settings against deliveries, one log against the other, IAM's note of a key's
last use against both.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.logging_timeline import MARGIN, LoggingTimeline, logging_timeline
from ir_kit.coverage.selectors import CLASSES, Scope
from ir_kit.coverage.trails import moment
from ir_kit.coverage.visibility import NEAR, duration, logged_uses
from ir_kit.domain.documents import frame_of, mapping, rows_of
from ir_kit.domain.intervals import Span
from ir_kit.findings import join_names
from ir_kit.logging_gaps.tampering import calls, log_destinations
from ir_kit.tables import types_of

TABLE = "logging_gaps/contradictions"
INSTANT = timedelta(seconds=1)
Found = Iterator[tuple[str, str, Span, str]]  # kind, subject, times, statement


def contradictions(case: Case) -> pd.DataFrame:
    """Where does the evidence speak against itself, so that a record must be missing or a setting was not what it is
    said to be?

    Returns
    -------
    DataFrame
        One row per contradiction; empty if none. Also written to ``logging_gaps/contradictions``.

    Notes
    -----
    A silence is told from a Region's own habit, see `logging_timeline.silent_spans`; a quiet account cannot be told from a
    gap.
    """
    replayed = logging_timeline(case)
    rows = [
        {"kind": kind, "subject": subject, "start_time": span.start, "end_time": span.end, "statement": words}
        for results in (
            trails_against_files(case, replayed),
            access_logs_silent(replayed),
            log_objects_expired(replayed),
        )
        for kind, subject, span, words in results
    ]
    rows += [*uses_without_record(case, replayed), *log_buckets_written(case, replayed)]
    rows.sort(key=lambda row: (row["start_time"], row["kind"], row["subject"]))
    frame = frame_of(rows, types_of(TABLE))
    case.write_table(TABLE, frame)
    return frame


def log_objects_expired(replayed: LoggingTimeline) -> Found:
    """The times of the window of which a lifecycle rule had removed log objects before they were collected."""
    expired = [(f"trail {key.name}", expiry) for key, expiry in replayed.expired.items()]
    expired += [
        (f"access log of {bucket}", expiry) for bucket, log in replayed.access_logs.items() if (expiry := log.expiry)
    ]
    for subject, expiry in expired:
        span = Span(replayed.window.start, min(expiry.gone, expiry.first or expiry.gone, replayed.window.end))
        if span.start < span.end:
            words = f"{expiry.words}: what had come until {expiry.gone:%Y-%m-%d %H:%M} was gone when it was collected, and nothing of this time is held"
            yield "log_objects_expired", subject, span, words


def trails_against_files(case: Case, replayed: LoggingTimeline) -> Found:
    """Trails that were on while no record came, or off while records came; deliveries that failed."""
    recording = replayed
    for region in replayed.regions:
        scope = Scope("management", None, region)
        for span in replayed.silent.get(region, []):  # of a Region that is never as quiet
            start = Span(span.start, span.start + MARGIN)
            on = [
                trail.key.name
                for trail in recording.trails
                if recording.trail_state(trail, scope, start).state == "logged"
            ]
            if on:
                words = f"{', '.join(on)} is said to have been on, but {region} has no record for {duration(span.end - span.start)}"
                yield "no_files_while_on", region, span, words
        arrived = [row for row in recording.unexplained(scope) if replayed.window.touches(row.span.start, row.span.end)]
        if arrived and recording.trails.by_key:
            span = Span(min(row.span.start for row in arrived), max(row.span.end for row in arrived))
            words = f"{sum(row.records for row in arrived)} records came while every trail that is known was off, or did not select them: another trail delivers here"  # noqa: E501
            yield "files_while_off", region, span, words
    for row in rows_of(case.ask("coverage/log_settings")):
        status, answered = mapping(row["response"]), mapping(row["parameters"])
        if row["operation"] == "GetTrailStatus" and (error := status.get("LatestDeliveryError")):
            delivered = moment(status.get("LatestDeliveryTime")) or row["collected_at"]
            name = str(answered.get("Name") or answered.get("TrailName")).rpartition("/")[2]
            words = f"the trail is on, but its last delivery failed ({error}); the last that worked was at {delivered:%Y-%m-%d %H:%M:%S}"
            yield "delivery_failed", name, Span(min(delivered, row["collected_at"]), row["collected_at"]), words


def access_logs_silent(replayed: LoggingTimeline) -> Found:
    """Access logs that were on, and had no line while CloudTrail saw requests."""
    for bucket, log in sorted(replayed.access_logs.items()):
        for span in log.silent:
            on = log.target.at(span.start)
            if on.state == "known" and on.value and replayed.window.touches(span.start, span.end):
                words = f"access logging was on ({on.words}), CloudTrail saw requests, and no line came for {duration(span.end - span.start)}"
                yield "silent_access_log", bucket, span, words


def uses_without_record(case: Case, replayed: LoggingTimeline) -> Iterator[dict[str, Any]]:
    """A key's last use by IAM, which no log shows: a gap proven, and worse where it would have been logged."""
    for row in rows_of(case.ask("logging_gaps/last_uses")):
        used, service, key = moment(row["last_used_date"]), str(row["last_used_service"]), row["access_key_id"]
        if used is None or not replayed.window.holds(used) or service in ("N/A", "None"):
            continue
        if any(logged_uses(case, key, service, used)):
            continue
        regions = replayed.regions if row["last_used_region"] in (None, "N/A") else [row["last_used_region"]]
        scopes = [Scope("management", None, region) for region in regions]
        if service == "s3":
            scopes += [
                Scope(kind, bucket, region) for bucket, region in replayed.buckets.items() for kind in CLASSES[1:]
            ]
        span = Span(used, used + INSTANT)
        blind = [scope for scope in scopes if replayed.state(scope, span).state != "logged"]
        buckets = sorted({scope.bucket for scope in blind if scope.bucket})
        where = f"where data events of {join_names(buckets, 5)} were not logged"
        if not buckets:
            logged = scopes and not blind
            where = (
                "though every such call would have been logged" if logged else "where management events were not logged"
            )
        words = f"IAM names a use of {service} at {used:%Y-%m-%d %H:%M:%S}, which no log shows, {where}"
        yield {"kind": "use_without_record", "subject": key, "start_time": used - NEAR, "end_time": used + NEAR,
               "statement": words, "access_key_id": key}  # fmt: skip


def log_buckets_written(case: Case, replayed: LoggingTimeline) -> Iterator[dict[str, Any]]:
    """Writes into and deletions from log buckets by anybody but the services that log."""
    rows = pd.DataFrame(
        calls(case, log_destinations(replayed)),
        columns=["bucket", "access_key_id", "event_time", "outcome", "target_parameter"],
    )
    rows = rows[(rows["target_parameter"] == "key") & (rows["outcome"] == "success")]
    for (bucket, key), times in rows.groupby(["bucket", "access_key_id"], dropna=False)["event_time"]:
        key = key if isinstance(key, str) else None
        words = f"{len(times)} objects of the log bucket were written or deleted by {key or 'a caller without a key'}: what it holds is not all as it was delivered"  # noqa: E501
        yield {"kind": "log_bucket_written", "subject": bucket, "start_time": times.min(), "statement": words,
               "end_time": times.max() + INSTANT, "access_key_id": key}  # fmt: skip
