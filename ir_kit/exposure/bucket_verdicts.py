"""From settings to a verdict on a bucket: is it public, is it open to another account, by which grants; when was it, what
changed that, and is that still in effect?

A past configuration is read exactly as the collected one: the same answers give the same verdict. Each call is set
against the setting that it changes: what that let in before, and what after, by what is known of the others then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import Bucket, BucketInventory, inventory
from ir_kit.configuration.change_events import FLAGS, ConfigChange
from ir_kit.configuration.collected_answers import Answer, Configuration, Setting, configuration, setting_of
from ir_kit.configuration.config_timeline import INSTANT, MOST_READ, ConfigTimeline, config_timeline
from ir_kit.coverage.visibility import unlogged, visible
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.domain.documents import frame_of, mappings, rows_of, value_of
from ir_kit.domain.intervals import LATEST, between
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.domain.principals import is_responder
from ir_kit.engine import outcome_of
from ir_kit.exposure.grants import BucketContext, Grant, acl_grants, outflow_grants
from ir_kit.exposure.policy_grants import access_grants_grants, access_point_grants, policy_grants
from ir_kit.tables import types_of

MOST_REASONS = 8  # of one kind
MOST_REASONS_AT_A_TIME = 2
Opening = tuple[str, str, str]  # grantee (or setting), access, whether that is everybody
OPENS, CLOSES, CHANGES = "opens", "closes", "changes"
NO_WAY = ("rule_disabled", "redirect_all_requests", "resource")  # what is set and lets nobody in, whatever else is set
FLOWS_OUT = ("website", "replication", "inventory", "analytics", "cors", "access_grant")
GUARDS = ("block_public_access", "ownership_controls")
NOT_EXPOSURE = ("versioning", "lifecycle")
OF_EVENT = ("event_time", "event_name", "access_key_id", "event_id", "source_ip_address", "user_agent", "error_code")
WORDS = {
    "block_public_access": "Block Public Access", "ownership_controls": "object ownership", "acl": "the bucket's ACL",
    "object_acl": "the ACL of an object", "policy": "the bucket policy", "cors": "the rules for other origins",
}  # fmt: skip


class Verdict(NamedTuple):
    """What all grants on a bucket come to, with the reasons in sentences, and what was not counted."""

    public_status: str
    cross_account_status: str
    reasons: list[str]
    not_counted: list[str]


@dataclass(frozen=True)
class Exposure:
    """All buckets in scope, by the settings as they were collected, with the grants on each."""

    configuration: Configuration
    inventory: BucketInventory
    grants: dict[str, list[Grant]]


@lru_cache(maxsize=MOST_READ)
def grants_of(configuration: Configuration, bucket: Bucket, inventory: BucketInventory) -> list[Grant]:
    """Every grant on a bucket by these answers, source by source; one row without a grantee where a source has none."""
    context, grants = BucketContext(bucket, configuration, inventory), list[Grant]()
    for source in (policy_grants, acl_grants, access_point_grants, access_grants_grants):
        grants += source(context)
    return grants + outflow_grants(context, grants)


def exposure_of(case: Case) -> Exposure:
    """The grants on every bucket in scope; worked out once for a case."""

    def compute() -> Exposure:
        collected, known = configuration(case), inventory(case)
        grants = {name: grants_of(collected, bucket, known) for name, bucket in known.buckets.items()}
        return Exposure(collected, known, grants)

    return case.once("exposure", compute)


def verdict_on(grants: list[Grant]) -> Verdict:
    """Is a bucket public by these grants on it, and is it open to another account?"""
    reasons, statuses = list[str](), list[str]()
    for what, judged in (
        ("public", [(grant.public_status, grant.open_to_all, grant) for grant in grants]),
        ("open to another account", [(grant.cross_account_status, grant.foreign, grant) for grant in grants]),
    ):
        statuses.append(status := any_of(how for how, _, _ in judged))
        counted = [grant for how, _, grant in judged if how == status]
        if status == NO:  # what would open it, were it not stopped
            counted = [grant for _, meant, grant in judged if meant == YES and grant.effective_status == NO]
        reasons += reasons_for(what, status, map(words_of, counted))
    left_out = [
        f"Not counted in this: {grant.path} ({grant.detail})."
        for grant in grants
        if grant.effective_status == UNKNOWN and grant.grantee is None and grant.open_to_all == grant.foreign == NO
    ]
    return Verdict(statuses[0], statuses[1], reasons, left_out)


def reasons_for(what: str, status: str, why: Iterable[str]) -> list[str]:
    """A status with each of its reasons, in sentences."""
    head = {YES: f"It is {what}", NO: f"It is not {what}", UNKNOWN: f"Whether it is {what} is not known"}[status]
    listed = list(dict.fromkeys(why))
    more = [f"{head}: and {len(listed) - MOST_REASONS} more."] if len(listed) > MOST_REASONS else []
    return [f"{head}: {words}." for words in listed[:MOST_REASONS]] + more or [f"{head}."]


def words_of(grant: Grant) -> str:
    """A grant as a reason."""
    lets_in = grant.grantee and grant.effective_status == YES
    who = f"{grant.path} lets {grant.grantee} {grant.access or 'in'}" if lets_in else grant.path
    return f"{who} ({grant.detail})" + (f", stopped by {grant.blocked_by}" if grant.blocked_by else "")


@dataclass
class PastExposure:
    """Who could reach a bucket at a time, from its settings over time."""

    timeline: ConfigTimeline

    def grants(self, name: str, time: datetime, instead: Mapping[Setting, Answer] | None = None) -> list[Grant]:
        """The grants of a bucket at this time, of every kind; `instead`: had these settings been so."""
        at, inventory = self.timeline.configuration_at(name, time, instead), self.timeline.inventory
        return grants_of(at, inventory.bucket(name), inventory)

    def public_at(self, name: str, time: datetime, instead: Mapping[Setting, Answer] | None = None) -> tuple[str, str]:
        """Was a bucket public then, and why? What was not logged is not known."""
        if self.timeline.unlogged_at(name, time):
            return UNKNOWN, "no management events were logged: a change would not have been seen"
        grants = self.grants(name, time, instead)
        status = any_of(grant.public_status for grant in grants)
        reasons = [grant.detail for grant in grants if grant.public_status == status]
        if status == NO:
            stopped = [grant for grant in grants if grant.open_to_all == YES and grant.blocked_by]
            reasons = [f"{grant.detail}, stopped by {grant.blocked_by}" for grant in stopped]
        return status, "; ".join(reasons[:MOST_REASONS_AT_A_TIME]) or "nothing lets everybody in"


def past_exposure(case: Case) -> PastExposure:
    """The exposure of a case's buckets over time."""
    return case.once("past_exposure", lambda: PastExposure(config_timeline(case, unlogged(visible(case)))))


