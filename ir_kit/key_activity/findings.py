"""Findings of playbook 02: what was done, which of it is not the owner's, and what was tried in vain."""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.scope import LogScope
from ir_kit.domain.frames import rows_of
from ir_kit.findings import (
    Finding,
    FindingBuilder,
    actor_of,
    count_noun,
    join_names,
    responders_left_out,
    rows_in,
    write_findings,
)
from ir_kit.key_activity import questions as asked

PLAYBOOK = "key_activity"
NO_BASELINE = (
    "The evidence holds no event of a baseline: the owner is taken to be what is steady through the window, and where "
    "nothing is, nothing could be told; no value can be first seen."
)


def findings(case: Case) -> list[Finding]:
    """What can be said of the use of the reached credentials in the window?

    Returns
    -------
    list of Finding
        ``activity_seen``, ``intruder_activity``, ``probing``; each asked whether or not there is anything to find.
        Also written to the case's findings.
    """
    builder = FindingBuilder(case, PLAYBOOK)
    everything = asked.sessions(case)
    own = everything["is_responder"].astype(bool)
    sessions = everything[~own]
    left_out = responders_left_out(case, int(everything["event_count"][own].sum()))
    seen = LogScope.of(case)
    found = [
        _activity_seen(builder, seen, sessions, left_out),
        _intruder_activity(builder, seen, sessions, left_out),
        _probing(builder, seen, sessions),
    ]
    return write_findings(case, PLAYBOOK, found)


def _activity_seen(builder: FindingBuilder, seen: LogScope, sessions: pd.DataFrame, left_out: str) -> Finding:
    trail, more = _in_trail(sessions), _log_requests(sessions)
    events, errors = int(trail["event_count"].sum()), int(trail["error_count"].sum())
    addresses = sessions["source_ip_address"].nunique()
    if events or more:
        statement = (
            f"Reached credentials made {count_noun(events, 'logged call')} in the window, {errors:,} of which failed, "
            f"in {count_noun(len(sessions), 'session')} from {count_noun(addresses, 'address', 'addresses')}"
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
        actor=actor_of(sessions["verdict"], _labels(sessions)) if events or more else None,
        values={
            "events": events,
            "log_requests": more,
            "errors": errors,
            "sessions": len(sessions),
            "access_keys": int(sessions["access_key_id"].nunique()),
            "addresses": int(addresses),
        },
        scope=seen.calls(),
        evidence=[rows_in("key_activity/sessions", sessions, first["event_id"])],
        limits=[seen.objects(), left_out],
    )


def _intruder_activity(builder: FindingBuilder, seen: LogScope, sessions: pd.DataFrame, left_out: str) -> Finding:
    labels = pd.Series(_labels(sessions), index=sessions.index, dtype="object")
    by_label = labels == "intruder"
    theirs = sessions[by_label | ((sessions["verdict"] == "new") & labels.isna())]
    unclear = sessions[(labels == "unknown") | ((sessions["verdict"] == "unclear") & labels.isna())]
    count, events, more = len(theirs), int(_in_trail(theirs)["event_count"].sum()), _log_requests(theirs)
    hands = asked.operators(builder.case).query("not is_responder")
    baseline = int(builder.case.ask("sessions/baseline_held")["event_count"].iloc[0])
    first_seen = asked.first_seen(builder.case)
    alone = f" and {count_noun(more, 'request')} that access logs alone hold" if more else ""
    if count:
        statement = (
            f"{count_noun(count, 'session')} with {count_noun(events, 'call')} of reached credentials"
            f"{alone} "
            f"{'does' if count == 1 else 'do'} not look like the owner's, "
            f"from {join_names(theirs['source_ip_address'].dropna())}"
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
        actor="intruder" if count else None,
        inferred=not bool(by_label[theirs.index].all()) if count else False,
        values={
            "sessions": count,
            "events": events,
            "log_requests": more,
            "errors": int(_in_trail(theirs)["error_count"].sum()),
            "addresses": int(theirs["source_ip_address"].nunique()),
            "operators": int(theirs["operator_id"].nunique()),
            "sessions_unclear": len(unclear),
            "events_unclear": int(_in_trail(unclear)["event_count"].sum()),
            "first_seen_values": len(first_seen),
        },
        scope=seen.calls(),
        evidence=[
            rows_in("key_activity/sessions", theirs),
            rows_in("key_activity/operators", hands[hands["operator_id"].isin(theirs["operator_id"])]),
            rows_in("key_activity/first_seen", first_seen),
        ],
        limits=[
            "Whose a session is has been inferred by comparing its address and user agent, and all that was done there, "
            "with the baseline and with what is known good; an analyst's label comes first.",
            "" if baseline else NO_BASELINE,
            *_warnings(asked.baseline(builder.case)),
            _contradictions(sessions),
            "Somebody who works from the owner's address with the owner's user agent is not told apart from the owner.",
            seen.objects(),
            left_out,
        ],
    )


