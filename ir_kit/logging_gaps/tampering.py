"""API calls that take logging or detection away, or attempt to, and what each cost in sight. Putting it back is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.log_delivery import CLOUDTRAIL, LOGGING, bare_key, expiries, logging_fault, policy_fault, target_of
from ir_kit.coverage.logging_timeline import LoggingTimeline, logging_timeline
from ir_kit.coverage.selectors import (
    CLASSES,
    Scope,
    SelectorSet,
    State,
    coverage_of_bucket,
    coverage_of_region,
    selector_set,
)
from ir_kit.coverage.trails import INSTANT, Trail, trail_key
from ir_kit.coverage.visibility import BLIND, duration
from ir_kit.domain.documents import frame_of, mapping, rows_of
from ir_kit.domain.intervals import Span, Timeline, between
from ir_kit.findings import join_names
from ir_kit.tables import types_of

Row = Mapping[str, Any]
SHORT_DAYS = 90
HOLDS = {CLOUDTRAIL: "CloudTrail's log files", LOGGING: "access logs"}
TABLE = "logging_gaps/tampering"
# kind, service, names of its calls, the parameter that names the target, what they do
CALLS = (
    ("logging", "cloudtrail", "StopLogging", "name", "stops the trail"),
    ("logging", "cloudtrail", "DeleteTrail", "name", "deletes the trail"),
    ("logging", "cloudtrail", "UpdateTrail", "name", "changes the trail"),
    ("logging", "cloudtrail", "PutEventSelectors", "trailname", "narrows what the trail selects"),
    ("logging", "cloudtrail", "DeregisterOrganizationDelegatedAdmin DeleteEventDataStore StopEventDataStoreIngestion",
     "eventDataStore", "takes away a copy of the events outside of the trails"),
    ("logging", "s3", "PutBucketLogging", "", "switches access logging off"),
    ("logging", "s3", "PutBucketPolicy PutBucketAcl PutBucketOwnershipControls PutBucketEncryption "
     "PutBucketRequestPayment PutBucketObjectLockConfiguration PutObjectLockConfiguration", "", ""),
    ("logging", "s3", "PutBucketLifecycle PutBucketLifecycleConfiguration", "", "lets {0} expire after {1} days"),
    ("logging", "s3", "PutBucketVersioning", "",
     "suspends versioning on the bucket of {0}: what is deleted or written over is gone"),
    ("logging", "s3", "DeleteBucket", "", "deletes the bucket of {0}: deliveries fail"),
    ("logging", "s3", "DeleteBucketPolicy", "", "deletes the policy of the bucket of {0}: deliveries fail"),
    ("logging", "s3", "DeleteObject DeleteObjects", "key", "deletes from the bucket of {0}"),
    ("logging", "s3", "PutObject CopyObject CompleteMultipartUpload", "key", "writes into the bucket of {0}"),
    ("logging", "kms", "DisableKey ScheduleKeyDeletion PutKeyPolicy RevokeGrant RetireGrant", "keyId",
     "takes the key of {0} away: its files cannot be written, or not be read"),
    ("logging", "logs", "DeleteDelivery DeleteDeliverySource DeleteDeliveryDestination", "id",
     "takes away a delivery of logs; of which source is not said"),
    ("logging", "organizations", "LeaveOrganization RemoveAccountFromOrganization DeleteOrganization "
     "DisableAWSServiceAccess DeregisterDelegatedAdministrator", "accountId",
     "takes the account, or CloudTrail, out of the organization's logging"),
    ("detection", "guardduty", "DeleteDetector UpdateDetector StopMonitoringMembers DisassociateMembers "
     "DisassociateFromAdministratorAccount DisassociateFromMasterAccount", "detectorId",
     "takes GuardDuty away: a detector, not a log of requests; no class of records is lost"),
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """What a call is about, what it does to logging in words, and until when that can be said."""

    target: str
    effect: str
    until: datetime | None = None
    trail: Trail | None = None
    access_log_of: str | None = None


def tampering(case: Case) -> pd.DataFrame:
    """Who took logging or detection away, or tried to, and what did it cost in sight?

    Returns
    -------
    DataFrame
        One row per call in the window, whoever did it; empty if none. ``blind_hours``: hours for which classes and
        buckets that were logged just before were blind after it, summed; 0 where it failed, null where that cannot be
        told. ``frame["user_agent"]`` is not in the table ``logging_gaps/tampering``, which is written.

    Notes
    -----
    Cannot see: calls while nothing recorded management events; writes into log buckets without data events. Config
    recorders and flow logs are no logs of S3 and left out.
    """
    logs = logging_timeline(case)
    services = log_destinations(logs)
    results = []
    for row in calls(case, services):
        change = change_of(logs, services, row)
        if change is None:
            continue
        cost: float | None = 0.0
        words = f"failed ({row['error_code']}): no gap"
        if row["outcome"] == "success":
            cost, words = cost_of(logs, change, row["event_time"])
        effect = "; ".join(part for part in (change.effect, words) if part)
        results.append({**row, "target": change.target, "effect": effect, "blind_hours": cost})
    frame = frame_of(results, types_of(TABLE) | {"user_agent": "varchar"})
    case.write_table(TABLE, frame)
    return frame


def calls(case: Case, log_buckets: Iterable[str]) -> list[dict[str, Any]]:
    """Calls of the window that can take logging away: rows of ``tampering.sql``."""
    rows = [
        {"kind": kind, "event_source": f"{service}.amazonaws.com", "event_name": name, "target_parameter": target, "words": words}
        for kind, service, names, target, words in CALLS for name in names.split()
    ]  # fmt: skip
    case.engine.provide("tampering_calls", pd.DataFrame(rows))
    return rows_of(case.ask("logging_gaps/tampering", log_buckets=sorted(log_buckets)))


def log_destinations(logs: LoggingTimeline) -> dict[str, set[str]]:
    """Which buckets take logs, and of which services?"""
    results: dict[str, set[str]] = {}
    for bucket, _ in logs.destinations:
        results.setdefault(bucket, set()).add(CLOUDTRAIL)
    for log in logs.access_logs.values():
        for point in log.target.points:
            if point.value:
                results.setdefault(point.value[0], set()).add(LOGGING)
    return results


def change_of(logs: LoggingTimeline, services: Mapping[str, set[str]], row: Row) -> Change | None:
    """What this call does to logging; None where it takes nothing away."""
    request, words = mapping(row["request_parameters"]), str(row["words"])
    source, name = row["event_source"].partition(".")[0], row["event_name"]
    target = str(request.get(row["target_parameter"]) or request.get("name") or "")
    if source == "cloudtrail" and row["target_parameter"] != "eventDataStore":
        return trail_change(logs, row, request)
    if source == "s3":
        return bucket_change(logs, services.get(row["bucket"] or "", set()), row, request)
    if source == "kms":
        trails = [
            trail.key.name for trail in logs.trails
            if any(point.value and bare_key(str(point.value)) == bare_key(target) for point in trail.fields["kms_key"].points)
        ]  # fmt: skip
        remaining = name == "PutKeyPolicy" and CLOUDTRAIL in str(request.get("policy"))
        return Change(target, words.format(", ".join(trails))) if trails and not remaining else None
    if source == "organizations" and str(request.get("servicePrincipal") or CLOUDTRAIL) != CLOUDTRAIL:
        return None
    return None if name == "UpdateDetector" and request.get("enable") is not False else Change(target, words)


def trail_change(logs: LoggingTimeline, row: Row, request: Mapping[str, Any]) -> Change | None:
    """What a call takes away from a trail, judged by its settings just before."""
    name, time, words = row["event_name"], row["event_time"], row["words"]
    lower = {str(key).lower(): value for key, value in request.items()}
    key = trail_key(lower.get("name") or lower.get("trailname"), row["recipient_account_id"], row["aws_region"])
    if key is None:  # a call that was refused is recorded without what it asked for
        return Change("", f"{words}, and the record does not say which") if row["error_code"] else None
    same = (trail for trail in logs.trails if trail.key.name == key.name)
    trail = next((trail for trail in same if trail.key.home_region == key.home_region), None)
    until = min((edge for edge in trail.changes if edge > time), default=None) if trail else None
    if name == "PutEventSelectors":
        lost = narrowed(logs, selector_set(request), trail, time)
        words = f"{words}: {lost}"
    elif name == "UpdateTrail":
        words = lost = ", ".join(updated(trail, lower, time))
    else:
        lost = words
    return Change(key.name, words, until, trail) if lost else None


def value_before(timeline: Timeline | None, time: datetime) -> Any:
    """The value of a setting just before a call, where it is known and none is not its value; else None."""
    now = timeline.at(time - INSTANT) if timeline else None
    return now.value if now and now.state == "known" else None


def updated(trail: Trail | None, request: Mapping[str, Any], time: datetime) -> list[str]:
    """What an UpdateTrail takes away; `request` by names in lower case."""
    fields = trail.fields if trail else dict[str, Timeline]()
    before = {name: value_before(timeline, time) for name, timeline in fields.items()}
    results = [
        words
        for parameter, setting, words in (
            ("ismultiregiontrail", "multi_region", "takes all Regions but its own from the trail"),
            ("includeglobalserviceevents", "global_services", "takes global services from the trail"),
            ("isorganizationtrail", "organization", "takes the organization's other accounts from the trail"),
        )
        if request.get(parameter) is False and before.get(setting) is not False
    ]
    if request.get("s3bucketname") and before.get("bucket") != request["s3bucketname"]:
        results.append(f"sends the trail's files to s3://{request['s3bucketname']}")
    elif "s3keyprefix" in request and before.get("prefix") not in (None, request["s3keyprefix"]):
        results.append(f"sends the trail's files below {request['s3keyprefix']}/")
    if request.get("enablelogfilevalidation") is False:
        results.append("ends the validation of its files")
    if request.get("kmskeyid") and bare_key(str(before.get("kms_key") or "")) != bare_key(str(request["kmskeyid"])):
        results.append(f"encrypts its files with another key ({request['kmskeyid']})")
    return results


def narrowed(logs: LoggingTimeline, after: SelectorSet | None, trail: Trail | None, time: datetime) -> str:
    """What a trail's selectors took before and these do not, in words; empty where nothing is taken away.

    Where the set before is not known, what it must have selected is told by what was delivered, and a set that leaves
    out management events counts as narrower.
    """
    if after is None:
        return ""
    before: SelectorSet | None = value_before(trail.selectors if trail else None, time)
    results = []
    old, new = (coverage_of_region(before) if before else None), coverage_of_region(after)
    if new.kind != "all" and (old is None or old.kind == "all" or (old.kind == "partly" and new != old)):
        results.append("management events" if new.kind == "none" else f"management events ({new.words})")
    gone: dict[str, list[str]] = {}
    for bucket, region in logs.buckets.items():
        for record_class in CLASSES[1:]:
            new = coverage_of_bucket(after, bucket, record_class)
            if before:
                old = coverage_of_bucket(before, bucket, record_class)
                less = old.kind != "none" and new != old
            else:
                scope, instant = Scope(record_class, bucket, region), Span(time - INSTANT, time)
                less = trail is not None and logs.trail_state(trail, scope, instant).state == "logged"
            if less and new.kind != "all":
                words = record_class if new.kind == "none" else f"{record_class} ({new.words})"
                gone.setdefault(words, []).append(bucket)
    return "; ".join([*results, *(f"{words} of {join_names(buckets, 5)}" for words, buckets in gone.items())])


def bucket_change(logs: LoggingTimeline, services: set[str], row: Row, request: Mapping[str, Any]) -> Change | None:
    """What a call takes away from a bucket's access log, or from a bucket that takes logs of these services."""
    name, bucket, time = row["event_name"], row["bucket"], row["event_time"]
    if name == "PutBucketLogging":
        return access_log_change(logs, row, request) if bucket else None
    if not services:
        return None
    holds = " and ".join(sorted(HOLDS[service] for service in services))
    words = row["words"].format(holds, "{1}")
    if row["target_parameter"] == "key":
        return Change(f"{bucket}/{row['key']}" if row["key"] else bucket, words)
    if name.startswith("PutBucketLifecycle"):
        days = [days for _, days in expiries(request)]
        before = [value_before(target.expiry, time) or () for target in logs.log_targets(bucket)]
        old = [days for rules in before for _, days in rules]
        longer = not days or (min(old) <= min(days) if old else min(days) > SHORT_DAYS)
        return None if longer else Change(bucket, words.format("", min(days)))
    if name == "PutBucketVersioning":
        return Change(bucket, words) if "Suspended" in str(request) else None
    if words:
        return Change(bucket, words)
    faults = [policy_fault(request.get("bucketPolicy"), item) for item in sorted(services) if name == "PutBucketPolicy"]
    if LOGGING in services:
        fault = logging_fault(name.removeprefix("Put"), request)
        faults += [fault[1]] if fault else []
        if name == "PutBucketAcl" and "LogDelivery" not in str(request):
            faults.append(
                "the log delivery group is not in the new ACL: deliveries fail unless the policy lets them in"
            )
        if name == "PutBucketOwnershipControls" and "BucketOwnerEnforced" in str(request):
            faults.append("ACLs are disabled: deliveries fail unless the policy lets them in")
    broken = "; ".join(fault for fault in faults if fault)
    return Change(bucket, f"{broken} (bucket of {holds})") if broken else None


