"""Findings of playbook 05: what was not logged, who disabled logging, whether the logs are complete, what to do."""

from __future__ import annotations

from ir_kit.case import Case
from ir_kit.configuration.collected_answers import configuration
from ir_kit.coverage.visibility import BLIND, LogScope, Row, in_words, last_used_logged_status, part_of
from ir_kit.domain.documents import rows_of
from ir_kit.domain.intervals import hours_and_minutes
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
    "management": "configuration calls on", "data_read": "object reads from",
    "data_write": "object writes to", "server_access_log": "access-log entries of",
}  # fmt: skip
REPLAY = (
    "Inferred from settings, collected answers and recorded changes, checked against the log files that were delivered."
)


def findings(case: Case) -> list[Finding]:
    """What could have happened without a log?

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
    """For how long was one class of requests on a bucket not logged?"""
    bucket, kind, window = row["bucket"], row["record_class"], builder.case.incident.window
    what = f"{CLASSES[kind]} {bucket}"
    spans = [span for span in logs.rows if (span["bucket"], span["record_class"]) == (bucket, kind)]
    unknown, uncertain = ([span for span in spans if span["state"] == state] for state in ("unknown", "uncertain"))
    known = [span for span in spans if span["state"] in BLIND and span["state"] != "unknown"]
    statement = f"The logging of {what} has no gap in the window."
    more = (
        f"; for a further {hours_and_minutes(row['unknown_hours'])} it is unknown whether they were logged"
        if unknown
        else ""
    )
    if known:
        statement = f"{what.capitalize()} were {in_words(known, logs.hours)}{more}."
    elif unknown:
        statement = f"Whether {what} were logged is unknown for {part_of(row['unknown_hours'], logs.hours)}."
    # rows show it where files are gone, or where a recorded change inside the window begins or ends it
    changes = [span for span in known if span["start_time"] > window.start or span["end_time"] < window.end]
    shown = bool(changes) or any(span["state"] == "lost" for span in known)
    lossy = "Access-log delivery is best effort; access_log_completeness measures what is missing."
    return builder.build(
        "blind_time", f"For how long were {what} not logged?", statement,
        count=int(bool(known)), inferred=not shown, partly_inferred=bool(unknown),
        severity="medium" if shown or bucket in builder.case.incident.sensitive_buckets else "low",
        values={name: float(value) for name, value in row.items() if name.endswith("_hours")},
        scope=Scope(not unknown, f"Part of this is unknown: {in_words(unknown)}." if unknown else "", unsure=bool(uncertain)),
        subject=Subject(bucket=bucket, record_class=kind),
        evidence=[EvidenceRows(table="logging_gaps/visibility", rows=len(spans))],
        limits=[
            REPLAY, f"Not counted as a gap: {in_words(uncertain)}." if uncertain else "",
            lossy if kind == "server_access_log" else "",
        ],
    )  # fmt: skip


def log_tampering(builder: FindingBuilder, logs: LogScope) -> Finding:
    """Who disabled or reduced logging, or tried to?"""
    frame = logging_gaps.tampering(builder.case)
    done = rows_of(frame[frame["outcome"] == "success"])
    failed = len(frame) - len(done)
    scope = logs.management()
    statement = scope.none("of attempts to disable or reduce logging", "management events")[:-1]
    if len(frame):
        calls = [f"{row['event_name']} on {row['target']} on {row['event_time']:%-d %B at %H:%M} UTC" for row in done]
        statement = f"{count_noun(len(done), 'API call')} disabled or reduced logging"
        statement += f": {join_names(calls)}" if calls else ""
        statement += f"; {count_noun(failed, 'attempt')} failed without effect" if failed else ""
    worst = max(done, key=lambda row: row["blind_hours"] or 0.0, default=None)
    if worst and worst["blind_hours"]:
        statement += f"; the longest gap is from {worst['event_name']} on {worst['target']}, {worst['effect'].partition('; ')[2]}"
    sessions = session_of(builder.case, frame)
    actor = actor_of(sessions["verdict"].fillna("unclear"), [row["label"] for row in rows_of(sessions)])
    denied = int((frame["outcome"] == "denied").sum())
    return builder.build(
        "log_tampering", "Who disabled or reduced logging, or tried to?", f"{statement}.", count=len(frame),
        actor=actor if len(frame) else None, severity="low" if actor == "owner" else "high" if done else "medium",
        values={"acts": len(frame), "succeeded": len(done), "failed": failed, "denied": denied}, scope=scope,
        evidence=[rows_in("logging_gaps/tampering", frame, frame["event_id"])],
        limits=[
            "Deleting log files shows only where data events covered the log bucket; log_integrity shows what is missing.",
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
    statement = "Whether log files were altered or deleted is unknown: no valid digest covers them"
    if wrong:
        statement = (
            f"Of {files}, {counts['modified']:,} were modified after delivery, {counts['missing']:,} are missing and "
            f"{counts['unlisted']:,} are not in the digest that should list them; {digests['digests_missing']:,} digests are "
            f"missing and {digests['digests_altered']:,} altered"
        )
    elif counts["valid"]:
        valid = count_noun(counts["valid"], "log file")
        statement = f"{valid} are verified as CloudTrail delivered them, with no sign of alteration or deletion"
    if counts["unverified"] and counts["valid"]:
        statement += f"; {count_noun(counts['unverified'], 'file')} cannot be checked"
    blind = (
        f"No valid digest covers {counts['unverified']:,} of {files}: they may have been altered, and others of that time "
        "deleted."
    )
    whole = bool(counts["valid"]) and not counts["unverified"] and not broken
    missing = "A missing file may not have been collected: check the log bucket before calling it deleted."
    return builder.build(
        "log_integrity", "Are the log files what CloudTrail delivered?", f"{statement}.", count=wrong, severity="high",
        values={**counts, **digests}, scope=Scope(whole, "" if whole else blind),
        evidence=[rows_in("logging_gaps/integrity", frame), rows_in("logging_gaps/digests", chain)],
        limits=[
            missing if counts["missing"] else "",
            "Access logs have no digests: nothing proves that they are complete.",
        ],
    )  # fmt: skip


def access_log_completeness(builder: FindingBuilder, logs: LogScope, row: Row) -> Finding:
    """How complete is the access log of a bucket, compared with CloudTrail?"""
    bucket, requests, lacking = row["bucket"], row["cloudtrail_requests"], row["cloudtrail_only"]
    both, holes, upper = row["both_hours"], row["hole_hours"], row["loss_upper"]
    statement = f"The completeness of the access log of {bucket} is unknown: CloudTrail data events and the access log were never on together"
    if requests:
        statement = (
            f"The access log of {bucket} is missing {lacking:,} of {requests:,} requests that CloudTrail recorded while both "
            f"logs were on ({lacking / requests:.2%})"
        )
        statement += f"; nothing was delivered for {hours_and_minutes(holes)}" if holes else ""
    elif both:
        statement = f"Both logs were on for {bucket} for {hours_and_minutes(both)}, and CloudTrail recorded no request to compare"
    blind = []
    if logs.hours - both > 0.01:
        hours = part_of(both, logs.hours)
        blind.append(f"Both logs were on for {hours}: losses in the rest cannot be measured.")
    whole = not blind and bool(requests)
    blind += ["There was nothing to compare."] if both and not requests else []
    names = ("matched", "cloudtrail_only", "server_access_log_only", "both_hours", "hole_hours", "loss_upper")
    share = f"at most {upper or 0:.2%} are lost at 95 % confidence."
    return builder.build(
        "access_log_completeness", f"How complete is the access log of {bucket}, compared with CloudTrail?", f"{statement}.",
        count=lacking, severity="medium" if holes else "low",
        values={name: row[name] for name in ("cloudtrail_requests", *names)}, scope=Scope(whole, " ".join(blind)),
        subject=Subject(bucket=bucket), evidence=[EvidenceRows(table="logging_gaps/completeness", rows=int(row["hours"]))],
        limits=[
            "" if upper is None else f"Outside hours without delivery it is missing {row['lost']:,}; {share}",
            "Requests that neither log recorded cannot be counted.",
        ],
    )  # fmt: skip


def last_used_contradiction(builder: FindingBuilder) -> Finding:
    """Did IAM record a use of an incident key that no log shows?"""
    keys = rows_of(builder.case.ask("credentials/key_settings"))
    frame = logging_gaps.contradictions(builder.case)
    of_keys = frame["access_key_id"].isin([key["access_key_id"] for key in keys])
    without = frame[(frame["kind"] == "use_without_record") & of_keys]
    uses: dict[str, list[str]] = {"yes": [], "no": [], "unknown": []}
    for key in keys:
        date, service = key["last_used_date"], key["last_used_service"]
        noted = f"a use of {service} at {date:%Y-%m-%d %H:%M:%S} UTC" if date else "nothing that was collected"
        if date or service is None:  # else the key was never used
            status = last_used_logged_status(builder.case, key)
            uses[status].append(f"IAM recorded {noted} of {key['access_key_id']}")
    statement = "The logs show the last use that IAM recorded of each incident key"
    if uses["no"]:
        statement = f"{join_names(uses['no'])}, but no log shows it although logging was on"
    elif uses["unknown"]:
        statement = "Whether the logs lack the last use that IAM recorded is unknown for at least one incident key"
    blind = " ".join(f"{use}; whether the logs should show it is unknown." for use in uses["unknown"])
    return builder.build(
        "last_used_contradiction", "Did IAM record a use of an incident key that no log shows?", f"{statement}.",
        count=len(uses["no"]), severity="high", scope=Scope(not uses["unknown"], blind),
        values={"keys": len(keys), "contradictions": len(uses["no"]), "uses_without_record": len(without)},
        evidence=[
            EvidenceRows(table="scoping/key_facts", rows=len(keys)), rows_in("logging_gaps/contradictions", without),
        ],
        limits=[
            "IAM keeps only the latest use, of one service and Region, to within 15 minutes.",
            "No log of this account records use of other accounts' buckets.",
        ],
    )  # fmt: skip


def recommendations(builder: FindingBuilder) -> Finding:
    """Which logging should be turned on, at what price?"""
    frame = logging_gaps.recommendations(builder.case)
    costs = ["monthly_cost_usd_low", "monthly_cost_usd_high"]
    total = {name: float(frame[name].sum()) for name in costs}
    detectors = float(frame["monthly_cost_usd_high"][frame["action"] == "enable_guardduty_s3_protection"].sum())
    statement = "No further logging needs to be turned on"
    if len(frame):
        low, high = total.values()
        statement = f"{count_noun(len(frame), 'step')} would close the logging gaps, for {low:,.2f} to {high:,.2f} USD a month at list prices"
        statement += (
            f", up to {detectors:,.2f} of it for GuardDuty, which detects threats but keeps no log" if detectors else ""
        )
    calls = configuration(builder.case).calls()
    answered = any(
        call.answer.state == "answered" for setting, call in calls if setting.service in ("s3", "cloudtrail")
    )
    return builder.build(
        "recommendations", "Which logging should be turned on, at what price?", f"{statement}.",
        count=len(frame), inferred=True, severity="low",
        values={"steps": len(frame), **total, "buckets": int(frame["bucket"].nunique())},
        scope=Scope(True) if answered else Scope(None, "No configuration was collected: which logging is on is unknown."),
        evidence=[EvidenceRows(table="logging_gaps/recommendations", rows=len(frame))],
        limits=[
            "Prices are list prices of one day, at the account's own request rates where they were logged and at named "
            "assumptions elsewhere; an attack raises rates.",
            "The kit changes nothing: each step has a snippet to run and a check that proves it took effect.",
        ],
    )  # fmt: skip
