"""What keeps a log bucket or a key from taking logs, over time: the settings that break delivery, and the lifecycle
that ends it.

A fault makes delivery doubtful, not impossible to tell: where records arrived in spite of it, they prove that it did
not bite.

Sources: S3 User Guide, "Enabling server access logging" (no Requester Pays, no default retention, SSE-S3 only, a bucket
policy for ``logging.s3.amazonaws.com`` or the log delivery group's ACL where ACLs are on); CloudTrail User Guide,
"Amazon S3 bucket policy for CloudTrail", "Configure KMS key policies". Field guide 1.5, 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from ir_kit.coverage.states import State
from ir_kit.coverage.trails import document
from ir_kit.domain.intervals import Timeline

CLOUDTRAIL, LOGGING = "cloudtrail.amazonaws.com", "logging.s3.amazonaws.com"
Row = Mapping[str, Any]


@dataclass
class LogTarget:
    """A log bucket (or a key) over time: a timeline of faults for each setting; an empty text is no fault."""

    name: str
    faults: dict[str, Timeline] = field(default_factory=dict)
    expiry: Timeline = field(default_factory=Timeline)  # list of (prefix, days)

    def add(self, setting: str, time: datetime, fault: str, how: Any, words: str) -> None:
        self.faults.setdefault(setting, Timeline()).add(time, fault, how, words)

    def doubt(self, time: datetime) -> str:
        """What speaks against delivery at this time; empty where nothing does."""
        found = [timeline.at(time) for _, timeline in sorted(self.faults.items())]
        return "; ".join(f"{held.value} ({held.words})" for held in found if held.state != "unknown" and held.value)

    def edges(self) -> list[datetime]:
        return [edge for timeline in [*self.faults.values(), self.expiry] for edge in timeline.edges()]

    def frame(self, ends: datetime) -> None:
        self.expiry.ends = ends  # faults last until they are mended


@dataclass(frozen=True)
class Expiry:
    """What a lifecycle rule has left of logs: files that were delivered until `gone` had expired.

    Nothing is left from before `first`, the first record held. From `whole` on everything is; between the two, some
    records came late or were kept, and others went with their files.
    """

    gone: datetime
    first: datetime | None
    whole: datetime
    words: str

    def edges(self) -> list[datetime]:
        return [self.gone, self.whole, *([self.first] if self.first else [])]

    def state(self, found: State, time: datetime) -> State:
        """The state of a time, as far as files that are gone leave it."""
        if time >= min(self.gone, self.whole) or found.state not in ("logged", "uncertain"):
            return found
        if self.first is None or time < self.first:
            return State("lost", f"{self.words}, and none of that time is held", (), found.where)
        if found.state == "uncertain":
            return found
        return State("uncertain", f"{self.words}: what is held of that time need not be all", ("expiry",), found.where)


def log_bucket(bucket: str, service: str, settings: Iterable[Row], events: Iterable[Row], ends: datetime) -> LogTarget:
    """What spoke against this service's deliveries into this bucket, and when?"""
    target = LogTarget(bucket)
    acl_grants = False
    for row in settings:
        if row["service"] == "s3" and document(row["parameters"]).get("Bucket") == bucket:
            acl_grants = _answer(target, service, row) or acl_grants
    for row in events:
        if row["event_source"] == "s3.amazonaws.com" and row["bucket"] == bucket and row["error_code"] is None:
            _change(target, service, row)
    if acl_grants and service == LOGGING:  # the older way in; it needs no policy
        target.faults.pop("policy", None)
    target.frame(ends)
    return target


def key_target(key: str, events: Iterable[Row], ends: datetime) -> LogTarget:
    """What kept CloudTrail from using this KMS key, and when?"""
    target = LogTarget(key)
    for row in events:
        if row["event_source"] != "kms.amazonaws.com" or row["error_code"] is not None:
            continue
        request = document(row["request_parameters"])
        if bare_key(str(request.get("keyId"))) != bare_key(key):
            continue
        name, words = row["event_name"], _words(row)
        if name in ("DisableKey", "ScheduleKeyDeletion"):
            target.add("state", row["event_time"], "the trail's key cannot be used", "changed", words)
        elif name == "EnableKey":
            target.add("state", row["event_time"], "", "changed", words)
        elif name == "PutKeyPolicy":
            fault = "" if CLOUDTRAIL in str(request.get("policy")) else "the key's policy no longer names CloudTrail"
            target.add("policy", row["event_time"], fault, "changed", words)
    target.frame(ends)
    return target


def bare_key(key: str) -> str:
    return key.rpartition("/")[2]


def _words(row: Row) -> str:
    return f"{row['event_name']} of {row['event_time']:%Y-%m-%d %H:%M:%S}"


