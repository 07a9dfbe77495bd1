"""When could which credential of a principal be in use? From the calls that made and ended credentials, from IAM's
lists, from use.

Where the beginning or end is not known the time is drawn wide, so that a list of candidates rather names one too many
than lacks the right one. Whether such a list is *complete* is another question (`Validity.lists`): only then may the
only candidate be taken for the right one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ir_kit.domain.documents import frame_of, mapping, mappings
from ir_kit.domain.intervals import Span
from ir_kit.domain.principals import account_of_arn, user_name

Row = Mapping[str, Any]

FIRST, LAST = pd.Timestamp("2006-03-14", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")
HOUR = pd.Timedelta(hours=1)
BEFORE, AFTER = pd.Timedelta(seconds=5), pd.Timedelta(minutes=15)  # clocks; an end takes a while to reach every server
ROLE_SESSION, USER_SESSION, CONSOLE = 12 * HOUR, 36 * HOUR, 12 * HOUR
VALIDITY = {
    "principal_arn": "varchar", "access_key_id": "varchar", "start_time": "timestamp", "end_time": "timestamp",
    "for_service": "boolean", "explained": "boolean",
}  # fmt: skip
LISTS = {"principal_arn": "varchar", "is_explained": "boolean", "is_user": "boolean", "session_hours": "bigint"}


@dataclass
class Credential:
    """When one credential could be in use. `explained`: its issuing call, or IAM's list, is in the evidence."""

    access_key_id: str
    spans: list[Span]
    explained: bool
    temporary: bool = False
    for_service: bool = False
    created: pd.Timestamp | None = None


@dataclass
class Validity:
    """The credentials of the principals in question.

    Parameters
    ----------
    credentials : DataFrame
        One row per credential and stretch of time in which it could be in use; ``for_service`` where services alone
        used it for the principal.
    lists : DataFrame
        One row per principal. ``is_explained``: IAM listed the user's keys (sessions have none), and every session that
        was seen was issued by a call that was seen, by a console, or while nothing was recorded. ``session_hours``: how
        long a session may last.
    """

    credentials: pd.DataFrame
    lists: pd.DataFrame


def credential_validity(
    principals: Iterable[str],
    uses: Sequence[Row],
    acts: Sequence[Row],
    key_lists: Sequence[Row],
    unlogged: Sequence[Span],
    compromised: Mapping[str, Row],
) -> Validity:
    """Which credentials did these principals have, and when could each be in use?

    Parameters
    ----------
    principals : iterable of str
        ARNs, as the events have them.
    uses : sequence of mapping
        One row per principal and credential: first_time, last_time, session_creation_date, for_service.
    acts, key_lists : sequence of mapping
        The answers to ``attribution/credential_acts`` and ``attribution/key_lists``.
    unlogged : sequence of Span
        When management events were not, or not certainly, recorded everywhere.
    compromised : mapping
        The rows of ``scoping/credentials`` by key.
    """
    issued = {row["issued_access_key_id"]: row for row in acts if row["issued_access_key_id"]}
    issued_to: dict[str | None, set[str]] = defaultdict(set)
    for key, act in issued.items():
        issued_to[_issued_to(act)].add(key)
    lists = _listed_keys(key_lists)
    used: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in uses:
        used[row["principal_arn"]][row["access_key_id"]] = row
    rows: list[Row] = []
    known: list[Row] = []
    for principal in sorted(set(principals)):
        user, account = user_name(principal), account_of_arn(principal)
        listed = lists.get((account, user), {}) if user else {}
        keys = {*used[principal], *listed, *issued_to[principal]}
        keys |= {key for key, row in compromised.items() if row.get("principal_arn") == principal}
        for act in acts if user else ():
            if _is_on_keys_of(act, str(user), account):
                made = act["issued_access_key_id"] if act["event_name"] == "CreateAccessKey" else None
                keys |= {str(key) for key in (made, act["named_access_key_id"]) if key}
        credentials = [
            _long_term(key, issued.get(key), listed.get(key), acts)
            if key.startswith("AKIA")
            or key in listed
            or (key in issued and issued[key]["event_name"] == "CreateAccessKey")
            else _session(key, principal, used[principal].get(key, {}), issued.get(key), compromised.get(key, {}))
            for key in sorted(keys)
        ]
        for credential in credentials:
            about = {name: getattr(credential, name) for name in ("access_key_id", "for_service", "explained")}
            spans = [{"start_time": span.start, "end_time": span.end} for span in credential.spans]
            rows += [{"principal_arn": principal, **about, **span} for span in spans]
        has_list = (account, user) in lists if user else principal.split(":")[2:3] == ["sts"]
        signed_in = [
            row["event_time"]
            for row in acts
            if row["event_name"] == "ConsoleLogin" and row["user_identity_arn"] == principal
        ]
        known.append(
            {
                "principal_arn": principal, "is_user": bool(user),
                "is_explained": has_list and all(_is_explained(credential, unlogged, signed_in) for credential in credentials),
                "session_hours": (USER_SESSION if user or ":federated-user/" in principal else ROLE_SESSION) // HOUR,
            }
        )  # fmt: skip
    return Validity(frame_of(rows, VALIDITY), frame_of(known, LISTS))


