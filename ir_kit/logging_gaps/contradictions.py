"""What the evidence says against itself: settings against deliveries, one log against the other, IAM's last use against
both.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.deliveries import hull
from ir_kit.coverage.logging_timeline import MARGIN, LoggingTimeline, logging_timeline
from ir_kit.coverage.selectors import SelectorSet, coverage_of_bucket, coverage_of_region
from ir_kit.coverage.states import Scope
from ir_kit.coverage.trails import Trail, document, moment
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.intervals import Span, between
from ir_kit.logging_gaps.tampering import log_destinations

COLUMNS = {
    "kind": "varchar",
    "subject": "varchar",
    "start_time": "timestamp",
    "end_time": "timestamp",
    "statement": "varchar",
    "access_key_id": "varchar",
}
HISTORY = {
    "trail_name": "varchar",
    "home_region": "varchar",
    "account_id": "varchar",
    "start_time": "timestamp",
    "end_time": "timestamp",
    "logging_status": "varchar",
    "management": "varchar",
    "data_read": "varchar",
    "data_write": "varchar",
    "destination": "varchar",
    "files_held": "varchar",
    "basis": "varchar",
}
NEAR = timedelta(minutes=15)  # IAM notes the first use within so many minutes
WRITES = ("PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject", "DeleteObjects")
Rows = list[dict[str, Any]]


def contradictions(case: Case) -> pd.DataFrame:
    """Where does the evidence speak against itself, so that a record must be missing or a setting was not what it is
    said to be?

    Returns
    -------
    DataFrame
        One row per contradiction; empty if none. Also written to ``logging_gaps/contradictions``.

    Notes
    -----
    A silence is told from a Region's own habit, see `deliveries.silent_spans`; a quiet account cannot be told from a
    gap.
    """
    replayed = logging_timeline(case)
    found = [*_silences(replayed), *_off_and_delivered(replayed), *_silent_access_logs(replayed)]
    found += [*_uses_without_record(case, replayed), *_log_buckets_touched(case, replayed), *_failed_deliveries(case)]
    found += expired_logs(replayed, replayed.window)
    found.sort(key=lambda row: (row["start_time"], row["kind"], row["subject"]))
    frame = frame_of(found, COLUMNS)
    case.write_table("logging_gaps/contradictions", frame)
    return frame


def expired_logs(replayed: LoggingTimeline, window: Span) -> Rows:
    """The times of the window of which a lifecycle rule had removed log objects before they were collected."""
    expired = [(f"trail {key.name}", one) for key, one in replayed.expired.items()]
    expired += [(f"access log of {bucket}", one) for bucket, log in replayed.access_logs.items() if (one := log.expiry)]
    found = []
    for subject, one in expired:
        span = Span(window.start, min(one.gone, one.first or one.gone, window.end))
        if span.start < span.end:
            words = f"{one.words}: what had come until {one.gone:%Y-%m-%d %H:%M} was gone when it was collected, and nothing of this time is held"
            found.append(_row("log_objects_expired", subject, span, words))
    return found


def _row(kind: str, subject: str, span: Span, statement: str, key: str | None = None) -> dict[str, Any]:
    return {
        "kind": kind,
        "subject": subject,
        "start_time": span.start,
        "end_time": span.end,
        "statement": statement,
        "access_key_id": key,
    }


def _hours(span: Span) -> str:
    return f"{(span.end - span.start) / timedelta(hours=1):.1f} hours"


def _silences(replayed: LoggingTimeline) -> Rows:
    """Hours without any record of a Region that is never as quiet, while a trail was on."""
    found = []
    for region, spans in replayed.silent.items():
        scope = Scope("management", None, region)
        for span in spans:
            on = [
                trail.key.name
                for trail in replayed.trails
                if replayed.trail_state(trail, scope, Span(span.start, span.start + MARGIN)).state == "logged"
            ]
            if on:
                words = f"{', '.join(on)} is said to have been on, but {region} has no record for {_hours(span)}"
                found.append(_row("no_files_while_on", region, span, words))
    return found


def _off_and_delivered(replayed: LoggingTimeline) -> Rows:
    """Records that came while every trail that could have delivered them was off."""
    found = []
    for region in replayed.regions:
        rows = replayed.unexplained(Scope("management", None, region))
        rows = [row for row in rows if replayed.window.touches(row.span.start, row.span.end)]
        if rows and replayed.trails.by_key:
            span = Span(min(row.span.start for row in rows), max(row.span.end for row in rows))
            count = sum(row.records for row in rows)
            words = (
                f"{count} records came while every trail that is known was off, or did not select them: "
                "another trail delivers here"
            )
            found.append(_row("files_while_off", region, span, words))
    return found


def _silent_access_logs(replayed: LoggingTimeline) -> Rows:
    found = []
    for bucket, one in sorted(replayed.access_logs.items()):
        for span in one.silent:
            on = one.target.at(span.start)
            if on.state == "known" and on.value and replayed.window.touches(span.start, span.end):
                words = (
                    f"access logging was on ({on.words}), CloudTrail saw requests, and no line came for {_hours(span)}"
                )
                found.append(_row("silent_access_log", bucket, span, words))
    return found


def _uses_without_record(case: Case, replayed: LoggingTimeline) -> Rows:
    """A key's last use by IAM, which no log shows: a gap proven, and worse where it would have been logged."""
    found = []
    for row in rows_of(case.ask("logging_gaps/last_uses")):
        used = moment(row["last_used_date"])
        service = str(row["last_used_service"])
        if used is None or not replayed.window.holds(used) or service in ("N/A", "None"):
            continue
        source = service if service.endswith(".amazonaws.com") else f"{service}.amazonaws.com"
        around = Span(used - NEAR, used + NEAR)
        seen = rows_of(
            case.ask(
                "logging_gaps/key_uses",
                access_key_id=row["access_key_id"],
                event_source=source,
                use_start=around.start,
                use_end=around.end,
            )
        )[0]
        if seen["events"] or seen["lines"]:
            continue
        regions = replayed.regions if row["last_used_region"] in (None, "N/A") else [row["last_used_region"]]
        scopes = [Scope("management", None, region) for region in regions]
        if service == "s3":
            scopes += [
                Scope(kind, bucket, region)
                for bucket, region in replayed.buckets.items()
                for kind in ("data_read", "data_write")
            ]
        blind = [scope for scope in scopes if replayed.state(scope, Span(used, used + MARGIN / 900)).state != "logged"]
        where = "though every such call would have been logged" if scopes and not blind else _blind_words(blind)
        words = f"IAM names a use of {service} at {used:%Y-%m-%d %H:%M:%S}, which no log shows, {where}"
        found.append(_row("use_without_record", row["access_key_id"], around, words, row["access_key_id"]))
    return found


