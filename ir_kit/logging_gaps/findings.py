"""Findings of playbook 05: how long nothing looked, who took logging away, whether the logs are whole, what to do."""

from __future__ import annotations

from datetime import timedelta

from ir_kit.case import Case
from ir_kit.configuration.collected_answers import configuration
from ir_kit.coverage.visibility import LogScope, Row, duration, in_words, is_blind, last_used_logged_status
from ir_kit.domain.documents import rows_of
from ir_kit.findings import (
    EvidenceRows,
    Finding,
    FindingBuilder,
    Scope,
    Subject,
    actor_of,
    count_noun,
    join_names,
    rows_in,
    write_findings,
)
from ir_kit.logging_gaps import questions as logging_gaps
from ir_kit.sessions.session_table import session_of

PLAYBOOK = "logging_gaps"
CLASSES = {
    "management": "calls on the configuration of", "data_read": "reads of objects of",
    "data_write": "writes of objects of", "server_access_log": "the access log of",
}  # fmt: skip
REPLAY = (
    "Reasoned by replaying settings: configuration answers backwards, management events forwards, checked against what "
    "was delivered."
)


def findings(case: Case) -> list[Finding]:
    """What can be said of what could have happened unseen?

    Returns
    -------
    list of Finding
        ``blind_time`` for each bucket in scope and class, ``log_tampering``, ``log_integrity``,
        ``access_log_completeness`` for each bucket in scope, ``last_used_contradiction``, ``recommendations``; each
        asked whether or not there is anything to find. Also written to the case's findings.
    """
    builder, logged = FindingBuilder(case, PLAYBOOK), LogScope.of(case)
    blind = [
        blind_time(builder, logged, row) for row in rows_of(logging_gaps.blind_time(case)) if row["bucket"] is not None
    ]
    complete = [access_log_completeness(builder, logged, row) for row in rows_of(logging_gaps.access_log_losses(case))]
    once = [log_tampering(builder, logged), log_integrity(builder)]
    return write_findings(
        case, PLAYBOOK, [*blind, *once, *complete, last_used_contradiction(builder), recommendations(builder)]
    )  # fmt: skip


def blind_time(builder: FindingBuilder, logged: LogScope, row: Row) -> Finding:
    """For how long would one class of requests on a bucket not have been recorded?"""
    bucket, kind, window = row["bucket"], row["record_class"], builder.case.incident.window
    what, whole = f"{CLASSES[kind]} {bucket}", length(logged.hours)
    own = [span for span in logged.rows if (span["bucket"], span["record_class"]) == (bucket, kind)]
    by_state = {state: [span for span in own if span["state"] == state] for state in ("unknown", "uncertain")}
    known = [span for span in own if is_blind(span) and span["state"] != "unknown"]
    if known:
        statement = (
            f"For {length(row['blind_hours'])} of {whole}, {what} would not be in the evidence: {in_words(known)}."
        )
    elif row["unknown_hours"]:
        statement = (
            f"Whether {what} would be in the evidence is not known for {length(row['unknown_hours'])} of {whole}."
        )
    else:
        statement = f"At no time of the window was the evidence blind for {what}."
    # rows show it where files are gone, or where a recorded change inside the window begins or ends it
    shown = any(
        span["state"] == "lost" or span["start_time"] > window.start or span["end_time"] < window.end for span in known
    )
    lossy = "Access logs are delivered on a best-effort basis; access_log_completeness says what they lack."
    return builder.build(
        "blind_time", f"For how long would {what} not have been recorded?", statement,
        count=int(bool(known)), inferred=not shown, partly_inferred=row["unknown_hours"] > 0,
        severity="medium" if shown or bucket in builder.case.incident.sensitive_buckets else "low",
        values={name: float(value) for name, value in row.items() if name.endswith("_hours")},
        scope=Scope(
            not row["unknown_hours"], f"Among the blind hours: {in_words(by_state['unknown'])}." if by_state["unknown"] else "",
            unsure=bool(row["uncertain_hours"]),
        ),
        subject=Subject(bucket=bucket, record_class=kind),
        evidence=[EvidenceRows(table="logging_gaps/visibility", rows=len(own))],
        limits=[
            REPLAY, f"Not counted as blind: {in_words(by_state['uncertain'])}." if row["uncertain_hours"] else "",
            lossy if kind == "server_access_log" else "",
        ],
    )  # fmt: skip


