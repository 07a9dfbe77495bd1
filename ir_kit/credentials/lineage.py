"""Which credentials are compromised? The walk from the incident keys, link by link.

A credential is compromised when it was issued inside the window by a compromised one (observed: the issuing call names
it), or with the power of one (inferred: see the rules). The walk never runs back in time: a parent must have been
compromised when it issued.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.credentials import inference_by_creation as creation
from ir_kit.credentials import inference_by_issuance as issuance
from ir_kit.credentials import inference_by_use as use
from ir_kit.credentials.search import CompromisedCredential, Row, Search
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import account_of_arn, account_of_key, is_responder, role_name

RULES: tuple[Callable[[Search], Iterator[CompromisedCredential]], ...] = (
    issuance.answer_withheld, issuance.password_set, issuance.trust_changed, issuance.role_created,
    creation.user_created, creation.workload_started, creation.assumed_elsewhere, issuance.same_session,
    creation.role_switched, use.service_for_user, use.same_source,
)  # fmt: skip
"""The rules of inference, strongest first; after any link, observed links are followed again."""

COLUMNS = {
    "access_key_id": "varchar", "credential_type": "varchar", "principal_arn": "varchar", "account_id": "varchar",
    "parent_access_key_id": "varchar", "link": "varchar", "link_event_name": "varchar", "link_event_id": "varchar",
    "issued_at": "timestamp", "first_used": "timestamp", "last_used": "timestamp", "event_count": "bigint",
    "link_basis": "varchar", "depth": "integer", "is_responder": "boolean", "principal": "varchar",
    "lineage": "varchar",
}  # fmt: skip


def compromised_credentials(case: Case) -> pd.DataFrame:
    """Which credentials derive from the incident keys, these included?

    Returns
    -------
    DataFrame
        One row per compromised credential, in the order in which they were found, with the columns of
        ``scoping/credentials``, and ``principal`` (the user, or the role behind the sessions) and ``lineage`` (the
        principals from it up to its incident key, one a line). Kept in the case, where SQL reads it as
        ``compromised_credentials``.

    Notes
    -----
    Cannot see credentials that were issued and used while nothing was logged; credentials issued before the window are
    not looked for. An inferred link says in ``link_basis`` on what it rests.
    """
    return case.answer("compromised_credentials", lambda: _described(case, _search(case).compromised))


def _search(case: Case) -> Search:
    """The search, at its end: observed links until there are no more, then inferred ones, and so on."""
    start = pd.Timestamp(case.incident.window.start)
    search = Search(
        case,
        {
            key: CompromisedCredential(key, None, "seed", start, "named by the incident file")
            for key in case.incident.access_keys
        },
    )
    for row in search.ask("credential_use", keys=sorted(search.compromised)):
        seed = search.compromised[row["access_key_id"]]
        seed.principal_arn = seed.principal_arn or row["user_identity_arn"]
    while True:
        _follow_observed(search)
        for rule in RULES:
            links = [link for link in rule(search) if search.compromised[str(link.parent)].since <= link.since]
            if _add(search, links):
                break
        else:
            return search


def _follow_observed(search: Search) -> None:
    """Add what the calls of compromised credentials name, until they name nothing new."""
    while True:
        calls = search.ask("issuances", keys=sorted(search.compromised))
        search.issuing_calls = [
            row for row in calls if row["event_time"] >= search.compromised[row["access_key_id"]].since
        ]
        links = [
            CompromisedCredential(
                row["issued_access_key_id"], row["access_key_id"], "observed", row["event_time"],
                f"the answer to {row['event_name']} names it", row["event_name"], row["event_id"], row["event_time"],
                _issued_principal(row), row["role_arn"], moment(row["issued_expiration"]),
            )
            for row in search.issuing_calls
            if row["issued_access_key_id"]
        ]  # fmt: skip
        if not _add(search, links):
            return


def _add(search: Search, links: Iterable[CompromisedCredential]) -> bool:
    """Keep the credentials that are new, the earliest link of each; whether there was any."""
    before = len(search.compromised)
    for link in sorted(links, key=lambda link: (link.since, link.access_key_id)):
        if link.access_key_id not in search.compromised:
            link.depth = search.compromised[str(link.parent)].depth + 1
            search.compromised[link.access_key_id] = link
    return len(search.compromised) > before


def _issued_principal(row: Row) -> str | None:
    """Whom does the issued credential act as, going by the call that issued it?"""
    if row["issued_principal_arn"]:
        return str(row["issued_principal_arn"])
    caller: str | None = row["user_identity_arn"]
    if row["event_name"] == "CreateAccessKey":
        if not row["user_name"] or not caller:
            return caller
        return f"arn:{caller.split(':')[1]}:iam::{account_of_arn(caller)}:user/{row['user_name']}"
    if (role := row["role_arn"]) and row["role_session_name"]:
        partition, account = role.split(":")[1], account_of_arn(role)
        return f"arn:{partition}:sts::{account}:assumed-role/{role_name(role)}/{row['role_session_name']}"
    return caller if row["event_name"] == "GetSessionToken" else None


def _described(case: Case, compromised: dict[str, CompromisedCredential]) -> pd.DataFrame:
    uses: dict[str, list[Row]] = {}
    for row in rows_of(case.ask("credentials/credential_use", keys=sorted(compromised))):
        uses.setdefault(row["access_key_id"], []).append(row)
    settings = {row["access_key_id"]: row for row in key_settings(case)}
    rows: dict[str, Row] = {}
    for key, link in compromised.items():
        own, answers = uses.get(key, []), settings.get(key, {})
        first = own[0] if own else {}
        arn = first.get("user_identity_arn") or link.principal_arn or answers.get("principal_arn")
        is_role = first.get("session_issuer_type") == "Role"
        principal = first.get("session_issuer_arn" if is_role else "user_identity_arn") or link.principal or arn
        session = first.get("session_creation_date")
        temporary = (session is not None or not key.startswith("AKIA")) and link.link_event_name != "CreateAccessKey"
        above = rows[link.parent]["lineage"].split("\n") if link.parent else []
        rows[key] = {
            "access_key_id": key,
            "credential_type": "temporary" if temporary else "long_term",
            "principal_arn": arn,
            "account_id": first.get("user_identity_account_id")
            or account_of_arn(arn)
            or answers.get("account_id")
            or account_of_key(key),
            "parent_access_key_id": link.parent,
            "link": link.link,
            "link_event_name": link.link_event_name,
            "link_event_id": link.link_event_id,
            "issued_at": link.issued_at or answers.get("create_date") or (session if link.link == "seed" else None),
            "first_used": min((row["first_used"] for row in own if row["first_used"] is not None), default=None),
            "last_used": max((row["last_used"] for row in own if row["last_used"] is not None), default=None),
            "event_count": sum(row["event_count"] for row in own),
            "link_basis": link.basis,
            "depth": link.depth,
            "is_responder": is_responder(arn, case.incident.responders),
            "principal": principal,
            "lineage": "\n".join(dict.fromkeys(filter(None, [principal, *above]))),
        }
    return frame_of(rows.values(), COLUMNS)


def key_settings(case: Case) -> list[Row]:
    """What does configuration say of the incident keys? One mapping per key, whatever is known of it."""
    facts: dict[str, Row] = {key: {"access_key_id": key} for key in case.incident.access_keys}
    for row in rows_of(case.ask("credentials/key_settings")):
        facts[row["access_key_id"]] |= {name: value for name, value in row.items() if value is not None}
    for fact in facts.values():
        if "user_name" in fact and fact.get("account_id"):
            fact["principal_arn"] = f"arn:aws:iam::{fact['account_id']}:user/{fact['user_name']}"
        for name in ("create_date", "last_used_date"):
            if name in fact:
                fact[name] = moment(fact[name])
    return list(facts.values())


def moment(text: Any) -> pd.Timestamp | None:
    """A time as an AWS answer writes it, in UTC; None where it is no time."""
    time = None if text is None else pd.to_datetime(str(text), utc=True, errors="coerce")
    return None if time is None or pd.isna(time) else time
