"""Findings of playbook 01: whose the keys are, what they became, what was left behind."""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.scope import LogScope
from ir_kit.credentials.reached import Row
from ir_kit.domain.frames import rows_of
from ir_kit.findings import (
    CONFIGURATION,
    Actor,
    EvidenceRows,
    Finding,
    FindingBuilder,
    Scope,
    Subject,
    actor_of,
    count_noun,
    join_names,
    responders_left_out,
    rows_in,
    write_findings,
)
from ir_kit.key_activity import questions as activity
from ir_kit.scoping import questions as asked

PLAYBOOK = "scoping"
NO_ANSWER = Scope(
    None, "No answer of AWS on this key is in the evidence: GetAccessKeyLastUsed and ListAccessKeys would tell."
)


def findings(case: Case) -> list[Finding]:
    """What can be said of the incident keys, of the credentials reached from them, and of the footholds gained?

    Returns
    -------
    list of Finding
        ``key_owner`` and ``key_last_used`` for each incident key, ``credentials_reached``, ``footholds_gained``; each
        asked whether or not there is anything to find. Also written to the case's findings.
    """
    builder = FindingBuilder(case, PLAYBOOK)
    facts = rows_of(asked.key_facts(case))
    found = [finding for fact in facts for finding in (_key_owner(builder, fact), _key_last_used(builder, fact))]
    seen = LogScope.of(case)
    return write_findings(
        case, PLAYBOOK, [*found, _credentials_reached(builder, seen), _footholds_gained(builder, seen)]
    )


def _key_owner(builder: FindingBuilder, fact: Row) -> Finding:
    key, user, account, arn = fact["access_key_id"], fact["user_name"], fact["account_id"], fact["principal_arn"]
    named = user is not None or arn is not None
    decoded_only = not named and account is not None and account == fact["decoded_account_id"]
    whom = f"the IAM user {user}" if user else arn
    if named:
        statement = f"The key {key} belongs to {whom}" + (f" in account {account}" if account else "")
    elif account:
        statement = f"The key {key} belongs to account {account}, as the key id itself encodes it"
    else:
        statement = f"Whose the key {key} is cannot be said from the evidence"
    if named and fact["key_status"] != "unknown":
        statement += f"; when configuration was collected it was {fact['key_status'].lower()}"
    limits = []
    if fact["key_status"] == "unknown":
        limits.append(
            "Whether the key is still active is not known: no ListAccessKeys answer in the evidence names it."
        )
    if decoded_only:
        limits.append("The account was decoded from the key id, which is no authority; sts GetAccessKeyInfo is.")
    if account and fact["decoded_account_id"] not in (None, account):
        limits.append(f"The key id itself encodes account {fact['decoded_account_id']}, which is another one.")
    return builder.build(
        "key_owner",
        f"Whose is the key {key}?",
        statement + ".",
        count=int(named or account is not None),
        inferred=decoded_only,
        values={"user_name": user, "account_id": account, "key_status": fact["key_status"], "principal_arn": arn},
        scope=CONFIGURATION if named or account else NO_ANSWER,
        subject=Subject(access_key_id=key),
        evidence=[EvidenceRows(table="scoping/key_facts", rows=1)],
        limits=limits,
    )


def _key_last_used(builder: FindingBuilder, fact: Row) -> Finding:
    key, time, status = fact["access_key_id"], fact["last_used_date"], fact["last_used_logged_status"]
    never = time is None and fact["last_used_service"] is not None
    limits = []
    if never:
        statement = f"AWS notes no use of the key {key}."
        limits.append("AWS noted no use before 22 April 2015.")
    elif time is None:
        statement = f"When the key {key} was used last cannot be said: AWS was not asked, or gave no answer."
    else:
        statement = _last_use(fact)
        limits.append(
            "AWS notes only the first use within 15 minutes and overwrites it with the next, so a later use by the "
            "owner hides one by somebody else."
        )
        if status == "unknown":
            limits.append(
                "No event of that service lies within 15 minutes of that use, and it cannot be said that one would "
                "have been logged."
            )
    return builder.build(
        "key_last_used",
        f"When was the key {key} used last, by what AWS noted?",
        statement,
        count=int(time is not None),
        values={
            "last_used_date": None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "last_used_service": fact["last_used_service"],
            "last_used_region": fact["last_used_region"],
            "last_used_logged_status": status,
        },
        scope=CONFIGURATION if time is not None or never else NO_ANSWER,
        subject=Subject(access_key_id=key),
        evidence=[EvidenceRows(table="scoping/key_facts", rows=1)],
        limits=limits,
    )


