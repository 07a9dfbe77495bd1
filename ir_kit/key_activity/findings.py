"""Findings of playbook 02: what was done, which of it is not the owner's, and which attempts were denied."""

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
    "The evidence has no baseline events: behaviour that is steady through the window counts as the owner's, and nothing "
    "can be first seen."
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
    """How were the credentials used, whoever used them?"""
    counts, addresses = counts_of(sessions), sessions["source_ip_address"].nunique()
    more, seen = counts["log_requests"], counts["events"] + counts["log_requests"]
    scope = coverage.calls()
    statement = scope.none("of calls by compromised credentials in the window", "management events")
    if seen:
        statement = (
            f"Compromised credentials made {count_noun(counts['events'], 'logged API call')} in the window ({counts['errors']:,} "
            f"failed), in {count_noun(len(sessions), 'session')} from "
            f"{count_noun(addresses, 'address', 'addresses')}"
            + (f"; access logs alone show {count_noun(more, 'more request')}." if more else ".")
        )
    first = builder.case.ask("key_activity/first_events")
    return builder.build(
        "activity_seen",
        "How were the compromised credentials used?",
        statement,
        count=seen,
        actor=model.actor_of(sessions["verdict"], sessions["label"]) if seen else None,
        values={**counts, "access_keys": int(sessions["access_key_id"].nunique())},
        scope=scope,
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
        sentence = f"The analyst's labels contradict the verdict of {count_noun(against, 'session')}; the labels count."
        doubts.append(sentence)
    scope = coverage.calls()
    statement = scope.none("that anybody but the owner used a compromised credential", "management events")[:-1]
    if len(new):
        more = counts["log_requests"]
        statement = (
            f"The intruder used compromised credentials in {count_noun(len(new), 'session')} from "
            f"{model.join_names(new['source_ip_address'].dropna())}, with {count_noun(counts['events'], 'API call')}"
            + (f" and {count_noun(more, 'request')} that access logs alone show" if more else "")
        )
    if len(unclear):
        statement += f"; {count_noun(len(unclear), 'more session' if len(new) else 'session')} may be the owner's or the intruder's"
    return builder.build(
        "intruder_activity",
        "How did the intruder use the compromised credentials?",
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
        scope=scope,
        evidence=[
            rows_in("key_activity/sessions", new),
            rows_in("key_activity/operators", operators[operators["operator_id"].isin(new["operator_id"])]),
            rows_in("key_activity/first_seen", first_seen),
        ],
        limits=[
            "Sessions are attributed by comparing source address, user agent and actions with the baseline; an analyst's "
            "label comes first.",
            *doubts,
            "Anybody who works from the owner's address with the owner's user agent counts as the owner.",
            *limits,
        ],
    )


def probing(builder: FindingBuilder, coverage: LogScope, sessions: pd.DataFrame) -> Finding:
    """Which attempts were denied, or named a bucket that does not exist?"""
    everything = questions.probing(builder.case)
    own = everything["is_responder"].astype(bool)
    frame = everything[~own]
    refused, missing = (frame[frame["kind"] == kind] for kind in ("refused", "missing_bucket"))
    calls, tried, names = (
        int(refused["attempts"].sum()),
        int(missing["attempts"].sum()),
        int(missing["bucket"].nunique()),
    )
    scope = coverage.everything()
    statement = scope.none("of denied calls by compromised credentials, or of guessed bucket names", "some API calls")
    if calls or tried:
        statement = (
            f"AWS denied {count_noun(calls, 'call')} by compromised credentials; they tried "
            f"{count_noun(names, 'bucket name')} that {'does' if names == 1 else 'do'} not exist."
        )
    at = sessions.merge(frame, on=["access_key_id", "source_ip_address"])
    at = at[(at["start_time"] <= at["last_time"]) & (at["first_time"] <= at["end_time"])]
    actor = model.actor_of(at["verdict"], at["label"]) if calls + tried else None
    values = {"refused_calls": calls, "missing_bucket_calls": tried, "missing_bucket_names": names}
    return builder.build(
        "probing",
        "Which attempts were denied, or named a bucket that does not exist?",
        statement,
        count=calls + tried,
        severity="medium" if actor == "intruder" else "low" if actor == "unknown" else "info",
        actor=actor,
        values={**values, "refused_event_names": int(refused["event_name"].nunique())},
        scope=scope,
        evidence=[rows_in("key_activity/probing", frame)],
        limits=[
            "CloudTrail does not record calls that fail to authenticate, and no log of this account records reads from "
            "buckets that do not exist.",
            responders_left_out(builder.case, int(everything["attempts"][own].sum())),
        ],
    )


def counts_of(sessions: pd.DataFrame) -> dict[str, int]:
    """Numbers of these sessions: events that CloudTrail recorded, and requests that access logs alone recorded."""
    trail = sessions[sessions["seen_in"] != "server_access_log"]
    columns = {
        "events": trail["event_count"],
        "log_requests": sessions["log_request_count"],
        "errors": trail["error_count"],
    }
    counts = {name: int(column.sum()) for name, column in columns.items()}
    return counts | {"sessions": len(sessions), "addresses": int(sessions["source_ip_address"].nunique())}