def _is_explained(credential: Credential, unlogged: Sequence[Span], signed_in: Sequence[pd.Timestamp]) -> bool:
    """Is it known where a session came from, or that it could come from nowhere that was logged?"""
    if not credential.temporary or credential.for_service or credential.explained:
        return True
    created = credential.created
    if created is None:
        return False
    return any(span.holds(created) for span in unlogged) or any(abs(created - time) < CONSOLE for time in signed_in)


def _listed_keys(key_lists: Sequence[Row]) -> dict[tuple[str | None, str | None], dict[str, dict[str, Any]]]:
    """IAM's lists by account and user; a list that was cut short is none."""
    lists: dict[tuple[str | None, str | None], dict[str, dict[str, Any]]] = {}
    for row in key_lists:
        response = mapping(row["response"])
        keys = mappings(response.get("AccessKeyMetadata") or [])
        user = mapping(row["parameters"]).get("UserName") or next((key.get("UserName") for key in keys), None)
        if not response.get("IsTruncated") and user is not None:
            lists.setdefault((row["account_id"], user), {}).update({key["AccessKeyId"]: key for key in keys})
    return lists


def _is_on_keys_of(act: Row, user: str, account: str | None) -> bool:
    """Is it a call on the keys of this user, named or (a user's own call) not?"""
    if act["event_name"] not in ("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"):
        return False
    if account not in (act["recipient_account_id"], account_of_arn(act["user_identity_arn"])):
        return False
    return bool((act["user_name"] or user_name(act["user_identity_arn"])) == user)


def _issued_to(act: Row) -> str | None:
    if act["issued_principal_arn"]:
        return str(act["issued_principal_arn"])
    if act["event_name"] == "GetSessionToken":
        return None if act["user_identity_arn"] is None else str(act["user_identity_arn"])
    role, session = act["role_arn"], act["role_session_name"]
    if role and session:
        partition, account = role.split(":")[1], role.split(":")[4]
        return f"arn:{partition}:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{session}"
    return None


def _long_term(key: str, issued: Row | None, listed: Mapping[str, Any] | None, acts: Sequence[Row]) -> Credential:
    """From creation to deletion, without the stretches in which it was inactive."""
    created = issued["event_time"] if issued else _moment((listed or {}).get("CreateDate"))
    since: pd.Timestamp | None = FIRST if created is None else created - BEFORE
    spans: list[Span] = []
    for act in acts:
        if act["named_access_key_id"] != key or act["event_name"] not in ("UpdateAccessKey", "DeleteAccessKey"):
            continue
        ends = act["event_name"] == "DeleteAccessKey" or str(act["named_status"]).lower() == "inactive"
        if ends and since is not None:
            spans.append(Span(since, act["event_time"] + AFTER))
            since = None
        elif not ends and since is None:
            since = act["event_time"] - BEFORE
    if since is not None:
        spans.append(Span(since, LAST))
    return Credential(key, spans, explained=listed is not None or issued is not None)


def _session(key: str, principal: str, used: Row, issued: Row | None, compromised: Row) -> Credential:
    """From its creation, else its first use, to its expiry, else as long as a session may last."""
    reach = ROLE_SESSION if ":assumed-role/" in principal else USER_SESSION
    first, last = used.get("first_time"), used.get("last_time")
    begun = [used.get("session_creation_date"), issued["event_time"] if issued else None]
    created = min((time for time in begun if time is not None), default=None)
    if created is None:
        created = compromised.get("issued_at")
    start = created if created is not None else first - reach if first is not None else FIRST
    if created is None:
        end = LAST if last is None else last + reach
    elif issued:
        end = _expiry(issued, start, reach)
    else:
        end = start + reach
    end = end if last is None else max(end, last)
    return Credential(
        key, [Span(start - BEFORE, end + AFTER)], explained=issued is not None, temporary=True,
        for_service=bool(used.get("for_service")), created=created,
    )  # fmt: skip


def _expiry(issued: Row, start: pd.Timestamp, reach: pd.Timedelta) -> pd.Timestamp:
    expires = _moment(issued["issued_expiration"])
    if expires is not None:
        return expires
    try:
        return start + pd.Timedelta(seconds=min(int(float(issued["duration_seconds"])), int(reach.total_seconds())))
    except (TypeError, ValueError, OverflowError):
        return start + reach


def _moment(text: Any) -> pd.Timestamp | None:
    time = pd.to_datetime(str(text), utc=True, errors="coerce") if text else None
    return None if time is None or pd.isna(time) else time
