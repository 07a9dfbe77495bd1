"""Findings of playbook 04: who can reach each bucket, who did, what changed, what could the compromised keys do?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ir_kit.bucket_exposure import questions
from ir_kit.case import Case
from ir_kit.coverage.visibility import LogScope, bucket_coverage
from ir_kit.domain.documents import rows_of
from ir_kit.domain.intervals import hours_and_minutes
from ir_kit.findings import (
    EVENT_IDS,
    Actor,
    EvidenceRows,
    Finding,
    FindingBuilder,
    Scope,
    Severity,
    Subject,
    Value,
    actor_of,
    byte_size,
    count_noun,
    join_names,
    responders_left_out,
    write_findings,
)
from ir_kit.sessions.session_table import session_of

PLAYBOOK = "bucket_exposure"
Row = dict[str, Any]
Rows = Sequence[Row]
QUESTIONS = {
    "public": "Is the bucket public?",
    "cross_account": "Is the bucket open to another account?",
    "outsider_access": "Who outside the account accessed the bucket, and what did they get?",
    "exposure_changed": "Did anybody change who can access the bucket?",
    "reachable_by_key": "Could the compromised credentials access the bucket?",
}
STATEMENTS = {
    "public": {
        "yes": "{bucket} is public: {what}.",
        "no": "{bucket} is not public.",
        "was": "{bucket} was public for {long} of the window, from {since:%Y-%m-%d %H:%M} UTC; {now}.",
    },
    "cross_account": {
        "yes": "{bucket} gives another account access: {what}.",
        "no": "{bucket} gives no other account access, and sends no data to one.",
    },
    "reachable_by_key": {
        "yes": "{keys} could access {bucket} ({what}).",
        "no": "No compromised credential could access {bucket}.",
        "unknown": "Whether a compromised credential could access {bucket} is unknown from the settings in the evidence.",
    },
}
UNKNOWN = "Whether {bucket} is {asked} is unknown: not all of its settings are in the evidence."
NOT_READ = "Some settings of {bucket} that decide whether it is {what} could not be read."
KINDS = ("anonymous", "other_account", "service")
ACCESS = ("read", "write", "delete", "list", "admin")
EFFECTS = {
    "opens": "widened access",
    "closes": "restricted access",
    "changes": "replaced a setting that is not in the evidence",
}
AS_COLLECTED = "This rests on the settings as collected, and on their changes in management events of the window."
OBJECT_ACLS = "ACLs of single objects can grant access where ACLs are enabled; only collected ones count."
BY_POLICIES = "Inferred from identity policies, bucket policies and ACLs as collected, and from successful API calls."
TAKEN_BACK = "Permissions that were revoked before collection show only where they were used."
SERVICES = "AWS services that deliver logs or manage settings for the owner count as services."
PRESIGNED = "Anyone who used a pre-signed URL counts as the principal that issued it."
ON_OBJECTS = "Changes to object ACLs show only where data events were on."
NOT_HERE = "Permissions that identities gained are in scoping; KMS key policies are not checked."
NOBODY = " failed to authenticate and are not counted: they name no principal."
MOST_REASONS = 6


def findings(case: Case) -> list[Finding]:
    """Who could access each bucket, and who did?

    Returns
    -------
    list of Finding
        For every bucket in scope ``public``, ``cross_account``, ``outsider_access``, ``exposure_changed`` and
        ``reachable_by_key``, each asked whether or not there is anything to find. Also written to the case's findings.
    """
    window = (pd.Timestamp(case.incident.window.start), pd.Timestamp(case.incident.window.end))
    changes, observed = questions.changes(case), questions.observed_access(case)
    inside = changes[(changes["event_time"] >= window[0]) & (changes["event_time"] < window[1])]
    verdicts, logged = rows_of(questions.buckets(case)), LogScope.of(case)
    names = [row["bucket"] for row in verdicts]
    coverage = [bucket_coverage(case, names, kind) for kind in ("data_read", "data_write")]
    requests_left_out = responders_left_out(case, int(observed.attrs["responders"]), "request")
    changes_left_out = responders_left_out(case, int(inside["is_responder"].sum()), "change")
    tables = [
        questions.by_bucket(table)
        for table in (questions.grants(case), questions.reachable(case), questions.spans(case), observed)
    ]
    made, listed = rows_of(session_of(case, inside[~inside["is_responder"].astype(bool)])), []
    for verdict in verdicts:
        name, account = verdict["bucket"], verdict["account_id"]
        own = [row for row in made if row["bucket"] == name or (
            row["bucket"] is None and row["scope"] == "account" and account in (None, row["target"]))]  # fmt: skip
        about = BucketFindings(FindingBuilder(case, PLAYBOOK), verdict, own, *(table.get(name, []) for table in tables))
        unauthenticated = int(observed.attrs["unauthenticated"].get(name, 0))
        listed += [
            about.public(),
            about.cross_account(),
            about.outsider_access([by[name].scope() for by in coverage], unauthenticated, requests_left_out),
            about.exposure_changed(logged.configuration(name), changes_left_out),
            about.reachable_by_key(),
        ]
    return write_findings(case, PLAYBOOK, listed)


class BucketFindings:
    """The five findings on one bucket, from its rows of the tables and the changes in the window that bear on it."""

    def __init__(
        self, builder: FindingBuilder, verdict: Row, changes: Rows, grants: Rows, permissions: Rows, spans: Rows,
        outsiders: Rows,
    ) -> None:  # fmt: skip
        self.builder, self.verdict, self.name = builder, verdict, str(verdict["bucket"])
        self.grants, self.permissions, self.spans = grants, permissions, spans
        self.outsiders, self.changes = outsiders, changes
        self.requests = {
            kind: sum(int(row["requests"]) for row in outsiders if row["requester_kind"] == kind) for kind in KINDS
        }
        self.done = [row for row in changes if row["outcome"] == "success"]
        made = [row for row in self.done if row["is_reached"] and row["stands_status"] == "yes"]
        self.in_effect = [row for row in made if row["effect"] != "closes"]
        self.by_intruder = bool(self.in_effect) and actor_of_changes(self.in_effect) != "owner"

    def public(self) -> Finding:
        """``public``: by the settings as collected, and whether it was so in the window."""
        status, hours = str(self.verdict["public_status"]), dict.fromkeys(("yes", "no", "unknown"), 0.0)
        for row in self.spans:
            hours[row["public_status"]] += (row["end_time"] - row["start_time"]) / pd.Timedelta(hours=1)
        long, unknown = hours["yes"], hours["unknown"]
        basis = next((row["basis"] for row in self.spans if row["public_status"] == "unknown"), "")
        before = f"Whether it was public is unknown for {hours_and_minutes(unknown)} of the window: {basis}."
        words = {
            "long": hours_and_minutes(long),
            "since": next((row["start_time"] for row in self.spans if row["public_status"] == "yes"), None),
            "now": "it no longer is" if status == "no" else "whether it still is public is unknown",
        }
        severity: Severity = "high" if self.requests["anonymous"] else "medium"
        return self.on_settings(
            "public", status, "public", severity if status != "yes" or not self.by_intruder else "critical",
            template="was" if long and status != "yes" else status, words=words,
            values={"public_hours": round(long, 3), "unknown_hours": round(unknown, 3)},
            count=int(status == "yes" or long > 0), doubt=unknown > 0, limits=[before] if unknown else [],
        )  # fmt: skip

    def cross_account(self) -> Finding:
        """``cross_account``: access that is granted to other accounts, and data that is sent to them."""
        severity: Severity = "medium" if self.requests["other_account"] else "low"
        status, severity = str(self.verdict["cross_account_status"]), "critical" if self.by_intruder else severity
        return self.on_settings(
            "cross_account", status, "open to another account", severity, count=int(status == "yes")
        )

    def outsider_access(self, scopes: Sequence[Scope], unauthenticated: int, left_out: str) -> Finding:
        """``outsider_access``: who accessed it from outside, and what they got; reads and writes together."""
        values: dict[str, Value] = {f"{kind}_requests": count for kind, count in self.requests.items()}
        parts: list[str] = []
        for kind, requests in self.requests.items():
            rows = [row for row in self.outsiders if row["requester_kind"] == kind]
            values[f"{kind}_bytes"] = sent = sum(int(row["bytes_sent"]) for row in rows)
            names = [row["requester"] for row in rows if row["requests"]]
            who = {
                "anonymous": "anonymous callers", "service": f"AWS services ({join_names(names)})",
                "other_account": f"{'account' if len(names) == 1 else 'accounts'} {join_names(names)}",
            }[kind]  # fmt: skip
            parts += [f"{who} made {count_noun(requests, 'request')} and received {byte_size(sent)}"] if names else []
        for name in ("denied_requests", "requests_while_public", "requests_while_not_public", "requests_while_unknown"):
            values[name] = sum(int(row[name]) for row in self.outsiders)
        denied, services = int(values["denied_requests"] or 0), self.requests["service"]
        scope = Scope(
            all(scope.whole for scope in scopes), " ".join(dict.fromkeys(scope.blind for scope in scopes if scope.blind)),
            access_logs_only=any(scope.access_logs_only for scope in scopes),
            gap=next((scope.gap for scope in scopes if scope.gap), ""),
        )  # fmt: skip
        refused = f"{count_noun(denied, 'request')} {'was' if denied == 1 else 'were'} denied" if denied else ""
        none = f"of successful access to {self.name} from outside the account{f' ({refused})' if refused else ''}"
        statement = scope.none(none, "object requests")
        if count := sum(self.requests.values()):
            statement = f"{self.name} was accessed from outside the account: {'; '.join([*parts, *([refused] if refused else [])])}."
        strangers, failed = count - services, count_noun(unauthenticated, "request").capitalize() + NOBODY
        severity: Severity = "high" if self.requests["anonymous"] else "medium" if strangers else "info"
        return self.build(
            "outsider_access", statement, count, values, "critical" if strangers and self.by_intruder else severity,
            scope=scope, actor=("unknown" if strangers else "owner") if count else None,
            evidence=[EvidenceRows(table="bucket_exposure/observed_access", rows=len(self.outsiders))],
            limits=[failed if unauthenticated else "", SERVICES if services else "", PRESIGNED, left_out],
        )  # fmt: skip

    def exposure_changed(self, scope: Scope, left_out: str) -> Finding:
        """``exposure_changed``: what widened or restricted access, and what is still in effect."""
        done, tries = self.done, len(self.changes) - len(self.done)
        effects = {name: sum(row["effect"] == name for row in done) for name in EFFECTS}
        by_keys, whole = sum(row["is_reached"] for row in done), sum(row["bucket"] is None for row in done)
        failed = f"{count_noun(tries, 'attempt')} failed" if tries else ""
        none = f"of a change to who can access {self.name}{f' ({failed})' if failed else ''}"
        statement = scope.none(none, "configuration calls")
        if done:
            parts = ", ".join(f"{effects[name]:,} {words}" for name, words in EFFECTS.items() if effects[name])
            opened = [grantee for row in done for grantee in row["opened_to"]]
            names = join_names(row["event_name"] for row in done)
            who = "A compromised credential" if by_keys == len(done) else "Somebody"
            statement = (
                f"{who} changed who can access {self.name} with {count_noun(len(done), 'API call')} ({names}): {parts}"
            )
            statement += f"; {by_keys:,} by compromised credentials" if 0 < by_keys < len(done) else ""
            statement += f", {len(self.in_effect):,} still in effect" if by_keys else ""
            statement += f"; access was granted to {join_names(opened)}" if opened else ""
            statement += f"; {failed}." if failed else "."
        ids = [str(row["event_id"]) for row in (done or self.changes) if row["event_id"]][:EVENT_IDS]
        actor = actor_of_changes(done) if done else None
        severity: Severity = "high" if by_keys and actor != "owner" else "low" if actor == "unknown" else "info"
        of_account = f"{count_noun(whole, 'account-wide change').capitalize()} {'counts' if whole == 1 else 'count'} for each bucket of the account."
        return self.build(
            "exposure_changed", statement, len(done),
            {f"effect_{name}": count for name, count in effects.items()}
            | {"changes": len(done), "failed_tries": tries, "by_reached_credentials": by_keys,
               "still_standing": len(self.in_effect), "account_wide": whole},
            "critical" if self.by_intruder else severity, scope=scope, actor=actor,
            evidence=[EvidenceRows(table="bucket_exposure/changes", rows=len(self.changes), event_ids=ids or None)],
            limits=[of_account if whole else "", ON_OBJECTS, NOT_HERE, left_out],
        )  # fmt: skip

    def reachable_by_key(self) -> Finding:
        """``reachable_by_key``: what the compromised credentials could do to it."""
        could = [row for row in self.permissions if row["status"] == "yes"]
        keys, sensitive = len({row["access_key_id"] for row in could}), self.builder.case.incident.sensitive_buckets
        values: dict[str, Value] = {access: sum(row["access"] == access for row in could) for access in ACCESS}
        status = str(self.verdict["reachable_by_key_status"])
        return self.on_settings(
            "reachable_by_key", status, "accessible", "high" if self.name in sensitive else "medium",
            count=int(status == "yes"), inferred=True, limits=[TAKEN_BACK], values={"credentials": keys, **values},
            words={"keys": count_noun(keys, "compromised credential").capitalize(),
                   "what": ", ".join(access for access in ACCESS if values[access])},
            evidence=[EvidenceRows(table="bucket_exposure/reachable", rows=len(could) or len(self.permissions))],
        )  # fmt: skip

    def on_settings(
        self, question_id: str, status: str, what: str, severity: Severity, *, count: int, doubt: bool = False,
        template: str = "", words: dict[str, Any] | None = None, values: dict[str, Value] | None = None,
        evidence: list[EvidenceRows] | None = None, limits: Sequence[str] = (), inferred: bool = False,
    ) -> Finding:  # fmt: skip
        """A finding on settings: its statement by the status, its limits by the verdict's reasons."""
        grants = [row for row in self.grants if row[f"{question_id}_status"] == "yes"] if not inferred else []
        lets_in = list[str]()
        for who in dict.fromkeys((row["grantee"], row["path"]) for row in grants):
            access = dict.fromkeys(str(row["access"]) for row in grants if (row["grantee"], row["path"]) == who)
            lets_in.append(
                f"{'everybody' if who[0] == '*' else who[0]} can {' and '.join(access)} ({who[1].replace('_', ' ')})"
            )
        by_what = join_names(lets_in) or "as its settings say"
        given = {"bucket": self.name, "asked": what, "what": by_what} | (words or {})
        settings: dict[str, Value] = {f"{question_id}_status": status}
        settings |= {} if inferred else {f"{question_id}_ways": len(grants)}
        beginnings = (f"Whether it is {what.partition(' ')[0]}", *(() if inferred else ("Not counted",)))
        reasons = [str(reason) for reason in self.verdict["reasons"] if str(reason).startswith(beginnings)]
        more = (
            [f"{len(reasons) - MOST_REASONS} more reasons are in bucket_exposure/buckets."]
            if len(reasons) > MOST_REASONS
            else []
        )
        tables = {"grants": len(grants), "buckets": 1}
        by_settings = [EvidenceRows(table=f"bucket_exposure/{name}", rows=rows) for name, rows in tables.items()]
        unread = Scope(False, NOT_READ.format(bucket=self.name, what=what))
        first, last = (BY_POLICIES, ()) if inferred else (AS_COLLECTED, (OBJECT_ACLS,))
        return self.build(
            question_id, STATEMENTS[question_id].get(template or status, UNKNOWN).format(**given), count, settings | (values or {}),
            severity, scope=unread if status == "unknown" else Scope(True, unsure=doubt), inferred=inferred,
            evidence=evidence or by_settings, limits=[first, *reasons[:MOST_REASONS], *more, *limits, *last],
        )  # fmt: skip

    def build(
        self, question_id: str, statement: str, count: int, values: dict[str, Value], severity: Severity, **more: Any
    ) -> Finding:
        """A finding on this bucket."""
        return self.builder.build(
            question_id, QUESTIONS[question_id], statement, count=count, values=values, severity=severity,
            subject=Subject(bucket=self.name), **more,
        )  # fmt: skip


def actor_of_changes(changes: Rows) -> Actor:
    """Who made the changes, by the sessions of compromised credentials; else unknown."""
    return actor_of([row["verdict"] or "unclear" for row in changes], [row["label"] for row in changes])
