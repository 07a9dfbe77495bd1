"""Findings of playbook 05: how long nothing looked, who took logging away, whether the logs are whole, what to do."""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.scope import LogScope, Row, in_words, is_blind
from ir_kit.domain.frames import rows_of
from ir_kit.findings import (
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
    rows_in,
    write_findings,
)
from ir_kit.key_activity import questions as activity
from ir_kit.logging_gaps import questions as asked
from ir_kit.scoping import questions as scoping

PLAYBOOK = "logging_gaps"
STATES = ("valid", "modified", "missing", "unlisted", "unverified")
CLASSES = {
    "management": "calls on the configuration of",
    "data_read": "reads of objects of",
    "data_write": "writes of objects of",
    "server_access_log": "the access log of",
}
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
    builder, seen = FindingBuilder(case, PLAYBOOK), LogScope.of(case)
    found = [_blind(builder, seen, row) for row in rows_of(asked.blind_time(case)) if row["bucket"] is not None]
    found += [_tampering(builder, seen), _integrity(builder)]
    found += [_complete(builder, seen, row) for row in rows_of(asked.access_log_losses(case))]
    return write_findings(case, PLAYBOOK, [*found, _last_used(builder), _recommended(builder)])


def _blind(builder: FindingBuilder, seen: LogScope, row: Row) -> Finding:
    bucket, kind = row["bucket"], row["record_class"]
    what = f"{CLASSES[kind]} {bucket}"
    own = [one for one in seen.rows if (one["bucket"], one["record_class"]) == (bucket, kind)]
    blind = [one for one in own if is_blind(one)]
    gap = row["not_logged_hours"] + row["lost_hours"]
    limits = [REPLAY]
    if gap:
        statement = (
            f"For {row['blind_hours']:,.1f} of {seen.hours:,.1f} hours, {what} would not be in the evidence: "
            f"{in_words([one for one in blind if one['state'] != 'unknown'])}."
        )
    elif row["unknown_hours"]:
        statement = (
            f"Whether {what} would be in the evidence is not known for {row['unknown_hours']:,.1f} of "
            f"{seen.hours:,.1f} hours."
        )
    else:
        statement = f"At no time of the window was the evidence blind for {what}."
    if row["uncertain_hours"]:
        doubt = in_words(one for one in own if one["state"] == "uncertain")
        limits.append(f"Not counted as blind: {doubt}.")
    if kind == "server_access_log":
        limits.append("Access logs are delivered on a best-effort basis; access_log_completeness says what they lack.")
    unknown = [one for one in own if one["state"] == "unknown"]
    words = f"Among the blind hours: {in_words(unknown)}." if unknown else ""
    shown = any(one["state"] == "lost" or _bounded(builder, one) for one in blind)
    return builder.build(
        "blind_time",
        f"For how long would {what} not have been recorded?",
        statement,
        count=int(gap > 0),
        inferred=not shown,
        partly_inferred=row["unknown_hours"] > 0,
        values={name: float(row[name]) for name in row if name.endswith("_hours")},
        scope=Scope(not row["unknown_hours"], words, unsure=bool(row["uncertain_hours"])),
        subject=Subject(bucket=bucket, record_class=kind),
        evidence=[EvidenceRows(table="logging_gaps/visibility", rows=len(own))],
        limits=limits,
    )


def _bounded(builder: FindingBuilder, row: Row) -> bool:
    """Does a recorded change inside the window begin or end this blind stretch?"""
    window = builder.case.incident.window
    return bool(row["state"] != "unknown" and (row["start_time"] > window.start or row["end_time"] < window.end))


def _tampering(builder: FindingBuilder, seen: LogScope) -> Finding:
    frame = asked.tampering(builder.case)
    done = frame[frame["outcome"] == "success"]
    failed = len(frame) - len(done)
    if len(frame):
        acts = [f"{row['event_name']} on {row['target']} at {row['event_time']:%d %b %H:%M}" for row in rows_of(done)]
        statement = f"{count_noun(len(done), 'act').capitalize()} took logging away" + (
            f": {join_names(acts)}" if acts else ""
        )
        statement += f"; {count_noun(failed, 'try', 'tries')} failed and cost nothing" if failed else ""
    else:
        statement = "No act that takes logging away, and no try, is seen in the window"
    hours = done["blind_hours"].sum()
    if hours:
        most = max(rows_of(done), key=lambda row: row["blind_hours"] or 0.0)
        statement += f"; the worst, {most['event_name']} on {most['target']}, {most['effect'].partition('; ')[2]}"
    return builder.build(
        "log_tampering",
        "Who took logging away, or tried to?",
        statement + ".",
        count=len(frame),
        values={
            "acts": len(frame), "succeeded": len(done), "failed": failed,
            "denied": int((frame["outcome"] == "denied").sum()),
        },
        scope=seen.management(),
        actor=_actor(builder.case, frame) if len(frame) else None,
        evidence=[rows_in("logging_gaps/tampering", frame, frame["event_id"])],
        limits=[
            "Deletions and changes of objects in log buckets are calls on objects, seen only where data events covered "
            "the log bucket; log_integrity tells what is gone.",
            "A failed try changes nothing and is no gap." if failed else "",
        ],
    )  # fmt: skip


