"""Server access logging of each bucket over time: answers backwards, ``PutBucketLogging`` forwards, deliveries as proof.

A change settles for `SETTLING` (one hour: S3 says that it "might take some time", and elsewhere an hour, in both
directions), in which the class is `uncertain`. Disabled is a ``BucketLoggingStatus`` that holds only ``xmlns``; there
is no ``DeleteBucketLogging``. Deliveries through CloudWatch Logs are set up elsewhere (``logs:CreateDelivery``) and
leave no file unless they go to S3: they are named, and count only where lines of the bucket are in the evidence.

Source: S3 User Guide, "Logging requests with server access logging"; field guide 1.5, 3.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from ir_kit.coverage.log_delivery import LOGGING, Expiry, LogTarget, expired, log_bucket
from ir_kit.coverage.states import State
from ir_kit.coverage.trails import INSTANT
from ir_kit.domain.documents import mapping, mappings
from ir_kit.domain.intervals import EARLIEST, LATEST, UNKNOWN, Span, Timeline, around, edges_of, united

SETTLING = HOUR = timedelta(hours=1)
AWAY = timedelta(hours=3)  # without a line, from which an access log that was redirected is taken to be gone
LAG = timedelta(days=1)  # by which lines come after the requests
SILENT_REQUESTS = 3  # data events in hours without any line, from which silence is told
Row = Mapping[str, Any]


@dataclass(eq=False)
class BucketLogging:
    """Where one bucket's access log went, over time."""

    bucket: str
    target: Timeline = field(default_factory=Timeline)  # (bucket, prefix), or None where it is off
    cloudwatch: Timeline = field(default_factory=Timeline)  # bool
    lines: list[Span] = field(default_factory=list)  # first and last line of each hour that has lines, in order
    silent: list[Span] = field(default_factory=list)  # hours in which CloudTrail saw requests and no line came
    log_bucket: LogTarget | None = None
    expiry: Expiry | None = None

    def changes(self) -> list[datetime]:
        """When it was changed, as far as recorded."""
        return sorted({*self.target.changes(), *self.cloudwatch.changes()})

    def edges(self) -> list[datetime]:
        """Moments at which its state may change."""
        edges = {*self.target.edges(), *self.cloudwatch.edges(), *edges_of(self.silent)}
        edges.update(change + SETTLING for change in self.changes())
        for part in (self.log_bucket, self.expiry):
            edges.update(part.edges() if part else ())
        if self.lines:
            edges.update((self.lines[0].start, self.lines[-1].end))
        if self.target.unlogged or not self.target.points:  # where lines have to prove it
            edges.update(edges_of(self.lines))
        return sorted(edges)

    def lines_between(self, start: datetime, end: datetime) -> list[Span]:
        """The hours with lines that begin in this time."""
        first, last = (bisect_left(self.lines, time, key=lambda line: line.start) for time in (start, end))
        return self.lines[first:last]


