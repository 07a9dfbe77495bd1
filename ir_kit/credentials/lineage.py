"""Which credentials were reached from the incident keys? The walk from key to key, over answers in SQL.

A credential is reached when it was issued inside the window by a reached one (observed: the issuing call names it),
or with the power of one (inferred: see `inference`). The walk never runs back in time: a parent must have been
reached when it issued.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.credentials.inference import next_links
from ir_kit.credentials.orphans import Evidence
from ir_kit.credentials.reached import Reached, Row
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import account_of_arn, account_of_key, is_responder, role_name

COLUMNS = {
    "access_key_id": "varchar",
    "credential_type": "varchar",
    "principal_arn": "varchar",
    "account_id": "varchar",
    "parent_access_key_id": "varchar",
    "link": "varchar",
    "link_event_name": "varchar",
    "link_event_id": "varchar",
    "issued_at": "timestamp",
    "first_used": "timestamp",
    "last_used": "timestamp",
    "event_count": "bigint",
    "link_basis": "varchar",
    "depth": "integer",
    "is_responder": "boolean",
    "principal": "varchar",
    "lineage": "varchar",
}


def reached_credentials(case: Case) -> pd.DataFrame:
    """Which credentials were reached from the incident keys, these included?

    Returns
    -------
    DataFrame
        One row per credential, in the order in which they were reached, with the columns of ``scoping/credentials``,
        and ``principal`` (the user, or the role behind the sessions) and ``lineage`` (the principals from it up to
        its incident key, one a line). Kept in the case, where SQL reads it as ``reached_credentials``.

    Notes
    -----
    Cannot see credentials that were issued and used while nothing logged; credentials issued before the window are
    not looked for.
    """
    return case.answer("reached_credentials", lambda: _Walk(case).frame())


@dataclass
class _Walk:
    """The walk: `reached` grows by observed links until there are no more, then by inferred ones, and so on."""

    case: Case

    def frame(self) -> pd.DataFrame:
        case = self.case
        start = pd.Timestamp(case.incident.window.start)
        self.reached: dict[str, Reached] = {
            key: Reached(key, None, "seed", reached_at=start, link_basis="named by the incident file")
            for key in case.incident.access_keys
        }
        for row in rows_of(case.ask("credentials/use", keys=sorted(self.reached))):
            seed = self.reached[row["access_key_id"]]
            seed.principal_arn = seed.principal_arn or row["user_identity_arn"]
        self.evidence = Evidence(case)
        while True:
            issuances = self._follow_observed()
            found = next_links(self.evidence, self.reached, issuances)
            if not found:
                break
            self._add(found)
        return self._described()

    def _follow_observed(self) -> list[Row]:
        """Add what the calls of reached credentials name, until they name nothing new; all of their issuing calls."""
        while True:
            issuances = rows_of(self.case.ask("credentials/issuances", keys=sorted(self.reached)))
            issuances = [row for row in issuances if row["event_time"] >= self.reached[row["access_key_id"]].reached_at]
            found = [
                Reached(
                    row["issued_access_key_id"],
                    row["access_key_id"],
                    "observed",
                    reached_at=row["event_time"],
                    link_event_name=row["event_name"],
                    link_event_id=row["event_id"],
                    issued_at=row["event_time"],
                    link_basis=f"the answer to {row['event_name']} names it",
                    principal_arn=_issued_principal(row),
                    principal=row["role_arn"],
                    expires=moment(row["issued_expiration"]),
                )
                for row in issuances
                if row["issued_access_key_id"]
            ]
            if not self._add(found):
                return issuances

    def _add(self, found: Iterable[Reached]) -> bool:
        """Keep the credentials that are new, the earliest link of each; whether there was any."""
        grew = False
        for one in sorted(found, key=lambda one: (one.reached_at, one.access_key_id)):
            if one.access_key_id in self.reached:
                continue
            parent = self.reached[str(one.parent)]
            one.depth = parent.depth + 1
            self.reached[one.access_key_id] = one
            grew = True
        return grew

    def _described(self) -> pd.DataFrame:
        uses: dict[str, list[Row]] = {}
        for row in rows_of(self.case.ask("credentials/use", keys=sorted(self.reached))):
            uses.setdefault(row["access_key_id"], []).append(row)
        facts = {row["access_key_id"]: row for row in key_settings(self.case)}
        rows: dict[str, Row] = {}
        for key, one in self.reached.items():
            rows[key] = self._row(one, uses.get(key, []), facts.get(key, {}))
            above = rows[str(one.parent)]["lineage"].split("\n") if one.parent else []
            named = [rows[key]["principal"]] if rows[key]["principal"] else []
            rows[key]["lineage"] = "\n".join(dict.fromkeys([*named, *filter(None, above)]))
        return frame_of(rows.values(), COLUMNS)

    def _row(self, one: Reached, uses: list[Row], facts: Row) -> Row:
        used = uses[0] if uses else {}
        arn = used.get("user_identity_arn") or one.principal_arn or facts.get("principal_arn")
        principal = (
            used.get("session_issuer_arn")
            if used.get("session_issuer_type") == "Role"
            else used.get("user_identity_arn")
        )
        principal = principal or one.principal or arn
        session = used.get("session_creation_date")
        temporary = session is not None or not one.access_key_id.startswith("AKIA")
        firsts = [row["first_used"] for row in uses if row["first_used"] is not None]
        lasts = [row["last_used"] for row in uses if row["last_used"] is not None]
        return {
            "access_key_id": one.access_key_id,
            "credential_type": "temporary" if temporary and one.link_event_name != "CreateAccessKey" else "long_term",
            "principal_arn": arn,
            "account_id": used.get("user_identity_account_id")
            or account_of_arn(arn)
            or facts.get("account_id")
            or account_of_key(one.access_key_id),
            "parent_access_key_id": one.parent,
            "link": one.link,
            "link_event_name": one.link_event_name,
            "link_event_id": one.link_event_id,
            "issued_at": one.issued_at or facts.get("create_date") or (session if one.link == "seed" else None),
            "first_used": min(firsts, default=None),
            "last_used": max(lasts, default=None),
            "event_count": sum(row["event_count"] for row in uses),
            "link_basis": one.link_basis,
            "depth": one.depth,
            "is_responder": is_responder(arn, self.case.incident.responders),
            "principal": principal,
            "lineage": "",
        }


def key_settings(case: Case) -> list[Row]:
    """What configuration says of the incident keys: one dict per key, whatever is known of it."""
    found: dict[str, Row] = {key: {"access_key_id": key} for key in case.incident.access_keys}
    for row in rows_of(case.ask("credentials/key_settings")):
        fact = found.get(row["access_key_id"])
        if fact is None:
            continue
        fact |= {name: value for name, value in row.items() if value is not None}
    for fact in found.values():
        if "user_name" in fact and "principal_arn" not in fact and fact.get("account_id"):
            fact["principal_arn"] = f"arn:aws:iam::{fact['account_id']}:user/{fact['user_name']}"
        for name in ("create_date", "last_used_date"):
            if fact.get(name) is not None:
                fact[name] = moment(fact[name])
    return list(found.values())


def moment(text: Any) -> pd.Timestamp | None:
    """A time as an AWS answer writes it, in UTC; None where it is no time."""
    time = None if text is None else pd.to_datetime(str(text), utc=True, errors="coerce")
    return None if time is None or pd.isna(time) else time


def _issued_principal(row: Row) -> str | None:
    """Whom does the issued credential act as, going by the call that issued it?"""
    if row["issued_principal_arn"]:
        return str(row["issued_principal_arn"])
    caller: str | None = row["user_identity_arn"]
    if row["event_name"] == "CreateAccessKey":
        if not row["user_name"] or not caller:
            return caller
        partition = caller.split(":")[1]
        return f"arn:{partition}:iam::{account_of_arn(caller)}:user/{row['user_name']}"
    if row["role_arn"] and row["role_session_name"]:
        return (
            f"arn:{row['role_arn'].split(':')[1]}:sts::{account_of_arn(row['role_arn'])}:assumed-role/"
            f"{role_name(row['role_arn'])}/{row['role_session_name']}"
        )
    return caller if row["event_name"] == "GetSessionToken" else None
