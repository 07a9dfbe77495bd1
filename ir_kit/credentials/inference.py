"""Links that no answer names: credentials held with the power of a reached one. Each rule says on what it rests.

Only temporary credentials that were issued inside the window, and that no principal's call in the evidence names as its
answer, are looked at: what somebody else is seen to have issued is somebody else's. What an AWS service issued, to an
instance for example, is nobody's yet. Every rule prefers to miss a link over
accusing a stranger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from ir_kit.credentials.inference_by_making import assumed_elsewhere, started, switched, user_made
from ir_kit.credentials.inference_by_use import acting_for_user, same_hand
from ir_kit.credentials.orphans import Evidence, Orphan, clock, inferred, inferred_of_call
from ir_kit.credentials.reached import Reached, Row
from ir_kit.credentials.trust import trusts
from ir_kit.domain.principals import role_name, same_role, session_name, user_name

SAME_SECOND = pd.Timedelta(seconds=1)
SIGN_IN = pd.Timedelta(seconds=5)
TOKEN_HELD = pd.Timedelta(minutes=15)  # a sign-in token of GetSigninToken can be used for so long
ROLE_CALLS = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")


def next_links(evidence: Evidence, reached: dict[str, Reached], issuances: list[Row]) -> list[Reached]:
    """The links that the first rule with any gives; after each, observed links are followed again."""
    open_orphans = [orphan for key, orphan in evidence.orphans.items() if key not in reached]
    for rule in (
        _answer_withheld,
        _password_set,
        _trust_changed,
        _role_made,
        user_made,
        started,
        assumed_elsewhere,
        _same_session,
        switched,
        acting_for_user,
        same_hand,
    ):
        found = [
            link
            for link in rule(evidence, reached, issuances, open_orphans)
            if link.access_key_id not in reached and reached[str(link.parent)].reached_at <= link.reached_at
        ]
        if found:
            return found
    return []


def _answer_withheld(
    evidence: Evidence, reached: dict[str, Reached], issuances: list[Row], orphans: list[Orphan]
) -> Iterator[Reached]:
    """An issuing call is there, its answer without a key; a credential of that principal was created in that second."""
    for row in issuances:
        if row["issued_access_key_id"] or row["event_name"] not in (
            *ROLE_CALLS,
            "GetSessionToken",
            "GetFederationToken",
        ):
            continue
        fitting = [
            orphan
            for orphan in orphans
            if abs(orphan.created - row["event_time"]) <= SAME_SECOND and not orphan.from_console and _fits(row, orphan)
        ]
        for orphan in fitting:
            yield inferred(
                orphan,
                row["access_key_id"],
                f"{row['event_name']} by {row['access_key_id']} at {clock(row['event_time'])} names no key; this "
                "credential of the same principal was created in that second",
            )


def _fits(row: Row, orphan: Orphan) -> bool:
    if row["event_name"] == "GetSessionToken":
        return orphan.kind in ("IAMUser", "Root") and orphan.arn == row["user_identity_arn"]
    if row["event_name"] == "GetFederationToken":
        return (
            orphan.kind == "FederatedUser"
            and row["name"] is not None
            and orphan.arn.endswith(f":federated-user/{row['name']}")
        )
    role, session = (
        row["role_arn"] or row["issued_principal_arn"],
        row["role_session_name"] or session_name(row["issued_principal_arn"]),
    )
    return orphan.kind == "AssumedRole" and same_role(role, orphan.arn) and session in (None, session_name(orphan.arn))


def _password_set(
    evidence: Evidence, reached: dict[str, Reached], issuances: list[Row], orphans: list[Orphan]
) -> Iterator[Reached]:
    """A reached credential set a user's password; the user's console sessions after it are held with that power."""
    set_at: dict[str, list[tuple[pd.Timestamp, str, str]]] = defaultdict(list)
    for row in issuances:
        if row["event_name"] in ("CreateLoginProfile", "UpdateLoginProfile"):
            user = row["user_name"] or user_name(row["user_identity_arn"])
            if user:
                set_at[user].append((row["event_time"], row["access_key_id"], row["event_name"]))
    if not set_at:
        return
    taken_back: dict[str, list[pd.Timestamp]] = defaultdict(list)
    sign_ins: dict[str, list[pd.Timestamp]] = defaultdict(list)
    for row in evidence.sign_ins:
        if row["event_name"] == "ConsoleLogin":
            user = row["user_identity_user_name"] or user_name(row["user_identity_arn"])
            sign_ins[user or ""].append(row["event_time"])
        elif row["access_key_id"] not in reached and row["user_name"]:
            taken_back[row["user_name"]].append(row["event_time"])
    for orphan in orphans:
        user = user_name(orphan.arn) or ""
        if orphan.kind != "IAMUser" or user not in set_at:
            continue
        signed = [time for time in sign_ins[user] if abs(orphan.created - time) <= SIGN_IN]
        if not signed and not orphan.from_console:
            continue
        acts = [act for act in set_at[user] if act[0] <= (min(signed) if signed else orphan.created)]
        if not acts or any(acts[-1][0] <= time <= orphan.created for time in taken_back[user]):
            continue
        time, key, event = acts[-1]
        how = (
            f"signed in at {clock(min(signed))}"
            if signed
            else "opened a console session whose sign-in is not in the evidence"
        )
        yield inferred(orphan, key, f"{event} by {key} at {clock(time)} set the password of {user}, who then {how}")


def _trust_changed(
    evidence: Evidence, reached: dict[str, Reached], issuances: list[Row], orphans: list[Orphan]
) -> Iterator[Reached]:
    """A reached credential changed whom a role trusts; somebody from outside, named there, then assumed it."""
    changes = [
        row for row in issuances if row["event_name"] in ("UpdateAssumeRolePolicy", "CreateRole") and row["role_name"]
    ]
    known: set[tuple[str, str | None]] = set()
    for row in evidence.outside_assumptions(sorted({row["role_name"] for row in changes})):
        role = role_name(row["role_arn"])
        caller = (
            str(role),
            row["user_identity_account_id"] or row["provider_arn"] or row["user_identity_principal_id"],
        )
        before = [
            c
            for c in changes
            if c["role_name"] == role and c["event_time"] <= row["event_time"] and trusts(c["policy_document"], row)
        ]
        if not before or caller in known:
            if not before:
                known.add(caller)  # it had access without any help
            continue
        change = before[-1]
        basis = (
            f"{change['event_name']} by {change['access_key_id']} at {clock(change['event_time'])} made the role "
            f"{role} trust {caller[1] or 'somebody outside'}, who then assumed it"
        )
        if row["issued_access_key_id"]:
            yield inferred_of_call(row, change["access_key_id"], basis)
            continue
        for orphan in orphans:
            if (
                orphan.kind == "AssumedRole"
                and abs(orphan.created - row["event_time"]) <= SAME_SECOND
                and same_role(row["role_arn"], orphan.arn)
            ):
                yield inferred(orphan, change["access_key_id"], basis)


def _role_made(
    evidence: Evidence, reached: dict[str, Reached], issuances: list[Row], orphans: list[Orphan]
) -> Iterator[Reached]:
    """A reached credential made a role inside the window; a session of it, of an instance for example, is its doing."""
    made: dict[str, Row] = {}
    for row in issuances:
        if row["event_name"] == "CreateRole" and row["role_name"]:
            made.setdefault(row["role_name"], row)
    for orphan in orphans:
        maker = made.get(str(role_name(orphan.arn))) if orphan.kind == "AssumedRole" else None
        if maker is not None and maker["event_time"] <= orphan.created:
            yield inferred(
                orphan,
                maker["access_key_id"],
                f"CreateRole by {maker['access_key_id']} at {clock(maker['event_time'])} made the role; no "
                "principal is seen to have opened this session of it",
            )


def _same_session(
    evidence: Evidence, reached: dict[str, Reached], issuances: list[Row], orphans: list[Orphan]
) -> Iterator[Reached]:
    """A key of a session that is reached: AWS services that act for it get keys of their own, with its time."""
    sessions = {
        (one.principal_arn, one.issued_at): key
        for key, one in reached.items()
        if one.link != "seed" and not key.startswith("AKIA")
    }
    consoles = [row for row in issuances if row["event_name"] == "GetSigninToken"]
    for orphan in orphans:
        if (orphan.arn, orphan.created) in sessions:
            parent = sessions[orphan.arn, orphan.created]
            if orphan.forwarded or orphan.kind in ("AssumedRole", "FederatedUser"):
                yield inferred(orphan, parent, f"the same session as {parent}: same principal, same time of creation")
            continue
        for row in consoles:
            within = TOKEN_HELD if _signed_in_as(evidence, orphan) else SIGN_IN
            if (
                row["user_identity_arn"] == orphan.arn
                and pd.Timedelta(0) <= orphan.created - row["event_time"] <= within
            ):
                yield inferred(
                    orphan,
                    row["access_key_id"],
                    f"GetSigninToken by {row['access_key_id']} at {clock(row['event_time'])} opened a console for the "
                    "same principal",
                )
                break


def _signed_in_as(evidence: Evidence, orphan: Orphan) -> bool:
    """Did this principal, a federated user or a role's session, sign in to the console when this was created?"""
    return any(
        row["event_name"] == "ConsoleLogin"
        and row["user_identity_arn"] == orphan.arn
        and abs(orphan.created - row["event_time"]) <= SIGN_IN
        for row in evidence.sign_ins
    )
