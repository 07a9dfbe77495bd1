"""Findings of playbook 03: what was downloaded, written, destroyed and disclosed in each bucket, and how surely."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ir_kit import findings as model
from ir_kit.case import Case
from ir_kit.coverage.visibility import LogScope
from ir_kit.domain.documents import rows_of
from ir_kit.findings import EvidenceRows, Finding, FindingBuilder, Scope, Subject, count_noun, join_names, rows_in
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
KINDS = ("read", "written", "names", "destroyed")
WAYS = {
    "deleted": "deleted", "overwritten": "written over", "encrypted_customer_key": "encrypted with a customer's key",
    "encrypted_foreign_kms": "encrypted with another account's KMS key", "expiry_shortened": "made to expire sooner",
}  # fmt: skip
QUESTIONS = {
    "objects_read": (
        "Which objects did the compromised credentials read?",
        "Of {bucket}, at least {lower} (likely {objects_likely:,}, {most}) were downloaded or copied out by acts that are not "
        "the owner's; at least {bytes_lower:,} bytes were downloaded, likely {bytes_likely:,}.",
        "No object of {bucket} is seen to have been downloaded or copied out by an act that is not the owner's.",
    ),
    "objects_written": (
        "Which objects did the compromised credentials write?",
        "Objects of {bucket} were written {requests:,} times by acts that are not the owner's, {requests_lower:,} of them surely.",
        "No object of {bucket} is seen to have been written by an act that is not the owner's.",
    ),
    "objects_destroyed": (
        "Which objects did the compromised credentials destroy?",
        "In {bucket}, acts that are not the owner's destroyed objects or put them at risk: {ways}; of these "
        "{recoverable_yes:,} can be brought back from versions, {recoverable_no:,} cannot, of {recoverable_unknown:,} it is "
        "not known.",
        "No object of {bucket} is seen to have been destroyed by an act that is not the owner's{tries}.",
    ),
    "names_listed": (
        "Which object names were disclosed to the compromised credentials?",
        "{bucket} was asked for names {requests:,} times by others than the owner: {listings:,} listings, {requests_lower:,} surely.",
        "No name of {bucket} is seen to have been disclosed to anybody but the owner.",
    ),
}
UNMEASURED = "How complete the access logs are cannot be said: at no time did both logs run together."
COUNTS = ("requests", "requests_lower", "requests_likely", "listings")


def findings(case: Case) -> list[Finding]:
    """What can be said of object access in each bucket, of acts that are not the owner's?

    Returns
    -------
    list of Finding
        For every bucket in scope ``objects_read``, ``objects_written``, ``objects_destroyed``, ``names_listed``, each
        asked whether or not there is anything to find; then ``attribution_calibration`` and ``service_reads``. Also
        written to the case's findings.
    """
    builder, services = FindingBuilder(case, PLAYBOOK), questions.service_reads(case)
    acts = {(row["bucket"], row["kind"]): row for row in rows_of(questions.acts(case))}
    losses = {row["bucket"]: row["sentence"] for row in rows_of(questions.losses(case))}

    def scopes(record_class: str = "data_read", *, objects_only: bool = False) -> dict[str, Scope]:
        logged = questions.coverage(case, record_class, objects_only=objects_only)
        unmeasured = losses.get(None) or UNMEASURED
        return {name: hours.scope(losses.get(name) or unmeasured) for name, hours in logged.items()}

    objects, reads, writes = scopes(objects_only=True), scopes(), scopes("data_write")
    calibrated = calibration(builder, *rows_of(questions.calibration(case)))
    responders = f"Requests of the investigation's own ({join_names(case.incident.responders)}) are the owner's."
    limits = [BASELINE, calibrated.statement, SERVICES if len(services) else ""]
    limits += [responders] if case.incident.responders else []
    listed = []
    for bound in rows_of(questions.bounds(case)):
        bucket = bound["bucket"]
        read, written, names, destroyed = (acts.get((bucket, kind)) or defaultdict(int) for kind in KINDS)
        listed += [
            objects_read(builder, bound, read, objects[bucket], limits),
            of_acts(builder, "objects_written", bucket, written, writes[bucket], "high", limits),
            objects_destroyed(builder, bucket, destroyed, writes[bucket], limits),
            of_acts(builder, "names_listed", bucket, names, reads[bucket], "medium", limits),
        ]
    return model.write_findings(case, PLAYBOOK, [*listed, calibrated, service_reads(builder, services)])


def of_acts(
    builder: FindingBuilder, question_id: str, bucket: str, acts: Row, scope: Scope, severity: model.Severity, limits: list[str],
    counts: tuple[int, ...] = (), values: dict[str, Any] | None = None, words: Mapping[str, str] | None = None,
    table: str = "object_access/requests", rows: int | None = None,
) -> Finding:  # fmt: skip
    """A finding on acts in a bucket (a row of `questions.acts`): inferred where none is sure, partly where not all that are
    likely are.

    Parameters
    ----------
    counts, values : optional
        In all, surely, likely; those of the acts where not given.
    words : mapping, optional
        What the statement names beside the values.
    """
    question, some, none = QUESTIONS[question_id]
    values = values or {name: acts[name] for name in COUNTS}
    count, lower, likely = counts or tuple(acts[name] for name in COUNTS[:3])
    ids = {name: [str(entry) for entry in acts[name]] or None for name in ("event_ids", "request_ids")} if count else {}
    return builder.build(
        question_id, question, (some if count else none).format(bucket=bucket, **values, **(words or {})), count=count,
        values=values, scope=scope, severity=severity if likely or counts else "low",
        actor=("intruder" if lower else "unknown") if count else None, subject=Subject(bucket=bucket),
        evidence=[EvidenceRows(table=table, rows=count if rows is None else rows, **ids)],
        inferred=bool(count) and not lower, partly_inferred=likely > lower, limits=limits,
    )  # fmt: skip


def objects_read(builder: FindingBuilder, bound: Row, acts: Row, scope: Scope, limits: list[str]) -> Finding:
    """``objects_read``, with the values of the bucket's bounds."""
    lower, likely, upper, logged = (bound[f"objects_{name}"] for name in ("lower", "likely", "upper", "upper_logged"))
    hours, copied = bound["blind_hours"], bound["objects_copied_out"]
    unlogged = f"the {hours:,.1f} hours without logs" if hours else "what was not recorded"
    most = f"at most {logged:,} in the hours that were logged, and an unknown number in {unlogged}"
    words = {
        "lower": count_noun(lower, "object").replace("no ", "0 "),
        "most": most if upper is None else f"at most {upper:,}",
    }
    of_copies = (
        f"{copied:,} of these objects ({bound['bytes_copied_out']:,} bytes) were copied inside S3 to a bucket that is not "
        "known to be the account's: such a copy sends no bytes."
    )
    why = f"Why the bounds are no narrower: {bound['width_reason']}."
    return of_acts(
        builder, "objects_read", bound["bucket"], acts, scope, "critical" if likely else "high",
        [why, of_copies if copied else "", *(amounts(bound) if upper is None else []), PRESIGNED, *limits],
        (logged - bound["allowed_requests"], lower, likely),
        {name: value for name, value in bound.items() if name not in ("bucket", "width_reason")}, words,
    )  # fmt: skip


