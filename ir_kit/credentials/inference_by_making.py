"""Links that rest on what a reached credential made (users, instances, tasks, builds, functions) or took up (roles).

Nobody else can hold a credential of what a reached one made, unless somebody else is seen to have issued it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from ir_kit.credentials.orphans import Evidence, Orphan, clock, inferred, inferred_of_call
from ir_kit.credentials.reached import Reached, Row
from ir_kit.domain.principals import same_role, session_name

SIGN_IN = pd.Timedelta(seconds=5)
CONSOLE_LIFE = pd.Timedelta(hours=12)

_OWN_NAME = re.compile(r"i-[0-9a-f]{8,17}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def started(evidence: Evidence, reached: dict[str, Reached], _: list[Row], orphans: list[Orphan]) -> Iterator[Reached]:
    """A reached credential started what works as a role; AWS names the session for it: the instance, the task, the build."""
    sessions = [orphan for orphan in orphans if orphan.kind == "AssumedRole"]
    launches = evidence.launches(sorted(reached)) if sessions else []
    for orphan in sessions:
        for row in launches:
            if row["event_time"] <= orphan.created and _runs_as(row, orphan):
                yield inferred(
                    orphan,
                    row["access_key_id"],
                    f"{row['event_name']} by {row['access_key_id']} at {clock(row['event_time'])} started "
                    f"{session_name(orphan.arn)}, whose session of its role this is",
                )
                break


def _runs_as(launch: Row, orphan: Orphan) -> bool:
    name = session_name(orphan.arn) or ""
    if launch["function_name"] is not None:
        return bool(launch["function_name"] == name and same_role(launch["role_arn"], orphan.arn))
    own = name.removeprefix("AWSCodeBuild-")
    return bool(_OWN_NAME.fullmatch(own) and re.search(rf'["/:]{own}"', launch["response_elements"] or ""))


def user_made(
    evidence: Evidence, reached: dict[str, Reached], issuances: list[Row], _: list[Orphan]
) -> Iterator[Reached]:
    """A reached credential made the user inside the window; whatever credential it has is had with that power."""
    made: dict[str, Row] = {}
    for row in issuances:
        if row["event_source"] == "iam.amazonaws.com" and row["event_name"] == "CreateUser" and row["user_name"]:
            partition = (row["user_identity_arn"] or "arn:aws").split(":")[1]
            plain = f"arn:{partition}:iam::{row['user_identity_account_id']}:user/{row['user_name']}"
            made.setdefault(row["user_arn"] or plain, row)
    used = [row for row in evidence.principal_use(sorted(made)) if row["access_key_id"] not in reached]
    seen = evidence.issued({row["access_key_id"] for row in used})
    for row in used:
        maker, start = made[row["user_identity_arn"]], row["session_creation_date"] or row["first_time"]
        if row["access_key_id"] not in seen and maker["event_time"] <= start:
            yield Reached(
                row["access_key_id"],
                maker["access_key_id"],
                "inferred",
                reached_at=start,
                issued_at=row["session_creation_date"],
                link_basis=f"CreateUser by {maker['access_key_id']} at {clock(maker['event_time'])} made the user; no "
                "principal is seen to have issued this credential of it",
                principal_arn=row["user_identity_arn"],
            )


def assumed_elsewhere(
    evidence: Evidence, reached: dict[str, Reached], _: list[Row], __: list[Orphan]
) -> Iterator[Reached]:
    """A role of another account was assumed, and that account's log alone says by which principal.

    Notes
    -----
    Spares the owner: every credential of the principal that was used in the window must be a reached one.
    """
    rows = evidence.assumed_elsewhere(sorted(reached))
    others = {
        use["user_identity_arn"]
        for use in evidence.principal_use(sorted({row["user_identity_arn"] for row in rows}))
        if use["access_key_id"] not in reached
    }
    for row in rows:
        if row["user_identity_arn"] in others or reached[row["access_key_id"]].reached_at > row["event_time"]:
            continue
        yield inferred_of_call(
            row,
            row["access_key_id"],
            f"{row['event_name']} at {clock(row['event_time'])}, in the log of the role's account alone, names "
            "the principal of this credential as the caller; no other credential of it was used in the window",
        )


def switched(evidence: Evidence, reached: dict[str, Reached], _: list[Row], orphans: list[Orphan]) -> Iterator[Reached]:
    """A role was taken up in the console, by a name and from an address at which only reached sessions of it were.

    Notes
    -----
    The role's session keeps the name of who took it up. Spares the owner: no other session of that name may have been
    used at that address.
    """
    for row in evidence.role_switches if orphans else []:
        opened = [
            orphan
            for orphan in orphans
            if orphan.arn == row["user_identity_arn"] and abs(orphan.created - row["event_time"]) <= SIGN_IN
        ]
        there = evidence.named_at(session_name(row["user_identity_arn"]), row["source_ip_address"]) if opened else []
        there = [use for use in there if use["access_key_id"] not in {orphan.access_key_id for orphan in opened}]
        before = [use for use in there if use["first_time"] <= row["event_time"] <= use["last_time"] + CONSOLE_LIFE]
        if not before or any(use["access_key_id"] not in reached for use in there):
            continue
        parent = max(before, key=lambda use: (use["first_time"], use["access_key_id"]))["access_key_id"]
        for orphan in opened:
            yield inferred(
                orphan,
                parent,
                f"SwitchRole at {clock(row['event_time'])} from {row['source_ip_address']}, where of the sessions of that "
                "name only reached ones were used",
            )
