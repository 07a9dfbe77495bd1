"""Where access logs go, and what keeps a log bucket or a key from taking logs, over time, lifecycle expiry included.

A fault makes delivery doubtful: records that arrived in spite of it prove that it did not bite. Sources: S3 User Guide,
"Enabling server access logging" (no Requester Pays, no default retention, SSE-S3 only, a bucket policy or the log delivery
group's ACL); CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail", "Configure KMS key policies". Field guide 1.5, 3.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, Literal

from ir_kit.configuration.change_events import expiry_rules
from ir_kit.coverage.selectors import State
from ir_kit.coverage.trails import Logging, Trail
from ir_kit.domain.documents import mappings
from ir_kit.domain.intervals import EARLIEST, LATEST, UNKNOWN, Span, Timeline, edges_of
from ir_kit.policies.decisions import Policies, Request, decide
from ir_kit.policies.policy_documents import Principal, parse_policy

CLOUDTRAIL, LOGGING = "cloudtrail.amazonaws.com", "logging.s3.amazonaws.com"
ACCESS_LOGS = "S3_SERVER_ACCESS_LOGS"
AWAY = timedelta(hours=3)  # without a line, from which an access log that was redirected is taken to be gone
DAY = LAG = timedelta(days=1)  # by which lines come after the requests
Row = Mapping[str, Any]


@dataclass
class LogTarget:
    """A log bucket (or a key) over time: a timeline of faults for each setting; an empty text is no fault."""

    name: str
    faults: defaultdict[str, Timeline] = field(default_factory=lambda: defaultdict(Timeline))
    expiry: Timeline = field(default_factory=Timeline)  # list of (prefix, days)

    def doubt(self, time: datetime) -> str:
        """What speaks against delivery at this time; empty where nothing does."""
        settings = [timeline.at(time) for _, timeline in sorted(self.faults.items())]
        return "; ".join(f"{fault.value} ({fault.words})" for fault in settings if fault.value)

    def edges(self) -> list[datetime]:
        """Moments at which what is known of it may change."""
        return [edge for timeline in [*self.faults.values(), self.expiry] for edge in timeline.edges()]


@dataclass(frozen=True)
class Expiry:
    """What a lifecycle rule has left of logs: files that were delivered until `gone` had expired.

    Nothing is left from before `first`, the first record in the evidence. From `whole` on everything is; between the
    two, some records came late or stayed, and others went with their files.
    """

    gone: datetime
    first: datetime | None
    whole: datetime
    words: str

    def edges(self) -> list[datetime]:
        """Moments at which what is left changes."""
        return [self.gone, self.whole, *([self.first] if self.first else [])]

    def state(self, state: State, time: datetime) -> State:
        """The state of a time, as far as files that are gone leave it."""
        if time >= min(self.gone, self.whole) or state.state not in ("logged", "uncertain"):
            return state
        if self.first is None or time < self.first:
            return State("lost", f"{self.words}, but the evidence has no file of that time", (), state.steady)
        words = f"{self.words}: the files of that time may be incomplete"
        return State("uncertain", words, ("expiry",), state.steady) if state.state == "logged" else state


def log_target(name: str, principal: str, settings: Iterable[Row], events: Iterable[Row], ends: datetime) -> LogTarget:
    """What spoke against this service's deliveries into this bucket, or its use of this KMS key, and when?"""
    target, by_acl = LogTarget(name), False

    def note(fault: tuple[str, Any] | None, time: datetime, how: Literal["changed", "seen"], call: str) -> None:
        if fault:
            timeline = target.expiry if fault[0] == "expiry" else target.faults[fault[0]]
            timeline.add(time, fault[1], how, f"{call} of {time:%Y-%m-%d %H:%M:%S}")

    for row in settings:
        if row["service"] == "s3" and row["parameters"].get("Bucket") == name:
            time, operation, response = row["collected_at"], row["operation"], row["response"]
            absent = operation == "GetBucketPolicy" and row["answer"] != "answered"
            setting = "DeleteBucketPolicy" if absent else operation.removeprefix("Get")
            content = response.get("Policy") if setting == "BucketPolicy" else response
            fault = _fault(setting, content, principal, name)
            if row["error_code"] == "NoSuchBucket":
                fault = ("bucket", "the log bucket does not exist")
            elif operation == "GetBucketAcl" and "s3/LogDelivery" in json.dumps(response):
                by_acl = principal == LOGGING
            note(fault, time, "seen", operation)
    for row in events:
        call, request, source = row["event_name"], row["request_parameters"], row["event_source"]
        of_key = source == "kms.amazonaws.com" and bare_key(str(request.get("keyId"))) == bare_key(name)
        if (of_key or (source == "s3.amazonaws.com" and row["bucket"] == name)) and row["error_code"] is None:
            content = request.get("bucketPolicy") if call == "PutBucketPolicy" else request
            note(_fault(call.removeprefix("Put"), content, principal, name), row["event_time"], "changed", call)
    if by_acl:
        target.faults.pop("policy", None)  # the ACL's grant is the older one, and needs no policy
    target.expiry.ends = ends  # faults last until they are mended
    return target