def objects_destroyed(builder: FindingBuilder, bucket: str, acts: Row, scope: Scope, limits: list[str]) -> Finding:
    """``objects_destroyed``: deleted, written over, encrypted, made to expire; and what can be brought back."""
    count, failed, ways = acts["requests"], acts["failed_tries"], acts["ways"] or {}
    recoverable = acts["recoverable"] or {}
    values = {
        **{way: ways.get(way, 0) for way in WAYS}, "acts": count, "failed_tries": failed,
        **{f"recoverable_{status}": recoverable.get(status, 0) for status in ("yes", "no", "unknown")},
    }  # fmt: skip
    words = {
        "ways": ", ".join(f"{ways[way]:,} {word}" for way, word in WAYS.items() if way in ways),
        "tries": f"; {count_noun(failed, 'attempt')} failed" if failed else "",
    }
    return of_acts(
        builder, "objects_destroyed", bucket, acts, scope, "critical" if count > recoverable.get("yes", 0) else "high",
        [*VERSIONS, *limits], (count, acts["requests_lower"], count), values, words, "object_access/destruction",
        acts["attempts"],
    )  # fmt: skip


def amounts(bound: Row) -> list[str]:
    """What is known beside a missing upper bound: how much the bucket held, and how much it served to all callers."""
    stored, sent = (
        ", ".join(f"{bound[name]:,} {what}" for name, what in named.items() if bound[name] is not None)
        for named in (
            {"objects_held": "objects", "bytes_held": "bytes"},
            {"requests_served": "GET requests", "bytes_served": "bytes"},
        )
    )
    day = f"On {bound['held_on']}" if bound["held_on"] else "On an unknown day"
    of_storage = (
        f"{day} the bucket held {stored} ({bound['held_basis']}); what came and went on other days is not in it."
    )
    of_requests = (
        f"On the {count_noun(bound['days_served'] or 0, 'day')} of the window that have a value the bucket served {sent} to all "
        f"its callers, the owner too ({bound['basis_served']}); these are best effort, and a day without a value may be one "
        "before they were switched on."
    )
    unknown = "How many objects the bucket held was not collected; inventory reports or metrics would bound it."
    return [of_storage if stored else unknown, of_requests if sent else ""]


def calibration(builder: FindingBuilder, inferred: Row, ambiguous: Row) -> Finding:
    """``attribution_calibration``, from the two rows of that table."""
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
        values={"c_requests": inferred["requests"], "c_right": inferred["right"], "d_requests": ambiguous["requests"],
                "d_right": ambiguous["right"], "c_used": inferred["used"]},
        scope=Scope(False, "It says nothing of callers that were never seen in both logs."),
        evidence=[EvidenceRows(table="object_access/calibration", rows=2)],
    )  # fmt: skip


def service_reads(builder: FindingBuilder, services: pd.DataFrame) -> Finding:
    """``service_reads``, from the rows of that table."""
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