class AccessLogs(dict[str, BucketLogging]):
    """The access logging of each bucket of which anything is known."""

    ends: datetime = LATEST

    @cached_property
    def log_buckets_held(self) -> set[str]:
        """Log buckets from which lines are in the evidence: lines of a time at which they were the target."""
        buckets = set()
        for log in self.values():
            settling = [Span(change, change + SETTLING) for change in log.changes()]
            for line in log.lines:
                place = log.target.at(line.start).value
                if place and not any(span.holds(line.start) for span in settling):
                    buckets.add(place[0])
        return buckets

    def state(self, bucket: str, time: datetime) -> State:
        """What would have become of the access-log lines of a bucket from this time to the next edge?"""
        log = self.get(bucket)
        if log is None:
            return State("unknown", "there is no evidence whether access logging was on")
        state = self._by_settings(log, time)
        for change in log.changes():
            if change <= time < change + SETTLING:
                before = self._by_settings(log, change - INSTANT)
                if before.state != state.state and "logged" in (before.state, state.state):
                    words = f"access logging settles after a change at {change:%Y-%m-%d %H:%M:%S}"
                    return State("uncertain", words, ("settling",))
        if state.state == "logged" and log.expiry:
            state = log.expiry.state(state, time)
        if state.state != "logged":
            return state
        if any(silent.holds(time) for silent in log.silent):
            words = f"{state.basis}, but no line came while CloudTrail saw requests to it"
            return State("uncertain", words, ("silence",))
        doubt = log.log_bucket.doubt(time) if log.log_bucket else ""
        if log.log_bucket and doubt and not self._arrived(log, log.log_bucket, time):
            return State("uncertain", f"access logs may not have been delivered: {doubt}", ("delivery",))
        return state

    def _arrived(self, log: BucketLogging, target: LogTarget, time: datetime) -> bool:
        """Did lines of any bucket reach the log bucket until its settings changed again?"""
        until = min((edge for edge in target.edges() if edge > time), default=LATEST)
        place = log.target.at(time).value
        others = [
            other for other in self.values()
            if other is log or (place and (other.target.at(time).value or ("",))[0] == place[0])
        ]  # fmt: skip
        return any(line.end > time + SETTLING and line.start < until for other in others for line in other.lines)

    def _by_settings(self, log: BucketLogging, time: datetime) -> State:
        setting, cloud = log.target.at(time), log.cloudwatch.at(time)
        changes = log.changes()
        run = around(time, [*changes, *edges_of(log.target.unlogged)])
        lines = log.lines_between(run.start, run.end)
        # an answer of later that lines, or their absence, contradict tells nothing of before
        silent = not lines and any(run.holds(span.start) for span in log.silent)
        if setting.far and (lines and not setting.value or silent and setting.value):
            setting = UNKNOWN
        if setting.state == "known" and setting.value:
            words = f"s3://{'/'.join(setting.value)}"
            return self._not_held(log, time, setting.value[0], words) or State(
                "logged", f"access log to {words} ({setting.words})"
            )
        if setting.state == "known" and not (cloud.state == "known" and cloud.value):
            return State("not_logged", f"access logging was off ({setting.words})")
        if setting.state == "disputed":
            return State("uncertain", f"access logging was changed unseen: {setting.words}", ("unseen_change",))
        number = bisect_right(log.lines, time, key=lambda line: line.start)
        before = log.lines[number - 1].end if number else EARLIEST
        after = log.lines[number].start if number < len(log.lines) else LATEST
        # off and on again takes an hour each: lines closer than that leave no room for it
        near = after - min(before, time) <= 2 * SETTLING and not any(before < change < after for change in changes)
        if near or (lines and lines[0].start <= time < (run.end if run.end in changes else lines[-1].end)):
            return State("logged", "lines were delivered while no setting changed")
        if cloud.state == "known" and cloud.value:
            words = f"access logs go to CloudWatch Logs or elsewhere ({cloud.words}), which is not in the evidence"
            return State("not_logged", words)
        return State("unknown", "whether access logging was on is not known")

    def _not_held(self, log: BucketLogging, time: datetime, place: str, words: str) -> State | None:
        """The state where no line that went to this log bucket is in the evidence; None where there is one."""
        if place in self.log_buckets_held:
            return None
        moved = max((change for change in log.target.changes() if change <= time), default=LATEST)
        until = min((change for change in log.target.changes() if change > time), default=self.ends)
        away = any(line.start < moved for line in log.lines) and until - moved >= AWAY
        if away or not any(other.lines for other in self.values()):
            return State("not_logged", f"access logs go to {words}, which is not in the evidence")
        return State("unknown", f"access logs go to {words}, and no line from there is in the evidence")


