"""Findings of playbook 03: what was downloaded, written, destroyed and disclosed in each bucket, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ir_kit.attribution.log_hours import logged_scopes
from ir_kit.case import Case
from ir_kit.coverage.scope import Seen
from ir_kit.domain.frames import rows_of
from ir_kit.findings import (
    Actor,
    EvidenceRows,
    Finding,
    FindingBuilder,
    Scope,
    Severity,
    Subject,
    Value,
    count_noun,
    join_names,
    rows_in,
    write_findings,
)
from ir_kit.object_access import questions

PLAYBOOK = "object_access"
Row = Mapping[str, Any]
BASELINE = "Use that shows the owner's own address and agent counts as the owner's."
PRESIGNED = "Whoever had a pre-signed link could use it: the credential says who issued it, not who used it."
VERSIONS = (
    "That versions were kept says that a version can be brought back, unless it was removed since.",
    "A key counts as written over where a log shows that it was there before; others count as new.",
)
NONE: Row = {"requests": 0, "requests_lower": 0, "requests_likely": 0, "listings": 0, "event_ids": (), "request_ids": ()}
KINDS = {
    "deleted": "deleted", "overwritten": "written over", "encrypted_customer_key": "encrypted with a customer's key",
    "encrypted_foreign_kms": "encrypted with another account's KMS key", "expiry_shortened": "made to expire sooner",
}  # fmt: skip
DESTROYED: Row = dict.fromkeys(
    ("attempts", "acts", "failed_tries", "acts_lower", *KINDS, "recoverable_yes", "recoverable_no", "recoverable_unknown"), 0
)


def findings(case: Case) -> list[Finding]:
    """What can be said of object access in each bucket, of acts that are not the owner's?

    Returns
    -------
    list of Finding
        For every bucket in scope ``objects_read``, ``objects_written``, ``objects_destroyed``, ``names_listed``, each
        asked whether or not there is anything to find; then ``attribution_calibration`` and ``service_reads``. Also
        written to the case's findings.
    """
    builder = FindingBuilder(case, PLAYBOOK)
    bounds, calibration, services = questions.bounds(case), questions.calibration(case), questions.service_reads(case)
    acts = {(row["bucket"], row["kind"]): row for row in rows_of(questions.acts(case))}
    destroyed = {row["bucket"]: row for row in rows_of(questions.destroyed(case))}
    objects, reads = logged_scopes(case, objects_only=True), logged_scopes(case)
    writes = logged_scopes(case, "data_write")
    limits = [BASELINE, _calibration_limit(rows_of(calibration)[0])]
    if case.incident.responders:
        limits.append(f"Requests of the investigation's own ({join_names(case.incident.responders)}) count as the owner's.")
    if len(services):
        limits.append("Reads by AWS services on behalf of a compromised credential are not in these numbers; see object_access/service_reads.")
    listed = []
    for row in rows_of(bounds):
        name = row["bucket"]
        bucket = _Bucket(builder, name, limits, {kind: acts.get((name, kind), NONE) for kind in ("read", "written", "names", "destroyed")})
        listed += [
            bucket.objects_read(row, objects[name]),
            bucket.objects_written(writes[name]),
            bucket.objects_destroyed(destroyed.get(name, DESTROYED), writes[name]),
            bucket.names_listed(reads[name]),
        ]
    done = services[services["outcome"] == "success"]
    some = f"{count_noun(len(done), 'call').capitalize()} of compromised credentials made AWS services read or move objects"
    none = "No call of a compromised credential is seen that made an AWS service read or move objects."
    listed.append(_calibrated(builder, *rows_of(calibration)))
    listed.append(
        builder.build(
            "service_reads", "Which AWS services read objects on behalf of a compromised credential?",
            f"{some} ({', '.join(sorted(set(done['event_name'])))})." if len(done) else none,
            count=len(done), values={"calls": len(done), "failed_calls": len(services) - len(done)}, severity="high",
            scope=Seen.of(case).management(), evidence=[rows_in("object_access/service_reads", services, done["event_id"])],
            limits=["What a service read shows its own credentials, and is in data events only where they were on."],
        )
    )  # fmt: skip
    return write_findings(case, PLAYBOOK, listed)


@dataclass(frozen=True)
class _Bucket:
    """The findings on one bucket."""

    builder: FindingBuilder
    name: str
    limits: list[str]
    acts: Mapping[str, Row]  # by kind, rows of the question `acts`

    def build(
        self, question_id: str, question: str, statement: str, values: dict[str, Value], scope: Scope,
        evidence: EvidenceRows, severity: Severity, *, count: int, lower: int, likely: int, limits: tuple[str, ...] = (),
    ) -> Finding:  # fmt: skip
        """A finding that is inferred where nothing of it is sure, and partly so where not all of it is."""
        actor: Actor | None = ("intruder" if lower else "unknown") if count else None
        return self.builder.build(
            question_id, question, statement, count=count, values=values, scope=scope, evidence=[evidence],
            severity=severity, actor=actor, subject=Subject(bucket=self.name), inferred=bool(count) and not lower,
            partly_inferred=likely > lower, limits=[*limits, *self.limits],
        )  # fmt: skip

    def evidence(self, kind: str, rows: int, table: str = "object_access/requests") -> EvidenceRows:
        """So many rows of a table, with the ids of the first that are surely of this kind."""
        ids = {name: [str(entry) for entry in self.acts[kind][name]] or None for name in ("event_ids", "request_ids") if rows}
        return EvidenceRows(table=table, rows=rows, **ids)

    def objects_read(self, bound: Row, scope: Scope) -> Finding:
        """``objects_read``, with the values of the bucket's bounds."""
        lower, likely, upper, logged = (bound[f"objects_{name}"] for name in ("lower", "likely", "upper", "upper_logged"))
        count = logged - bound["allowed_requests"]
        hours = bound["blind_hours"]
        unlogged = f"the {hours:,.1f} hours without logs" if hours else "what was not recorded"
        most = f"at most {upper:,}" if upper is not None else f"at most {logged:,} in the hours that were logged, an unknown number in {unlogged}"
        some = (
            f"Of {self.name}, at least {lower:,} {'object was' if lower == 1 else 'objects were'} downloaded or copied out by acts that "
            f"are not the owner's (likely {likely:,}, {most}); at least {bound['bytes_lower']:,} bytes were downloaded, likely "
            f"{bound['bytes_likely']:,}."
        )
        copied = f"{bound['objects_copied_out']:,} of these objects ({bound['bytes_copied_out']:,} bytes) were copied inside S3 to a bucket that is not known to be the account's: such a copy sends no bytes, so it is in the objects and not in the bytes."  # noqa: E501
        limits = [f"Why the bounds are no narrower: {bound['width_reason']}."]
        limits += [copied] if bound["objects_copied_out"] else []
        limits += _beside(bound) if upper is None else []
        return self.build(
            "objects_read", "Which objects did the compromised credentials read?",
            some if count else f"No object of {self.name} is seen to have been downloaded or copied out by an act that is not the owner's.",
            {name: value for name, value in bound.items() if name not in ("bucket", "width_reason")}, scope,
            self.evidence("read", count), "critical" if likely else "high", count=count, lower=lower, likely=likely,
            limits=(*limits, PRESIGNED),
        )  # fmt: skip

    def objects_written(self, scope: Scope) -> Finding:
        """``objects_written``: writes that are not the owner's."""
        act = self.acts["written"]
        some = f"{count_noun(act['requests'], 'write')} to {self.name} {'is' if act['requests'] == 1 else 'are'} not the owner's, {act['requests_lower']:,} of them surely."
        none = f"No object of {self.name} is seen to have been written by an act that is not the owner's."
        return self._requests("objects_written", "Which objects did the compromised credentials write?", "written", some, none, "high", scope)

    def names_listed(self, scope: Scope) -> Finding:
        """``names_listed``: listings, and requests that say whether a name exists."""
        act = self.acts["names"]
        some = (
            f"{count_noun(act['requests'], 'request')} that {'is' if act['requests'] == 1 else 'are'} not the owner's asked {self.name} for names, "
            f"{act['listings']:,} of them listings, {act['requests_lower']:,} surely."
        )
        none = f"No name of {self.name} is seen to have been disclosed to anybody but the owner."
        return self._requests(
            "names_listed", "Which object names were disclosed to the compromised credentials?", "names", some, none, "medium", scope
        )

    def _requests(
        self, question_id: str, question: str, kind: str, some: str, none: str, severity: Severity, scope: Scope
    ) -> Finding:
        act = self.acts[kind]
        values = {name: int(act[name]) for name in ("requests", "requests_lower", "requests_likely", "listings")}
        count, lower, likely = values["requests"], values["requests_lower"], values["requests_likely"]
        return self.build(
            question_id, question, some if count else none, {**values}, scope, self.evidence(kind, count), severity if likely else "low",
            count=count, lower=lower, likely=likely,
        )  # fmt: skip

    def objects_destroyed(self, row: Row, scope: Scope) -> Finding:
        """``objects_destroyed``: deleted, written over, encrypted, made to expire; and what can be brought back."""
        count, failed, lower = row["acts"], row["failed_tries"], row["acts_lower"]
        kinds = ", ".join(f"{row[kind]:,} {word}" for kind, word in KINDS.items() if row[kind])
        some = (
            f"In {self.name}, acts that are not the owner's destroyed objects or put them at risk: {kinds}; of these {row['recoverable_yes']:,} can "
            f"be brought back from versions, {row['recoverable_no']:,} cannot, of {row['recoverable_unknown']:,} it is not known."
        )
        tries = f"; {count_noun(failed, 'attempt')} failed" if failed else ""
        none = f"No object of {self.name} is seen to have been destroyed by an act that is not the owner's{tries}."
        return self.build(
            "objects_destroyed", "Which objects did the compromised credentials destroy?", some if count else none,
            {name: row[name] for name in DESTROYED if name not in ("attempts", "acts_lower")}, scope,
            self.evidence("destroyed", row["attempts"], "object_access/destruction"),
            "critical" if count > row["recoverable_yes"] else "high", count=count, lower=lower, likely=count, limits=VERSIONS,
        )  # fmt: skip


