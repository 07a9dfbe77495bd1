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
from ir_kit.domain.intervals import hours_and_minutes
from ir_kit.findings import (
    EvidenceRows,
    Finding,
    FindingBuilder,
    Scope,
    Subject,
    byte_size,
    count_noun,
    join_names,
    rows_in,
)
from ir_kit.object_access import questions

PLAYBOOK = "object_access"
Row = Mapping[str, Any]
BASELINE = "Requests from the owner's usual address and user agent count as the owner's."
PRESIGNED = "Anyone who had a pre-signed URL could use it: the credential shows who issued it, not who used it."
SERVICES = "Reads by AWS services on behalf of a compromised credential are not in these numbers; see service_reads."
VERSIONS = [
    "Objects count as restorable if the bucket kept versions at the time; a version may have been deleted since.",
    "An object counts as overwritten only if a log shows that it existed before, otherwise as new.",
]
KINDS = ("read", "written", "names", "destroyed")
WAYS = {
    "deleted": "deleted", "overwritten": "overwritten", "encrypted_customer_key": "encrypted with a customer-provided key",
    "encrypted_foreign_kms": "encrypted with another account's KMS key", "expiry_shortened": "set to expire sooner",
}  # fmt: skip
RESTORABLE = {
    "yes": "can be restored from versions",
    "no": "cannot be restored",
    "unknown": "may or may not be restorable",
}
QUESTIONS = {
    "objects_read": (
        "Which objects did the compromised credentials read?",
        "The intruder {downloaded} at least {lower} ({most}; {size}) from {bucket}.",
        "Somebody other than the owner may have {downloaded} objects from {bucket} ({most}; {size}).",
        "of downloads from {bucket}",
        "object reads",
    ),
    "objects_written": (
        "Which objects did the compromised credentials write?",
        "The intruder wrote objects to {bucket} with {calls}.",
        "Somebody other than the owner may have written objects to {bucket} with {calls}.",
        "that the intruder wrote objects to {bucket}",
        "object writes",
    ),
    "objects_destroyed": (
        "Which objects did the compromised credentials destroy?",
        "The intruder destroyed or endangered objects in {bucket}{part}: {ways}; {restorable}.",
        "Somebody other than the owner may have destroyed or endangered objects in {bucket}{part}: {ways}; {restorable}.",
        "that the intruder destroyed objects in {bucket}{tries}",
        "object writes",
    ),
    "names_listed": (
        "Which object names were disclosed to the compromised credentials?",
        "The intruder obtained object names of {bucket} with {calls}, of which {listings:,} listed the bucket.",
        "Somebody other than the owner may have obtained object names of {bucket} with {calls}, of which {listings:,} listed the "
        "bucket.",
        "that object names of {bucket} were disclosed to the intruder",
        "listings and object reads",
    ),
}
UNMEASURED = "The completeness of the access logs could not be measured: the two logs never ran at the same time."
COUNTS = ("requests", "requests_lower", "requests_likely", "listings")


def findings(case: Case) -> list[Finding]:
    """What did anybody but the owner do to the objects of each bucket?

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
    responders = f"Requests of the investigation ({join_names(case.incident.responders)}) count as the owner's."
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
    """A finding on actions in a bucket (a row of `questions.acts`): inferred where none is certain, partly where not all
    likely ones are.

    Parameters
    ----------
    counts, values : optional
        In all, certain, likely; those of `acts` where not given.
    words : mapping, optional
        What the statement names beside the values.
    """
    question, certain, possible, nothing, logged = QUESTIONS[question_id]
    values = values or {name: acts[name] for name in COUNTS}
    count, lower, likely = counts or tuple(acts[name] for name in COUNTS[:3])
    ids = {name: [str(entry) for entry in acts[name]] or None for name in ("event_ids", "request_ids")} if count else {}
    certainly = f"at least {lower:,}" if 0 < lower < count else ""
    calls = f"{f'{certainly} of ' if certainly else '' if lower else 'up to '}{count_noun(count, 'request')}"
    words = {"bucket": bucket, "calls": calls, "part": certainly and f" ({certainly} for certain)", **(words or {})}
    statement = (certain if lower else possible).format(**(values | words))
    if not count:
        risk = "exfiltration" if question_id == "objects_read" else "it"
        statement = scope.none(nothing.format(**words), logged, risk)
    return builder.build(
        question_id, question, statement, count=count,
        values=values, scope=scope, severity=severity if likely or counts else "low",
        actor=("intruder" if lower else "unknown") if count else None, subject=Subject(bucket=bucket),
        evidence=[EvidenceRows(table=table, rows=count if rows is None else rows, **ids)],
        inferred=bool(count) and not lower, partly_inferred=likely > lower, limits=limits,
    )  # fmt: skip


def objects_read(builder: FindingBuilder, bound: Row, acts: Row, scope: Scope, limits: list[str]) -> Finding:
    """``objects_read``, with the values of the bucket's bounds."""
    lower, likely, upper, logged = (bound[f"objects_{name}"] for name in ("lower", "likely", "upper", "upper_logged"))
    hours, copied = bound["blind_hours"], bound["objects_copied_out"]
    unlogged = f"the {hours_and_minutes(hours)} without logs" if hours else "what was not recorded"
    most = f"at most {logged:,} in the logged time, plus an unknown number in {unlogged}"
    most = most if upper is None else f"at most {upper:,}"
    sizes = dict.fromkeys(byte_size(bound[f"bytes_{name}"]) for name in ("lower", "likely"))
    words = {
        "downloaded": "downloaded or copied out" if copied else "downloaded", "lower": count_noun(lower, "object"),
        "most": f"likely {likely:,}, {most}", "size": " to ".join(sizes),
    }  # fmt: skip
    of_copies = (
        f"{copied:,} of these objects ({byte_size(bound['bytes_copied_out'])}) were copied inside S3 to a bucket that is not "
        "known to belong to the account: such a copy sends no bytes."
    )
    why = f"Why the range is this wide: {bound['width_reason']}."
    return of_acts(
        builder, "objects_read", bound["bucket"], acts, scope, "critical" if likely else "high",
        [why, of_copies if copied else "", *(amounts(bound) if upper is None else []), PRESIGNED, *limits],
        (logged - bound["allowed_requests"], lower, likely),
        {name: value for name, value in bound.items() if name not in ("bucket", "width_reason")}, words,
    )  # fmt: skip