def _answer(target: LogTarget, service: str, row: Row) -> bool:
    """One configuration answer; whether it shows the ACL's grant to the log delivery group."""
    operation, time, response = row["operation"], row["collected_at"], document(row["response"])
    words = f"{operation} of {time:%Y-%m-%d %H:%M:%S}"
    if row["error_code"] == "NoSuchBucket":
        target.add("bucket", time, "the log bucket does not exist", "seen", words)
    elif operation == "GetBucketPolicy":
        fault = (
            policy_fault(response.get("Policy"), service)
            if row["answer"] == "answered"
            else "the log bucket has no policy"
        )
        target.add("policy", time, fault, "seen", words)
    elif operation == "GetBucketAcl":
        return "s3/LogDelivery" in json.dumps(response)
    elif operation in ("GetBucketLifecycleConfiguration", "GetBucketLifecycle"):
        target.expiry.add(time, tuple(expiries(response)), "seen", words)
    elif service == LOGGING:
        found = logging_fault(operation.removeprefix("Get"), response)
        if found is not None:
            target.add(found[0], time, found[1], "seen", words)
    return False


def _change(target: LogTarget, service: str, row: Row) -> None:
    name, time, words, request = row["event_name"], row["event_time"], _words(row), document(row["request_parameters"])
    if name in ("PutBucketPolicy", "DeleteBucketPolicy"):
        fault = (
            "the log bucket has no policy"
            if name.startswith("Delete")
            else policy_fault(request.get("bucketPolicy"), service)
        )
        target.add("policy", time, fault, "changed", words)
    elif name in ("DeleteBucket", "CreateBucket"):
        target.add("bucket", time, "the log bucket is deleted" if name == "DeleteBucket" else "", "changed", words)
    elif name in ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"):
        target.expiry.add(time, tuple(expiries(request)), "changed", words)
    elif name == "DeleteBucketLifecycle":
        target.expiry.add(time, (), "changed", words)
    elif service == LOGGING:
        found = (
            ("encryption", "") if name == "DeleteBucketEncryption" else logging_fault(name.removeprefix("Put"), request)
        )
        if found is not None:
            target.add(found[0], time, found[1], "changed", words)


def logging_fault(setting: str, content: Mapping[str, Any]) -> tuple[str, str] | None:
    """What this setting of an access-log bucket does to delivery, where it matters."""
    text = json.dumps(content)
    if setting == "BucketEncryption":
        return "encryption", "access logs cannot be written with KMS keys" if "aws:kms" in text else ""
    if setting == "BucketRequestPayment":
        return "payer", "the log bucket is Requester Pays" if '"Requester"' in text else ""
    if setting in ("BucketObjectLockConfiguration", "ObjectLockConfiguration"):
        return "retention", "the log bucket has a default retention" if "DefaultRetention" in text else ""
    return None


def policy_fault(policy: Any, service: str) -> str:
    """Why this bucket policy keeps the service from writing; empty where it does not."""
    try:
        found = json.loads(policy) if isinstance(policy, str) else policy
    except ValueError:
        return ""
    statements = found.get("Statement") if isinstance(found, dict) else None
    if statements is None:
        return ""
    allowed = False
    for one in statements if isinstance(statements, list) else [statements]:
        if not isinstance(one, dict) or not _acts(one, "s3:PutObject"):
            continue
        concerned = _names(one.get("Principal"), service)
        if one.get("Effect") == "Deny" and not one.get("Condition") and (concerned or "NotPrincipal" in one):
            return f"the log bucket's policy denies {service}"
        allowed = allowed or (one.get("Effect") == "Allow" and concerned)
    return "" if allowed else f"the log bucket's policy does not let {service} write"


def _acts(statement: Mapping[str, Any], action: str) -> bool:
    given = statement.get("Action")
    listed = given if isinstance(given, list) else [given]
    if "NotAction" in statement:
        return True
    return any(isinstance(one, str) and fnmatchcase(action.lower(), one.lower()) for one in listed)


def _names(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, dict):
        return False
    listed = [item for value in principal.values() for item in (value if isinstance(value, list) else [value])]
    return "*" in listed or service in listed


def expiries(content: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Prefix and days of each enabled rule that expires current objects, from an answer or from an event."""
    inner = content.get("LifecycleConfiguration")
    rules = (inner if isinstance(inner, dict) else content).get("Rules") or (inner or {}).get("Rule") or []
    found = []
    for rule in rules if isinstance(rules, list) else [rules]:
        if not isinstance(rule, dict) or rule.get("Status") != "Enabled":
            continue
        expiration = rule.get("Expiration")
        try:
            days = int(expiration["Days"]) if isinstance(expiration, dict) and "Days" in expiration else None
        except (TypeError, ValueError):
            days = None
        given = rule.get("Filter")
        scope = given if isinstance(given, dict) else {}
        both = scope.get("And") if isinstance(scope.get("And"), dict) else scope
        if "Tag" in (both or {}) or "Tags" in (both or {}):
            continue  # log objects carry no tags
        prefix = str((both or {}).get("Prefix") or rule.get("Prefix") or "")
        if days is not None:
            found.append((prefix.rstrip("*"), days))
    return sorted(found)
