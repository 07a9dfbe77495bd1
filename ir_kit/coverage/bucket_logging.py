"""Server access logging of each bucket over time: answers backwards, ``PutBucketLogging`` forwards, deliveries as
proof.

A change settles for `SETTLING` (one hour: S3 says that it "might take some time", and elsewhere an hour, in both
directions), in which the class is `uncertain`. Disabled is a ``BucketLoggingStatus`` that holds only ``xmlns``; there
is no ``DeleteBucketLogging``. Deliveries through CloudWatch Logs are set up elsewhere (``logs:CreateDelivery``) and
leave no file unless they go to S3: they are named, and count only where lines of the bucket are held.

Source: S3 User Guide, "Logging requests with server access logging"; field guide 1.5, 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ir_kit.coverage.trails import document
from ir_kit.domain.intervals import Span, Timeline, united

SETTLING = timedelta(hours=1)
HOUR = timedelta(hours=1)
SILENT_REQUESTS = 3  # data events in hours without any line, from which silence is told
Row = Mapping[str, Any]


@dataclass
class BucketLogging:
    """Where one bucket's access log went, over time."""

    bucket: str
    target: Timeline = field(default_factory=Timeline)  # (bucket, prefix), or None where it is off
    cloudwatch: Timeline = field(default_factory=Timeline)  # bool
    lines: list[Span] = field(default_factory=list)  # first and last line of each hour that has lines
    silent: list[Span] = field(default_factory=list)  # hours in which CloudTrail saw requests and no line came

    def edges(self) -> list[datetime]:
        return [*self.target.edges(), *self.cloudwatch.edges()]

    def changes(self) -> list[datetime]:
        return sorted({*self.target.changes(), *self.cloudwatch.changes()})


def replayed_bucket_logging(
    settings: Iterable[Row], events: Iterable[Row], hours: Iterable[Row]
) -> dict[str, BucketLogging]:
    """Where did each bucket's access log go, and when?

    Parameters
    ----------
    settings : rows of ``logging_gaps/log_bucket_settings``
    events : rows of ``logging_gaps/log_bucket_events``
    hours : rows of ``logging_gaps/delivered_lines``
    """
    found: dict[str, BucketLogging] = {}

    def of(bucket: str) -> BucketLogging:
        return found.setdefault(bucket, BucketLogging(bucket))

    rows = list(settings)
    for row in rows:
        asked = document(row["parameters"])
        if row["operation"] == "GetBucketLogging" and asked.get("Bucket") and row["error_code"] != "NoSuchBucket":
            words = f"GetBucketLogging of {row['collected_at']:%Y-%m-%d %H:%M:%S}"
            of(asked["Bucket"]).target.add(row["collected_at"], target_of(document(row["response"])), "seen", words)
    _cloudwatch_settings(rows, of)
    sources: dict[str, list[str]] = {}
    for row in events:
        if row["error_code"] is not None:
            continue
        words = f"{row['event_name']} of {row['event_time']:%Y-%m-%d %H:%M:%S}"
        request = document(row["request_parameters"])
        if row["event_name"] == "PutBucketLogging" and row["bucket"]:
            status = request.get("BucketLoggingStatus")
            if isinstance(status, dict):
                of(row["bucket"]).target.add(row["event_time"], target_of(status), "changed", words)
        elif row["event_source"] == "logs.amazonaws.com":
            _cloudwatch_event(row, request, sources, of, words)
    by_bucket: dict[str, list[Row]] = {}
    for row in hours:
        by_bucket.setdefault(row["bucket"], []).append(row)
    for bucket, given in by_bucket.items():
        one = of(bucket)
        one.lines = [Span(row["first_time"], row["last_time"] + timedelta(seconds=1)) for row in given if row["lines"]]
        one.silent = silent_hours(given)
    return found


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
    found: list[Span] = []
    run: list[Row] = []

    def close() -> None:
        if sum(row["requests"] for row in run) >= SILENT_REQUESTS:
            found.append(Span(run[0]["hour"], run[-1]["hour"] + HOUR))
        run.clear()

    for row in sorted(hours, key=lambda row: row["hour"]):
        if row["lines"]:
            close()
        elif row["requests"]:
            run.append(row)
    close()
    return united(found)


def _cloudwatch_settings(rows: list[Row], of: Any) -> None:
    """Deliveries as they stood when they were asked for."""
    sources: dict[str, str] = {}
    for row in rows:
        if row["operation"] == "DescribeDeliverySources":
            for one in document(row["response"]).get("deliverySources") or []:
                if one.get("logType") == "S3_SERVER_ACCESS_LOGS":
                    for arn in one.get("resourceArns") or []:
                        sources[str(one.get("name"))] = str(arn).rpartition(":::")[2]
    for row in rows:
        if row["operation"] == "DescribeDeliveries":
            words = f"DescribeDeliveries of {row['collected_at']:%Y-%m-%d %H:%M:%S}"
            live = {str(one.get("deliverySourceName")) for one in document(row["response"]).get("deliveries") or []}
            for name, bucket in sources.items():
                of(bucket).cloudwatch.add(row["collected_at"], name in live, "seen", words)


def _cloudwatch_event(row: Row, request: Mapping[str, Any], sources: dict[str, list[str]], of: Any, words: str) -> None:
    name = row["event_name"]
    if name == "PutDeliverySource" and request.get("logType") == "S3_SERVER_ACCESS_LOGS":
        sources[str(request.get("name"))] = [str(request.get("resourceArn")).rpartition(":::")[2]]
    elif name == "CreateDelivery":
        for bucket in sources.get(str(request.get("deliverySourceName")), []):
            of(bucket).cloudwatch.add(row["event_time"], True, "changed", words)
    elif name == "DeleteDeliverySource":
        for bucket in sources.get(str(request.get("name")), []):
            of(bucket).cloudwatch.add(row["event_time"], False, "changed", words)
    elif name == "DeleteDelivery" and len(sources) == 1:
        # the call names a delivery by its id; where one source alone is known, it is meant
        for bucket in next(iter(sources.values())):
            of(bucket).cloudwatch.add(row["event_time"], False, "changed", words)
