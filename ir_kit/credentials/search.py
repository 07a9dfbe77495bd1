"""What the rules of inference share: credentials whose issuing is not logged, and one search over the evidence.

Temporary credentials that were issued inside the window, and that no principal's logged call names as its answer, are
candidates: what somebody else is seen to have issued is somebody else's.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.domain.frames import rows_of
from ir_kit.domain.principals import agent_family, is_service_address

Row = dict[str, Any]
Source = tuple[str, str]  # an address, and a user agent without its command
SIGN_IN = pd.Timedelta(seconds=5)


@dataclass
class CompromisedCredential:
    """A credential and its link to the one that it derives from; `since` is when its holder could use it first."""

    access_key_id: str
    parent: str | None
    link: str
    since: pd.Timestamp
    basis: str
    link_event_name: str | None = None
    link_event_id: str | None = None
    issued_at: pd.Timestamp | None = None
    principal_arn: str | None = None
    principal: str | None = None
    expires: pd.Timestamp | None = None
    depth: int = 0


@dataclass
class Candidate:
    """A temporary credential of the window whose issuing no call in the evidence names."""

    access_key_id: str
    kind: str
    arn: str
    issuer_arn: str | None
    created: pd.Timestamp
    last_time: pd.Timestamp
    from_console: bool = False
    forwarded: bool = True  # every call was made by an AWS service
    sources: dict[Source, pd.Timestamp] = field(default_factory=dict)  # of direct calls: first use

    def derived(self, parent: str, basis: str) -> CompromisedCredential:
        """The inferred link to a parent, with what it rests on."""
        return CompromisedCredential(
            self.access_key_id, parent, "inferred", self.created, basis, issued_at=self.created, principal_arn=self.arn
        )


def derived_by_call(row: Row, parent: str, basis: str) -> CompromisedCredential:
    """The inferred link of what a call issued to somebody who acted with the parent's power."""
    return CompromisedCredential(
        row["issued_access_key_id"], parent, "inferred", row["event_time"], basis, issued_at=row["event_time"],
        principal_arn=row["issued_principal_arn"], principal=row["role_arn"],
    )  # fmt: skip


def clock(time: pd.Timestamp) -> str:
    """A time as text."""
    return str(time.strftime("%Y-%m-%dT%H:%M:%SZ"))


@dataclass
class Search:
    """The search for derived credentials: what is compromised so far, and what the rules ask of the evidence.

    `issuing_calls` are the successful calls of compromised credentials that issue credentials or give the power to get
    some, after each became compromised.
    """

    case: Case
    compromised: dict[str, CompromisedCredential]
    issuing_calls: list[Row] = field(default_factory=list)

    def ask(self, question: str, **values: Any) -> list[Row]:
        """The rows of a question of this line; none where a list that it needs is empty."""
        if any(isinstance(value, list) and not value for value in values.values()):
            return []
        return rows_of(self.case.ask(f"credentials/{question}", **values))

    @property
    def candidates(self) -> list[Candidate]:
        return [item for key, item in self.unattributed.items() if key not in self.compromised]

    @cached_property
    def unattributed(self) -> dict[str, Candidate]:
        """Every candidate of the window, by key id."""
        result: dict[str, Candidate] = {}
        for row in self.ask("unattributed_credentials"):
            candidate = result.setdefault(
                row["access_key_id"],
                Candidate(
                    row["access_key_id"], row["user_identity_type"] or "", row["user_identity_arn"] or "",
                    row["session_issuer_arn"], row["session_creation_date"], row["last_time"],
                ),
            )  # fmt: skip
            by_service = row["invoked_by"] is not None or is_service_address(row["source_ip_address"])
            candidate.forwarded &= by_service
            candidate.from_console |= bool(row["credential_from_console"])
            candidate.last_time = max(candidate.last_time, row["last_time"])
            if not by_service and row["source_ip_address"]:
                source = (row["source_ip_address"], agent_family(row["user_agent"]) or "")
                candidate.sources[source] = min(candidate.sources.get(source, row["first_time"]), row["first_time"])
        return result

    @cached_property
    def console_sign_ins(self) -> list[Row]:
        return self.ask("console_sign_ins")

    @cached_property
    def role_switches(self) -> list[Row]:
        return self.ask("role_switches")

    def principal_use(self, arns: set[str]) -> dict[str, list[Row]]:
        """Direct use of these principals' credentials in the window, by principal and hour."""
        use: dict[str, list[Row]] = defaultdict(list)
        for row in self.ask("principal_use", principal_arns=sorted(arns)):
            use[row["user_identity_arn"]].append(row)
        return use

    def descends(self, keys: set[str], ancestors: set[str]) -> set[str]:
        """Which of these were issued by one of the ancestors, directly or over others, whenever that was?"""
        rows = self.ask("descendants", keys=sorted(keys), ancestors=sorted(ancestors))
        return {row["access_key_id"] for row in rows}
