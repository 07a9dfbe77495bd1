"""What each call does to logging: which acts take it away, from what, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ir_kit.coverage.access_logging import target_of
from ir_kit.coverage.log_delivery import CLOUDTRAIL, LOGGING, bare_key, expiries, logging_fault, policy_fault
from ir_kit.coverage.logging_timeline import LoggingTimeline
from ir_kit.coverage.selectors import SelectorSet, coverage_of_bucket, coverage_of_region, selector_set
from ir_kit.coverage.states import Scope
from ir_kit.coverage.trails import INSTANT, Trail, document, trail_key
from ir_kit.domain.intervals import Span

SHORT_DAYS = 90
UNNAMED = {
    "StopLogging": "stops a trail", "DeleteTrail": "deletes a trail", "UpdateTrail": "changes a trail",
    "PutEventSelectors": "changes what a trail selects",
}  # fmt: skip
Row = Mapping[str, Any]


@dataclass
class Act:
    """What a call is about, what it does to logging in words, and until when that can be said."""

    target: str
    effect: str
    until: datetime | None = None
    trail: Trail | None = None
    lines_of: str | None = None


def act_of(replayed: LoggingTimeline, takes: dict[str, set[str]], row: Row) -> Act | None:
    """What this call does to logging; None where it takes nothing away."""
    request = document(row["request_parameters"])
    source = row["event_source"].partition(".")[0]
    handlers: dict[str, Callable[[], Act | None]] = {
        "cloudtrail": lambda: _on_trail(replayed, row, request),
        "s3": lambda: _on_bucket(replayed, takes, row, request),
        "kms": lambda: _on_key(replayed, row, request),
        "logs": lambda: Act(
            str(request.get("id") or request.get("name")), "takes away a delivery of logs; of which source is not said"
        ),
        "organizations": lambda: _on_organization(row, request),
        "guardduty": lambda: _on_detector(row, request),
    }
    return handlers[source]()


def _on_trail(replayed: LoggingTimeline, row: Row, request: dict[str, Any]) -> Act | None:
    name, time = row["event_name"], row["event_time"]
    if "Logging" not in name and "Trail" not in name and name != "PutEventSelectors":
        return Act(str(request.get("eventDataStore") or ""), "takes away a copy of the events outside of the trails")
    lower = {str(key).lower(): value for key, value in request.items()}
    key = trail_key(lower.get("name") or lower.get("trailname"), row["recipient_account_id"], row["aws_region"])
    if key is None:  # a call that was refused is recorded without what it asked for
        verb = UNNAMED.get(name)
        return Act("", f"{verb}, and the record does not say which") if verb and row["error_code"] else None
    trail = next(
        (
            one
            for one in replayed.trails
            if one.key.name == key.name and one.key.home_region == key.home_region
        ),
        None,
    )
    until = min((change for change in trail.changes() if change > time), default=None) if trail else None
    if name in ("StopLogging", "DeleteTrail"):
        verb = "stops the trail" if name == "StopLogging" else "deletes the trail"
        return Act(key.name, verb, until, trail)
    if name == "PutEventSelectors":
        after = selector_set(request)
        held = trail.selectors.at(time - INSTANT) if trail else None
        before = held.value if held and held.state == "known" else None
        lost = narrowed(replayed, before, after, trail, time)
        return Act(key.name, f"narrows what the trail selects: {lost}", until, trail) if lost else None
    lost = ", ".join(_updated(trail, lower, time))
    return Act(key.name, lost, until, trail) if lost else None


def _updated(trail: Trail | None, request: dict[str, Any], time: datetime) -> list[str]:
    """What an UpdateTrail takes away."""

    def before(name: str) -> Any:
        held = trail.fields[name].at(time - INSTANT) if trail else None
        return held.value if held and held.state == "known" else None

    found = []
    if request.get("ismultiregiontrail") is False and before("multi_region") is not False:
        found.append("takes all Regions but its own from the trail")
    if request.get("includeglobalserviceevents") is False and before("global_services") is not False:
        found.append("takes global services from the trail")
    if request.get("isorganizationtrail") is False and before("organization") is not False:
        found.append("takes the organization's other accounts from the trail")
    if request.get("s3bucketname") and before("bucket") != request["s3bucketname"]:
        found.append(f"sends the trail's files to s3://{request['s3bucketname']}")
    elif "s3keyprefix" in request and before("prefix") not in (None, request["s3keyprefix"]):
        found.append(f"sends the trail's files below {request['s3keyprefix']}/")
    if request.get("enablelogfilevalidation") is False:
        found.append("ends the validation of its files")
    if request.get("kmskeyid") and bare_key(str(before("kms_key") or "")) != bare_key(str(request["kmskeyid"])):
        found.append(f"encrypts its files with another key ({request['kmskeyid']})")
    return found


def narrowed(
    replayed: LoggingTimeline, before: SelectorSet | None, after: SelectorSet | None, trail: Trail | None, time: datetime
) -> str:
    """What the one selects and the other does not, in words; empty where nothing is taken away.

    Where the set before is not known, what it must have selected is told by what was delivered, and a set that leaves
    out management events counts as narrower.
    """
    if after is None:
        return ""
    found = []
    old, new = (coverage_of_region(before) if before else None), coverage_of_region(after)
    if new.kind != "all" and (old is None or old.kind == "all" or (old.kind == "partly" and new != old)):
        found.append("management events" if new.kind == "none" else f"management events ({new.words})")
    gone: dict[str, list[str]] = {}
    for bucket, region in replayed.buckets.items():
        for record_class in ("data_read", "data_write"):
            new = coverage_of_bucket(after, bucket, record_class)
            if before:
                old = coverage_of_bucket(before, bucket, record_class)
                less = old.kind != "none" and new.kind != "all" and new != old
            else:
                state = (
                    replayed.settled(trail, Scope(record_class, bucket, region), Span(time - INSTANT, time))
                    if trail
                    else None
                )
                less = state is not None and state.state == "logged" and new.kind != "all"
            if less:
                gone.setdefault(record_class if new.kind == "none" else f"{record_class} ({new.words})", []).append(
                    bucket
                )
    for what, buckets in gone.items():
        found.append(f"{what} of {', '.join(buckets[:5])}{f' and {len(buckets) - 5} more' if len(buckets) > 5 else ''}")
    return "; ".join(found)


def _on_bucket(replayed: LoggingTimeline, takes: dict[str, set[str]], row: Row, request: dict[str, Any]) -> Act | None:
    name, bucket, time = row["event_name"], row["bucket"], row["event_time"]
    if not bucket:
        return None
    if name == "PutBucketLogging":
        return _on_access_log(replayed, bucket, time, request)
    services = takes.get(bucket)
    if not services:
        return None
    holds = " and ".join(
        sorted({CLOUDTRAIL: "CloudTrail's log files", LOGGING: "access logs"}[one] for one in services)
    )
    if name in ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"):
        days = [days for _, days in expiries(request)]
        before = replayed.log_targets(bucket)
        old = [
            days
            for target in before
            for held in [target.expiry.at(time - INSTANT)]
            if held.state == "known"
            for _, days in held.value
        ]
        if (
            not days
            or (min(days) > SHORT_DAYS and (not old or min(days) >= min(old)))
            or (old and min(old) <= min(days))
        ):
            return None
        return Act(bucket, f"lets {holds} expire after {min(days)} days")
    if name in ("DeleteObject", "DeleteObjects"):
        return Act(f"{bucket}/{row['key']}" if row["key"] else bucket, f"deletes from the bucket of {holds}")
    if name in ("PutObject", "CopyObject", "CompleteMultipartUpload"):
        return Act(f"{bucket}/{row['key'] or ''}", f"writes into the bucket of {holds}")
    if name == "PutBucketVersioning":
        suspended = "Suspended" in str(request)
        return (
            Act(bucket, f"suspends versioning on the bucket of {holds}: what is deleted or written over is gone")
            if suspended
            else None
        )
    if name in ("DeleteBucket", "DeleteBucketPolicy"):
        what = "bucket" if name == "DeleteBucket" else "policy of the bucket"
        return Act(bucket, f"deletes the {what} of {holds}: deliveries fail")
    faults = (
        [policy_fault(request.get("bucketPolicy"), one) for one in sorted(services)]
        if name == "PutBucketPolicy"
        else []
    )
    other = logging_fault(name.removeprefix("Put"), request) if LOGGING in services else None
    faults += [other[1]] if other else []
    if name == "PutBucketAcl" and LOGGING in services and "LogDelivery" not in str(request):
        faults += ["the log delivery group is not in the new ACL: deliveries fail unless the policy lets them in"]
    if name == "PutBucketOwnershipControls" and LOGGING in services and "BucketOwnerEnforced" in str(request):
        faults += ["ACLs are disabled: deliveries fail unless the policy lets them in"]
    words = "; ".join(fault for fault in faults if fault)
    return Act(bucket, f"{words} (bucket of {holds})") if words else None


def _on_access_log(replayed: LoggingTimeline, bucket: str, time: datetime, request: dict[str, Any]) -> Act | None:
    status = request.get("BucketLoggingStatus")
    if not isinstance(status, dict):
        return None
    one = replayed.access_logs.get(bucket)
    held = one.target.at(time - INSTANT) if one else None
    before, after = (held.value if held and held.state == "known" else None), target_of(status)
    until = min((change for change in one.changes() if change > time), default=None) if one else None
    if after is None:
        off_before = held is not None and held.state == "known" and before is None
        return None if off_before else Act(bucket, "switches access logging off", until, lines_of=bucket)
    if before and before[0] != after[0]:
        return Act(
            bucket,
            f"sends access logs to s3://{after[0]}/{after[1]} in place of s3://{before[0]}/{before[1]}",
            until,
            lines_of=bucket,
        )
    return None


def _on_key(replayed: LoggingTimeline, row: Row, request: dict[str, Any]) -> Act | None:
    key = str(request.get("keyId") or "")
    of = [
        trail.key.name for trail in replayed.trails
        if any(point.value and bare_key(str(point.value)) == bare_key(key) for point in trail.fields["kms_key"].points)
    ]  # fmt: skip
    if not of or (row["event_name"] == "PutKeyPolicy" and CLOUDTRAIL in str(request.get("policy"))):
        return None
    return Act(key, f"takes the key of {', '.join(of)} away: its files cannot be written, or not be read")


def _on_organization(row: Row, request: dict[str, Any]) -> Act | None:
    about = str(request.get("servicePrincipal") or CLOUDTRAIL)
    if about != CLOUDTRAIL:
        return None
    return Act(
        str(request.get("accountId") or ""), "takes the account, or CloudTrail, out of the organization's logging"
    )


def _on_detector(row: Row, request: dict[str, Any]) -> Act | None:
    if row["event_name"] == "UpdateDetector" and request.get("enable") is not False:
        return None
    return Act(
        str(request.get("detectorId") or ""),
        "takes GuardDuty away: a detector, not a log of requests; no class of records is lost",
    )
