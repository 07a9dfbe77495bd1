"""Findings of playbook 05: how long nothing looked, who took logging away, whether the logs are whole, what to do."""

from __future__ import annotations

from datetime import timedelta

from ir_kit.case import Case
from ir_kit.configuration.collected_answers import configuration
from ir_kit.coverage.visibility import BLIND, LogScope, Row, in_words, last_used_logged_status
from ir_kit.domain.documents import rows_of
from ir_kit.domain.intervals import duration
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
    builder, logs = FindingBuilder(case, PLAYBOOK), LogScope.of(case)
    hours = [row for row in rows_of(logging_gaps.blind_time(case)) if row["bucket"] is not None]
    listed = [blind_time(builder, logs, row) for row in hours]
    listed += [log_tampering(builder, logs), log_integrity(builder)]
    listed += [access_log_completeness(builder, logs, row) for row in rows_of(logging_gaps.access_log_losses(case))]
    return write_findings(case, PLAYBOOK, [*listed, last_used_contradiction(builder), recommendations(builder)])


def blind_time(builder: FindingBuilder, logs: LogScope, row: Row) -> Finding:
    """For how long would one class of requests on a bucket not have been recorded?"""
    bucket, kind, window = row["bucket"], row["record_class"], builder.case.incident.window
    what, whole = f"{CLASSES[kind]} {bucket}", length(logs.hours)
    spans = [span for span in logs.rows if (span["bucket"], span["record_class"]) == (bucket, kind)]
    unknown, uncertain = ([span for span in spans if span["state"] == state] for state in ("unknown", "uncertain"))
    known = [span for span in spans if span["state"] in BLIND and span["state"] != "unknown"]
    statement = f"At no time of the window was the evidence blind for {what}."
    if known:
        statement = (
            f"For {length(row['blind_hours'])} of {whole}, {what} would not be in the evidence: {in_words(known)}."
        )
    elif unknown:
        hours = length(row["unknown_hours"])
        statement = f"Whether {what} would be in the evidence is not known for {hours} of {whole}."
    # rows show it where files are gone, or where a recorded change inside the window begins or ends it
    changes = [span for span in known if span["start_time"] > window.start or span["end_time"] < window.end]
    shown = bool(changes) or any(span["state"] == "lost" for span in known)
    lossy = "Access logs are delivered on a best-effort basis; access_log_completeness says what they lack."
    return builder.build(
        "blind_time", f"For how long would {what} not have been recorded?", statement,
        count=int(bool(known)), inferred=not shown, partly_inferred=bool(unknown),
        severity="medium" if shown or bucket in builder.case.incident.sensitive_buckets else "low",
        values={name: float(value) for name, value in row.items() if name.endswith("_hours")},
        scope=Scope(not unknown, f"Among the blind hours: {in_words(unknown)}." if unknown else "", unsure=bool(uncertain)),
        subject=Subject(bucket=bucket, record_class=kind),
        evidence=[EvidenceRows(table="logging_gaps/visibility", rows=len(spans))],
        limits=[
            REPLAY, f"Not counted as blind: {in_words(uncertain)}." if uncertain else "",
            lossy if kind == "server_access_log" else "",
        ],
    )  # fmt: skip