def _blind_words(blind: list[Scope]) -> str:
    buckets = sorted({str(scope.bucket) for scope in blind if scope.bucket})
    listed = ", ".join(buckets[:5]) + (f" and {len(buckets) - 5} more" if len(buckets) > 5 else "")
    return f"where data events of {listed} were not logged" if buckets else "where management events were not logged"


def _log_buckets_touched(case: Case, replayed: LoggingTimeline) -> Rows:
    """Writes into and deletions from log buckets by anybody but the services that log."""
    rows = rows_of(case.ask("logging_gaps/tampering", log_buckets=sorted(log_destinations(replayed))))
    touched: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        if row["event_name"] in WRITES and row["error_code"] is None:
            touched.setdefault((row["bucket"], row["access_key_id"] or ""), []).append(row["event_time"])
    return [
        _row(
            "log_bucket_written",
            bucket,
            Span(min(times), max(times) + timedelta(seconds=1)),
            f"{len(times)} objects of the log bucket were written or deleted by {key or 'a caller without a key'}: "
            "what it holds is not all as it was delivered",
            key or None,
        )
        for (bucket, key), times in sorted(touched.items())
    ]


def _failed_deliveries(case: Case) -> Rows:
    """Errors of delivery that a trail's status names."""
    found = []
    for row in rows_of(case.ask("coverage/trail_settings")):
        response = document(row["response"])
        error = response.get("LatestDeliveryError")
        if row["operation"] == "GetTrailStatus" and error:
            delivered = moment(response.get("LatestDeliveryTime")) or row["collected_at"]
            asked = document(row["parameters"])
            name = str(asked.get("Name") or asked.get("TrailName")).rpartition("/")[2]
            worked = f"the last that worked was at {delivered:%Y-%m-%d %H:%M:%S}"
            words = f"the trail is on, but its last delivery failed ({error}); {worked}"
            found.append(
                _row("delivery_failed", name, Span(min(delivered, row["collected_at"]), row["collected_at"]), words)
            )
    return found


