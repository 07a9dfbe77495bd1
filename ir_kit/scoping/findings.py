"""Findings of playbook 01: whose the keys are, which credentials derive from them, which footholds were gained."""

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
    None, "No answer of AWS on this key is in the evidence: GetAccessKeyLastUsed and ListAccessKeys would tell."
)
LAST_USE_OVERWRITTEN = (
    "AWS notes only the first use within 15 minutes and overwrites it with the next, so a later use by the owner hides "
    "one by somebody else."
)
NO_EVENT_NEAR = (
    "No event of that service lies within 15 minutes of that use, and it is not known that one would have been logged."
)
LOGGED = {"yes": "the evidence holds an event of that use", "no": "the evidence holds no event of that use"}


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
    """Whose is an incident key?"""
    key, user, account, arn = fact["access_key_id"], fact["user_name"], fact["account_id"], fact["principal_arn"]
    status, encoded, named = fact["key_status"], fact["decoded_account_id"], fact["user_name"] or fact["principal_arn"]
    decoded_only = not named and account is not None and account == encoded
    statement = f"The evidence does not say whose the key {key} is"
    if named:
        owner = f"the IAM user {user}" if user else arn
        statement = f"The key {key} belongs to {owner}" + (f" in account {account}" if account else "")
        statement += f"; when configuration was collected it was {status.lower()}" if status != "unknown" else ""
    elif account:
        statement = f"The key {key} belongs to account {account}, as the key id itself encodes it"
    limits = [
        "Whether the key is still active is not known: no ListAccessKeys answer in the evidence names it."
        if status == "unknown" else "",
        "The account was decoded from the key id, which is no authority; sts GetAccessKeyInfo is." if decoded_only else "",
        f"The key id itself encodes account {encoded}, which is another one." if account and encoded not in (None, account) else "",
    ]  # fmt: skip
    return builder.build(
        "key_owner", f"Whose is the key {key}?", f"{statement}.",
        count=int(bool(named or account)), inferred=decoded_only,
        values={"user_name": user, "account_id": account, "key_status": status, "principal_arn": arn},
        scope=CONFIGURATION if named or account else NO_ANSWER, subject=Subject(access_key_id=key),
        evidence=[EvidenceRows(table="scoping/key_facts", rows=1)], limits=limits,
    )  # fmt: skip


def key_last_used(builder: FindingBuilder, fact: Row) -> Finding:
    """When did AWS note the latest use of an incident key, and do the logs show it?"""
    key, time, status = fact["access_key_id"], fact["last_used_date"], fact["last_used_logged_status"]
    service, region = fact["last_used_service"], fact["last_used_region"]
    statement = f"When the key {key} was last used is not known: AWS was not asked, or gave no answer."
    limits = []
    if time is not None:
        where = f" in {region}" if region not in (None, "N/A") else ""
        statement = (
            f"AWS noted the latest use of the key {key} at {time:%Y-%m-%d %H:%M:%S} UTC, of {service}{where}; "
            f"{LOGGED.get(status, 'whether that use was logged is not known')}."
        )
        limits = [LAST_USE_OVERWRITTEN, NO_EVENT_NEAR if status == "unknown" else ""]
    elif service is not None:
        statement = f"AWS has noted no use of the key {key}."
        limits = ["AWS noted no use before 22 April 2015."]
    return builder.build(
        "key_last_used", f"When did AWS note the last use of the key {key}?", statement,
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
    statement = "No further credential is seen that derives from the incident keys in the window."
    if count:
        statement = (
            f"{count_noun(count, 'further credential')} {'derives' if count == 1 else 'derive'} from the incident keys "
            f"in the window, acting as {count_noun(frame['principal_arn'].dropna().nunique(), 'principal')}: "
            f"{observed:,} named by the calls that issued them, {inferred:,} inferred; {long_term:,} of them long-term."
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
            "The owner's own use of the keys issues credentials too; they are counted here, whoever asked for them.",
            "An inferred credential rests on the reason in link_basis, not on a record of its issue." if inferred else "",
            "Credentials that were issued before the window are not looked for.",
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
    attempts = f"; {count_noun(denied + errors, 'attempt')} failed" if denied + errors else ""
    statement, actor = (
        f"No compromised credential is seen to have given an identity new or lasting access{attempts}.",
        None,
    )
    if len(done):
        placed = session_of(builder.case, done).dropna(subset="session_id")
        actor = model.actor_of(
            placed["verdict"], (label if isinstance(label, str) else None for label in placed["label"])
        )
        statement = (
            f"Compromised credentials gave identities new or lasting access by {count_noun(len(done), 'call')}, on "
            f"{model.join_names(done['target'].dropna())}{attempts}."
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
            "A call is counted whether or not what it made is still there: later deletions are not taken off.",
            model.responders_left_out(builder.case, int(responders.sum())),
        ],
    )  # fmt: skip
