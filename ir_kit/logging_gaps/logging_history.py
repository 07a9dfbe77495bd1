"""What the logging of the account over time shows: each trail, calls that take logging or detection away and what they
cost in sight (putting it back is none), and where the evidence speaks against itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.collected_answers import configuration
from ir_kit.coverage.log_delivery import CLOUDTRAIL, LOGGING, bare_key, expiries, logging_fault, policy_fault, target_of
from ir_kit.coverage.logging_timeline import MARGIN, LoggingTimeline, logging_timeline
from ir_kit.coverage.selectors import CLASSES, LINES, Scope, SelectorSet, lowered, selector_set
from ir_kit.coverage.trails import FIELDS, INSTANT, Trail, moment, trail_key
from ir_kit.coverage.visibility import BLIND, HOUR, NEAR, last_used_logged_status, logged_uses
from ir_kit.domain.documents import frame_of, mapping, rows_of
from ir_kit.domain.intervals import Span, Timeline, between, duration, edges_of
from ir_kit.findings import join_names
from ir_kit.tables import types_of

Row = Mapping[str, Any]
Contradiction = tuple[str, str, datetime, datetime, str, str | None]  # a row of the table
SECOND = timedelta(seconds=1)
SHORT_DAYS = 90
HOLDS = {CLOUDTRAIL: "CloudTrail's log files", LOGGING: "access logs"}
TAKEN = {
    "multi_region": "takes all Regions but its own from the trail",
    "global_services": "takes global services from the trail",
    "organization": "takes the organization's other accounts from the trail",
}


# each trail


def trails(case: Case) -> pd.DataFrame:
    """What could each trail see, before and after each change of it?

    Returns
    -------
    DataFrame
        One row per trail and interval of the window; empty if no trail is known. Also written to
        ``logging_gaps/trails``.
    """
    logs, table = logging_timeline(case), "logging_gaps/trails"
    results: list[dict[str, Any]] = []
    for trail in logs.trails:
        for span in between([*trail.edges(), *edges_of(logs.hulls(trail))], logs.window.start, logs.window.end):
            row = trail_row(logs, trail, span)
            state = {name: value for name, value in row.items() if name not in ("start_time", "end_time", "basis")}
            if results and state.items() <= results[-1].items():
                results[-1]["end_time"] = span.end
            else:
                results.append(row)
    frame = frame_of(results, types_of(table))
    return case.write_table(table, frame)


def trail_row(logs: LoggingTimeline, trail: Trail, span: Span) -> dict[str, Any]:
    """The row of a trail in a span between two of its edges."""
    on, chosen, place = trail.logging.at(span.start), trail.selectors.at(span.start), trail.destination(span.start)
    status = ("yes" if on.value else "no") if on.state == "known" else "unknown"
    run, recorded_end = trail.run(span.start)
    delivering = logs.hull(logs.run_records(trail, run))
    until = run.end if recorded_end or delivering is None else delivering.end
    proven = status == "unknown" and delivering is not None and delivering.start <= span.start < until
    selectors = SelectorSet() if status == "no" else chosen.value if chosen.state == "known" else None
    basis = (on.words, chosen.words, "by what it delivered" if proven else "")
    return {
        "trail_name": trail.key.name, "home_region": trail.key.home_region, "account_id": trail.key.account,
        "start_time": span.start, "end_time": span.end, "logging_status": "yes" if proven else status,
        **{kind: selected(selectors, kind, logs.buckets) for kind in CLASSES},
        "destination": f"s3://{place[0]}/{place[1]}" if place else None,
        "files_held": logs.files_held(trail, span.start), "basis": "; ".join(dict.fromkeys(filter(None, basis))),
    }  # fmt: skip


def selected(selectors: SelectorSet | None, record_class: str, buckets: Iterable[str]) -> str:
    """What selectors take of a class: ``all``, ``none``, ``unknown``, or in words."""
    every = Scope(record_class, None if record_class == "management" else "\x00any", None).coverage(selectors)
    if every is None or every.kind == "all":
        return "all" if every else "unknown"
    parts = []
    for bucket in buckets if record_class != "management" else ():
        covered = Scope(record_class, bucket, None).coverage(selectors)
        if covered and covered.kind != "none":
            parts.append(bucket if covered.kind == "all" else f"{bucket} ({covered.words})")
    return ", ".join(parts) or ("none" if every.kind == "none" else every.words)


# calls that take logging away


@dataclass(frozen=True)
class Change:
    """What a call takes away, in words, and from what; of which scopes and until when its cost can be said."""

    target: str
    effect: str
    until: datetime | None = None
    scopes: Sequence[Scope] = ()


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
    logs, table = logging_timeline(case), "logging_gaps/tampering"
    results = []
    for row in calls(case, logs):
        if change := change_of(logs, row):
            failed = (0.0, f"failed ({row['error_code']}): no gap")
            cost, words = cost_of(logs, change, row["event_time"]) if row["outcome"] == "success" else failed
            effect = "; ".join(filter(None, (change.effect, words)))
            results.append({**row, "target": change.target, "effect": effect, "blind_hours": cost})
    frame = frame_of(results, types_of(table) | {"user_agent": "varchar"})
    return case.write_table(table, frame)


def calls(case: Case, logs: LoggingTimeline) -> list[dict[str, Any]]:
    """Calls of the window that can take logging away: rows of ``tampering.sql``, with the services that log to the bucket."""
    pairs = {(bucket, CLOUDTRAIL) for bucket, _ in logs.destinations}
    targets = [point.value for log in logs.access_logs.values() for point in log.target.points if point.value]
    pairs |= {(bucket, LOGGING) for bucket, _ in targets}
    rows = rows_of(case.ask("logging_gaps/tampering", log_buckets=sorted({bucket for bucket, _ in pairs})))
    return [{**row, "logs": [name for name in HOLDS if (row["bucket"], name) in pairs]} for row in rows]


def change_of(logs: LoggingTimeline, row: Row) -> Change | None:
    """What this call does to logging; None where it takes nothing away."""
    request, words, name = mapping(row["request_parameters"]), row["words"], row["event_name"]
    target = str(request.get(row["target_parameter"]) or request.get("name") or "")
    if row["target_parameter"] in ("name", "trailname"):
        return trail_change(logs, row, lowered(request))
    if row["service"] == "s3":
        return (access_log_change if name == "PutBucketLogging" else bucket_change)(logs, row, request)
    stays = name == "UpdateDetector" and request.get("enable") is not False
    if row["service"] == "kms":
        keys = [(trail.key.name, point.value) for trail in logs.trails for point in trail.fields["kms_key"].points]
        names = dict.fromkeys(trail for trail, key in keys if key and bare_key(str(key)) == bare_key(target))
        words = words.format(", ".join(names))
        stays = not names or (name == "PutKeyPolicy" and CLOUDTRAIL in str(request.get("policy")))
    elif row["service"] == "organizations":
        stays = str(request.get("servicePrincipal") or CLOUDTRAIL) != CLOUDTRAIL
    return None if stays else Change(target, words)


def data_scopes(logs: LoggingTimeline) -> list[Scope]:
    """Data events of each bucket, by class."""
    return [Scope(kind, bucket, region) for bucket, region in logs.buckets.items() for kind in CLASSES[1:]]


def value_before(timeline: Timeline | None, time: datetime) -> Any:
    """The value of a setting just before a call, where it is known and none is not its value; else None."""
    now = timeline.at(time - INSTANT) if timeline else None
    return now.value if now and now.state == "known" else None


def trail_change(logs: LoggingTimeline, row: Row, request: Row) -> Change | None:
    """What a call takes away from a trail, judged by its settings just before; `request` by names in lower case."""
    name, time, words = row["event_name"], row["event_time"], row["words"]
    key = trail_key(request.get("name") or request.get("trailname"), row["recipient_account_id"], row["aws_region"])
    if key is None:  # a call that was refused is recorded without what it asked for
        return Change("", f"{words}, and the record does not say which") if row["error_code"] else None
    trail = next((trail for trail in logs.trails if trail.key[1:] == key[1:]), None)
    lost = words
    if name == "PutEventSelectors":
        lost = narrowed(logs, selector_set(request), trail, time)
        words = f"{words}: {lost}"
    elif name == "UpdateTrail":
        words = lost = ", ".join(updated(trail, request, time))
    if not lost or trail is None:
        return Change(key.name, words) if lost else None
    until = min((edge for edge in trail.changes if edge > time), default=None)
    scopes = [*(Scope("management", None, region) for region in logs.regions), *data_scopes(logs)]
    return Change(key.name, words, until, scopes)


def updated(trail: Trail | None, request: Row, time: datetime) -> list[str]:
    """What an UpdateTrail takes away; `request` by names in lower case."""
    before = {name: value_before(timeline, time) for name, timeline in (trail.fields if trail else {}).items()}
    results = [
        TAKEN[setting]
        for given, (setting, _) in FIELDS.items()
        if setting in TAKEN and request.get(given) is False and before.get(setting) is not False
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
    before: SelectorSet | None = value_before(trail.selectors if trail else None, time)
    gone: dict[str, list[str]] = {}
    for scope in [Scope("management", None, None), *data_scopes(logs)] if after else ():
        old, new = scope.coverage(before), scope.coverage(after)
        if old:
            less = old.kind != "none" and new != old
        elif scope.bucket:
            less = trail is not None and logs.trail_state(trail, scope, Span(time - INSTANT, time)).state == "logged"
        else:
            less = True
        if less and new and new.kind != "all":
            what = "management events" if scope.bucket is None else scope.record_class
            words = what if new.kind == "none" else f"{what} ({new.words})"
            gone.setdefault(words, []).extend([scope.bucket] if scope.bucket else [])
    return "; ".join(f"{words} of {join_names(buckets, 5)}" if buckets else words for words, buckets in gone.items())


def bucket_change(logs: LoggingTimeline, row: Row, request: Row) -> Change | None:
    """What a call takes away from a bucket that takes logs."""
    name, bucket, services = row["event_name"], row["bucket"], row["logs"]
    holds = " and ".join(sorted(HOLDS[service] for service in services))
    effect, target, faults = row["words"].format(holds, "{1}"), bucket, [""]
    if not services or (name == "PutBucketVersioning" and "Suspended" not in str(request)):
        return None
    if row["target_parameter"] == "key":
        target = f"{bucket}/{row['key']}" if row["key"] else bucket
    elif name.startswith("PutBucketLifecycle"):
        days = [days for _, days in expiries(request)]
        before = [value_before(settings.expiry, row["event_time"]) or () for settings in logs.log_targets(bucket)]
        old = [number for rules in before for _, number in rules]
        if not days or (min(old) <= min(days) if old else min(days) > SHORT_DAYS):
            return None
        effect = effect.format("", min(days))
    elif not effect:
        if name == "PutBucketPolicy":
            faults = [policy_fault(request.get("bucketPolicy"), service, bucket) for service in services]
        if LOGGING in services:
            faults += [fault[1]] if (fault := logging_fault(name.removeprefix("Put"), request)) else []
            if name == "PutBucketAcl" and "LogDelivery" not in str(request):
                words = "the log delivery group is not in the new ACL: deliveries fail unless the policy lets them in"
                faults.append(words)
            if name == "PutBucketOwnershipControls" and "BucketOwnerEnforced" in str(request):
                faults.append("ACLs are disabled: deliveries fail unless the policy lets them in")
        effect = f"{'; '.join(filter(None, faults))} (bucket of {holds})" if any(faults) else ""
    return Change(target, effect) if effect else None


def access_log_change(logs: LoggingTimeline, row: Row, request: Row) -> Change | None:
    """What a PutBucketLogging takes away, judged by the target just before."""
    status, bucket, time = request.get("BucketLoggingStatus"), row["bucket"], row["event_time"]
    log = logs.access_logs.get(bucket)
    if not bucket or not isinstance(status, dict):
        return None
    known = log is not None and log.target.at(time - INSTANT).state == "known"
    before, after = value_before(log.target if log else None, time), target_of(status)
    if (after and (not before or before[0] == after[0])) or (not after and known and before is None):
        return None
    words = row["words"]
    if after:
        words = f"sends access logs to s3://{'/'.join(after)} in place of s3://{'/'.join(before)}"
    until = min((edge for edge in log.changes if edge > time), default=None) if log else None
    return Change(bucket, words, until, [Scope("server_access_log", bucket, logs.buckets.get(bucket))])


def cost_of(logs: LoggingTimeline, change: Change, time: datetime) -> tuple[float | None, str]:
    """Hours for which what was logged just before was not logged, summed, and in words by class."""
    if not change.scopes:
        return None, ""
    end = min(change.until or logs.window.end, logs.window.end)
    by_class: dict[str, list[float]] = {}
    for scope in change.scopes if time < end else ():
        before = ["logged", "uncertain"] if scope.record_class == LINES else ["logged"]
        if logs.state(scope, Span(time - INSTANT, time)).state in before:
            after = ((span, logs.state(scope, span).state) for span in between(logs.edges(scope), time, end))
            blind = [span for span, state in takewhile(lambda pair: pair[1] != "logged", after) if state in BLIND]
            hours = sum((span.end - span.start for span in blind), timedelta()) / HOUR
            by_class.setdefault(scope.record_class, []).extend([hours] if blind else [])
    parts = []
    for kind, hours_blind in by_class.items():
        noun = "Region" if kind == "management" else "bucket"
        where = f"{len(hours_blind)} {noun}s" if len(hours_blind) > 1 else f"one {noun}"
        parts += [f"{kind} of {where} not logged for {duration(max(hours_blind) * HOUR)}"] if hours_blind else []
    nothing = "no known gap: nothing was logged just before, or another trail recorded it"
    return sum(map(sum, by_class.values())), f"until {end:%Y-%m-%d %H:%M} UTC: {', '.join(parts)}" if parts else nothing


# where the evidence speaks against itself


def contradictions(case: Case) -> pd.DataFrame:
    """Where does the evidence speak against itself, so that a record must be missing or a setting was not what it is
    said to be?

    Returns
    -------
    DataFrame
        One row per contradiction: settings against deliveries, one log against the other, IAM's note of a key's last use
        against both; empty if none. Also written to ``logging_gaps/contradictions``.

    Notes
    -----
    A silence is told from a Region's own habit, see `logging_timeline.silent_spans`; a quiet account cannot be told from a
    gap.
    """
    logs, types = logging_timeline(case), types_of("logging_gaps/contradictions")
    rows = [
        *trails_against_files(case, logs), *silent_access_logs(logs), *expired_log_objects(logs),
        *uses_without_record(case), *written_log_buckets(case, logs),
    ]  # fmt: skip
    rows.sort(key=lambda row: (row[2], row[0], row[1]))
    frame = frame_of((dict(zip(types, row, strict=True)) for row in rows), types)
    return case.write_table("logging_gaps/contradictions", frame)


def trails_against_files(case: Case, logs: LoggingTimeline) -> Iterator[Contradiction]:
    """Trails that were on while no record came, or off while records came; deliveries that failed."""
    for region in logs.regions:
        scope = Scope("management", None, region)
        for span in logs.silent.get(region, []):  # of a Region that is never as quiet
            begins = Span(span.start, span.start + MARGIN)
            on = [trail.key.name for trail in logs.trails if logs.trail_state(trail, scope, begins).state == "logged"]
            if on:
                words = f"{', '.join(on)} is said to have been on, but {region} has no record for {duration(span.end - span.start)}"
                yield "no_files_while_on", region, span.start, span.end, words, None
        arrived = [row for row in logs.unexplained(scope) if logs.window.touches(row.span.start, row.span.end)]
        if arrived and logs.trails.by_key:
            words = (
                f"{sum(row.records for row in arrived)} records came while every trail that is known was off, or did not "
                "select them: another trail delivers here"
            )
            start, end = min(row.span.start for row in arrived), max(row.span.end for row in arrived)
            yield "files_while_off", region, start, end, words, None
    for call, _ in configuration(case).every("cloudtrail", "GetTrailStatus"):
        name = str(call.parameters.get("Name") or call.parameters.get("TrailName")).rpartition("/")[2]
        for answer in call.answers:
            if error := answer.response.get("LatestDeliveryError"):
                delivered = moment(answer.response.get("LatestDeliveryTime")) or answer.collected_at
                words = f"the trail is on, but its last delivery failed ({error}); the last that worked was at {delivered:%Y-%m-%d %H:%M:%S}"
                yield "delivery_failed", name, min(delivered, answer.collected_at), answer.collected_at, words, None


def silent_access_logs(logs: LoggingTimeline) -> Iterator[Contradiction]:
    """Access logs that were on, and had no line while CloudTrail saw requests."""
    for bucket, log in sorted(logs.access_logs.items()):
        for span in log.silent:
            on = log.target.at(span.start)
            if on.state == "known" and on.value and logs.window.touches(span.start, span.end):
                words = f"access logging was on ({on.words}), CloudTrail saw requests, and no line came for {duration(span.end - span.start)}"
                yield "silent_access_log", bucket, span.start, span.end, words, None


def expired_log_objects(logs: LoggingTimeline) -> Iterator[Contradiction]:
    """The times of the window of which a lifecycle rule had removed log objects before they were collected."""
    expired = [(f"trail {key.name}", expiry) for key, expiry in logs.expired.items()]
    expired += [(f"access log of {bucket}", log.expiry) for bucket, log in logs.access_logs.items() if log.expiry]
    for subject, expiry in expired:
        end = min(expiry.gone, expiry.first or expiry.gone, logs.window.end)
        if logs.window.start < end:
            words = f"{expiry.words}: what had come until {expiry.gone:%Y-%m-%d %H:%M} was gone when it was collected, and no file of this time is left"
            yield "log_objects_expired", subject, logs.window.start, end, words, None


def uses_without_record(case: Case) -> Iterator[Contradiction]:
    """A key's last use by IAM, which no log shows: a gap proven, and worse where it would have been logged."""
    for row in rows_of(case.ask("logging_gaps/last_uses")):
        used, service, key = row["last_used_date"], row["last_used_service"], row["access_key_id"]
        if not any(logged_uses(case, key, service, used.to_pydatetime())):
            where = "where not every such call was logged"
            if last_used_logged_status(case, row) == "no":
                where = "though every such call would have been logged"
            words = f"IAM names a use of {service} at {used:%Y-%m-%d %H:%M:%S}, which no log shows, {where}"
            yield "use_without_record", key, used - NEAR, used + NEAR, words, key


def written_log_buckets(case: Case, logs: LoggingTimeline) -> Iterator[Contradiction]:
    """Writes into and deletions from log buckets by anybody but the services that log."""
    times: dict[tuple[str, str | None], list[datetime]] = {}
    for row in calls(case, logs):
        if row["target_parameter"] == "key" and row["outcome"] == "success":
            times.setdefault((row["bucket"], row["access_key_id"]), []).append(row["event_time"])
    for (bucket, key), listed in times.items():
        words = (
            f"{len(listed)} objects of the log bucket were written or deleted by {key or 'a caller without a key'}: what "
            "it holds is not all as it was delivered"
        )
        yield "log_bucket_written", bucket, min(listed), max(listed) + SECOND, words, key