def spans(case: Case) -> pd.DataFrame:
    """When was each bucket in scope public by AWS's definition, when was it not, and when is that not known?

    Returns
    -------
    DataFrame
        One row per bucket and interval; the intervals of a bucket tile the window. Empty where no bucket is in scope.

    Notes
    -----
    Every kind of grant counts that counts in ``public_status``, ACLs of objects where they are known. Settings are
    carried forward from calls and answers, and back from an answer to the last call before it, but never over a time in
    which calls were not logged.
    """
    past, window, columns = past_exposure(case), case.incident.window, types_of("bucket_exposure/spans")
    rows: list[dict[str, Any]] = []
    for name in past.timeline.inventory.buckets:
        for span in between(past.timeline.edges(name), window.start, window.end):
            status, basis = past.public_at(name, span.start.replace(microsecond=999_999))
            row = dict(zip(columns, (name, span.start, span.end, status, basis), strict=True))
            if rows and all(rows[-1][part] == row[part] for part in ("bucket", "public_status", "basis")):
                rows[-1]["end_time"] = span.end
            else:
                rows.append(row)
    return frame_of(rows, columns)


def changes(case: Case) -> pd.DataFrame:
    """What changed who can reach the buckets, in all of the evidence?

    Returns
    -------
    DataFrame
        One row per call that changes exposure, or was to; failed ones included, whoever made it, in the order of time;
        empty if none. A change to a whole account has a null bucket.

    Notes
    -----
    ``opens`` and ``closes`` compare with what the setting was just before, by the call before it, an answer of
    configuration in between, or a read that found nothing. Where that is not known, a call that can only open (public
    access blocks taken away, a policy that is public, a website, what flows out) opens, one that can only close
    closes, and all others are ``changes``. A call that is known to change nothing is none. Cannot see: calls made while
    nothing recorded management events; KMS key policies.
    Source: S3 User Guide, "Blocking public access to your Amazon S3 storage"; CloudTrail records of S3.
    """
    credentials = {row["access_key_id"]: bool(row["is_responder"]) for row in rows_of(compromised_credentials(case))}
    rows = changes_of(past_exposure(case))
    for row in rows:
        key, principals = row["access_key_id"], (row["principal_arn"], row.pop("session_issuer_arn"))
        row["is_reached"] = key in credentials
        own = any(is_responder(principal, case.incident.responders) for principal in principals)
        row["is_responder"] = own or credentials.get(key, False)
    return frame_of(rows, types_of("bucket_exposure/changes"))


