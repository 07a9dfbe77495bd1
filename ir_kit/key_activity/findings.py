"""Findings of playbook 02: what was done, which of it is not the owner's, and what was tried in vain."""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.visibility import LogScope
from ir_kit.domain.documents import rows_of
from ir_kit.findings import (
    Finding,
    FindingBuilder,
    Severity,
    actor_of,
    count_noun,
    join_names,
    responders_left_out,
    rows_in,
    write_findings,
)
from ir_kit.key_activity import questions

PLAYBOOK = "key_activity"
NO_BASELINE = (
    "The evidence holds no event of a baseline: the owner is taken to be what is steady through the window, and where "
    "nothing is, nothing could be told; no value can be first seen."
)
PROBING: dict[str | None, Severity] = {"intruder": "medium", "unknown": "low"}


def findings(case: Case) -> list[Finding]:
    """``activity_seen``, ``intruder_activity`` and ``probing``, asked whether or not there is anything to find."""
    builder, coverage = FindingBuilder(case, PLAYBOOK), LogScope.of(case)
    everything = questions.sessions(case)
    own = everything["is_responder"].astype(bool)
    limits = [coverage.objects(), responders_left_out(case, int(everything["event_count"][own].sum()))]
    labels = [label if isinstance(label, str) else None for label in everything["label"]]
    sessions = everything.assign(label=pd.Series(labels, index=everything.index, dtype="object"))[~own]
    listed = [
        activity_seen(builder, coverage, sessions, limits),
        intruder_activity(builder, coverage, sessions, limits),
        probing(builder, coverage, sessions),
    ]
    return write_findings(case, PLAYBOOK, listed)


def activity_seen(builder: FindingBuilder, coverage: LogScope, sessions: pd.DataFrame, limits: list[str]) -> Finding:
    """What use of the credentials was seen at all?"""
    counts = _counts(sessions)
    events, more = counts["events"], counts["log_requests"]
    if events or more:
        statement = (
            f"Reached credentials made {count_noun(events, 'logged call')} in the window, {counts['errors']:,} of which "
            f"failed, in {count_noun(len(sessions), 'session')} from "
            f"{count_noun(counts['addresses'], 'address', 'addresses')}"
            + (f"; access logs alone hold {count_noun(more, 'more request')} of theirs." if more else ".")
        )
    else:
        statement = "No logged call of a reached credential is seen in the window."
    first = builder.case.ask("key_activity/first_events")
    return builder.build(
        "activity_seen",
        "What use of the reached credentials was seen?",
        statement,
        count=events + more,
        actor=actor_of(sessions["verdict"], sessions["label"]) if events or more else None,
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
    contradicted = ((labels == "owner") & (verdicts == "new")) | ((labels == "intruder") & (verdicts == "familiar"))
    counts, count, against = _counts(new), len(new), int(contradicted.sum())
    operators, first_seen = questions.operators(case).query("not is_responder"), questions.first_seen(case)
    if count:
        more = counts["log_requests"]
        statement = (
            f"{count_noun(count, 'session')} with {count_noun(counts['events'], 'call')} of reached credentials"
            + (f" and {count_noun(more, 'request')} that access logs alone hold" if more else "")
            + f" {'does' if count == 1 else 'do'} not look like the owner's, "
            f"from {join_names(new['source_ip_address'].dropna())}"
        )
    else:
        statement = "No session of a reached credential can be told to be somebody else's than the owner's"
    if len(unclear):
        statement += f"; {count_noun(len(unclear), 'more session' if count else 'session')} cannot be told apart"
    return builder.build(
        "intruder_activity",
        "Which use of the reached credentials is not the owner's?",
        statement + ".",
        count=count,
        severity="high",
        actor="intruder" if count else None,
        inferred=bool(new["label"].isna().any()),
        values={
            **counts,
            "operators": int(new["operator_id"].nunique()),
            "sessions_unclear": len(unclear),
            "events_unclear": _counts(unclear)["events"],
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
            "" if int(case.ask("sessions/comparison_basis")["event_count"].iloc[0]) else NO_BASELINE,
            *(
                f"{row['principal']}: {row['warning']}"
                + (f" ({'; '.join(row['arrivals'][:3])})." if len(row["arrivals"]) else ".")
                for row in rows_of(questions.baseline(case))
                if row["basis"] == "baseline" and row["warning"]  # without a baseline the limit above says it
            ),
            f"The analyst's labels contradict the verdict of {count_noun(against, 'session')}; the labels hold."
            if against
            else "",
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
    calls, tried = int(refused["attempts"].sum()), int(missing["attempts"].sum())
    names = int(missing["bucket"].nunique())
    if calls or tried:
        statement = (
            f"{count_noun(calls, 'call')} of reached credentials {'was' if calls == 1 else 'were'} refused, and "
            f"{count_noun(names, 'bucket name')} that {'does' if names == 1 else 'do'} not exist "
            f"{'was' if names == 1 else 'were'} tried."
        )
    else:
        statement = "No refused call of a reached credential and no try of a bucket name that does not exist is seen."
    at = sessions.merge(frame, on=["access_key_id", "source_ip_address"])
    at = at[(at["start_time"] <= at["last_time"]) & (at["first_time"] <= at["end_time"])]
    actor = actor_of(at["verdict"], at["label"]) if calls + tried else None
    return builder.build(
        "probing",
        "What was tried in vain: refused calls, and bucket names that do not exist?",
        statement[0].upper() + statement[1:],
        count=calls + tried,
        severity=PROBING.get(actor, "info"),
        actor=actor,
        values={
            "refused_calls": calls,
            "missing_bucket_calls": tried,
            "missing_bucket_names": names,
            "refused_event_names": int(refused["event_name"].nunique()),
        },
        scope=coverage.everything(),
        evidence=[rows_in("key_activity/probing", frame)],
        limits=[
            "Calls that fail to authenticate are in no CloudTrail log, and reads of objects in buckets that do not "
            "exist reach no log of this account.",
            responders_left_out(builder.case, int(everything["attempts"][own].sum())),
        ],
    )


def _counts(sessions: pd.DataFrame) -> dict[str, int]:
    """What these sessions hold: events where CloudTrail saw them, and requests that access logs alone hold."""
    trail = sessions[sessions["seen_in"] != "server_access_log"]
    return {
        "events": int(trail["event_count"].sum()),
        "log_requests": int(sessions["log_request_count"].fillna(0).sum()),
        "errors": int(trail["error_count"].sum()),
        "sessions": len(sessions),
        "addresses": int(sessions["source_ip_address"].nunique()),
    }