def log_tampering(builder: FindingBuilder, logged: LogScope) -> Finding:
    """Who took logging away, or tried to?"""
    frame = logging_gaps.tampering(builder.case)
    done = frame[frame["outcome"] == "success"]
    failed = len(frame) - len(done)
    statement = "No API call in the window took logging away or tried to"
    if len(frame):
        calls = [f"{row['event_name']} on {row['target']} at {row['event_time']:%d %b %H:%M}" for row in rows_of(done)]
        which = f": {join_names(calls)}" if calls else ""
        statement = f"{count_noun(len(done), 'API call')} took logging away{which}"
        statement += f"; {count_noun(failed, 'attempt')} failed and cost nothing" if failed else ""
    if done["blind_hours"].sum():
        worst = max(rows_of(done), key=lambda row: row["blind_hours"] or 0.0)
        statement += f"; the worst, {worst['event_name']} on {worst['target']}, {worst['effect'].partition('; ')[2]}"
    sessions = rows_of(session_of(builder.case, frame))
    verdicts = [row["verdict"] or "unclear" for row in sessions]
    actor = actor_of(verdicts, [row["label"] for row in sessions]) if sessions else None
    return builder.build(
        "log_tampering", "Who took logging away, or tried to?", f"{statement}.", count=len(frame), actor=actor,
        severity="low" if actor == "owner" else "high" if len(done) else "medium",
        values={
            "acts": len(frame), "succeeded": len(done), "failed": failed,
            "denied": int((frame["outcome"] == "denied").sum()),
        },
        scope=logged.management(),
        evidence=[rows_in("logging_gaps/tampering", frame, frame["event_id"])],
        limits=[
            "Deletions and changes of objects in log buckets are calls on objects, seen only where data events covered "
            "the log bucket; log_integrity tells what is gone.",
            "An attempt that failed changes nothing and is no gap." if failed else "",
        ],
    )  # fmt: skip


def log_integrity(builder: FindingBuilder) -> Finding:
    """Are the log files what CloudTrail delivered?"""
    frame, chain = logging_gaps.integrity(builder.case), logging_gaps.digest_chain(builder.case)
    counts = {
        state: int((frame["state"] == state).sum())
        for state in ("valid", "modified", "missing", "unlisted", "unverified")
    }
    digests = {state: int((chain["state"] == state).sum()) for state in ("valid", "missing", "altered")}
    broken = digests["missing"] + digests["altered"]
    wrong = counts["modified"] + counts["missing"] + counts["unlisted"] + broken
    if wrong:
        statement = (
            f"Of {count_noun(len(frame), 'log file')}, {counts['modified']:,} were changed after delivery, "
            f"{counts['missing']:,} are gone and {counts['unlisted']:,} are named by no digest that should name them; "
            f"of the digests, {digests['missing']:,} are missing and {digests['altered']:,} altered"
        )
    elif counts["valid"]:
        statement = f"{count_noun(counts['valid'], 'log file')} are as CloudTrail delivered them, and none is seen altered or gone"
    else:
        statement = "Whether any log file was altered or deleted cannot be said: no valid digest covers one"
    if counts["unverified"] and counts["valid"]:
        statement += f"; {count_noun(counts['unverified'], 'file')} cannot be checked"
    blind = (
        f"Of {count_noun(len(frame), 'log file')}, {counts['unverified']:,} are covered by no valid digest: whether these "
        "were altered, and whether others were deleted at their times, cannot be said."
    )
    whole = bool(counts["valid"]) and not counts["unverified"] and not broken
    missing = "A file may be missing because it was not collected; that it was deleted is for the log bucket to tell."
    return builder.build(
        "log_integrity", "Are the log files what CloudTrail delivered?", f"{statement}.", count=wrong, severity="high",
        values={**counts, **{f"digests_{state}": count for state, count in digests.items()}},
        scope=Scope(whole, "" if whole else blind),
        evidence=[rows_in("logging_gaps/integrity", frame), rows_in("logging_gaps/digests", chain)],
        limits=[
            missing if counts["missing"] else "",
            "Access logs have no digests: nothing proves that their files are whole.",
        ],
    )  # fmt: skip


def access_log_completeness(builder: FindingBuilder, logged: LogScope, row: Row) -> Finding:
    """How complete is the access log of a bucket, where CloudTrail can tell?"""
    bucket, requests, lacking = row["bucket"], row["cloudtrail_requests"], row["cloudtrail_only"]
    both, holes = row["both_hours"], row["hole_hours"]
    if requests:
        statement = (
            f"Of {requests:,} requests on {bucket} that CloudTrail recorded while both logs were on, the access log lacks "
            f"{lacking:,} ({lacking / requests:.2%})"
            + (f"; for {length(holes)} nothing was delivered" if holes else "")
        )
    elif both:
        statement = f"Both logs were on for {bucket} for {length(both)}, and CloudTrail recorded no request to compare"
    else:
        statement = f"How complete the access log of {bucket} is cannot be said: at no time were both logs on"
    part = f"Both logs were on for {length(both)} of {length(logged.hours)}: of the rest nothing tells what was lost."
    part = part if logged.hours - both > 0.01 else ""
    nothing = "" if requests or not both else "There was nothing to compare."
    share = f"with 95 % confidence no more than {row['loss_upper'] or 0:.2%} of requests are lost."
    names = (
        "cloudtrail_requests",
        "matched",
        "cloudtrail_only",
        "server_access_log_only",
        "both_hours",
        "hole_hours",
        "loss_upper",
    )
    return builder.build(
        "access_log_completeness", f"How complete is the access log of {bucket}, where CloudTrail can tell?", f"{statement}.",
        count=lacking, severity="medium" if holes else "low", values={name: row[name] for name in names},
        scope=Scope(not part and bool(requests), " ".join(text for text in (part, nothing) if text)),
        subject=Subject(bucket=bucket),
        evidence=[EvidenceRows(table="logging_gaps/completeness", rows=int(row["hours"]))],
        limits=[
            "" if row["loss_upper"] is None else f"Outside of such hours it lacks {row['lost']:,}; {share}",
            "Requests that both logs lack are seen by neither.",
        ],
    )  # fmt: skip


