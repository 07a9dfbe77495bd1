"""What keeps a log bucket or a key from taking logs, over time: settings that break delivery, and lifecycle expiry.

A fault makes delivery doubtful, not impossible to tell: where records arrived in spite of it, they prove that it did
not bite.

Sources: S3 User Guide, "Enabling server access logging" (no Requester Pays, no default retention, SSE-S3 only, a bucket
policy for ``logging.s3.amazonaws.com`` or the log delivery group's ACL where ACLs are on); CloudTrail User Guide,
"Amazon S3 bucket policy for CloudTrail", "Configure KMS key policies". Field guide 1.5, 3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from ir_kit.configuration.lifecycle import expiry_rules
from ir_kit.coverage.states import State
from ir_kit.domain.documents import mapping
from ir_kit.domain.intervals import EARLIEST, Span, Timeline
from ir_kit.policies.decisions import Policies, Request, decide
from ir_kit.policies.policy_documents import Principal, parse_policy

CLOUDTRAIL, LOGGING = "cloudtrail.amazonaws.com", "logging.s3.amazonaws.com"
DAY = timedelta(days=1)
Row = Mapping[str, Any]


@dataclass
class LogTarget:
    """A log bucket (or a key) over time: a timeline of faults for each setting; an empty text is no fault."""

    name: str
    faults: dict[str, Timeline] = field(default_factory=dict)
    expiry: Timeline = field(default_factory=Timeline)  # list of (prefix, days)

    def add(self, setting: str, time: datetime, fault: str, how: Literal["changed", "seen"], words: str) -> None:
        """Note a fault, or that there is none any more."""
        self.faults.setdefault(setting, Timeline()).add(time, fault, how, words)

    def doubt(self, time: datetime) -> str:
        """What speaks against delivery at this time; empty where nothing does."""
        settings = [timeline.at(time) for _, timeline in sorted(self.faults.items())]
        return "; ".join(
            f"{fault.value} ({fault.words})" for fault in settings if fault.state != "unknown" and fault.value
        )

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
            return State("lost", f"{self.words}, and none of that time is held", (), state.where, state.steady)
        if state.state == "uncertain":
            return state
        words = f"{self.words}: what is held of that time need not be all"
        return State("uncertain", words, ("expiry",), state.where, state.steady)


def log_bucket(
    bucket: str, principal: str, settings: Iterable[Row], events: Iterable[Row], ends: datetime
) -> LogTarget:
    """What spoke against this service's deliveries into this bucket, and when?"""
    target = LogTarget(bucket)
    for row in settings:
        if row["service"] == "s3" and mapping(row["parameters"]).get("Bucket") == bucket:
            time, operation, response = row["collected_at"], row["operation"], mapping(row["response"])
            if operation == "GetBucketPolicy" and row["answer"] != "answered":
                operation = "DeleteBucketPolicy"
            content = response.get("Policy") if operation == "GetBucketPolicy" else response
            fault = _fault(operation.removeprefix("Get"), content, principal, bucket)
            if row["error_code"] == "NoSuchBucket":
                fault = ("bucket", "the log bucket does not exist")
            if fault:
                _note(target, fault, time, "seen", f"{row['operation']} of {time:%Y-%m-%d %H:%M:%S}")
    for row in events:
        if row["event_source"] == "s3.amazonaws.com" and row["bucket"] == bucket and row["error_code"] is None:
            name, time, request = row["event_name"], row["event_time"], mapping(row["request_parameters"])
            content = request.get("bucketPolicy") if name == "PutBucketPolicy" else request
            fault = _fault(name.removeprefix("Put"), content, principal, bucket)
            if fault:
                _note(target, fault, time, "changed", f"{name} of {time:%Y-%m-%d %H:%M:%S}")
    grants = [
        row for row in settings
        if row["operation"] == "GetBucketAcl" and mapping(row["parameters"]).get("Bucket") == bucket
        and "s3/LogDelivery" in json.dumps(mapping(row["response"]))
    ]  # fmt: skip
    if principal == LOGGING and any(row["error_code"] != "NoSuchBucket" for row in grants):
        target.faults.pop("policy", None)  # the ACL's grant is the older one, and needs no policy
    target.expiry.ends = ends  # faults last until they are mended
    return target