def _beside(bound: Row) -> list[str]:
    """What is known beside a missing upper bound: how much the bucket held, and how much it served to all callers."""

    def amounts(**named: str) -> str:
        return ", ".join(f"{bound[name]:,} {what}" for name, what in named.items() if bound[name] is not None)

    held, served = amounts(objects_held="objects", bytes_held="bytes"), amounts(requests_served="GET requests", bytes_served="bytes")
    if not held:
        parts = ["How many objects the bucket held was not collected; an inventory or its metrics would give an upper bound."]
    else:
        when = f"On {bound['held_on']}" if bound["held_on"] else "On an unknown day"
        parts = [f"{when} the bucket held {held} ({bound['held_basis']}); what came and went on other days is not in it."]
    if served:
        parts.append(
            f"On the {count_noun(bound['days_served'], 'day')} of the window that have a value the bucket served {served} to all its callers, the "
            f"owner too ({bound['basis_served']}); these metrics are best effort, and a day without a value may be one before they were switched on."
        )
    return parts


def _calibration_limit(inferred: Row) -> str:
    requests, right = inferred["requests"], inferred["right"]
    if not requests:
        return "Inferred attribution (C) could not be tried on this incident: no request that both logs hold could be placed by it."
    tried = f"Inferred attribution (C), tried on {requests:,} requests that both logs hold, was right for {right:,} of them"
    return f"{tried}." if inferred["used"] else f"{tried}: too seldom, so it was not used, and those requests count with their candidates (D)."


def _calibrated(builder: FindingBuilder, inferred: Row, ambiguous: Row) -> Finding:
    tried = inferred["requests"] + ambiguous["requests"]
    some = (
        f"Tried on {tried:,} requests that both logs hold, with their bucket's data events hidden, inference named one credential for "
        f"{inferred['requests']:,} and was right for {inferred['right']:,} of them; for the other {ambiguous['requests']:,} it gave candidates, and the "
        f"right one was among them for {ambiguous['right']:,}. Inferred attribution is {'used' if inferred['used'] else 'not used'}."
    )
    none = "How often inferred attribution is right cannot be said: no request of these principals is in both logs."
    values = {"c_requests": inferred["requests"], "c_right": inferred["right"], "d_requests": ambiguous["requests"], "d_right": ambiguous["right"]}
    return builder.build(
        "attribution_calibration", "How often is inferred attribution right, by which access-log requests are given to credentials?",
        some if tried else none, count=tried, values={**values, "c_used": inferred["used"]},
        scope=Scope(False, "It says nothing of callers that were never seen in both logs."),
        evidence=[EvidenceRows(table="object_access/calibration", rows=2)],
    )  # fmt: skip