def last_used_contradiction(builder: FindingBuilder) -> Finding:
    """Does AWS note a use of an incident key that no log shows?"""
    settings = rows_of(builder.case.ask("credentials/key_settings"))
    keys = [{**key, "status": last_used_logged_status(builder.case, key)} for key in settings]
    frame = logging_gaps.contradictions(builder.case)
    without = frame[
        (frame["kind"] == "use_without_record") & frame["access_key_id"].isin([key["access_key_id"] for key in keys])
    ]
    uses: dict[str, list[str]] = {"yes": [], "no": [], "unknown": []}
    for key in keys:
        date, service = key.get("last_used_date"), key.get("last_used_service")
        noted = (
            f"a use of {service} at {date:%Y-%m-%d %H:%M:%S} UTC"
            if date is not None
            else "nothing that is in the evidence"
        )
        if date is not None or service is None:  # else the key was never used
            uses[key["status"]].append(f"Of {key['access_key_id']}, AWS noted {noted}")
    statement = "No use that AWS noted as a key's latest is missing from the logs"
    if uses["no"]:
        statement = f"{join_names(uses['no'])}: no log shows it, although it would have been logged"
    elif uses["unknown"]:
        statement = "Whether the logs lack a use that AWS noted cannot be said of each incident key"
    return builder.build(
        "last_used_contradiction", "Does AWS note a use of an incident key that no log shows?", f"{statement}.",
        count=len(uses["no"]), severity="high",
        values={"keys": len(keys), "contradictions": len(uses["no"]), "uses_without_record": len(without)},
        scope=Scope(not uses["unknown"], " ".join(f"{use}: that it would have been logged cannot be said." for use in uses["unknown"])),
        evidence=[
            EvidenceRows(table="scoping/key_facts", rows=len(keys)), rows_in("logging_gaps/contradictions", without),
        ],
        limits=[
            "AWS notes the first use within 15 minutes, of one service and Region, and keeps the latest only: other uses "
            "leave no trace there.",
            "Uses of buckets that belong to other accounts are in no log of this account.",
        ],
    )  # fmt: skip


def recommendations(builder: FindingBuilder) -> Finding:
    """What is to be switched on, at what price?"""
    frame = logging_gaps.recommendations(builder.case)
    low, high = (float(frame[f"monthly_cost_usd_{end}"].sum()) for end in ("low", "high"))
    detectors = float(frame["monthly_cost_usd_high"][frame["action"] == "enable_guardduty_s3_protection"].sum())
    statement = "Nothing is left to switch on"
    if len(frame):
        statement = f"{count_noun(len(frame), 'step')} would close what is open, for {low:,.2f} to {high:,.2f} USD a month at list prices"
        statement += (
            f", up to {detectors:,.2f} of it for GuardDuty, which detects and keeps no log" if detectors else ""
        )
    answered = any(
        call.answer.state == "answered" and requested.service in ("s3", "cloudtrail")
        for requested, call in configuration(builder.case).calls()
    )
    return builder.build(
        "recommendations", "What is to be switched on, at what price?", f"{statement}.",
        count=len(frame), inferred=True, severity="low",
        values={
            "steps": len(frame), "monthly_cost_usd_low": low, "monthly_cost_usd_high": high,
            "buckets": int(frame["bucket"].nunique()),
        },
        scope=Scope(True) if answered else Scope(None, "No configuration was collected: what is on is not known."),
        evidence=[EvidenceRows(table="logging_gaps/recommendations", rows=len(frame))],
        limits=[
            "Prices are list prices of one day, at the account's own rates of the window where it was logged and at "
            "named assumptions where it was not; an attack raises rates.",
            "The kit applies nothing: each step has its snippet and a check that proves it took effect.",
        ],
    )  # fmt: skip


def length(hours: float) -> str:
    """A number of hours in words."""
    return duration(timedelta(hours=hours))
