"""Findings of playbook 04: is each bucket public or open to others, who came, what changed, what could the keys reach?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ir_kit.bucket_exposure import questions
from ir_kit.case import Case
from ir_kit.coverage.scope import Seen
from ir_kit.coverage.visible import visible
from ir_kit.domain.frames import rows_of
from ir_kit.findings import (
    CONFIGURATION,
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
    count_noun,
    join_names,
    responders_left_out,
    write_findings,
)  # fmt: skip
from ir_kit.object_access.bounds import watched as log_coverage
from ir_kit.object_access.findings import scope_of
from ir_kit.sessions import session_of

PLAYBOOK = "bucket_exposure"
Row = dict[str, Any]
KINDS = {"anonymous": "nobody by name", "other_account": "the account", "service": "AWS services"}
ACCESS = ("read", "write", "delete", "list", "admin")
EFFECTS = {"opens": "opened it", "closes": "closed it", "changes": "changed it, from a state that is not known"}
AS_COLLECTED = "It speaks of the settings as they were collected, and as management events tell of them in the window."
OBJECT_ACLS = (
    "An ACL of a single object can let others in where ACLs are in force; only those that were collected count."
)
BY_POLICIES = (
    "Reasoned from identity policies, bucket policies and ACLs as they were collected, and from what was done."
)
MOST_REASONS = 6
HOUR = pd.Timedelta(hours=1)


def findings(case: Case) -> list[Finding]:
    """What can be said of the exposure of each bucket?

    Returns
    -------
    list of Finding
        For every bucket in scope ``public``, ``cross_account``, ``outsider_access``, ``exposure_changed`` and ``reachable_by_key``, each asked
        whether or not there is anything to find. Also written to the case's findings.
    """
    window = (pd.Timestamp(case.incident.window.start), pd.Timestamp(case.incident.window.end))
    changes, observed = questions.changes(case), questions.observed_access(case)
    inside = changes[(changes["event_time"] >= window[0]) & (changes["event_time"] < window[1])]
    verdicts, logged = rows_of(questions.buckets(case)), Seen.of(case)
    names = [row["bucket"] for row in verdicts]
    coverage = [log_coverage(visible(case), names, window, kind) for kind in ("data_read", "data_write")]
    left_out = (
        responders_left_out(case, int(observed.attrs["responders"]), "request"),
        responders_left_out(case, int(inside["is_responder"].sum()), "change"),
    )
    grants, permissions = _by_bucket(questions.grants(case)), _by_bucket(questions.reachable(case))
    spans, outsiders = _by_bucket(questions.spans(case)), _by_bucket(observed)
    made = rows_of(session_of(case, inside[~inside["is_responder"].astype(bool)]))
    found = []
    for verdict in verdicts:
        name, account = verdict["bucket"], verdict["account_id"]
        about = BucketFindings(
            FindingBuilder(case, PLAYBOOK), verdict, grants.get(name, []), permissions.get(name, []), spans.get(name, []),
            outsiders.get(name, []), [row for row in made if row["bucket"] == name or _of_account(row, account)], left_out,
        )  # fmt: skip
        found += [
            about.public(),
            about.cross_account(),
            about.outsider_access([scope_of(by[name]) for by in coverage], int(observed.attrs["unauthenticated"].get(name, 0))),
            about.exposure_changed(logged.configuration(name)),
            about.reachable_by_key(),
        ]  # fmt: skip
    return write_findings(case, PLAYBOOK, found)


@dataclass(frozen=True)
class BucketFindings:
    """The five findings on one bucket, from its rows of the tables."""

    builder: FindingBuilder
    verdict: Row
    grants: list[Row]
    permissions: list[Row]
    spans: list[Row]
    observed: list[Row]
    changes: list[Row]
    left_out: tuple[str, str]

    @property
    def name(self) -> str:
        return str(self.verdict["bucket"])

    @property
    def done(self) -> list[Row]:
        """The changes in the window that succeeded."""
        return [row for row in self.changes if row["outcome"] == "success"]

    @property
    def in_effect(self) -> list[Row]:
        """What compromised credentials opened or changed, and is there still."""
        return [
            row
            for row in self.done
            if row["is_reached"] and row["stands_status"] == "yes" and row["effect"] != "closes"
        ]

    @property
    def opened_by_intruder(self) -> bool:
        """Is anything in effect that was not the owner's doing?"""
        return bool(self.in_effect) and _actor(self.in_effect) != "owner"

    def public(self) -> Finding:
        """``public``: by the settings as collected, and whether it was so in the window."""
        status, ways = str(self.verdict["public_status"]), [row for row in self.grants if row["public_status"] == "yes"]
        hours, unknown = (
            float(sum((row["end_time"] - row["start_time"]) / HOUR for row in self.spans if row["public_status"] == which))
            for which in ("yes", "unknown")
        )  # fmt: skip
        if hours and status != "yes":
            first = next(row["start_time"] for row in self.spans if row["public_status"] == "yes")
            long = f"{hours:,.1f} hours" if hours >= 0.1 else f"{hours * 3600:,.0f} seconds"
            now = "is so no longer" if status == "no" else "whether it still is cannot be known"
            statement = f"{self.name} was public for {long} of the window, from {first:%Y-%m-%d %H:%M} UTC, and {now}."
        else:
            statement = {
                "yes": f"{self.name} is public: {_granted(ways)}.",
                "no": f"{self.name} is not public.",
                "unknown": f"Whether {self.name} is public cannot be known from the settings that were read.",
            }[status]
        basis = next((row["basis"] for row in self.spans if row["public_status"] == "unknown"), "")
        before = (
            f"For {unknown:,.1f} hours of the window it is not known whether it was public: {basis}." if unknown else ""
        )
        read = any(row["requests"] for row in self.observed if row["requester_kind"] == "anonymous")
        return self._build(
            "public", "Is the bucket public?", statement, int(status == "yes" or hours > 0),
            {"public_status": status, "public_ways": len(ways), "public_hours": round(hours, 3), "unknown_hours": round(unknown, 3)},
            scope=self._settings_scope(status, "public", unknown > 0), rows=ways,
            severity="critical" if status == "yes" and self.opened_by_intruder else "high" if read else "medium",
            limits=[AS_COLLECTED, *self._reasons("Whether it is public", "Not counted"), before, OBJECT_ACLS],
        )  # fmt: skip

    def cross_account(self) -> Finding:
        """``cross_account``: other accounts let in by name, and what flows out to them."""
        status = str(self.verdict["cross_account_status"])
        ways = [row for row in self.grants if row["cross_account_status"] == "yes"]
        statement = {
            "yes": f"{self.name} is open to another account: {_granted(ways)}.",
            "no": f"{self.name} is open to no other account, and nothing flows out to one.",
            "unknown": f"Whether {self.name} is open to another account cannot be known from the settings that were read.",
        }[status]
        read = any(row["requests"] for row in self.observed if row["requester_kind"] == "other_account")
        return self._build(
            "cross_account", "Is the bucket open to another account?", statement, int(status == "yes"),
            {"cross_account_status": status, "cross_account_ways": len(ways)},
            scope=self._settings_scope(status, "open to another account"), rows=ways,
            severity="critical" if self.opened_by_intruder else "medium" if read else "low",
            limits=[AS_COLLECTED, *self._reasons("Whether it is open", "Not counted"), OBJECT_ACLS],
        )  # fmt: skip

    def outsider_access(self, scopes: Sequence[Scope], unauthenticated: int) -> Finding:
        """``outsider_access``: who came, and got what; reads and writes together."""
        values: dict[str, Value] = {}
        came, done = [], dict.fromkeys(KINDS, 0)
        for kind, words in KINDS.items():
            rows = [row for row in self.observed if row["requester_kind"] == kind]
            done[kind], sent = (sum(int(row[name]) for row in rows) for name in ("requests", "bytes_sent"))
            values |= {f"{kind}_requests": done[kind], f"{kind}_bytes": sent}
            names = [row["requester"] for row in rows if row["requests"]]
            plural = "s" if kind == "other_account" and len(names) > 1 else ""
            listed = {"anonymous": "", "other_account": f" {join_names(names)}", "service": f" ({join_names(names)})"}[
                kind
            ]
            came += (
                [f"{count_noun(done[kind], 'request')} of {words}{plural}{listed}, {sent:,} bytes"]
                if done[kind]
                else []
            )
        for name in ("denied_requests", "requests_while_public", "requests_while_not_public", "requests_while_unknown"):
            values[name] = sum(int(row[name]) for row in self.observed)
        count, denied = sum(done.values()), int(values["denied_requests"] or 0)
        refused = f"; {count_noun(denied, 'request')} {'was' if denied == 1 else 'were'} refused" if denied else ""
        statement = f"No request from outside is seen to have succeeded on {self.name}{refused}."
        if count:
            statement = f"From outside came to {self.name}: {'; '.join(came)}{refused}."
        strangers = done["anonymous"] + done["other_account"]
        failed = f"{count_noun(unauthenticated, 'request').capitalize()} failed to authenticate and name nobody: they are in no number."
        blind = " ".join(dict.fromkeys(scope.blind for scope in scopes if scope.blind))
        alone = any(scope.access_logs_only for scope in scopes)
        return self._build(
            "outsider_access", "Who came from outside, and what did they get?", statement, count, values,
            scope=Scope(all(scope.whole is True for scope in scopes), blind, access_logs_only=alone),
            actor=("unknown" if strangers else "owner") if count else None,
            severity="info" if not strangers else "critical" if self.opened_by_intruder else "high" if done["anonymous"] else "medium",
            evidence=[EvidenceRows(table="bucket_exposure/observed_access", rows=len(self.observed))],
            limits=[
                failed if unauthenticated else "",
                "AWS services that deliver logs or look after settings at the owner's bidding count as services." if done["service"] else "",
                "Who used a pre-signed link counts as the principal that issued it.",
                self.left_out[0],
            ],
        )  # fmt: skip

    def exposure_changed(self, scope: Scope) -> Finding:
        """``exposure_changed``: what opened it or closed it, and what is still in effect."""
        done, rows = self.done, self.changes
        effects = {name: sum(row["effect"] == name for row in done) for name in EFFECTS}
        by_keys, whole, tries = (
            sum(row["is_reached"] for row in done),
            sum(row["bucket"] is None for row in done),
            len(rows) - len(done),
        )
        if done:
            parts = ", ".join(f"{effects[name]:,} {words}" for name, words in EFFECTS.items() if effects[name])
            statement = (
                f"{count_noun(len(done), 'change').capitalize()} of the exposure of {self.name} "
                f"({join_names(row['event_name'] for row in done)}): {parts}; {by_keys:,} by reached credentials"
            )
            statement += f", of which {len(self.in_effect):,} still stand" if by_keys else ""
            opened = [grantee for row in done for grantee in row["opened_to"]]
            statement += f"; let in were {join_names(opened)}" if opened else ""
        else:
            statement = f"No change of the exposure of {self.name} is seen"
        statement += f"; {count_noun(tries, 'try', 'tries')} failed." if tries else "."
        ids = [str(row["event_id"]) for row in (done or rows) if row["event_id"]][:EVENT_IDS]
        actor = _actor(done) if done else None
        bad: Severity = "high" if by_keys and actor != "owner" else "low" if actor == "unknown" else "info"
        return self._build(
            "exposure_changed", "Did anything change who can reach the bucket?", statement, len(done),
            {"changes": len(done), **{f"effect_{name}": count for name, count in effects.items()}, "failed_tries": tries,
             "by_reached_credentials": by_keys, "still_standing": len(self.in_effect), "account_wide": whole},
            scope=scope, actor=actor, severity="critical" if self.opened_by_intruder else bad,
            evidence=[EvidenceRows(table="bucket_exposure/changes", rows=len(rows), event_ids=ids or None)],
            limits=[
                f"{count_noun(whole, 'change').capitalize()} of the whole account count for each of its buckets." if whole else "",
                "ACLs of objects are changed by calls on objects, seen only where data events were on.",
                "Rights that identities gained are told by scoping, and key policies of KMS are not looked at.",
                self.left_out[1],
            ],
        )  # fmt: skip

    def reachable_by_key(self) -> Finding:
        """``reachable_by_key``: what the compromised credentials could do to it."""
        status = str(self.verdict["reachable_by_key_status"])
        could = [row for row in self.permissions if row["status"] == "yes"]
        keys = len({row["access_key_id"] for row in could})
        counts: dict[str, Value] = {access: sum(row["access"] == access for row in could) for access in ACCESS}
        listed = ", ".join(access for access in ACCESS if counts[access])
        statement = {
            "yes": f"{count_noun(keys, 'reached credential').capitalize()} could reach {self.name}: {listed}.",
            "no": f"No reached credential could reach {self.name}.",
            "unknown": f"Whether a reached credential could reach {self.name} cannot be known from what was read.",
        }[status]
        return self._build(
            "reachable_by_key", "Could the reached credentials reach the bucket?", statement, int(status == "yes"),
            {"reachable_by_key_status": status, "credentials": keys, **counts},
            scope=self._settings_scope(status, "within reach"), inferred=True,
            severity="high" if self.name in self.builder.case.incident.sensitive_buckets else "medium",
            evidence=[EvidenceRows(table="bucket_exposure/reachable", rows=len(could) or len(self.permissions))],
            limits=[BY_POLICIES, *self._reasons("Whether it is within"),
                    "Rights that were given and taken back before collection are seen only where they were used."],
        )  # fmt: skip

    def _build(
        self, question_id: str, question: str, statement: str, count: int, values: dict[str, Value], *,
        rows: Sequence[Row] = (), evidence: Sequence[EvidenceRows] = (), **more: Any,
    ) -> Finding:  # fmt: skip
        settings = [
            EvidenceRows(table="bucket_exposure/grants", rows=len(rows)),
            EvidenceRows(table="bucket_exposure/buckets", rows=1),
        ]
        return self.builder.build(
            question_id, question, statement, count=count, values=values, evidence=evidence or settings,
            subject=Subject(bucket=self.name), **more,
        )  # fmt: skip

    def _reasons(self, *beginnings: str) -> list[str]:
        """The verdict's reasons that bear on what is not known."""
        wanted = [str(reason) for reason in self.verdict["reasons"] if str(reason).startswith(beginnings)]
        more = [f"And {len(wanted) - MOST_REASONS} reasons more."] if len(wanted) > MOST_REASONS else []
        return wanted[:MOST_REASONS] + more

    def _settings_scope(self, status: str, what: str, doubt: bool = False) -> Scope:
        if status == "unknown":
            return Scope(False, f"Not all settings of {self.name} that decide whether it is {what} could be read.")
        return Scope(CONFIGURATION.whole, unsure=doubt)


def _by_bucket(frame: pd.DataFrame) -> dict[Any, list[Row]]:
    return {name: rows_of(rows) for name, rows in frame.groupby("bucket", sort=False)}


def _of_account(row: Row, account: str | None) -> bool:
    """Is it a change to the whole account that this bucket belongs to?"""
    return row["bucket"] is None and row["scope"] == "account" and account in (None, row["target"])


def _actor(changes: Sequence[Row]) -> Actor:
    """Whose the changes are, by the sessions of compromised credentials that hold them; else unknown."""
    return actor_of([row["verdict"] or "unclear" for row in changes], [row["label"] for row in changes])


def _granted(grants: Sequence[Row]) -> str:
    words = [f"{row['grantee']} may {row['access']} by {str(row['path']).replace('_', ' ')}" for row in grants]
    return join_names(words) if words else "by what its settings say"
