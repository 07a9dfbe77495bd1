"""Findings of playbook 02: what was done, which of it is not the owner's, and what was tried in vain."""

from __future__ import annotations

import pandas as pd

from ir_kit import findings as model
from ir_kit.case import Case
from ir_kit.coverage.visibility import LogScope
from ir_kit.domain.documents import rows_of
from ir_kit.findings import Finding, FindingBuilder, count_noun, responders_left_out, rows_in
from ir_kit.key_activity import questions

PLAYBOOK = "key_activity"
NO_BASELINE = (
    "The evidence holds no event of a baseline: the owner is taken to be what is steady through the window, and where "
    "nothing is, nothing could be told; no value can be first seen."
)


def findings(case: Case) -> list[Finding]:
    """``activity_seen``, ``intruder_activity`` and ``probing``, asked whether or not there is anything to find."""
    builder, coverage, everything = FindingBuilder(case, PLAYBOOK), LogScope.of(case), questions.sessions(case)
    own, labels = everything["is_responder"].astype(bool), everything["label"].astype("object")
    limits = [coverage.objects(), responders_left_out(case, int(everything["event_count"][own].sum()))]
    sessions = everything.assign(label=labels.where(labels.notna(), None))[~own]
    listed = [
        activity_seen(builder, coverage, sessions, limits),
        intruder_activity(builder, coverage, sessions, limits),
        probing(builder, coverage, sessions),
    ]
    return model.write_findings(case, PLAYBOOK, listed)


def activity_seen(builder: FindingBuilder, coverage: LogScope, sessions: pd.DataFrame, limits: list[str]) -> Finding:
    """What use of the credentials was seen at all?"""
    counts, addresses = counts_of(sessions), sessions["source_ip_address"].nunique()
    more, seen = counts["log_requests"], counts["events"] + counts["log_requests"]
    statement = "No logged call of a reached credential is seen in the window."
    if seen:
        statement = (
            f"Reached credentials made {count_noun(counts['events'], 'logged call')} in the window, {counts['errors']:,} "
            f"of which failed, in {count_noun(len(sessions), 'session')} from "
            f"{count_noun(addresses, 'address', 'addresses')}"
            + (f"; access logs alone hold {count_noun(more, 'more request')} of theirs." if more else ".")
        )
    first = builder.case.ask("key_activity/first_events")
    return builder.build(
        "activity_seen",
        "What use of the reached credentials was seen?",
        statement,
        count=seen,
        actor=model.actor_of(sessions["verdict"], sessions["label"]) if seen else None,
        values={**counts, "access_keys": int(sessions["access_key_id"].nunique())},
        scope=coverage.calls(),
        evidence=[rows_in("key_activity/sessions", sessions, first["event_id"])],
        limits=limits,
    )


