"""Temporary credentials whose issuing nobody saw, and what else the rules of inference ask of the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from ir_kit.case import Case
from ir_kit.credentials.reached import Reached, Row
from ir_kit.domain.frames import rows_of
from ir_kit.domain.principals import agent_family, is_service_address

Pair = tuple[str, str]  # a source address, and a user agent without its command


@dataclass
class Orphan:
    """A temporary credential of the window whose issuing no call in the evidence names."""

    access_key_id: str
    kind: str
    arn: str
    issuer_arn: str | None
    created: pd.Timestamp
    last_time: pd.Timestamp
    from_console: bool
    forwarded: bool
    pairs: dict[Pair, pd.Timestamp] = field(default_factory=dict)  # address and agent, of direct calls: first use


class Evidence:
    """What the rules ask of the evidence, each once."""

    def __init__(self, case: Case) -> None:
        self.case = case

    @cached_property
    def orphans(self) -> dict[str, Orphan]:
        found: dict[str, Orphan] = {}
        forwarded: dict[str, bool] = {}
        for row in rows_of(self.case.ask("credentials/orphans")):
            key = row["access_key_id"]
            orphan = found.get(key)
            if orphan is None:
                orphan = found[key] = Orphan(
                    key,
                    row["user_identity_type"] or "",
                    row["user_identity_arn"] or "",
                    row["session_issuer_arn"],
                    row["session_creation_date"],
                    row["last_time"],
                    False,
                    False,
                )
            by_service = row["invoked_by"] is not None or is_service_address(row["source_ip_address"])
            forwarded[key] = forwarded.get(key, True) and by_service
            orphan.from_console |= bool(row["credential_from_console"])
            orphan.last_time = max(orphan.last_time, row["last_time"])
            if not by_service and row["source_ip_address"]:
                pair = (row["source_ip_address"], agent_family(row["user_agent"]) or "")
                orphan.pairs[pair] = min(orphan.pairs.get(pair, row["first_time"]), row["first_time"])
        for key, only in forwarded.items():
            found[key].forwarded = only
        return found

    @cached_property
    def sign_ins(self) -> list[Row]:
        return rows_of(self.case.ask("credentials/sign_ins"))

    @cached_property
    def role_switches(self) -> list[Row]:
        return rows_of(self.case.ask("credentials/role_switches"))

    def named_at(self, name: str | None, address: str | None) -> list[Row]:
        """Temporary credentials of a user or a session of this name that were used directly from an address."""
        if not name or not address:
            return []
        return rows_of(self.case.ask("credentials/named_at", principal_name=name, source_ip_address=address))

    def outside_assumptions(self, role_names: list[str]) -> list[Row]:
        return rows_of(self.case.ask("credentials/outside_assumptions", role_names=role_names)) if role_names else []

    def principal_use(self, arns: list[str]) -> list[Row]:
        return rows_of(self.case.ask("credentials/principal_use", principal_arns=arns)) if arns else []

    def launches(self, keys: list[str]) -> list[Row]:
        return rows_of(self.case.ask("credentials/launches", keys=keys))

    def assumed_elsewhere(self, keys: list[str]) -> list[Row]:
        return rows_of(self.case.ask("credentials/assumed_elsewhere", keys=keys))

    def issued(self, keys: set[str]) -> set[str]:
        """Which of these does an answer name, whoever got it?"""
        rows = rows_of(self.case.ask("credentials/issuers", keys=sorted(keys))) if keys else []
        return {row["issued_access_key_id"] for row in rows}

    def address_use(self, addresses: list[str]) -> list[Row]:
        rows = rows_of(self.case.ask("credentials/address_use", addresses=addresses)) if addresses else []
        for row in rows:
            row["pair"] = (row["source_ip_address"], agent_family(row["user_agent"]) or "")
        return rows

    def family(self, keys: set[str], heads: set[str]) -> set[str]:
        """Which of these go back to one of the heads, whenever they were issued?"""
        above: dict[str, str | None] = {}
        open_keys = sorted(keys)
        for _ in range(8):  # deeper chains than this are not known
            if not open_keys:
                break
            rows = rows_of(self.case.ask("credentials/issuers", keys=open_keys))
            for row in rows:
                above.setdefault(row["issued_access_key_id"], row["access_key_id"])
            open_keys = sorted(
                {parent for parent in above.values() if parent and parent not in above}
                & {r["access_key_id"] for r in rows}
            )

        def leads_home(key: str | None, steps: int = 0) -> bool:
            return key in heads or (key in above and steps < 9 and leads_home(above[str(key)], steps + 1))

        return {key for key in keys if leads_home(key)}


def inferred(orphan: Orphan, parent: str, basis: str) -> Reached:
    """A link that no answer names, with what it rests on."""
    return Reached(
        orphan.access_key_id,
        parent,
        "inferred",
        reached_at=orphan.created,
        issued_at=orphan.created,
        link_basis=basis,
        principal_arn=orphan.arn,
    )


def inferred_of_call(row: Row, parent: str, basis: str) -> Reached:
    """Such a link to the credential that a call issued to somebody who acted with the parent's power."""
    return Reached(
        row["issued_access_key_id"],
        parent,
        "inferred",
        reached_at=row["event_time"],
        issued_at=row["event_time"],
        link_basis=basis,
        principal_arn=row["issued_principal_arn"],
        principal=row["role_arn"],
    )


def clock(time: pd.Timestamp) -> str:
    """A time as text."""
    return str(time.strftime("%Y-%m-%dT%H:%M:%SZ"))
