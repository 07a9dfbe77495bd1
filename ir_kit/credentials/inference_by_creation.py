"""Derived credentials of what a compromised credential created (users, instances, tasks, builds, functions) or took up.

Nobody else can hold a credential of what it created, unless somebody else is seen to have issued it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from ir_kit.credentials.search import SIGN_IN, Candidate, CompromisedCredential, Row, Search, clock, derived_by_call
from ir_kit.domain.principals import same_role, session_name

CONSOLE_VALID = pd.Timedelta(hours=12)
_WORKLOAD_NAME = re.compile(r"i-[0-9a-f]{8,17}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def workload_started(search: Search) -> Iterator[CompromisedCredential]:
    """A compromised credential started what works as a role; AWS names the session after the instance, task or build."""
    sessions = [candidate for candidate in search.candidates if candidate.kind == "AssumedRole"]
    launches = search.ask("launches", keys=sorted(search.compromised)) if sessions else []
    for candidate in sessions:
        for row in launches:
            if row["event_time"] <= candidate.created and _runs_as(row, candidate):
                yield candidate.derived(
                    row["access_key_id"],
                    f"{row['event_name']} by {row['access_key_id']} at {clock(row['event_time'])} started "
                    f"{session_name(candidate.arn)}, whose session of its role this is",
                )
                break


def _runs_as(launch: Row, candidate: Candidate) -> bool:
    name = session_name(candidate.arn) or ""
    if launch["function_name"] is not None:
        return bool(launch["function_name"] == name and same_role(launch["role_arn"], candidate.arn))
    workload = name.removeprefix("AWSCodeBuild-")
    return bool(
        _WORKLOAD_NAME.fullmatch(workload) and re.search(rf'["/:]{workload}"', launch["response_elements"] or "")
    )


def user_created(search: Search) -> Iterator[CompromisedCredential]:
    """A compromised credential created the user inside the window; whatever credential the user has derives from it."""
    created: dict[str, Row] = {}
    for row in search.issuing_calls:
        if row["event_source"] == "iam.amazonaws.com" and row["event_name"] == "CreateUser" and row["user_name"]:
            partition = (row["user_identity_arn"] or "arn:aws").split(":")[1]
            plain = f"arn:{partition}:iam::{row['user_identity_account_id']}:user/{row['user_name']}"
            created.setdefault(row["user_arn"] or plain, row)
    used = [row for rows in search.principal_use(set(created)).values() for row in rows]
    used = sorted(used, key=lambda row: (row["first_time"], row["access_key_id"]))
    used = [row for row in used if row["access_key_id"] not in search.compromised]
    logged = {
        row["issued_access_key_id"]
        for row in search.ask("issuing_credentials", keys=sorted({row["access_key_id"] for row in used}))
    }
    for row in used:
        call, start = created[row["user_identity_arn"]], row["session_creation_date"] or row["first_time"]
        if row["access_key_id"] not in logged and call["event_time"] <= start:
            yield CompromisedCredential(
                row["access_key_id"], call["access_key_id"], "inferred", start,
                f"CreateUser by {call['access_key_id']} at {clock(call['event_time'])} created the user; no "
                "principal is seen to have issued this credential of it",
                issued_at=row["session_creation_date"], principal_arn=row["user_identity_arn"],
            )  # fmt: skip


def assumed_elsewhere(search: Search) -> Iterator[CompromisedCredential]:
    """A role of another account was assumed, and that account's log alone says by which principal.

    Spares the owner: every credential of the principal that was used in the window must be a compromised one.
    """
    rows = search.ask("assumed_elsewhere", keys=sorted(search.compromised))
    use = search.principal_use({row["user_identity_arn"] for row in rows})
    for row in rows:
        others = any(other["access_key_id"] not in search.compromised for other in use[row["user_identity_arn"]])
        if others or search.compromised[row["access_key_id"]].since > row["event_time"]:
            continue
        yield derived_by_call(
            row,
            row["access_key_id"],
            f"{row['event_name']} at {clock(row['event_time'])}, in the log of the role's account alone, names "
            "the principal of this credential as the caller; no other credential of it was used in the window",
        )


def role_switched(search: Search) -> Iterator[CompromisedCredential]:
    """A role was taken up in the console, by a name and from an address at which only compromised sessions of it were.

    The role's session keeps the name of who took it up. Spares the owner: no other session of that name may have been
    used at that address.
    """
    candidates = search.candidates
    for row in search.role_switches if candidates else []:
        opened = [
            candidate
            for candidate in candidates
            if candidate.arn == row["user_identity_arn"] and abs(candidate.created - row["event_time"]) <= SIGN_IN
        ]
        name, address = session_name(row["user_identity_arn"]), row["source_ip_address"]
        if not opened or not name or not address:
            continue
        own = {candidate.access_key_id for candidate in opened}
        uses = search.ask("sessions_at_address", principal_name=name, source_ip_address=address)
        uses = [use for use in uses if use["access_key_id"] not in own]
        before = [use for use in uses if use["first_time"] <= row["event_time"] <= use["last_time"] + CONSOLE_VALID]
        if not before or any(use["access_key_id"] not in search.compromised for use in uses):
            continue
        parent = max(before, key=lambda use: (use["first_time"], use["access_key_id"]))["access_key_id"]
        for candidate in opened:
            yield candidate.derived(
                parent,
                f"SwitchRole at {clock(row['event_time'])} from {address}, where of the sessions of that "
                "name only compromised ones were used",
            )