def _in_trail(sessions: pd.DataFrame) -> pd.DataFrame:
    """The sessions that CloudTrail saw: their events are CloudTrail's."""
    return sessions[sessions["seen_in"] != "server_access_log"]


def _log_requests(sessions: pd.DataFrame) -> int:
    """How many requests that access logs alone hold."""
    return int(sessions["log_request_count"].fillna(0).sum())


def _warnings(baselines: pd.DataFrame) -> list[str]:
    """What may mislead in the comparison, once for each principal that it holds for."""
    found = []
    for row in rows_of(baselines):
        if row["basis"] == "baseline" and row["warning"]:  # what there is without one stands in the limit above
            arrivals = f" ({'; '.join(row['arrivals'][:3])})" if len(row["arrivals"]) else ""
            found.append(f"{row['principal']}: {row['warning']}{arrivals}.")
    return found


def _contradictions(sessions: pd.DataFrame) -> str:
    """Where the analyst's labels and the verdicts say different things."""
    owner = (sessions["label"] == "owner") & (sessions["verdict"] == "new")
    intruder = (sessions["label"] == "intruder") & (sessions["verdict"] == "familiar")
    count = int((owner | intruder).sum())
    return (
        f"The analyst's labels contradict the verdict of {count_noun(count, 'session')}; the labels hold."
        if count
        else ""
    )


def _probing(builder: FindingBuilder, seen: LogScope, sessions: pd.DataFrame) -> Finding:
    everything = asked.probing(builder.case)
    own = everything["is_responder"].astype(bool)
    frame = everything[~own]
    refused = frame[frame["kind"] == "refused"]
    missing = frame[frame["kind"] == "missing_bucket"]
    calls, names = int(refused["attempts"].sum()), int(missing["bucket"].nunique())
    tried = int(missing["attempts"].sum())
    if calls or tried:
        statement = (
            f"{count_noun(calls, 'call')} of reached credentials {'was' if calls == 1 else 'were'} refused, and "
            f"{count_noun(names, 'bucket name')} that {'does' if names == 1 else 'do'} not exist "
            f"{'was' if names == 1 else 'were'} tried"
        )
        statement = statement[0].upper() + statement[1:] + "."
    else:
        statement = "No refused call of a reached credential and no try of a bucket name that does not exist is seen."
    at = sessions.merge(frame, on=["access_key_id", "source_ip_address"])
    at = at[(at["start_time"] <= at["last_time"]) & (at["first_time"] <= at["end_time"])]
    return builder.build(
        "probing",
        "What was tried in vain: refused calls, and bucket names that do not exist?",
        statement,
        count=calls + tried,
        actor=actor_of(at["verdict"], _labels(at)) if calls + tried else None,
        values={
            "refused_calls": calls,
            "missing_bucket_calls": tried,
            "missing_bucket_names": names,
            "refused_event_names": int(refused["event_name"].nunique()),
        },
        scope=seen.everything(),
        evidence=[rows_in("key_activity/probing", frame)],
        limits=[
            "Calls that fail to authenticate are in no CloudTrail log, and reads of objects in buckets that do not "
            "exist reach no log of this account.",
            responders_left_out(builder.case, int(everything["attempts"][own].sum())),
        ],
    )


def _labels(sessions: pd.DataFrame) -> list[str | None]:
    return [label if isinstance(label, str) else None for label in sessions["label"]]