def _actor(case: Case, acts: pd.DataFrame) -> Actor:
    """Whose the acts are, by the sessions of reached credentials that hold them; unknown where a credential is none."""
    sessions = activity.sessions(case)
    if not set(acts["access_key_id"]) <= set(sessions["access_key_id"]):
        return "unknown"
    beside = acts[["event_time", "access_key_id", "source_ip_address"]].merge(
        sessions, on=["access_key_id", "source_ip_address"], how="left"
    )
    beside = beside[(beside["start_time"] <= beside["event_time"]) & (beside["event_time"] <= beside["end_time"])]
    labels = [label if isinstance(label, str) else None for label in beside["label"]]
    return actor_of(beside["verdict"], labels)


def _integrity(builder: FindingBuilder) -> Finding:
    frame, chain = asked.integrity(builder.case), asked.digest_chain(builder.case)
    counts = {state: int((frame["state"] == state).sum()) for state in STATES}
    digests = {state: int((chain["state"] == state).sum()) for state in ("valid", "missing", "altered")}
    bad = counts["modified"] + counts["missing"] + counts["unlisted"]
    broken = digests["missing"] + digests["altered"]
    if bad or broken:
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
    open_part = (
        f"Of {count_noun(len(frame), 'log file')}, {counts['unverified']:,} are covered by no valid digest: whether these "
        "were altered, and whether others were deleted at their times, cannot be said."
    )
    whole = bool(counts["valid"]) and not counts["unverified"] and not broken
    values: dict[str, Value] = {**counts, **{f"digests_{state}": count for state, count in digests.items()}}
    return builder.build(
        "log_integrity",
        "Are the log files what CloudTrail delivered?",
        statement + ".",
        count=bad + broken,
        values=values,
        scope=Scope(whole, "" if whole else open_part),
        evidence=[rows_in("logging_gaps/integrity", frame), rows_in("logging_gaps/digests", chain)],
        limits=[
            "A file may be missing because it was not collected; that it was deleted is for the log bucket to tell."
            if counts["missing"]
            else "",
            "Access logs have no digests: nothing proves that their files are whole.",
        ],
    )


def _complete(builder: FindingBuilder, seen: LogScope, row: Row) -> Finding:
    bucket, requests, lacking = row["bucket"], row["cloudtrail_requests"], row["cloudtrail_only"]
    both, holes = row["both_hours"], row["hole_hours"]
    if requests:
        statement = (
            f"Of {requests:,} requests on {bucket} that CloudTrail recorded while both logs were on, the access log "
            f"lacks {lacking:,} ({lacking / requests:.2%})"
        )
        statement += f"; for {holes:,.0f} hours nothing was delivered" if holes else ""
    elif both:
        statement = (
            f"Both logs were on for {bucket} for {both:,.1f} hours, and CloudTrail recorded no request to compare"
        )
    else:
        statement = f"How complete the access log of {bucket} is cannot be said: at no time were both logs on"
    rest = seen.hours - both
    part = (
        f"Both logs were on for {both:,.1f} of {seen.hours:,.1f} hours: of the others nothing tells what was lost."
        if rest > 0.01
        else ""
    )
    nothing = "" if requests or not both else "There was nothing to compare."
    names = ("cloudtrail_requests", "matched", "cloudtrail_only", "server_access_log_only", "both_hours", "hole_hours")
    values: dict[str, Value] = {name: float(row[name]) if "hours" in name else int(row[name]) for name in names}
    limits = []
    if row["loss_upper"] is not None:
        limits.append(
            f"Outside of such hours it lacks {row['lost']:,}; with 95 % confidence no more than "
            f"{row['loss_upper']:.2%} of requests are lost."
        )
    return builder.build(
        "access_log_completeness",
        f"How complete is the access log of {bucket}, where CloudTrail can tell?",
        statement + ".",
        count=lacking,
        values=values | {"loss_upper": row["loss_upper"]},
        scope=Scope(not part and bool(requests), " ".join(one for one in (part, nothing) if one)),
        subject=Subject(bucket=bucket),
        evidence=[EvidenceRows(table="logging_gaps/completeness", rows=int(row["hours"]))],
        limits=[*limits, "Requests that both logs lack are seen by neither."],
    )