def _fault(setting: str, content: Any, principal: str, bucket: str) -> tuple[str, Any] | None:
    """The setting of a log bucket or key that a call or an answer gives, and its fault; None where it does not matter."""
    if setting == "BucketPolicy":
        return "policy", policy_fault(content, principal, bucket)
    if setting in ("BucketLifecycle", "BucketLifecycleConfiguration"):
        return "expiry", tuple(expiries(content))
    if setting == "KeyPolicy":
        named = CLOUDTRAIL in str(content.get("policy"))
        return "policy", "" if named else "the key's policy no longer names CloudTrail"
    unusable = ("state", "the trail's key cannot be used")
    other = {
        "DisableKey": unusable, "ScheduleKeyDeletion": unusable, "EnableKey": ("state", ""),
        "DeleteBucketPolicy": ("policy", "the log bucket has no policy"), "DeleteBucketLifecycle": ("expiry", ()),
        "DeleteBucket": ("bucket", "the log bucket is deleted"), "CreateBucket": ("bucket", ""),
    }  # fmt: skip
    return other.get(setting) or (logging_fault(setting, content) if principal == LOGGING else None)


def trail_targets(trail: Trail, settings: Iterable[Row], events: Iterable[Row], ends: datetime) -> list[LogTarget]:
    """The log buckets of a trail over time, and its keys."""
    points = (point for name in ("bucket", "kms_key") for point in trail.fields[name].points)
    names = sorted({str(point.value) for point in points if point.value})
    return [log_target(name, CLOUDTRAIL, settings, events, ends) for name in names]


def bare_key(key: str) -> str:
    """The id of a KMS key, without its ARN."""
    return key.rpartition("/")[2]


def logging_fault(setting: str, content: Mapping[str, Any]) -> tuple[str, str] | None:
    """What this setting of an access-log bucket does to delivery, where it matters."""
    text = json.dumps(content)
    if setting in ("BucketEncryption", "DeleteBucketEncryption"):
        return "encryption", "access logs cannot be written with KMS keys" if "aws:kms" in text else ""
    if setting == "BucketRequestPayment":
        return "payer", "the log bucket is Requester Pays" if '"Requester"' in text else ""
    if setting in ("BucketObjectLockConfiguration", "ObjectLockConfiguration"):
        return "retention", "the log bucket has a default retention" if "DefaultRetention" in text else ""
    return None


def policy_fault(policy: Any, principal: str, bucket: str) -> str:
    """Why this bucket policy keeps the service from writing; empty where it does not, or that cannot be told."""
    partition = re.search(r"arn:(aws[a-z-]*):s3:::", str(policy))
    resource = f"arn:{partition[1] if partition else 'aws'}:s3:::{bucket}/*"
    request = Request(Principal("service", principal), "s3:PutObject", resource, None)
    decision = decide(request, Policies(resource=[parse_policy(policy, "bucket policy")]))
    fault = f"denies {principal}" if decision.statement else f"does not let {principal} write"
    return f"the log bucket's policy {fault}" if decision.status == "no" else ""