def objects_destroyed(builder: FindingBuilder, bucket: str, acts: Row, scope: Scope, limits: list[str]) -> Finding:
    """``objects_destroyed``: deleted, overwritten, encrypted, set to expire; and what can be restored."""
    count, failed, ways = acts["requests"], acts["failed_tries"], acts["ways"] or {}
    recoverable = acts["recoverable"] or {}
    values = {
        **{way: ways.get(way, 0) for way in WAYS}, "acts": count, "failed_tries": failed,
        **{f"recoverable_{status}": recoverable.get(status, 0) for status in ("yes", "no", "unknown")},
    }  # fmt: skip
    words = {
        "ways": ", ".join(f"{ways[way]:,} {word}" for way, word in WAYS.items() if way in ways),
        "tries": f" ({count_noun(failed, 'attempt')} failed)" if failed else "",
        "restorable": ", ".join(
            f"{recoverable[status]:,} {word}" for status, word in RESTORABLE.items() if recoverable.get(status)
        ),
    }
    return of_acts(
        builder, "objects_destroyed", bucket, acts, scope, "critical" if count > recoverable.get("yes", 0) else "high",
        [*VERSIONS, *limits], (count, acts["requests_lower"], count), values, words, "object_access/destruction",
        acts["attempts"],
    )  # fmt: skip


def amounts(bound: Row) -> list[str]:
    """What is known beside a missing upper bound: how much the bucket stored, and how much it served to all callers."""
    stored, sent = (
        ", ".join(
            f"{bound[name]:,} {what}" if what else byte_size(bound[name])
            for name, what in named.items()
            if bound[name] is not None
        )
        for named in (
            {"objects_held": "objects", "bytes_held": ""},
            {"requests_served": "GET requests", "bytes_served": ""},
        )
    )
    day = f"On {bound['held_on']}" if bound["held_on"] else "On an unknown day"
    of_storage = f"{day} the bucket contained {stored} ({bound['held_basis']}); other days may differ."
    of_requests = (
        f"On {count_noun(bound['days_served'] or 0, 'day')} of the window the bucket served {sent} to all callers, the owner "
        f"included ({bound['basis_served']}); these metrics are best effort, and may have been off on days without a value."
    )
    unknown = (
        "How many objects the bucket contained is not in the evidence; inventory reports or metrics would show it."
    )
    return [of_storage if stored else unknown, of_requests if sent else ""]


def calibration(builder: FindingBuilder, inferred: Row, ambiguous: Row) -> Finding:
    """``attribution_calibration``, from the two rows of that table."""
    tried = inferred["requests"] + ambiguous["requests"]
    some = (
        f"Inferred attribution (C) is {'used' if inferred['used'] else 'not used (such requests count as D)'}: "
        f"tested on {tried:,} requests that are in both logs, with the bucket's data events hidden, it named one "
        f"credential for {inferred['requests']:,} and was right for {inferred['right']:,}; for the other "
        f"{ambiguous['requests']:,} it listed candidates, which included the right one for {ambiguous['right']:,}."
    )
    none = "Inferred attribution (C) could not be tested: no request of these principals is in both logs."
    return builder.build(
        "attribution_calibration", "How often is inferred attribution right?", some if tried else none, count=tried,
        values={"c_requests": inferred["requests"], "c_right": inferred["right"], "d_requests": ambiguous["requests"],
                "d_right": ambiguous["right"], "c_used": inferred["used"]},
        scope=Scope(False, "The test does not cover callers that are never in both logs."),
        evidence=[EvidenceRows(table="object_access/calibration", rows=2)],
    )  # fmt: skip


def service_reads(builder: FindingBuilder, services: pd.DataFrame) -> Finding:
    """``service_reads``, from the rows of that table."""
    done = services[services["outcome"] == "success"]
    scope = LogScope.of(builder.case).management()
    some = f"Compromised credentials made AWS services read objects with {count_noun(len(done), 'API call')}"
    none = scope.none("that a compromised credential made an AWS service read objects", "management events")
    return builder.build(
        "service_reads", "Which AWS services read objects on behalf of a compromised credential?",
        f"{some} ({', '.join(sorted(set(done['event_name'])))})." if len(done) else none, count=len(done),
        values={"calls": len(done), "failed_calls": len(services) - len(done)}, severity="high",
        scope=scope,
        evidence=[rows_in("object_access/service_reads", services, done["event_id"])],
        limits=["A service reads with its own credentials, and its reads are recorded only where data events were on."],
    )  # fmt: skip