def _last_used(builder: FindingBuilder) -> Finding:
    facts = rows_of(scoping.key_facts(builder.case))
    against = [row for row in facts if row["last_used_logged_status"] == "no"]
    never = [row for row in facts if row["last_used_date"] is None and row["last_used_service"] is not None]
    open_ = [row for row in facts if row["last_used_logged_status"] == "unknown" and row not in never]
    told_by = asked.contradictions(builder.case)
    unseen = told_by[(told_by["kind"] == "use_without_record") & told_by["access_key_id"].isin(_keys(facts))]
    if against:
        uses = [
            f"{row['last_used_service']} by {row['access_key_id']} at {row['last_used_date']:%Y-%m-%d %H:%M:%S}"
            for row in against
        ]
        statement = f"AWS noted a use of {join_names(uses)} UTC that no log shows, although it would have been logged"
    elif open_:
        statement = "Whether the logs lack a use that AWS noted cannot be said of each incident key"
    else:
        statement = "No use that AWS noted as a key's latest is missing from the logs"
    words = [
        f"Of {row['access_key_id']}, AWS noted {_use(row)}: that it would have been logged cannot be said."
        for row in open_
    ]
    return builder.build(
        "last_used_contradiction",
        "Does AWS note a use of an incident key that no log shows?",
        statement + ".",
        count=len(against),
        values={"keys": len(facts), "contradictions": len(against), "uses_without_record": len(unseen)},
        scope=Scope(not open_, " ".join(words)),
        evidence=[
            EvidenceRows(table="scoping/key_facts", rows=len(facts)),
            rows_in("logging_gaps/contradictions", unseen),
        ],
        limits=[
            "AWS notes the first use within 15 minutes, of one service and Region, and keeps the latest only: other "
            "uses leave no trace there.",
            "Uses of buckets that belong to other accounts are in no log of this account.",
        ],
    )


def _keys(facts: list[dict[str, object]]) -> list[object]:
    return [row["access_key_id"] for row in facts]


def _use(row: Row) -> str:
    if row["last_used_date"] is None:
        return "nothing that is in the evidence"
    return f"a use of {row['last_used_service']} at {row['last_used_date']:%Y-%m-%d %H:%M:%S} UTC"


def _recommended(builder: FindingBuilder) -> Finding:
    frame = asked.recommendations(builder.case)
    low, high = float(frame["monthly_cost_usd_low"].sum()), float(frame["monthly_cost_usd_high"].sum())
    detectors = frame[frame["action"].str.startswith("enable_guardduty")]
    has_answers = bool((builder.case.ask("logging_gaps/logging_settings")["answer"] == "answered").any())
    if len(frame):
        statement = (
            f"{count_noun(len(frame), 'step')} would close what is open, for {_usd(low)} to {_usd(high)} USD a month at "
            "list prices"
        )
        if len(detectors):
            most = float(detectors["monthly_cost_usd_high"].sum())
            statement += f", up to {_usd(most)} of it for GuardDuty, which detects and keeps no log"
    else:
        statement = "Nothing is left to switch on"
    return builder.build(
        "recommendations",
        "What is to be switched on, at what price?",
        statement + ".",
        count=len(frame),
        inferred=True,
        values={
            "steps": len(frame), "monthly_cost_usd_low": low, "monthly_cost_usd_high": high,
            "buckets": int(frame["bucket"].nunique()),
        },
        scope=Scope(True) if has_answers else Scope(None, "No configuration was collected: what is on is not known."),
        evidence=[EvidenceRows(table="logging_gaps/recommendations", rows=len(frame))],
        limits=[
            "Prices are list prices of one day, at the account's own rates of the window where it was logged and at "
            "named assumptions where it was not; an attack raises rates.",
            "The kit applies nothing: each step has its snippet and a check that proves it took effect.",
        ],
    )  # fmt: skip


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"