def trail_history(case: Case) -> pd.DataFrame:
    """What could each trail see, before and after each change of it?

    Returns
    -------
    DataFrame
        One row per trail and interval of the window; empty if no trail is known. Also written to
        ``logging_gaps/trails``.
    """
    replayed = logging_timeline(case)
    found: Rows = []
    for trail in replayed.trails:
        hulls = [edge for one in replayed.hulls(trail) for edge in (one.start, one.end)]
        for span in between([*trail.edges(), *hulls], replayed.window.start, replayed.window.end):
            row = _history(replayed, trail, span)
            if found and all(
                found[-1][name] == row[name] for name in HISTORY if name not in ("start_time", "end_time", "basis")
            ):
                found[-1]["end_time"] = span.end
            else:
                found.append(row)
    frame = frame_of(found, HISTORY)
    case.write_table("logging_gaps/trails", frame)
    return frame


def _history(replayed: LoggingTimeline, trail: Trail, span: Span) -> dict[str, Any]:
    on, chosen = trail.logging.at(span.start), trail.selectors.at(span.start)
    place = trail.destination(span.start)
    status = ("yes" if on.value else "no") if on.state == "known" else "unknown"
    run, recorded_end = trail.run(span.start)
    alive = hull(replayed.run_records(trail, run))
    until = run.end if recorded_end or alive is None else alive.end
    proven = status == "unknown" and alive is not None and alive.start <= span.start < until
    return {
        "trail_name": trail.key.name,
        "home_region": trail.key.home_region,
        "account_id": trail.key.account,
        "start_time": span.start,
        "end_time": span.end,
        "logging_status": "yes" if proven else status,
        **{
            kind: _selected(replayed, kind, chosen.value if chosen.state == "known" else None, status)
            for kind in ("management", "data_read", "data_write")
        },
        "destination": f"s3://{place[0]}/{place[1]}" if place else None,
        "files_held": replayed.files_held(trail, span.start),
        "basis": "; ".join(
            dict.fromkeys(
                words for words in (on.words, chosen.words, "by what it delivered" if proven else "") if words
            )
        ),
    }


def _selected(replayed: LoggingTimeline, record_class: str, selectors: SelectorSet | None, status: str) -> str:
    if status == "no":
        return "none"
    if selectors is None:
        return "unknown"
    if record_class == "management":
        covered = coverage_of_region(selectors)
        return covered.words if covered.kind == "partly" else covered.kind
    every = coverage_of_bucket(selectors, "\x00any", record_class)
    if every.kind == "all":
        return "all"
    parts = []
    for bucket in replayed.buckets:
        one = coverage_of_bucket(selectors, bucket, record_class)
        if one.kind != "none":
            parts.append(bucket if one.kind == "all" else f"{bucket} ({one.words})")
    return ", ".join(parts) or ("none" if every.kind == "none" else every.words)
