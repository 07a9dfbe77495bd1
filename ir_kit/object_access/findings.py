"""Findings of playbook 03: what was downloaded, written, destroyed and disclosed in each bucket, and how surely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ir_kit.attribution.completeness import sentence
from ir_kit.case import Case
from ir_kit.coverage.visibility import LogScope
from ir_kit.domain.documents import rows_of
from ir_kit.findings import (
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
SERVICES = "Reads by AWS services on behalf of a compromised credential are not in these numbers; see service_reads."
VERSIONS = [
    "That versions were kept says that a version can be brought back, unless it was removed since.",
    "A key counts as written over where a log shows that it was there before; others count as new.",
]
KINDS = {
    "deleted": "deleted", "overwritten": "written over", "encrypted_customer_key": "encrypted with a customer's key",
    "encrypted_foreign_kms": "encrypted with another account's KMS key", "expiry_shortened": "made to expire sooner",
}  # fmt: skip
REQUESTS = {
    "objects_written": (
        "Which objects did the compromised credentials write?",
        "Objects of {bucket} were written {count} times by acts that are not the owner's, {lower} of them surely.",
        "No object of {bucket} is seen to have been written by an act that is not the owner's.",
    ),
    "names_listed": (
        "Which object names were disclosed to the compromised credentials?",
        "{bucket} was asked for names {count} times by others than the owner: {listings} listings, {lower} surely.",
        "No name of {bucket} is seen to have been disclosed to anybody but the owner.",
    ),
}
DESTROYED = (*KINDS, "acts", "failed_tries", "recoverable_yes", "recoverable_no", "recoverable_unknown")


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
    bounds, services = rows_of(questions.bounds(case)), questions.service_reads(case)
    acts = {(row["bucket"], row["kind"]): row for row in rows_of(questions.acts(case))}
    destroyed = {row["bucket"]: row for row in rows_of(questions.destroyed(case))}
    losses = {row["bucket"]: row["sentence"] for row in rows_of(questions.losses(case))}

    def scopes(record_class: str = "data_read", *, objects_only: bool = False) -> dict[str, Scope]:
        logged = questions.coverage(case, record_class, objects_only=objects_only)
        unmeasured = losses.get(None) or sentence(None)
        return {name: hours.scope(losses.get(name) or unmeasured) for name, hours in logged.items()}

    objects, reads, writes = scopes(objects_only=True), scopes(), scopes("data_write")
    calibrated = _calibrated(builder, *rows_of(questions.calibration(case)))
    limits = [BASELINE, calibrated.statement, *([SERVICES] if len(services) else [])]
    if case.incident.responders:
        limits.append(f"Requests of the investigation's own ({join_names(case.incident.responders)}) are the owner's.")
    listed = []
    for row in bounds:
        name = row["bucket"]
        bucket = _Bucket(builder, name, limits, {kind: act for (of, kind), act in acts.items() if of == name})
        listed += [
            bucket.objects_read(row, objects[name]),
            bucket.of_requests("objects_written", "written", "high", writes[name]),
            bucket.objects_destroyed(destroyed.get(name, {}), writes[name]),
            bucket.of_requests("names_listed", "names", "medium", reads[name]),
        ]
    return write_findings(case, PLAYBOOK, [*listed, calibrated, _services(builder, services)])


@dataclass(frozen=True)
class _Bucket:
    """The findings on one bucket; `acts`: its rows of the question of that name, by kind."""

    builder: FindingBuilder
    name: str
    limits: list[str]
    acts: Mapping[str, Row]

    def build(
        self, kind: str, question: tuple[str, str], statements: tuple[str, str], values: Row,
        scope: Scope, severity: Severity, counts: tuple[int, int, int], *limits: str,
        table: str = "object_access/requests", rows: int | None = None,
    ) -> Finding:  # fmt: skip
        """A finding on so many acts (in all, surely, likely): inferred where none is sure, partly where not all are."""
        count, lower, likely = counts
        ids = self.acts.get(kind, {}) if count else {}
        event_ids, request_ids = ([str(entry) for entry in ids.get(name, ())] for name in ("event_ids", "request_ids"))
        rests_on = {"event_ids": event_ids or None, "request_ids": request_ids or None}
        evidence = EvidenceRows(table=table, rows=count if rows is None else rows, **rests_on)
        return self.builder.build(
            *question, statements[0] if count else statements[1], count=count, values=_plain(values), scope=scope,
            severity=severity, actor=("intruder" if lower else "unknown") if count else None,
            subject=Subject(bucket=self.name), evidence=[evidence], inferred=bool(count) and not lower,
            partly_inferred=likely > lower, limits=[*limits, *self.limits],
        )  # fmt: skip

    def objects_read(self, bound: Row, scope: Scope) -> Finding:
        """``objects_read``, with the values of the bucket's bounds."""
        lower, likely, upper, logged = (
            bound[f"objects_{name}"] for name in ("lower", "likely", "upper", "upper_logged")
        )
        hours = bound["blind_hours"]
        unlogged = f"the {hours:,.1f} hours without logs" if hours else "what was not recorded"
        most = f"at most {logged:,} in the hours that were logged, and an unknown number in {unlogged}"
        some = (
            f"Of {self.name}, at least {count_noun(lower, 'object').replace('no ', '0 ')} (likely {likely:,}, "
            f"{most if upper is None else f'at most {upper:,}'}) were downloaded or copied out by acts that are not "
            f"the owner's; at least {bound['bytes_lower']:,} bytes were downloaded, likely {bound['bytes_likely']:,}."
        )
        none = (
            f"No object of {self.name} is seen to have been downloaded or copied out by an act that is not the owner's."
        )
        limits = [f"Why the bounds are no narrower: {bound['width_reason']}."]
        if bound["objects_copied_out"]:
            limits.append(
                f"{bound['objects_copied_out']:,} of these objects ({bound['bytes_copied_out']:,} bytes) were copied "
                "inside S3 to a bucket that is not known to be the account's: such a copy sends no bytes."
            )
        limits += _amounts(bound) if upper is None else []
        return self.build(
            "read", ("objects_read", "Which objects did the compromised credentials read?"), (some, none),
            {name: value for name, value in bound.items() if name not in ("bucket", "width_reason")}, scope,
            "critical" if likely else "high", (logged - bound["allowed_requests"], lower, likely), *limits, PRESIGNED,
        )  # fmt: skip

    def of_requests(self, question_id: str, kind: str, severity: Severity, scope: Scope) -> Finding:
        """``objects_written`` or ``names_listed``, by counts of requests."""
        act = self.acts.get(kind, {})
        values = {name: act.get(name, 0) for name in ("requests", "requests_lower", "requests_likely", "listings")}
        count, lower, likely, listings = values.values()
        question, some, none = REQUESTS[question_id]
        words = {"count": f"{count:,}", "bucket": self.name, "lower": f"{lower:,}", "listings": f"{listings:,}"}
        return self.build(
            kind, (question_id, question), (some.format(**words), none.format(**words)), values, scope,
            severity if likely else "low", (count, lower, likely),
        )  # fmt: skip

    def objects_destroyed(self, row: Row, scope: Scope) -> Finding:
        """``objects_destroyed``: deleted, written over, encrypted, made to expire; and what can be brought back."""
        values = {name: row.get(name, 0) for name in DESTROYED}
        back, gone, unclear = (row.get(f"recoverable_{status}", 0) for status in ("yes", "no", "unknown"))
        count, failed = row.get("acts", 0), row.get("failed_tries", 0)
        kinds = ", ".join(f"{row[kind]:,} {word}" for kind, word in KINDS.items() if row.get(kind))
        some = (
            f"In {self.name}, acts that are not the owner's destroyed objects or put them at risk: {kinds}; of these "
            f"{back:,} can be brought back from versions, {gone:,} cannot, of {unclear:,} it is not known."
        )
        tries = f"; {count_noun(failed, 'attempt')} failed" if failed else ""
        none = f"No object of {self.name} is seen to have been destroyed by an act that is not the owner's{tries}."
        return self.build(
            "destroyed", ("objects_destroyed", "Which objects did the compromised credentials destroy?"), (some, none),
            values, scope, "critical" if count > back else "high", (count, row.get("acts_lower", 0), count), *VERSIONS,
            table="object_access/destruction", rows=row.get("attempts", 0),
        )  # fmt: skip