def _last_use(fact: Row) -> str:
    region = fact["last_used_region"]
    place = f" in {region}" if region not in (None, "N/A") else ""
    logged = {"yes": "an event of that use is in the evidence", "no": "no event of that use is in the evidence"}
    return (
        f"AWS noted the latest use of the key {fact['access_key_id']} at "
        f"{fact['last_used_date'].strftime('%Y-%m-%d %H:%M:%S')} UTC, of {fact['last_used_service']}{place}; "
        f"{logged.get(fact['last_used_logged_status'], 'whether that use was logged is not known')}."
    )


def _credentials_reached(builder: FindingBuilder, seen: LogScope) -> Finding:
    everything = asked.credentials(builder.case)
    derived = everything[everything["link"] != "seed"]
    own = derived["is_responder"].astype(bool)
    frame = derived[~own]
    observed, inferred = int((frame["link"] == "observed").sum()), int((frame["link"] == "inferred").sum())
    count = len(frame)
    long_term = int((frame["credential_type"] == "long_term").sum())
    if count:
        principals = frame["principal_arn"].dropna().nunique()
        statement = (
            f"{count_noun(count, 'further credential')} came from the incident keys in the window, acting as "
            f"{count_noun(principals, 'principal')}: {observed:,} named by the calls that issued them, {inferred:,} "
            f"inferred; {long_term:,} of them long-term."
        )
    else:
        statement = "No further credential is seen to have come from the incident keys in the window."
    return builder.build(
        "credentials_reached",
        "Which further credentials came from the incident keys?",
        statement,
        count=count,
        actor="unknown" if count else None,
        inferred=count > 0 and observed == 0,
        partly_inferred=inferred > 0,
        values={
            "credentials": count,
            "observed": observed,
            "inferred": inferred,
            "long_term": long_term,
            "temporary": count - long_term,
            "used": int((frame["event_count"] > 0).sum()),
        },
        scope=seen.management(),
        evidence=[rows_in("scoping/credentials", frame, frame["link_event_id"])],
        limits=[
            "The owner's own use of the keys issues credentials too; they are counted here, whoever asked for them.",
            "An inferred credential rests on the reason in link_basis, not on a record of its issue."
            if inferred
            else "",
            "Credentials that were issued before the window are not looked for.",
            responders_left_out(builder.case, int(own.sum()), "credential"),
        ],
    )


def _footholds_gained(builder: FindingBuilder, seen: LogScope) -> Finding:
    everything = asked.footholds(builder.case)
    own = everything["is_responder"].astype(bool)
    frame = everything[~own]
    outcomes = {name: int((frame["outcome"] == name).sum()) for name in ("success", "denied", "error")}
    done = frame[frame["outcome"] == "success"]
    failed = outcomes["denied"] + outcomes["error"]
    tries = f"; {count_noun(failed, 'more try', 'more tries')} failed" if failed else ""
    if len(done):
        acts = "1 act" if len(done) == 1 else f"{len(done):,} acts"
        targets = join_names(done["target"].dropna())
        statement = f"Reached credentials gave new or lasting access to identities in {acts}, on {targets}{tries}."
    else:
        tries = f"; {count_noun(failed, 'try', 'tries')} failed" if failed else ""
        statement = f"No act by which reached credentials gave new or lasting access to an identity is seen{tries}."
    shown = done if len(done) else frame
    return builder.build(
        "footholds_gained",
        "Which footholds were gained: new or lasting access for identities?",
        statement,
        count=len(done),
        actor=_actor(builder.case, done) if len(done) else None,
        values={
            "footholds": len(done),
            "denied": outcomes["denied"],
            "error": outcomes["error"],
            "targets": int(done["target"].nunique()),
        },
        scope=seen.management(),
        evidence=[rows_in("scoping/footholds", shown, shown["event_id"])],
        limits=[
            "An act is counted whether or not what it made is still there: later deletions are not taken off.",
            responders_left_out(builder.case, int(own.sum())),
        ],
    )


def _actor(case: Case, acts: pd.DataFrame) -> Actor:
    """Whose the acts are, by the sessions that hold them."""
    sessions = activity.sessions(case)
    beside = acts.merge(sessions, on=["access_key_id", "source_ip_address", "user_agent"], how="left")
    beside = beside[(beside["start_time"] <= beside["event_time"]) & (beside["event_time"] <= beside["end_time"])]
    labels = [label if isinstance(label, str) else None for label in beside["label"]]
    return actor_of(beside["verdict"], labels)
