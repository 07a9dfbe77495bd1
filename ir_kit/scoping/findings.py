"""Findings of playbook 01: who owns the keys, which credentials derive from them, which footholds were gained."""

from __future__ import annotations

from ir_kit import findings as model
from ir_kit.case import Case
from ir_kit.coverage.visibility import LogScope
from ir_kit.credentials.lineage import Row
from ir_kit.domain.documents import rows_of
from ir_kit.findings import CONFIGURATION, EvidenceRows, Finding, FindingBuilder, Subject, count_noun, rows_in
from ir_kit.scoping import questions
from ir_kit.sessions.session_table import session_of

PLAYBOOK = "scoping"
NO_ANSWER = model.Scope(
    None, "The evidence has no AWS answer on this key: collect GetAccessKeyLastUsed and ListAccessKeys."
)
LAST_USE_OVERWRITTEN = (
    "IAM keeps only the latest use, to within 15 minutes: a later use by the owner hides one by the intruder."
)
NO_EVENT_NEAR = (
    "No event of that service lies within 15 minutes of that use, and whether one would have been logged is unknown."
)
LOGGED = {"yes": "the logs show that use", "no": "the logs do not show that use"}


def findings(case: Case) -> list[Finding]:
    """``key_owner`` and ``key_last_used`` for each incident key, ``credentials_reached``, ``footholds_gained``; each asked
    whether or not there is anything to find.
    """
    builder, logs = FindingBuilder(case, PLAYBOOK), LogScope.of(case)
    facts = rows_of(questions.key_facts(case))
    listed = [finding for fact in facts for finding in (key_owner(builder, fact), key_last_used(builder, fact))]
    listed += [credentials_reached(builder, logs), footholds_gained(builder, logs)]
    return model.write_findings(case, PLAYBOOK, listed)


def key_owner(builder: FindingBuilder, fact: Row) -> Finding:
    """Who owns an incident key?"""
    key, user, account, arn = fact["access_key_id"], fact["user_name"], fact["account_id"], fact["principal_arn"]
    status, encoded, named = fact["key_status"], fact["decoded_account_id"], fact["user_name"] or fact["principal_arn"]
    decoded_only = not named and account is not None and account == encoded
    statement = f"The evidence does not show who owns the key {key}"
    if named:
        owner = f"the IAM user {user}" if user else arn
        statement = f"The key {key} belongs to {owner}" + (f" in account {account}" if account else "")
        statement += f"; it was {status.lower()} when configuration was collected" if status != "unknown" else ""
    elif account:
        statement = f"The key {key} belongs to account {account}, which its key id encodes"
    limits = [
        "Whether the key is still active is unknown: no ListAccessKeys answer in the evidence names it."
        if status == "unknown" else "",
        "The account was decoded from the key id; confirm it with sts GetAccessKeyInfo." if decoded_only else "",
        f"The key id encodes another account, {encoded}." if account and encoded not in (None, account) else "",
    ]  # fmt: skip
    return builder.build(
        "key_owner", f"Who owns the key {key}?", f"{statement}.",
        count=int(bool(named or account)), inferred=decoded_only,
        values={"user_name": user, "account_id": account, "key_status": status, "principal_arn": arn},
        scope=CONFIGURATION if named or account else NO_ANSWER, subject=Subject(access_key_id=key),
        evidence=[EvidenceRows(table="scoping/key_facts", rows=1)], limits=limits,
    )  # fmt: skip


def key_last_used(builder: FindingBuilder, fact: Row) -> Finding:
    """When was an incident key last used according to IAM, and do the logs show it?"""
    key, time, status = fact["access_key_id"], fact["last_used_date"], fact["last_used_logged_status"]
    service, region = fact["last_used_service"], fact["last_used_region"]
    statement = f"The last use of the key {key} is unknown: the evidence has no answer from IAM."
    limits = []
    if time is not None:
        where = f" in {region}" if region not in (None, "N/A") else ""
        statement = (
            f"IAM recorded the last use of the key {key} at {time:%Y-%m-%d %H:%M:%S} UTC, for {service}{where}; "
            f"{LOGGED.get(status, 'whether the logs should show it is unknown')}."
        )
        limits = [LAST_USE_OVERWRITTEN, NO_EVENT_NEAR if status == "unknown" else ""]
    elif service is not None:
        statement = f"IAM has recorded no use of the key {key}."
        limits = ["IAM recorded no use before 22 April 2015."]
    return builder.build(
        "key_last_used", f"When was the key {key} last used, according to IAM?", statement,
        count=int(time is not None), severity="medium" if status == "no" else "info",
        values={
            "last_used_date": None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "last_used_service": service, "last_used_region": region, "last_used_logged_status": status,
        },
        scope=NO_ANSWER if time is None and service is None else CONFIGURATION, subject=Subject(access_key_id=key),
        evidence=[EvidenceRows(table="scoping/key_facts", rows=1)], limits=limits,
    )  # fmt: skip