def _plain(values: Row) -> dict[str, Value]:
    """The same values, as Python's own numbers."""
    return {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}


def _amounts(bound: Row) -> list[str]:
    """What is known beside a missing upper bound: how much the bucket held, and how much it served to all callers."""

    def amounts(**named: str) -> str:
        return ", ".join(f"{bound[name]:,} {what}" for name, what in named.items() if bound[name] is not None)

    stored = amounts(objects_held="objects", bytes_held="bytes")
    day = f"On {bound['held_on']}" if bound["held_on"] else "On an unknown day"
    limits = [
        f"{day} the bucket held {stored} ({bound['held_basis']}); what came and went on other days is not in it."
        if stored
        else "How many objects the bucket held was not collected; inventory reports or metrics would bound it."
    ]
    if sent := amounts(requests_served="GET requests", bytes_served="bytes"):
        limits.append(
            f"On the {count_noun(bound['days_served'], 'day')} of the window that have a value the bucket served "
            f"{sent} to all its callers, the owner too ({bound['basis_served']}); these are best effort, and a "
            "day without a value may be one before they were switched on."
        )
    return limits


def _calibrated(builder: FindingBuilder, inferred: Row, ambiguous: Row) -> Finding:
    values = {
        f"{name}_{count}": row[count]
        for name, row in (("c", inferred), ("d", ambiguous))
        for count in ("requests", "right")
    }
    tried = inferred["requests"] + ambiguous["requests"]
    some = (
        f"Inferred attribution (C) is {'used' if inferred['used'] else 'not used, such requests count as D'}: "
        f"tried on {tried:,} requests that both logs hold, with their bucket's data events hidden, it named one "
        f"credential for {inferred['requests']:,} and was right for {inferred['right']:,}; for the other "
        f"{ambiguous['requests']:,} it gave candidates, and the right one was among them for {ambiguous['right']:,}."
    )
    none = "How often inferred attribution (C) is right cannot be said: no request of these principals is in both logs."
    return builder.build(
        "attribution_calibration", "How often is inferred attribution right?", some if tried else none, count=tried,
        values=_plain({**values, "c_used": inferred["used"]}),
        scope=Scope(False, "It says nothing of callers that were never seen in both logs."),
        evidence=[EvidenceRows(table="object_access/calibration", rows=2)],
    )  # fmt: skip


def _services(builder: FindingBuilder, services: pd.DataFrame) -> Finding:
    done = services[services["outcome"] == "success"]
    some = f"{count_noun(len(done), 'call').capitalize()} of compromised credentials made AWS services read objects"
    none = "No call of a compromised credential is seen that made an AWS service read objects."
    return builder.build(
        "service_reads", "Which AWS services read objects on behalf of a compromised credential?",
        f"{some} ({', '.join(sorted(set(done['event_name'])))})." if len(done) else none, count=len(done),
        values={"calls": len(done), "failed_calls": len(services) - len(done)}, severity="high",
        scope=LogScope.of(builder.case).management(),
        evidence=[rows_in("object_access/service_reads", services, done["event_id"])],
        limits=["What a service read shows its own credentials, and is in data events only where they were on."],
    )  # fmt: skip
