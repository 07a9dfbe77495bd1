"""Derived credentials by calls that issue them or give the power to get some, although no answer names the key.

Each rule yields links and says on what each rests. A rule would rather miss a link than accuse a stranger.

Source: IAM User Guide, "Temporary security credentials"; CloudTrail User Guide, `userIdentity`, `sessionContext`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from ir_kit.credentials.search import SIGN_IN, Candidate, CompromisedCredential, Row, Search, clock, derived_by_call
from ir_kit.domain.principals import role_name, same_role, session_name, user_name
from ir_kit.policies.policy_documents import parse_policy

SAME_SECOND = pd.Timedelta(seconds=1)
TOKEN_VALID = pd.Timedelta(minutes=15)  # a sign-in token of GetSigninToken can be used for so long
ROLE_CALLS = ("AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")


def answer_withheld(search: Search) -> Iterator[CompromisedCredential]:
    """An issuing call is logged, its answer without a key; a credential of that principal was created in that second."""
    for row in search.issuing_calls:
        if row["issued_access_key_id"] or row["event_name"] not in (
            *ROLE_CALLS, "GetSessionToken", "GetFederationToken",
        ):  # fmt: skip
            continue
        for candidate in search.candidates:
            created_then = abs(candidate.created - row["event_time"]) <= SAME_SECOND
            if created_then and not candidate.from_console and _issued_as(row, candidate):
                yield candidate.derived(
                    row["access_key_id"],
                    f"{row['event_name']} by {row['access_key_id']} at {clock(row['event_time'])} names no key; this "
                    "credential of the same principal was created in that second",
                )


def _issued_as(row: Row, candidate: Candidate) -> bool:
    """Is this candidate of the principal that the call issues for?"""
    if row["event_name"] == "GetSessionToken":
        return candidate.kind in ("IAMUser", "Root") and candidate.arn == row["user_identity_arn"]
    if row["event_name"] == "GetFederationToken":
        named = row["name"] is not None and candidate.arn.endswith(f":federated-user/{row['name']}")
        return candidate.kind == "FederatedUser" and named
    role = row["role_arn"] or row["issued_principal_arn"]
    session = row["role_session_name"] or session_name(row["issued_principal_arn"])
    same_session = session in (None, session_name(candidate.arn))
    return candidate.kind == "AssumedRole" and same_role(role, candidate.arn) and same_session


def password_set(search: Search) -> Iterator[CompromisedCredential]:
    """A compromised credential set a user's password; the user's console sessions after it derive from it."""
    changes: dict[str, list[tuple[pd.Timestamp, str, str]]] = defaultdict(list)
    for row in search.issuing_calls:
        user = row["user_name"] or user_name(row["user_identity_arn"])
        if row["event_name"] in ("CreateLoginProfile", "UpdateLoginProfile") and user:
            changes[user].append((row["event_time"], row["access_key_id"], row["event_name"]))
    if not changes:
        return
    reset: dict[str, list[pd.Timestamp]] = defaultdict(list)
    sign_ins: dict[str, list[pd.Timestamp]] = defaultdict(list)
    for row in search.console_sign_ins:
        if row["event_name"] == "ConsoleLogin":
            sign_ins[row["user_identity_user_name"] or user_name(row["user_identity_arn"]) or ""].append(
                row["event_time"]
            )
        elif row["access_key_id"] not in search.compromised and row["user_name"]:
            reset[row["user_name"]].append(row["event_time"])
    for candidate in search.candidates:
        user = user_name(candidate.arn) or ""
        if candidate.kind != "IAMUser" or user not in changes:
            continue
        signed_in = min((time for time in sign_ins[user] if abs(candidate.created - time) <= SIGN_IN), default=None)
        if signed_in is None and not candidate.from_console:
            continue
        before = [change for change in changes[user] if change[0] <= (signed_in or candidate.created)]
        if not before or any(before[-1][0] <= time <= candidate.created for time in reset[user]):
            continue
        time, key, event = before[-1]
        how = "opened a console session whose sign-in is not in the evidence"
        if signed_in is not None:
            how = f"signed in at {clock(signed_in)}"
        yield candidate.derived(key, f"{event} by {key} at {clock(time)} set the password of {user}, who then {how}")


def trust_changed(search: Search) -> Iterator[CompromisedCredential]:
    """A compromised credential changed whom a role trusts; somebody from outside, named there, then assumed it."""
    changes = [
        row
        for row in search.issuing_calls
        if row["event_name"] in ("UpdateAssumeRolePolicy", "CreateRole") and row["role_name"]
    ]
    trusted_before: set[tuple[str, str | None]] = set()
    for row in search.ask("outside_assumptions", role_names=sorted({row["role_name"] for row in changes})):
        role = role_name(row["role_arn"])
        outsider = row["user_identity_account_id"] or row["provider_arn"] or row["user_identity_principal_id"]
        earlier = [
            change
            for change in changes
            if change["role_name"] == role
            and change["event_time"] <= row["event_time"]
            and trusts(change["policy_document"], row)
        ]
        if not earlier:
            trusted_before.add((str(role), outsider))  # it had access without any help
        if not earlier or (str(role), outsider) in trusted_before:
            continue
        change = earlier[-1]
        basis = (
            f"{change['event_name']} by {change['access_key_id']} at {clock(change['event_time'])} made the role "
            f"{role} trust {outsider or 'somebody outside'}, who then assumed it"
        )
        if row["issued_access_key_id"]:
            yield derived_by_call(row, change["access_key_id"], basis)
            continue
        for candidate in search.candidates:
            created_then = abs(candidate.created - row["event_time"]) <= SAME_SECOND
            if candidate.kind == "AssumedRole" and created_then and same_role(row["role_arn"], candidate.arn):
                yield candidate.derived(change["access_key_id"], basis)


def trusts(document: str | None, caller: Row) -> bool:
    """Does a trust policy name this caller of an assumption, its account, its provider or everybody?

    A document that cannot be read (cut off, redacted) names nobody.
    """
    kind, principal_id = caller.get("user_identity_type"), caller.get("user_identity_principal_id")
    for statement in parse_policy(document, "trust policy").statements:
        names = statement.principals
        if statement.effect != "Allow" or names is None:
            continue
        if kind == "SAMLUser":
            matches = bool(names.federated) and caller.get("provider_arn") in (None, *names.federated)
        elif kind == "WebIdentityUser":  # its principal id is PROVIDER:AUDIENCE:SUBJECT
            providers = {name for item in names.federated for name in (item, item.rpartition("oidc-provider/")[2])}
            matches = bool(providers) and (
                not principal_id or principal_id.startswith(tuple(f"{p}:" for p in providers))
            )
        else:
            account = caller.get("user_identity_account_id")
            matches = names.everybody or (account is not None and any(account in item for item in names.aws))
        if matches:
            return True
    return False


def role_created(search: Search) -> Iterator[CompromisedCredential]:
    """A compromised credential created a role inside the window; a session of it, of an instance for example, derives
    from it.
    """
    created: dict[str, Row] = {}
    for row in search.issuing_calls:
        if row["event_name"] == "CreateRole" and row["role_name"]:
            created.setdefault(row["role_name"], row)
    for candidate in search.candidates:
        call = created.get(str(role_name(candidate.arn))) if candidate.kind == "AssumedRole" else None
        if call is not None and call["event_time"] <= candidate.created:
            yield candidate.derived(
                call["access_key_id"],
                f"CreateRole by {call['access_key_id']} at {clock(call['event_time'])} created the role; no "
                "principal is seen to have opened this session of it",
            )


def same_session(search: Search) -> Iterator[CompromisedCredential]:
    """A key of a compromised session: AWS services that act for it get keys of their own, with its time of creation."""
    sessions = {
        (item.principal_arn, item.issued_at): key
        for key, item in search.compromised.items()
        if item.link != "seed" and not key.startswith("AKIA")
    }
    consoles = [row for row in search.issuing_calls if row["event_name"] == "GetSigninToken"]
    for candidate in search.candidates:
        parent = sessions.get((candidate.arn, candidate.created))
        if parent is not None:
            if candidate.forwarded or candidate.kind in ("AssumedRole", "FederatedUser"):
                basis = f"the same session as {parent}: same principal, same time of creation"
                yield candidate.derived(parent, basis)
            continue
        signed_in = any(
            row["event_name"] == "ConsoleLogin"
            and row["user_identity_arn"] == candidate.arn
            and abs(candidate.created - row["event_time"]) <= SIGN_IN
            for row in search.console_sign_ins
        )
        for row in consoles:
            after = candidate.created - row["event_time"]
            within = pd.Timedelta(0) <= after <= (TOKEN_VALID if signed_in else SIGN_IN)
            if row["user_identity_arn"] == candidate.arn and within:
                yield candidate.derived(
                    row["access_key_id"],
                    f"GetSigninToken by {row['access_key_id']} at {clock(row['event_time'])} opened a console for the "
                    "same principal",
                )
                break
