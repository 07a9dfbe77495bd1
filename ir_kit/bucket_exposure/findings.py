"""Findings of playbook 04: is each bucket public or open to others, who came, what changed, what could the keys reach?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ir_kit.bucket_exposure import questions as asked
from ir_kit.case import Case
from ir_kit.coverage.scope import LogScope
from ir_kit.coverage.visibility import visible
from ir_kit.domain.frames import rows_of
from ir_kit.findings import (
    EVENT_IDS,
    Actor,
    EvidenceRows,
    Finding,
    FindingBuilder,
    Scope,
    Subject,
    Value,
    actor_of,
    count_noun,
    join_names,
    responders_left_out,
    write_findings,
)
from ir_kit.key_activity import questions as activity
from ir_kit.object_access.bounds import Watched, watched
from ir_kit.object_access.findings import scope_of

PLAYBOOK = "bucket_exposure"
Row = Mapping[str, Any]
AS_COLLECTED = "It speaks of the settings as they were collected, and as management events tell of them in the window."
OBJECT_ACLS = (
    "An ACL of a single object can let others in where ACLs are in force; only those that were collected count."
)
REPLAYED = "Reasoned from identity policies, bucket policies and ACLs as they were collected, and from what was done."
MOST_REASONS = 6
HOUR = pd.Timedelta(hours=1)


def findings(case: Case) -> list[Finding]:
    """What can be said of the exposure of each bucket?

    Returns
    -------
    list of Finding
        For every bucket in scope ``public``, ``cross_account``, ``outsider_access``, ``exposure_changed`` and
        ``reachable_by_key``, each asked whether or not there is anything to find. Also written to the case's findings.
    """
    builder = FindingBuilder(case, PLAYBOOK)
    seen = LogScope.of(case)
    window = (pd.Timestamp(case.incident.window.start), pd.Timestamp(case.incident.window.end))
    changes = asked.changes(case)
    inside = changes[(changes["event_time"] >= window[0]) & (changes["event_time"] < window[1])]
    observed = asked.observed_access(case)
    names = list(asked.buckets(case)["bucket"])
    by_class = {name: watched(visible(case), names, window, name) for name in ("data_read", "data_write")}
    grants, reachable, spans = _by(asked.grants(case)), _by(asked.reachable(case)), _by(asked.spans(case))
    rows = rows_of(inside)
    told = _Told(
        responders_left_out(case, int(observed.attrs["responders"]), "request"),
        responders_left_out(case, int(inside["is_responder"].sum()), "change"),
        observed.attrs["unauthenticated"],
        _sessions(case),
    )
    found = []
    for verdict in rows_of(asked.buckets(case)):
        name = verdict["bucket"]
        mine = [row for row in rows if row["bucket"] == name or _whole_account(row, verdict)]
        one = _Bucket(builder, verdict, grants.get(name, []), spans.get(name, []), told)
        found += [
            one.public(),
            one.cross_account(),
            one.outsiders(
                [row for row in rows_of(observed[observed["bucket"] == name])],
                [by_class[kind][name] for kind in ("data_read", "data_write")],
            ),
            one.changed([row for row in mine if not row["is_responder"]], seen.configuration(name)),
            one.reachable(reachable.get(name, [])),
        ]
    return write_findings(case, PLAYBOOK, found)


def _by(frame: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(frame):
        found.setdefault(row["bucket"], []).append(row)
    return found


def _whole_account(row: Row, verdict: Row) -> bool:
    """Is it a change to the whole account that this bucket belongs to?"""
    return row["bucket"] is None and row["scope"] == "account" and verdict["account_id"] in (None, row["target"])


def _sessions(case: Case) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(activity.sessions(case)):
        found.setdefault(row["access_key_id"], []).append(row)
    return found


@dataclass(frozen=True)
class _Told:
    """What the findings of all buckets share."""

    requests_left_out: str
    changes_left_out: str
    unauthenticated: Mapping[str, int]
    sessions: Mapping[str, list[dict[str, Any]]]

    def actor(self, changes: Iterable[Row]) -> Actor:
        """Whose the changes are, by the sessions of reached credentials that hold them; else unknown."""
        verdicts: list[str] = []
        labels: list[str | None] = []
        for row in changes:
            held = [
                one
                for one in self.sessions.get(row["access_key_id"] or "", [])
                if one["source_ip_address"] == row["source_ip_address"]
                and one["user_agent"] == row["user_agent"]
                and one["start_time"] <= row["event_time"] <= one["end_time"]
            ]
            verdicts.append(held[0]["verdict"] if held else "unclear")
            labels.append(held[0]["label"] if held else None)
        return actor_of(verdicts, labels)


@dataclass(frozen=True)
class _Bucket:
    """The questions that are asked of one bucket."""

    builder: FindingBuilder
    verdict: Row
    grants: Sequence[Row]
    spans: Sequence[Row]
    told: _Told

    @property
    def name(self) -> str:
        return str(self.verdict["bucket"])

    @property
    def subject(self) -> Subject:
        return Subject(bucket=self.name)

    def _reasons(self, *beginnings: str) -> list[str]:
        """The verdict's reasons that bear on what is not known."""
        wanted = [str(one) for one in self.verdict["reasons"] if str(one).startswith(beginnings)]
        more = [f"And {len(wanted) - MOST_REASONS} reasons more."] if len(wanted) > MOST_REASONS else []
        return wanted[:MOST_REASONS] + more

    def _hours(self, status: str) -> float:
        return float(
            sum((row["end_time"] - row["start_time"]) / HOUR for row in self.spans if row["public_status"] == status)
        )

    def _scope(self, status: str, what: str, doubt: bool = False) -> Scope:
        if status == "unknown":
            return Scope(False, f"Not all settings of {self.name} that decide whether it is {what} could be read.")
        return Scope(True, unsure=doubt)

    def _rows(self, rows: Sequence[Row]) -> list[EvidenceRows]:
        return [
            EvidenceRows(table="bucket_exposure/grants", rows=len(rows)),
            EvidenceRows(table="bucket_exposure/buckets", rows=1),
        ]

    def public(self) -> Finding:
        """``public``: by the settings as collected, and whether it was so in the window."""
        status, hours, dark = str(self.verdict["public_status"]), self._hours("yes"), self._hours("unknown")
        ways = [row for row in self.grants if row["public_status"] == "yes"]
        if status == "yes":
            statement = f"{self.name} is public: {_whom(ways)}."
        elif hours:
            first = next(row for row in self.spans if row["public_status"] == "yes")
            now = "is so no longer" if status == "no" else "whether it still is cannot be known"
            long = f"{hours:,.1f} hours" if hours >= 0.1 else f"{hours * 3600:,.0f} seconds"
            statement = (
                f"{self.name} was public for {long} of the window, from "
                f"{first['start_time']:%Y-%m-%d %H:%M} UTC, and {now}."
            )
        elif status == "unknown":
            statement = f"Whether {self.name} is public cannot be known from the settings that were read."
        else:
            statement = f"{self.name} is not public."
        before = (
            f"For {dark:,.1f} hours of the window it is not known whether it was public: {self._dark_basis()}."
            if dark
            else ""
        )
        return self.builder.build(
            "public", "Is the bucket public?", statement, count=int(status == "yes" or hours > 0),
            values={"public_status": status, "public_ways": len(ways), "public_hours": round(hours, 3),
                    "unknown_hours": round(dark, 3)},
            scope=self._scope(status, "public", dark > 0), subject=self.subject, evidence=self._rows(ways),
            limits=[AS_COLLECTED, *self._reasons("Whether it is public", "Not counted"), before, OBJECT_ACLS],
        )  # fmt: skip

    def _dark_basis(self) -> str:
        return str(next(row for row in self.spans if row["public_status"] == "unknown")["basis"])

    def cross_account(self) -> Finding:
        """``cross_account``: other accounts let in by name, and what flows out to them."""
        status = str(self.verdict["cross_account_status"])
        ways = [row for row in self.grants if row["cross_account_status"] == "yes"]
        if status == "yes":
            statement = f"{self.name} is open to another account: {_whom(ways)}."
        elif status == "unknown":
            statement = (
                f"Whether {self.name} is open to another account cannot be known from the settings that were read."
            )
        else:
            statement = f"{self.name} is open to no other account, and nothing flows out to one."
        return self.builder.build(
            "cross_account", "Is the bucket open to another account?", statement, count=int(status == "yes"),
            values={"cross_account_status": status, "cross_account_ways": len(ways)},
            scope=self._scope(status, "open to another account"), subject=self.subject, evidence=self._rows(ways),
            limits=[AS_COLLECTED, *self._reasons("Whether it is open", "Not counted"), OBJECT_ACLS],
        )  # fmt: skip

    def outsiders(self, rows: Sequence[Row], seen: Sequence[Watched]) -> Finding:
        """``outsider_access``: who came, and got what."""
        by = {kind: [row for row in rows if row["requester_kind"] == kind] for kind in KINDS}
        done = {kind: sum(int(row["requests"]) for row in of) for kind, of in by.items()}
        sent = {kind: sum(int(row["bytes_sent"]) for row in of) for kind, of in by.items()}
        denied = sum(int(row["denied_requests"]) for row in rows)
        count = sum(done.values())
        came = [_came(kind, done[kind], sent[kind], by[kind]) for kind in KINDS if done[kind]]
        refused = f"; {count_noun(denied, 'request')} {'was' if denied == 1 else 'were'} refused" if denied else ""
        if count:
            statement = f"From outside came to {self.name}: {'; '.join(came)}{refused}."
        else:
            statement = f"No request from outside is seen to have succeeded on {self.name}{refused}."
        strangers = done["anonymous"] + done["other_account"]
        values: dict[str, Value] = {f"{kind}_requests": done[kind] for kind in KINDS}
        values |= {f"{kind}_bytes": sent[kind] for kind in KINDS}
        values |= {
            "denied_requests": denied,
            "requests_while_public": sum(int(row["requests_while_public"]) for row in rows),
            "requests_while_not_public": sum(int(row["requests_while_not_public"]) for row in rows),
            "requests_while_unknown": sum(int(row["requests_while_unknown"]) for row in rows),
        }
        actor: Actor | None = ("unknown" if strangers else "owner") if count else None
        nobody = int(self.told.unauthenticated.get(self.name, 0))
        failed = f"{count_noun(nobody, 'request').capitalize()} failed to authenticate and name nobody: they are in no number."
        return self.builder.build(
            "outsider_access", "Who came from outside, and what did they get?", statement, count=count, values=values,
            scope=_both(seen), actor=actor, subject=self.subject,
            evidence=[EvidenceRows(table="bucket_exposure/observed_access", rows=len(rows))],
            limits=[
                failed if nobody else "",
                "AWS services that deliver logs or look after settings at the owner's bidding count as services."
                if done["service"] else "",
                "Who used a pre-signed link counts as the principal that issued it.",
                self.told.requests_left_out,
            ],
        )  # fmt: skip

    def changed(self, rows: Sequence[Row], scope: Scope) -> Finding:
        """``exposure_changed``: what opened it or closed it, and what still stands."""
        done = [row for row in rows if row["outcome"] == "success"]
        effects = {name: sum(row["effect"] == name for row in done) for name in ("opens", "closes", "changes")}
        mine = [row for row in done if row["is_reached"]]
        stands = [row for row in mine if row["stands_status"] == "yes" and row["effect"] != "closes"]
        tries = len(rows) - len(done)
        whole = sum(row["bucket"] is None for row in done)
        if done:
            words = ("opened it", "closed it", "changed it, from a state that is not known")
            parts = [f"{effects[name]:,} {said}" for name, said in zip(effects, words, strict=True) if effects[name]]
            statement = (
                f"{count_noun(len(done), 'change').capitalize()} of the exposure of {self.name} "
                f"({join_names(row['event_name'] for row in done)}): {', '.join(parts)}; {len(mine):,} by reached credentials"
            )
            statement += f", of which {len(stands):,} still stand" if mine else ""
            opened = [whom for row in done for whom in row["opened_to"]]
            statement += f"; let in were {join_names(opened)}" if opened else ""
        else:
            statement = f"No change of the exposure of {self.name} is seen"
        statement += f"; {count_noun(tries, 'try', 'tries')} failed." if tries else "."
        ids = [str(row["event_id"]) for row in (done or rows) if row["event_id"]][:EVENT_IDS]
        return self.builder.build(
            "exposure_changed", "Did anything change who can reach the bucket?", statement, count=len(done),
            values={"changes": len(done), **{f"effect_{name}": count for name, count in effects.items()},
                    "failed_tries": tries, "by_reached_credentials": len(mine), "still_standing": len(stands),
                    "account_wide": whole},
            scope=scope, actor=self.told.actor(done) if done else None, subject=self.subject,
            evidence=[EvidenceRows(table="bucket_exposure/changes", rows=len(rows), event_ids=ids or None)],
            limits=[
                f"{count_noun(whole, 'change').capitalize()} of the whole account count for each of its buckets."
                if whole else "",
                "ACLs of objects are changed by calls on objects, seen only where data events were on.",
                "Rights that identities gained are told by scoping, and key policies of KMS are not looked at.",
                self.told.changes_left_out,
            ],
        )  # fmt: skip

    def reachable(self, rows: Sequence[Row]) -> Finding:
        """``reachable_by_key``: what the reached credentials could do to it."""
        status = str(self.verdict["reachable_by_key_status"])
        could = [row for row in rows if row["status"] == "yes"]
        keys = list(dict.fromkeys(row["access_key_id"] for row in could))
        access = [one for one in ACCESS if any(row["access"] == one for row in could)]
        if status == "yes":
            statement = f"{count_noun(len(keys), 'reached credential').capitalize()} could reach {self.name}: {', '.join(access)}."
        elif status == "unknown":
            statement = f"Whether a reached credential could reach {self.name} cannot be known from what was read."
        else:
            statement = f"No reached credential could reach {self.name}."
        values: dict[str, Value] = {"reachable_by_key_status": status, "credentials": len(keys)}
        values |= {one: sum(row["access"] == one for row in could) for one in ACCESS}
        return self.builder.build(
            "reachable_by_key", "Could the reached credentials reach the bucket?", statement,
            count=int(status == "yes"), values=values,
            scope=self._scope(status, "within reach"), subject=self.subject, inferred=True,
            evidence=[EvidenceRows(table="bucket_exposure/reachable", rows=len(could) if could else len(rows))],
            limits=[REPLAYED, *self._reasons("Whether it is within"),
                    "Rights that were given and taken back before collection are seen only where they were used."],
        )  # fmt: skip


KINDS = ("anonymous", "other_account", "service")
ACCESS = ("read", "write", "delete", "list", "admin")


def _whom(ways: Sequence[Row]) -> str:
    told = [f"{row['grantee']} may {row['access']} by {str(row['path']).replace('_', ' ')}" for row in ways]
    return join_names(told) if told else "by what its settings say"


def _came(kind: str, requests: int, sent: int, rows: Sequence[Row]) -> str:
    names = [row["requester"] for row in rows if int(row["requests"])]
    who = {
        "anonymous": "nobody by name",
        "other_account": f"{'the account' if len(names) == 1 else 'the accounts'} {join_names(names)}",
        "service": f"AWS services ({join_names(names)})",
    }[kind]
    return f"{count_noun(requests, 'request')} of {who}, {sent:,} bytes"


def _both(seen: Sequence[Watched]) -> Scope:
    """Reads and writes together: what was blind of either."""
    scopes = [scope_of(one) for one in seen]
    blind = " ".join(dict.fromkeys(scope.blind for scope in scopes if scope.blind))
    return Scope(
        all(scope.whole is True for scope in scopes), blind, access_logs_only=any(s.access_logs_only for s in scopes)
    )