def log_tampering(builder: FindingBuilder, logs: LogScope) -> Finding:
    """Who took logging away, or tried to?"""
    frame = logging_gaps.tampering(builder.case)
    done = rows_of(frame[frame["outcome"] == "success"])
    failed = len(frame) - len(done)
    statement = "No API call in the window took logging away or tried to"
    if len(frame):
        calls = [f"{row['event_name']} on {row['target']} at {row['event_time']:%d %b %H:%M}" for row in done]
        statement = f"{count_noun(len(done), 'API call')} took logging away"
        statement += f": {join_names(calls)}" if calls else ""
        statement += f"; {count_noun(failed, 'attempt')} failed and cost nothing" if failed else ""
    worst = max(done, key=lambda row: row["blind_hours"] or 0.0, default=None)
    if worst and worst["blind_hours"]:
        statement += f"; the worst, {worst['event_name']} on {worst['target']}, {worst['effect'].partition('; ')[2]}"
    sessions = session_of(builder.case, frame)
    actor = actor_of(sessions["verdict"].fillna("unclear"), [row["label"] for row in rows_of(sessions)])
    denied = int((frame["outcome"] == "denied").sum())
    return builder.build(
        "log_tampering", "Who took logging away, or tried to?", f"{statement}.", count=len(frame),
        actor=actor if len(frame) else None, severity="low" if actor == "owner" else "high" if done else "medium",
        values={"acts": len(frame), "succeeded": len(done), "failed": failed, "denied": denied}, scope=logs.management(),
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
    states = ("valid", "modified", "missing", "unlisted", "unverified")
    counts = {state: int((frame["state"] == state).sum()) for state in states}
    digests = {f"digests_{state}": int((chain["state"] == state).sum()) for state in ("valid", "missing", "altered")}
    files, broken = count_noun(len(frame), "log file"), digests["digests_missing"] + digests["digests_altered"]
    wrong = counts["modified"] + counts["missing"] + counts["unlisted"] + broken
    statement = "Whether any log file was altered or deleted cannot be said: no valid digest covers one"
    if wrong:
        statement = (
            f"Of {files}, {counts['modified']:,} were changed after delivery, {counts['missing']:,} are gone and "
            f"{counts['unlisted']:,} are named by no digest that should name them; of the digests, "
            f"{digests['digests_missing']:,} are missing and {digests['digests_altered']:,} altered"
        )
    elif counts["valid"]:
        valid = count_noun(counts["valid"], "log file")
        statement = f"{valid} are as CloudTrail delivered them, and none is seen altered or gone"
    if counts["unverified"] and counts["valid"]:
        statement += f"; {count_noun(counts['unverified'], 'file')} cannot be checked"
    blind = (
        f"Of {files}, {counts['unverified']:,} are covered by no valid digest: whether these were altered, and whether "
        "others were deleted at their times, cannot be said."
    )
    whole = bool(counts["valid"]) and not counts["unverified"] and not broken
    missing = "A file may be missing because it was not collected; that it was deleted is for the log bucket to tell."
    return builder.build(
        "log_integrity", "Are the log files what CloudTrail delivered?", f"{statement}.", count=wrong, severity="high",
        values={**counts, **digests}, scope=Scope(whole, "" if whole else blind),
        evidence=[rows_in("logging_gaps/integrity", frame), rows_in("logging_gaps/digests", chain)],
        limits=[
            missing if counts["missing"] else "",
            "Access logs have no digests: nothing proves that their files are whole.",
        ],
    )  # fmt: skip


def access_log_completeness(builder: FindingBuilder, logs: LogScope, row: Row) -> Finding:
    """How complete is the access log of a bucket, where CloudTrail can tell?"""
    bucket, requests, lacking = row["bucket"], row["cloudtrail_requests"], row["cloudtrail_only"]
    both, holes, upper = row["both_hours"], row["hole_hours"], row["loss_upper"]
    statement = f"How complete the access log of {bucket} is cannot be said: at no time were both logs on"
    if requests:
        statement = (
            f"Of {requests:,} requests on {bucket} that CloudTrail recorded while both logs were on, the access log lacks "
            f"{lacking:,} ({lacking / requests:.2%})"
        )
        statement += f"; for {length(holes)} nothing was delivered" if holes else ""
    elif both:
        statement = f"Both logs were on for {bucket} for {length(both)}, and CloudTrail recorded no request to compare"
    blind = []
    if logs.hours - both > 0.01:
        hours = f"{length(both)} of {length(logs.hours)}"
        blind.append(f"Both logs were on for {hours}: of the rest nothing tells what was lost.")
    whole = not blind and bool(requests)
    blind += ["There was nothing to compare."] if both and not requests else []
    names = ("matched", "cloudtrail_only", "server_access_log_only", "both_hours", "hole_hours", "loss_upper")
    share = f"with 95 % confidence no more than {upper or 0:.2%} of requests are lost."
    return builder.build(
        "access_log_completeness", f"How complete is the access log of {bucket}, where CloudTrail can tell?", f"{statement}.",
        count=lacking, severity="medium" if holes else "low",
        values={name: row[name] for name in ("cloudtrail_requests", *names)}, scope=Scope(whole, " ".join(blind)),
        subject=Subject(bucket=bucket), evidence=[EvidenceRows(table="logging_gaps/completeness", rows=int(row["hours"]))],
        limits=[
            "" if upper is None else f"Outside of such hours it lacks {row['lost']:,}; {share}",
            "Requests that both logs lack are seen by neither.",
        ],
    )  # fmt: skip


def last_used_contradiction(builder: FindingBuilder) -> Finding:
    """Does AWS note a use of an incident key that no log shows?"""
    keys = rows_of(builder.case.ask("credentials/key_settings"))
    frame = logging_gaps.contradictions(builder.case)
    of_keys = frame["access_key_id"].isin([key["access_key_id"] for key in keys])
    without = frame[(frame["kind"] == "use_without_record") & of_keys]
    uses: dict[str, list[str]] = {"yes": [], "no": [], "unknown": []}
    for key in keys:
        date, service = key["last_used_date"], key["last_used_service"]
        noted = f"a use of {service} at {date:%Y-%m-%d %H:%M:%S} UTC" if date else "nothing that is in the evidence"
        if date or service is None:  # else the key was never used
            status = last_used_logged_status(builder.case, key)
            uses[status].append(f"Of {key['access_key_id']}, AWS noted {noted}")
    statement = "No use that AWS noted as a key's latest is missing from the logs"
    if uses["no"]:
        statement = f"{join_names(uses['no'])}: no log shows it, although it would have been logged"
    elif uses["unknown"]:
        statement = "Whether the logs lack a use that AWS noted cannot be said of each incident key"
    blind = " ".join(f"{use}: that it would have been logged cannot be said." for use in uses["unknown"])
    return builder.build(
        "last_used_contradiction", "Does AWS note a use of an incident key that no log shows?", f"{statement}.",
        count=len(uses["no"]), severity="high", scope=Scope(not uses["unknown"], blind),
        values={"keys": len(keys), "contradictions": len(uses["no"]), "uses_without_record": len(without)},
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
    costs = ["monthly_cost_usd_low", "monthly_cost_usd_high"]
    total = {name: float(frame[name].sum()) for name in costs}
    detectors = float(frame["monthly_cost_usd_high"][frame["action"] == "enable_guardduty_s3_protection"].sum())
    statement = "Nothing is left to switch on"
    if len(frame):
        low, high = total.values()
        statement = f"{count_noun(len(frame), 'step')} would close what is open, for {low:,.2f} to {high:,.2f} USD a month at list prices"
        statement += (
            f", up to {detectors:,.2f} of it for GuardDuty, which detects and keeps no log" if detectors else ""
        )
    calls = configuration(builder.case).calls()
    answered = any(
        call.answer.state == "answered" for setting, call in calls if setting.service in ("s3", "cloudtrail")
    )
    return builder.build(
        "recommendations", "What is to be switched on, at what price?", f"{statement}.",
        count=len(frame), inferred=True, severity="low",
        values={"steps": len(frame), **total, "buckets": int(frame["bucket"].nunique())},
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