def expiries(content: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Prefix and days of each enabled rule that expires current objects, from an answer or from an event."""
    rules = [rule for rule in expiry_rules(content) if not rule.has_tags]  # log objects carry none
    return sorted((rule.prefix, rule.days) for rule in rules if rule.days is not None)


def expired(
    target: LogTarget, prefix: str, records: Iterable[Span], first: Span | None, lag: timedelta, settings: Iterable[Row]
) -> Expiry | None:
    """Which log objects had a lifecycle rule removed before they could be collected, one that has been taken back
    included?

    Parameters
    ----------
    records : iterable of Span
        When records were made that the evidence holds: those without a gap up to the removed ones were not removed.
    first : Span or None
        Begins with the first record that the evidence holds.
    lag, settings
        By how much deliveries come after what they tell; rows of ``coverage/log_settings``, before whose collection logs
        could be removed.
    """
    collected = max((row["collected_at"] for row in settings), default=None) if target.expiry.points else None
    points = [point for point in target.expiry.points if collected and point.time <= collected]
    removed: list[tuple[datetime, str]] = []
    for number, point in enumerate(points):
        start = point.time if point.how == "changed" else points[number - 1].time if number else EARLIEST
        end = points[number + 1].time if number + 1 < len(points) else collected
        days = [days for rule, days in point.value if prefix.startswith(rule) or rule.startswith(prefix)]
        # objects go at the midnight after their last day
        midnight = end.replace(hour=0, minute=0, second=0, microsecond=0) if end else start
        if days and midnight > start:
            removed.append((midnight - min(days) * DAY, f"log objects expire after {min(days)} days ({point.words})"))
    if not removed:
        return None
    gone, words = max(removed)
    start = gone
    for span in sorted((span for span in records if span.start < gone), reverse=True):
        if start - span.end > lag:
            break
        start = min(start, span.start)
    since = first.start if first else None
    return Expiry(gone, since, max(start, since or gone) + lag, words)


# the access log of each bucket


@dataclass(eq=False)
class BucketLogging(Logging):
    """Where one bucket's access log went, over time."""

    settling = timedelta(hours=1)  # S3 "might take some time", and elsewhere an hour, in both directions
    target: Timeline = field(default_factory=Timeline)  # (bucket, prefix), or None where it is off
    cloudwatch: Timeline = field(default_factory=Timeline)  # bool
    lines: list[Span] = field(default_factory=list)  # first and last line of each hour that has lines, in order
    silent: list[Span] = field(default_factory=list)  # hours in which CloudTrail saw requests and no line came
    log_bucket: LogTarget | None = None
    expiry: Expiry | None = None

    def timelines(self) -> list[Timeline]:
        """The timeline of each setting."""
        return [self.target, self.cloudwatch]

    def edges(self) -> list[datetime]:
        """Moments at which its state may change."""
        edges = {*self.target.edges(), *self.cloudwatch.edges(), *edges_of(self.silent)}
        edges.update(change + self.settling for change in self.changes)
        for part in (self.log_bucket, self.expiry):
            edges.update(part.edges() if part else ())
        if self.target.unlogged or not self.target.points:  # where lines have to prove it
            edges.update(edges_of(self.lines))
        return sorted(edges.union((self.lines[0].start, self.lines[-1].end) if self.lines else ()))


class AccessLogs(dict[str, BucketLogging]):
    """The access logging of each bucket of which anything is known.

    Deliveries through CloudWatch Logs (``logs:CreateDelivery``) leave no file unless they go to S3: they are named, and
    count only where lines of the bucket are in the evidence.

    Source: S3 User Guide, "Logging requests with server access logging"; field guide 1.5, 3.
    """

    ends: datetime = LATEST

    @cached_property
    def log_buckets_held(self) -> set[str]:
        """Log buckets from which lines are in the evidence: lines of a time at which they were the target."""
        buckets = set[str]()
        for log in self.values():
            settling = [Span(change, change + log.settling) for change in log.changes]
            lines = (line.start for line in log.lines if not any(span.holds(line.start) for span in settling))
            buckets.update(place[0] for time in lines if (place := log.target.at(time).value))
        return buckets

    def state(self, bucket: str, time: datetime) -> State:
        """What would have become of the access-log lines of a bucket from this time to the next edge?"""
        log = self.get(bucket)
        if log is None:
            return State("unknown", "there is no evidence whether access logging was on")
        state = log.settled(time, "access logging", partial(self._by_settings, log), ("logged",))
        if state.state == "logged" and log.expiry:
            state = log.expiry.state(state, time)
        if state.state == "logged" and any(silent.holds(time) for silent in log.silent):
            words = f"{state.basis}, but no line came while CloudTrail saw requests to it"
            return State("uncertain", words, ("silence",))
        doubt = log.log_bucket.doubt(time) if log.log_bucket and state.state == "logged" else ""
        if log.log_bucket and doubt:
            # unless lines of any bucket reached the log bucket until its settings changed again
            until = min((edge for edge in log.log_bucket.edges() if edge > time), default=LATEST)
            place = log.target.at(time).value
            alike = [
                other for other in self.values()
                if other is log or (place and (other.target.at(time).value or ("",))[0] == place[0])
            ]  # fmt: skip
            lines = (line for other in alike for line in other.lines)
            if not any(line.end > time + log.settling and line.start < until for line in lines):
                return State("uncertain", f"access logs may not have been delivered: {doubt}", ("delivery",))
        return state

    def _by_settings(self, log: BucketLogging, time: datetime) -> State:
        setting, cloud, changes = log.target.at(time), log.cloudwatch.at(time), log.changes
        run, change_ends_it = log.run(time)
        first, last = (bisect_left(log.lines, edge, key=lambda line: line.start) for edge in run)
        lines = log.lines[first:last]
        # an answer of later that lines, or their absence, contradict tells nothing of before
        silent = not lines and any(run.holds(span.start) for span in log.silent)
        if setting.far and (lines and not setting.value or silent and setting.value):
            setting = UNKNOWN
        if setting.state == "known" and setting.value:
            place, words = setting.value[0], f"s3://{'/'.join(setting.value)}"
            if place in self.log_buckets_held:
                return State("logged", f"access log to {words} ({setting.words})")
            moved = max((change for change in log.target.changes() if change <= time), default=LATEST)
            until = min((change for change in log.target.changes() if change > time), default=self.ends)
            away = any(line.start < moved for line in log.lines) and until - moved >= AWAY
            if away or not any(other.lines for other in self.values()):
                return State("not_logged", f"access logs go to {words}, which is not in the evidence")
            return State("unknown", f"access logs go to {words}, and no line from there is in the evidence")
        elsewhere = cloud.state == "known" and cloud.value
        if setting.state == "known" and not elsewhere:
            return State("not_logged", f"access logging was off ({setting.words})")
        if setting.state == "disputed":
            return State("uncertain", f"access logging was changed unseen: {setting.words}", ("unseen_change",))
        number = bisect_right(log.lines, time, key=lambda line: line.start)
        before = log.lines[number - 1].end if number else EARLIEST
        after = log.lines[number].start if number < len(log.lines) else LATEST
        # off and on again takes an hour each: lines closer than that leave no room for it
        near = after - min(before, time) <= 2 * log.settling and not any(before < change < after for change in changes)
        if near or (lines and lines[0].start <= time < (run.end if change_ends_it else lines[-1].end)):
            return State("logged", "lines were delivered while no setting changed")
        if elsewhere:
            words = f"access logs go to CloudWatch Logs or elsewhere ({cloud.words}), which is not in the evidence"
            return State("not_logged", words)
        return State("unknown", "whether access logging was on is not known")


def access_logs(
    settings: Sequence[Row],
    events: Sequence[Row],
    lines: Iterable[Row],
    unlogged: Mapping[str, Sequence[Span]],
    ends: datetime,
) -> AccessLogs:
    """Where did each bucket's access log go, and when?

    Takes rows of ``coverage/log_settings``, ``coverage/log_events`` and ``coverage/delivered_lines``; by bucket, when a
    change of it would have left no record; and when the last management event of the evidence was made.
    """
    logs = AccessLogs()
    logs.ends = ends

    def of(bucket: str) -> BucketLogging:
        return logs.setdefault(bucket, BucketLogging())

    names: dict[str, str] = {}  # buckets by the delivery source of their access log
    for row in sorted(settings, key=lambda row: "DeliverySources" not in row["operation"]):
        operation, bucket, response = row["operation"], row["parameters"].get("Bucket"), row["response"]
        time, words = row["collected_at"], f"{operation} of {row['collected_at']:%Y-%m-%d %H:%M:%S}"
        if operation == "GetBucketLogging" and bucket and row["error_code"] != "NoSuchBucket":
            of(bucket).target.add(time, target_of(response), "seen", words)
        for source in mappings(response.get("deliverySources")) if operation == "DescribeDeliverySources" else ():
            arns = source.get("resourceArns") or [] if source.get("logType") == ACCESS_LOGS else []
            names |= {str(source.get("name")): str(arn).rpartition(":::")[2] for arn in arns}
        live = {str(delivery.get("deliverySourceName")) for delivery in mappings(response.get("deliveries"))}
        for name, bucket in names.items() if operation == "DescribeDeliveries" else ():
            of(bucket).cloudwatch.add(time, name in live, "seen", words)
    sources: dict[str, str] = {}
    for row in (row for row in events if row["error_code"] is None):
        name, time, request = row["event_name"], row["event_time"], row["request_parameters"]
        words, status = f"{name} of {time:%Y-%m-%d %H:%M:%S}", request.get("BucketLoggingStatus")
        if name == "PutBucketLogging" and row["bucket"] and isinstance(status, dict):
            of(row["bucket"]).target.add(time, target_of(status), "changed", words)
        elif name == "PutDeliverySource" and request.get("logType") == ACCESS_LOGS:
            sources[str(request.get("name"))] = str(request.get("resourceArn")).rpartition(":::")[2]
        elif name in ("CreateDelivery", "DeleteDeliverySource", "DeleteDelivery"):
            named = str(request.get("deliverySourceName" if name == "CreateDelivery" else "name"))
            if name == "DeleteDelivery":  # names a delivery by its id: of the one source, where one alone is known
                named = next(iter(sources)) if len(sources) == 1 else ""
            if named in sources:
                of(sources[named]).cloudwatch.add(time, name == "CreateDelivery", "changed", words)
    for row in lines:
        log = of(row["bucket"])
        (log.silent if row["is_silent"] else log.lines).append(Span(row["start_time"], row["end_time"]))
    targets: dict[str, LogTarget] = {}
    for bucket, log in logs.items():
        log.frame(unlogged.get(bucket, ()), ends)
        for place, prefix in sorted({point.value for point in log.target.points if point.value}):
            if place not in targets:
                targets[place] = log_target(place, LOGGING, settings, events, ends)
            log.log_bucket, first = targets[place], next(iter(log.lines), None)
            log.expiry = expired(targets[place], prefix, log.lines, first, LAG, settings) or log.expiry
    return logs


def target_of(status: Mapping[str, Any]) -> tuple[str, str] | None:
    """Bucket and prefix of a logging status, in an answer or an event; None where it is off: only ``xmlns`` is there."""
    enabled = status.get("LoggingEnabled")
    if not isinstance(enabled, dict) or not enabled.get("TargetBucket"):
        return None
    return str(enabled["TargetBucket"]), str(enabled.get("TargetPrefix") or "")