def credentials_reached(builder: FindingBuilder, logs: LogScope) -> Finding:
    """How many further credentials derive from the incident keys?"""
    derived = questions.credentials(builder.case).query("link != 'seed'")
    responders = derived["is_responder"].astype(bool)
    frame = derived[~responders]
    observed, inferred = (int((frame["link"] == link).sum()) for link in ("observed", "inferred"))
    count, long_term = len(frame), int((frame["credential_type"] == "long_term").sum())
    statement = logs.management().none("of credentials derived from the incident keys", "management events")
    if count:
        statement = (
            f"The incident keys led to {count_noun(count, 'derived credential')} of "
            f"{count_noun(frame['principal_arn'].dropna().nunique(), 'principal')} in the window: {observed:,} confirmed by the "
            f"calls that issued them, {inferred:,} inferred; {long_term:,} long-term."
        )
    return builder.build(
        "credentials_reached", "Which further credentials derive from the incident keys?", statement,
        count=count, severity="high" if long_term else "medium", actor="unknown" if count else None,
        inferred=count > 0 and observed == 0, partly_inferred=inferred > 0,
        values={
            "credentials": count, "observed": observed, "inferred": inferred, "long_term": long_term,
            "temporary": count - long_term, "used": int((frame["event_count"] > 0).sum()),
        },
        scope=logs.management(), evidence=[rows_in("scoping/credentials", frame, frame["link_event_id"])],
        limits=[
            "Credentials that the owner obtained with the same keys are included.",
            "An inferred credential has no record of its issue; link_basis says why it is included." if inferred else "",
            "Credentials that were issued before the window are not included.",
            model.responders_left_out(builder.case, int(responders.sum()), "credential"),
        ],
    )  # fmt: skip


def footholds_gained(builder: FindingBuilder, logs: LogScope) -> Finding:
    """Which calls gave new or lasting access to identities?"""
    listed = questions.footholds(builder.case)
    responders = listed["is_responder"].astype(bool)
    frame = listed[~responders]
    done = frame[frame["outcome"] == "success"]
    denied, errors = (int((frame["outcome"] == outcome).sum()) for outcome in ("denied", "error"))
    failed = f"{count_noun(denied + errors, 'attempt')} failed" if denied + errors else ""
    tries, attempts = (f" ({failed})", f"; {failed}") if failed else ("", "")
    statement, actor = (
        logs.management().none(
            f"that a compromised credential gave an identity new or lasting access{tries}", "management events"
        ),
        None,
    )
    if len(done):
        placed = session_of(builder.case, done).dropna(subset="session_id")
        actor = model.actor_of(
            placed["verdict"], (label if isinstance(label, str) else None for label in placed["label"])
        )
        statement = (
            f"Compromised credentials gave new or lasting access to {model.join_names(done['target'].dropna())} with "
            f"{count_noun(len(done), 'API call')}{attempts}."
        )
    shown = done if len(done) else frame
    return builder.build(
        "footholds_gained", "Which footholds were gained: new or lasting access for identities?", statement,
        count=len(done), severity="info" if actor == "owner" else "high", actor=actor,
        values={
            "footholds": len(done), "denied": denied, "error": errors, "targets": int(done["target"].nunique()),
        },
        scope=logs.management(), evidence=[rows_in("scoping/footholds", shown, shown["event_id"])],
        limits=[
            "Later deletions are not subtracted: what a call created may be gone.",
            model.responders_left_out(builder.case, int(responders.sum())),
        ],
    )  # fmt: skip