def intruder_activity(
    builder: FindingBuilder, coverage: LogScope, sessions: pd.DataFrame, limits: list[str]
) -> Finding:
    """Which of it is not the owner's? The analyst's label comes before the verdict."""
    case, labels, verdicts = builder.case, sessions["label"], sessions["verdict"]
    new = sessions[(labels == "intruder") | ((verdicts == "new") & labels.isna())]
    unclear = sessions[(labels == "unknown") | ((verdicts == "unclear") & labels.isna())]
    against = int(
        (((labels == "owner") & (verdicts == "new")) | ((labels == "intruder") & (verdicts == "familiar"))).sum()
    )
    operators, first_seen = questions.operators(case).query("not is_responder"), questions.first_seen(case)
    baseline = questions.baseline(case).query("basis == 'baseline'")
    counts, doubts = counts_of(new), [] if len(baseline) else [NO_BASELINE]
    for row in rows_of(baseline[baseline["warning"] != ""]):
        arrivals = f" ({'; '.join(row['arrivals'][:3])})" if len(row["arrivals"]) else ""
        doubts.append(f"{row['principal']}: {row['warning']}{arrivals}.")
    if against:
        sentence = f"The analyst's labels contradict the verdict of {count_noun(against, 'session')}; the labels hold."
        doubts.append(sentence)
    statement = "No session of a reached credential can be told to be somebody else's than the owner's"
    if len(new):
        more = counts["log_requests"]
        statement = (
            f"{count_noun(len(new), 'session')} with {count_noun(counts['events'], 'call')} of reached credentials"
            + (f" and {count_noun(more, 'request')} that access logs alone hold" if more else "")
            + f" {'does' if len(new) == 1 else 'do'} not look like the owner's, "
            f"from {model.join_names(new['source_ip_address'].dropna())}"
        )
    if len(unclear):
        statement += f"; {count_noun(len(unclear), 'more session' if len(new) else 'session')} cannot be told apart"
    return builder.build(
        "intruder_activity",
        "Which use of the reached credentials is not the owner's?",
        statement + ".",
        count=len(new),
        severity="high",
        actor="intruder" if len(new) else None,
        inferred=bool(new["label"].isna().any()),
        values={
            **counts,
            "operators": int(new["operator_id"].nunique()),
            "sessions_unclear": len(unclear),
            "events_unclear": counts_of(unclear)["events"],
            "first_seen_values": len(first_seen),
        },
        scope=coverage.calls(),
        evidence=[
            rows_in("key_activity/sessions", new),
            rows_in("key_activity/operators", operators[operators["operator_id"].isin(new["operator_id"])]),
            rows_in("key_activity/first_seen", first_seen),
        ],
        limits=[
            "Whose a session is has been inferred by comparing its address and user agent, and all that was done there, "
            "with the baseline and with what is known good; an analyst's label comes first.",
            *doubts,
            "Somebody who works from the owner's address with the owner's user agent is not told apart from the owner.",
            *limits,
        ],
    )


def probing(builder: FindingBuilder, coverage: LogScope, sessions: pd.DataFrame) -> Finding:
    """What was tried in vain?"""
    everything = questions.probing(builder.case)
    own = everything["is_responder"].astype(bool)
    frame = everything[~own]
    refused, missing = (frame[frame["kind"] == kind] for kind in ("refused", "missing_bucket"))
    calls, tried, names = (
        int(refused["attempts"].sum()),
        int(missing["attempts"].sum()),
        int(missing["bucket"].nunique()),
    )
    statement = "No refused call of a reached credential and no try of a bucket name that does not exist is seen."
    if calls or tried:
        statement = (
            f"{count_noun(calls, 'call')} of reached credentials {'was' if calls == 1 else 'were'} refused, and "
            f"{count_noun(names, 'bucket name')} that {'does' if names == 1 else 'do'} not exist "
            f"{'was' if names == 1 else 'were'} tried."
        )
    at = sessions.merge(frame, on=["access_key_id", "source_ip_address"])
    at = at[(at["start_time"] <= at["last_time"]) & (at["first_time"] <= at["end_time"])]
    actor = model.actor_of(at["verdict"], at["label"]) if calls + tried else None
    values = {"refused_calls": calls, "missing_bucket_calls": tried, "missing_bucket_names": names}
    return builder.build(
        "probing",
        "What was tried in vain: refused calls, and bucket names that do not exist?",
        statement[0].upper() + statement[1:],
        count=calls + tried,
        severity="medium" if actor == "intruder" else "low" if actor == "unknown" else "info",
        actor=actor,
        values={**values, "refused_event_names": int(refused["event_name"].nunique())},
        scope=coverage.everything(),
        evidence=[rows_in("key_activity/probing", frame)],
        limits=[
            "Calls that fail to authenticate are in no CloudTrail log, and reads of objects in buckets that do not "
            "exist reach no log of this account.",
            responders_left_out(builder.case, int(everything["attempts"][own].sum())),
        ],
    )


def counts_of(sessions: pd.DataFrame) -> dict[str, int]:
    """What these sessions hold: events where CloudTrail saw them, and requests that access logs alone hold."""
    trail = sessions[sessions["seen_in"] != "server_access_log"]
    columns = {
        "events": trail["event_count"],
        "log_requests": sessions["log_request_count"],
        "errors": trail["error_count"],
    }
    counts = {name: int(column.sum()) for name, column in columns.items()}
    return counts | {"sessions": len(sessions), "addresses": int(sessions["source_ip_address"].nunique())}