def access_logs(settings: Sequence[Row], events: Sequence[Row], hours: Iterable[Row]) -> AccessLogs:
    """Where did each bucket's access log go, and when?

    Parameters
    ----------
    settings, events, hours : rows of ``coverage/log_bucket_settings``, ``coverage/log_bucket_events`` and
        ``coverage/delivered_lines``
    """
    logs = AccessLogs()

    def of(bucket: str) -> BucketLogging:
        return logs.setdefault(bucket, BucketLogging(bucket))

    names: dict[str, str] = {}  # buckets by the delivery source of their access log
    for row in settings:
        bucket, response = mapping(row["parameters"]).get("Bucket"), mapping(row["response"])
        words = f"{row['operation']} of {row['collected_at']:%Y-%m-%d %H:%M:%S}"
        if row["operation"] == "GetBucketLogging" and bucket and row["error_code"] != "NoSuchBucket":
            of(bucket).target.add(row["collected_at"], target_of(response), "seen", words)
        for source in mappings(response.get("deliverySources")) if "DeliverySources" in row["operation"] else ():
            if source.get("logType") == "S3_SERVER_ACCESS_LOGS":
                for arn in source.get("resourceArns") or []:
                    names[str(source.get("name"))] = str(arn).rpartition(":::")[2]
    for row in settings:
        if row["operation"] == "DescribeDeliveries":
            words = f"DescribeDeliveries of {row['collected_at']:%Y-%m-%d %H:%M:%S}"
            listed = mappings(mapping(row["response"]).get("deliveries"))
            live = {str(delivery.get("deliverySourceName")) for delivery in listed}
            for name, bucket in names.items():
                of(bucket).cloudwatch.add(row["collected_at"], name in live, "seen", words)
    sources: dict[str, str] = {}
    for row in (row for row in events if row["error_code"] is None):
        name, time, request = row["event_name"], row["event_time"], mapping(row["request_parameters"])
        words = f"{name} of {time:%Y-%m-%d %H:%M:%S}"
        if name == "PutBucketLogging" and row["bucket"]:
            status = request.get("BucketLoggingStatus")
            if isinstance(status, dict):
                of(row["bucket"]).target.add(time, target_of(status), "changed", words)
        elif name == "PutDeliverySource" and request.get("logType") == "S3_SERVER_ACCESS_LOGS":
            sources[str(request.get("name"))] = str(request.get("resourceArn")).rpartition(":::")[2]
        elif name in ("CreateDelivery", "DeleteDeliverySource", "DeleteDelivery"):
            named = str(request.get("deliverySourceName" if name == "CreateDelivery" else "name"))
            if name == "DeleteDelivery":  # names a delivery by its id: of the one source, where one alone is known
                named = next(iter(sources)) if len(sources) == 1 else ""
            if named in sources:
                of(sources[named]).cloudwatch.add(time, name == "CreateDelivery", "changed", words)
    by_bucket: dict[str, list[Row]] = {}
    for row in sorted(hours, key=lambda row: row["hour"]):
        by_bucket.setdefault(row["bucket"], []).append(row)
    for bucket, rows in by_bucket.items():
        spans = [Span(row["first_time"], row["last_time"] + timedelta(seconds=1)) for row in rows if row["lines"]]
        of(bucket).lines, of(bucket).silent = spans, silent_hours(rows)
    return logs


def target_of(status: Mapping[str, Any]) -> tuple[str, str] | None:
    """Bucket and prefix of a logging status, in an answer or an event; None where it is off."""
    enabled = status.get("LoggingEnabled")
    if not isinstance(enabled, dict) or not enabled.get("TargetBucket"):
        return None
    return str(enabled["TargetBucket"]), str(enabled.get("TargetPrefix") or "")


def silent_hours(hours: Iterable[Row]) -> list[Span]:
    """In which runs of hours did CloudTrail see requests to a bucket while its access log had no line?

    Hours without either neither end a run nor count. A run counts from `SILENT_REQUESTS` requests on: a single line is
    easily late or lost.
    """
    spans: list[Span] = []
    run: list[Row] = []
    for row in [*hours, {"lines": 1}]:
        if not row["lines"]:
            run += [row] if row["requests"] else []
            continue
        if sum(row["requests"] for row in run) >= SILENT_REQUESTS:
            spans.append(Span(run[0]["hour"], run[-1]["hour"] + HOUR))
        run = []
    return united(spans)


def frame_access_logs(
    logs: AccessLogs,
    unlogged: Mapping[str, Sequence[Span]],
    settings: Sequence[Row],
    events: Sequence[Row],
    ends: datetime,
) -> None:
    """Add to each bucket's access log when a change of it would have left no record, and what its log bucket did.

    Parameters
    ----------
    unlogged : mapping
        Spans by bucket.
    """
    logs.ends = ends
    collected = max((row["collected_at"] for row in settings), default=None)
    targets: dict[str, LogTarget] = {}
    for bucket, log in logs.items():
        for timeline in (log.target, log.cloudwatch):
            timeline.unlogged, timeline.ends = unlogged.get(bucket, ()), ends
        for place, prefix in sorted({point.value for point in log.target.points if point.value}):
            if place not in targets:
                targets[place] = log_bucket(place, LOGGING, settings, events, ends)
            log.log_bucket = targets[place]
            first = log.lines[0].start if log.lines else None
            log.expiry = expired(targets[place], prefix, first, log.lines, LAG, collected) or log.expiry