def access_log_change(logs: LoggingTimeline, row: Row, request: Mapping[str, Any]) -> Change | None:
    """What a PutBucketLogging takes away, judged by the target just before."""
    status, bucket, time = request.get("BucketLoggingStatus"), row["bucket"], row["event_time"]
    if not isinstance(status, dict):
        return None
    log = logs.access_logs.get(bucket)
    state = log.target.at(time - INSTANT).state if log else "unknown"
    before, after = value_before(log.target if log else None, time), target_of(status)
    if (after is None and state == "known" and before is None) or (after and (not before or before[0] == after[0])):
        return None
    words = (
        f"sends access logs to s3://{'/'.join(after)} in place of s3://{'/'.join(before)}" if after else row["words"]
    )
    until = min((edge for edge in log.changes() if edge > time), default=None) if log else None
    return Change(bucket, words, until, access_log_of=bucket)


def cost_of(logs: LoggingTimeline, change: Change, time: datetime) -> tuple[float | None, str]:
    """Hours for which what was logged just before was blind after it, summed, and in words class by class."""
    end = min(change.until or logs.window.end, logs.window.end)
    just_before, until = Span(time - INSTANT, time), f"until {end:%Y-%m-%d %H:%M:%S}"
    if bucket := change.access_log_of:
        if time >= end or logs.access_logs.state(bucket, just_before.start).state not in ("logged", "uncertain"):
            return 0.0, "whether it was on just before is not known"
        spans = between(logs.access_logs[bucket].edges(), time, end)
        hours = blind_hours((span, logs.access_logs.state(bucket, span.start)) for span in spans)
        return hours, f"{until}: server_access_log blind for {duration(timedelta(hours=hours))} after settling"
    if change.trail is None:
        return None, ""
    scopes = [Scope("management", None, region) for region in logs.regions]
    scopes += [Scope(kind, bucket, region) for bucket, region in logs.buckets.items() for kind in CLASSES[1:]]
    by_class: dict[str, list[float]] = {}
    for scope in scopes:
        if time < end and logs.state(scope, just_before).state == "logged":
            spans = between(logs.edges(scope), time, end)
            hours = blind_hours((span, logs.state(scope, span)) for span in spans)
            by_class.setdefault(scope.record_class, []).extend([hours] if hours else [])
    parts = []
    for kind, amounts in by_class.items():
        noun = "Region" if kind == "management" else "bucket"
        where = f"{len(amounts)} {noun}s" if len(amounts) > 1 else f"one {noun}"
        parts += [f"{kind} of {where} blind for {duration(timedelta(hours=max(amounts)))}"] if amounts else []
    if not parts:
        return 0.0, "cost nothing that was logged just before: another trail recorded it, or nothing did"
    return sum(map(sum, by_class.values())), f"{until}: {', '.join(parts)}"


def blind_hours(states: Iterable[tuple[Span, State]]) -> float:
    """How much of the time from the call to the first span that was logged again was blind?"""
    results = timedelta()
    for span, state in states:
        if state.state == "logged":
            break
        results += span.end - span.start if state.state in BLIND else timedelta()
    return results / timedelta(hours=1)