def changes_of(past: PastExposure) -> list[dict[str, Any]]:
    """The rows for settings over time, but for whose call each is; see `changes`."""
    rows: list[dict[str, Any]] = []
    for change in (change for change in past.timeline.changes if change.path not in NOT_EXPOSURE):
        event, before, time, bucket = change.event, past.timeline.before(change), change.moment - INSTANT, change.bucket
        effect, opened, closed = effect_of(past, change, before)
        if effect is None:
            continue
        instead = {change.setting: change.content} if change.setting and change.content.known else None
        after = (time if instead else change.moment, instead)
        public = [past.public_at(bucket, *at)[0] if bucket is not None else None for at in ((time, None), after)]
        rows.append({
            **{name: event[name] for name in (*OF_EVENT, "session_issuer_arn")}, "bucket": bucket,
            "principal_arn": event["user_identity_arn"], "effect": effect, "outcome": outcome_of(event["error_code"]),
            "scope": change.scope, "target": change.target, "public_before": public[0], "public_after": public[1],
            "opened_to": opened, "closed_to": closed, "stands_status": in_effect(past, change, opened),
            "detail": described(past, change, opened, closed, before),
        })  # fmt: skip
    return rows


def effect_of(past: PastExposure, change: ConfigChange, before: Answer) -> tuple[str | None, list[str], list[str]]:
    """The effect, whom it lets in and whom it no longer does; None where nothing changes."""
    name, path, content, time = str(change.event["event_name"]), change.path, change.content, change.moment - INSTANT
    is_delete, is_new = name.startswith("Delete"), name == "CreateBucket"
    if change.setting is None or name == "CreateAccessPoint":  # what configuration keeps in lists: made or taken away
        if name.startswith("Create"):
            grantee = content.response.get("Grantee")
            return OPENS, [str(grantee)] if grantee else [], []
        return (CLOSES if is_delete else CHANGES), [], []
    after = openings_of(past, change, content, time) if content.known else None
    if after is None:
        return (CLOSES if is_delete and path in FLOWS_OUT and not content.known else CHANGES), [], []
    old = openings_of(past, change, before, time) if before.known and not is_new else None
    if old is not None:
        opened, closed = beyond(after, old), beyond(old, after)
        return OPENS if opened else CLOSES if closed else None, names_of(path, opened), names_of(path, closed)
    if path in GUARDS:
        partly = path == "block_public_access" and 0 < len(after) < len(FLAGS)
        return CHANGES if partly else OPENS if after else CLOSES, [], []
    if after and (path in FLOWS_OUT or is_new or any(to_all == YES for _, _, to_all in after)):
        return OPENS, names_of(path, after), []
    if not after and (is_new or path == "object_acl"):
        return None, [], []  # what is new and private exposes nothing
    only_closes = not after and path in FLOWS_OUT and (is_delete or path == "cors")
    return CLOSES if only_closes else CHANGES, names_of(path, after), []


