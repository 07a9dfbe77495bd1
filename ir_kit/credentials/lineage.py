"""Which credentials are compromised? The walk from the incident keys, link by link.

A credential is compromised when it was issued inside the window by a compromised one (observed: the issuing call names
it), or with the power of one (inferred: `links.sql` holds the rules, strongest first). The walk never runs back in
time: a parent must have been compromised when it issued.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.domain.documents import frame_of, rows_of
from ir_kit.domain.principals import account_of_arn, account_of_key, in_networks, is_responder
from ir_kit.policies.policy_documents import parse_policy
from ir_kit.tables import types_of

LINKS = {
    "access_key_id": "varchar", "parent_access_key_id": "varchar", "link": "varchar", "since": "timestamp",
    "link_basis": "varchar", "link_event_name": "varchar", "link_event_id": "varchar", "issued_at": "timestamp",
    "principal_arn": "varchar", "principal": "varchar", "expires": "timestamp", "depth": "integer", "number": "integer",
}  # fmt: skip
Row = dict[str, Any]


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
    Source: IAM User Guide, "Temporary security credentials"; CloudTrail User Guide, `userIdentity`, `sessionContext`.
    """
    return case.answer("compromised_credentials", lambda: described(case, derived_links(case)))


def derived_links(case: Case) -> list[Row]:
    """By which links do credentials derive from the incident keys? One row per credential, in the order of discovery."""
    networks, create = case.incident.known_good.source_ips, case.engine.connection.create_function

    def functions() -> None:
        create("trusts", trusts, ["varchar"] * 5, "boolean")
        create("is_known_good", lambda address: in_networks(address, networks), ["varchar"], "boolean")

    case.once("functions of links", functions)
    for relation in ("credential_calls", "unattributed_credentials", "principal_uses"):
        case.derive(relation, f"credentials/{relation}")
    keys = list(case.incident.access_keys)
    uses = {row["access_key_id"]: row for row in rows_of(case.ask("credentials/credential_use", keys=keys))}
    links: list[Row] = [
        {
            "access_key_id": key, "link": "seed", "since": case.incident.window.start, "depth": 0,
            "link_basis": "named by the incident file", "principal_arn": uses.get(key, {}).get("user_identity_arn"),
        }
        for key in keys
    ]  # fmt: skip
    while True:
        case.engine.provide("links", frame_of([link | {"number": at} for at, link in enumerate(links)], LINKS))
        derived = rows_of(case.ask("credentials/links"))
        if not derived:
            return links
        links += derived


def trusts(document: str, caller_type: str, principal_id: str, provider: str, account: str) -> bool:
    """Does a trust policy name this caller of an assumption, its account, its provider or everybody?

    A document that cannot be read (cut off, redacted) names nobody. What is not known of the caller is an empty text.
    """
    for statement in parse_policy(document, "trust policy").statements:
        names = statement.principals
        if statement.effect != "Allow" or names is None:
            continue
        if caller_type == "SAMLUser":
            matches = bool(names.federated) and provider in ("", *names.federated)
        elif caller_type == "WebIdentityUser":  # its principal id is PROVIDER:AUDIENCE:SUBJECT
            providers = {name for item in names.federated for name in (item, item.rpartition("oidc-provider/")[2])}
            matches = bool(providers) and (
                not principal_id or principal_id.startswith(tuple(f"{p}:" for p in providers))
            )
        else:
            matches = names.everybody or (account != "" and any(account in item for item in names.aws))
        if matches:
            return True
    return False


def described(case: Case, links: list[Row]) -> pd.DataFrame:
    """As whom, how long and since when was each of these credentials used? One row per link, as `compromised_credentials`."""
    keys = sorted(link["access_key_id"] for link in links)
    uses = {row["access_key_id"]: row for row in rows_of(case.ask("credentials/credential_use", keys=keys))}
    settings = {row["access_key_id"]: row for row in rows_of(case.ask("credentials/key_settings"))}
    rows: dict[str, Row] = {}
    for link in links:
        key, parent = link["access_key_id"], link.get("parent_access_key_id")
        use, answers = uses.get(key, {}), settings.get(key, {})
        arn = use.get("user_identity_arn") or link["principal_arn"] or answers.get("principal_arn")
        principal = use.get("principal") or link.get("principal") or arn
        session = use.get("session_creation_date")
        temporary = (session or not key.startswith("AKIA")) and link.get("link_event_name") != "CreateAccessKey"
        above = rows[parent]["lineage"].split("\n") if parent else []
        rows[key] = link | {
            "credential_type": "temporary" if temporary else "long_term",
            "principal_arn": arn,
            "account_id": use.get("user_identity_account_id")
            or account_of_arn(arn)
            or answers.get("account_id")
            or account_of_key(key),
            "issued_at": link.get("issued_at") or answers.get("create_date") or (None if parent else session),
            "first_used": use.get("first_used"),
            "last_used": use.get("last_used"),
            "event_count": use.get("event_count") or 0,
            "is_responder": is_responder(arn, case.incident.responders),
            "principal": principal,
            "lineage": "\n".join(dict.fromkeys(filter(None, [principal, *above]))),
        }
    return frame_of(rows.values(), types_of("scoping/credentials") | {"principal": "varchar", "lineage": "varchar"})