def _note(
    target: LogTarget, fault: tuple[str, Any], time: datetime, how: Literal["changed", "seen"], words: str
) -> None:
    if fault[0] == "expiry":
        target.expiry.add(time, fault[1], how, words)
    else:
        target.add(fault[0], time, fault[1], how, words)


def _fault(setting: str, content: Any, principal: str, bucket: str) -> tuple[str, Any] | None:
    """The setting of a log bucket that a call sets or an answer gives, and its fault; None where it does not matter."""
    if setting == "BucketPolicy":
        return "policy", policy_fault(content, principal, bucket)
    if setting in ("BucketLifecycle", "BucketLifecycleConfiguration"):
        return "expiry", tuple(expiries(content))
    other = {
        "DeleteBucketPolicy": ("policy", "the log bucket has no policy"), "DeleteBucketLifecycle": ("expiry", ()),
        "DeleteBucket": ("bucket", "the log bucket is deleted"), "CreateBucket": ("bucket", ""),
    }  # fmt: skip
    return other.get(setting) or (logging_fault(setting, content) if principal == LOGGING else None)


def key_target(key: str, events: Iterable[Row], ends: datetime) -> LogTarget:
    """What kept CloudTrail from using this KMS key, and when?"""
    target = LogTarget(key)
    states = {"DisableKey": "the trail's key cannot be used", "ScheduleKeyDeletion": "the trail's key cannot be used",
              "EnableKey": ""}  # fmt: skip
    for row in events:
        request, time = mapping(row["request_parameters"]), row["event_time"]
        if row["event_source"] != "kms.amazonaws.com" or row["error_code"] is not None:
            continue
        if bare_key(str(request.get("keyId"))) != bare_key(key):
            continue
        words = f"{row['event_name']} of {time:%Y-%m-%d %H:%M:%S}"
        if row["event_name"] in states:
            target.add("state", time, states[row["event_name"]], "changed", words)
        elif row["event_name"] == "PutKeyPolicy":
            fault = "" if CLOUDTRAIL in str(request.get("policy")) else "the key's policy no longer names CloudTrail"
            target.add("policy", time, fault, "changed", words)
    target.expiry.ends = ends
    return target


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


def policy_fault(policy: Any, principal: str, bucket: str = "*") -> str:
    """Why this bucket policy keeps the service from writing; empty where it does not, or that cannot be told."""
    partition = re.search(r"arn:(aws[a-z-]*):s3:::", str(policy))
    resource = f"arn:{partition[1] if partition else 'aws'}:s3:::{bucket}/*"
    read = parse_policy(policy, "bucket policy")
    decision = decide(
        Request(Principal("service", principal), "s3:PutObject", resource, None), Policies(resource=[read])
    )
    if decision.status != "no":
        return ""
    if decision.statement:
        return f"the log bucket's policy denies {principal}"
    return f"the log bucket's policy does not let {principal} write"


def expiries(content: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Prefix and days of each enabled rule that expires current objects, from an answer or from an event."""
    # log objects carry no tags
    return sorted(
        (rule.prefix, rule.days) for rule in expiry_rules(content) if rule.days is not None and not rule.has_tags
    )


def expired(
    target: LogTarget,
    prefix: str,
    first: datetime | None,
    records: list[Span],
    lag: timedelta,
    collected: datetime | None,
) -> Expiry | None:
    """Which log objects had a lifecycle rule removed before they could be collected, one that has been taken back
    included?

    Parameters
    ----------
    first : datetime or None
        The first record that the evidence holds.
    records : list of Span
        When records were made that the evidence holds: those without a gap up to the removed ones were not removed.
    lag : timedelta
        By which deliveries come after what they tell.
    collected : datetime or None
        When the last setting was collected.
    """
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
    return Expiry(gone, first, max(start, first or gone) + lag, words)