def openings_of(past: PastExposure, change: ConfigChange, content: Answer, time: Any) -> set[Opening] | None:
    """What a setting opens, were it this: whom it is meant for, whether something else stops them is another matter; of
    what guards, which of it is off. None where it cannot be read.
    """
    response, setting = content.response, change.setting
    if change.path == "block_public_access":
        given = response.get("PublicAccessBlockConfiguration", {} if content.state == "absent" else None)
        is_off = {flag for flag in FLAGS if isinstance(given, Mapping) and str(given.get(flag)).lower() != "true"}
        return {(flag, "off", NO) for flag in is_off} if isinstance(given, Mapping) else None
    if change.path == "ownership_controls":
        rules = [rule.get("ObjectOwnership") for rule in mappings(value_of(response, "Rules"))]
        if not rules and content.state != "absent":
            return None
        return {("ACLs", "in force", NO)} if rules[:1] != ["BucketOwnerEnforced"] else set()
    if change.path == "cors":  # grants nothing, and lets pages of other origins read what their visitors may
        return {
            (str(origin), str(method), NO)
            for rule in response.get("CORSRules") or []
            for origin in rule.get("AllowedOrigins") or []
            for method in rule.get("AllowedMethods") or []
        }
    if setting is None:
        return set()
    instead = {setting: content}
    if change.path == "access_point":  # the one that a policy is for need not be there any more
        of, bucket = setting.parameters, past.timeline.inventory.bucket(change.bucket or "")
        region = change.event.get("aws_region") or bucket.region
        arn = f"arn:{bucket.partition}:s3:{region}:{of['AccountId']}:accesspoint/{of['Name']}"
        point = {"Name": of["Name"], "Bucket": change.bucket, "AccessPointArn": arn}
        listed = Answer("ListAccessPoints", "answered", {"AccessPointList": [point]})
        instead[setting_of("s3control", "ListAccessPoints", Bucket=change.bucket, **of)] = listed
    return {
        (str(grant.grantee), str(grant.access), grant.open_to_all)
        for grant in past.grants(change.bucket or "", time, instead)
        if grant.path == change.path and None not in (grant.grantee, grant.access) and grant.blocked_by not in NO_WAY
        if change.path not in ("replication", "inventory", "analytics") or grant.foreign != NO
    }


def beyond(openings: set[Opening], others: set[Opening]) -> set[Opening]:
    """What opens beyond the others; whoever may do a thing that everybody may is let in already."""
    everybody = {access for _, access, to_all in others if to_all == YES}
    named = {opening[:2] for opening in others}
    return {
        opening
        for opening in openings
        if opening[1] not in everybody and (opening[:2] not in named or opening[2] == YES)
    }


def names_of(path: str, openings: Iterable[Opening]) -> list[str]:
    """Whom these let in, and to what; nobody by what guards."""
    return [] if path in GUARDS else sorted({f"{grantee} ({access})" for grantee, access, _ in openings})


def in_effect(past: PastExposure, change: ConfigChange, opened: list[str]) -> str:
    """Is what the call set in effect by the last that is known of the setting?"""
    if not change.succeeded:
        return NO
    last = past.timeline.last(change.setting) if change.setting else Answer("")
    if not change.content.known or not last.known:
        return UNKNOWN
    now = openings_of(past, change, last, LATEST)
    if opened and change.path != "cors":
        return YES if set(opened) & set(names_of(change.path, now or ())) else NO
    return YES if now == openings_of(past, change, change.content, LATEST) else NO


def described(past: PastExposure, change: ConfigChange, opened: list[str], closed: list[str], before: Answer) -> str:
    """What a call does, in words."""
    parts = [WORDS.get(change.path, change.path.replace("_", " "))]
    if change.path == "block_public_access":
        off = openings_of(past, change, change.content, change.moment) if change.content.known else None
        on = [] if off is None else [flag for flag in FLAGS if (flag, "off", NO) not in off]
        some = "all on" if len(on) == len(FLAGS) else f"{', '.join(on)} on" if on else "all off"
        parts.append("not known which" if off is None else some)
    for words, names in (("lets in", opened), ("no longer lets in", closed)):
        parts += [f"{words} {', '.join(names[:4])}{' and more' if len(names) > 4 else ''}"] if names else []
    if change.setting is not None and not before.known:
        parts.append("what was there before is not known")
    return "; ".join(parts)
