"""When could which credential of a principal be in use? From the calls that made and ended credentials, from IAM's
lists, from use.

A life is half-open. Where its beginning or end is not known it is drawn wide, so that a list of candidates rather
holds one too many than lacks the right one. Whether a list is *complete* is another question (`Known`): only then may
the only candidate be taken for the right one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ir_kit.domain.principals import account_of_arn, user_name

Row = Mapping[str, Any]
Span = tuple[pd.Timestamp, pd.Timestamp]

FIRST, LAST = pd.Timestamp("2006-03-14", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")
BEFORE, AFTER = pd.Timedelta(seconds=5), pd.Timedelta(minutes=15)  # clocks; an end takes a while to reach every server
ROLE_SESSION, USER_SESSION, CONSOLE = pd.Timedelta(hours=12), pd.Timedelta(hours=36), pd.Timedelta(hours=12)
TOUCH = pd.Timedelta(seconds=2)


@dataclass
class Life:
    """When a credential could be in use. `explained`: a call that issued it, or IAM's list, is in the evidence."""

    access_key_id: str
    principal_arn: str
    spans: list[Span]
    temporary: bool
    explained: bool
    for_service: bool = False
    created: pd.Timestamp | None = None

    def covers(self, time: pd.Timestamp) -> bool:
        return any(start <= time < end for start, end in self.spans)


@dataclass
class Known:
    """Of which times is it known which credentials of a principal there were?"""

    listed: bool  # IAM listed the user's keys (always true for principals that have none)
    sessions_explained: bool  # every session that was seen was issued by a call that was seen, or while nobody looked
    reach_back: pd.Timedelta  # how long a session may last
    sign_ins: list[pd.Timestamp] = field(default_factory=list)
    lists_last_keys: bool = False  # a long-term key that was deleted unseen would be missing from the list

    def at(self, start: pd.Timestamp, end: pd.Timestamp, blind: list[Span]) -> bool:
        """Is the list complete in ``[start, end)``?"""
        if not self.listed or not self.sessions_explained:
            return False
        if any(signed - BEFORE < end and start < signed + CONSOLE for signed in self.sign_ins):
            return False
        if any(begin < end and start - self.reach_back < stop for begin, stop in blind):
            return False
        return not (self.lists_last_keys and any(stop > start and stop != LAST for _, stop in blind))


@dataclass
class Lives:
    """All credentials of the principals in question, and what is known of their completeness."""

    lives: dict[str, list[Life]] = field(default_factory=dict)  # by principal
    known: dict[str, Known] = field(default_factory=dict)
    blind: list[Span] = field(default_factory=list)

    def of(self, principal_arn: str, access_key_id: str) -> Life | None:
        return next((life for life in self.lives.get(principal_arn, []) if life.access_key_id == access_key_id), None)


def lives(
    principals: Iterable[str],
    uses: Sequence[Row],
    acts: Sequence[Row],
    key_lists: Sequence[Row],
    blind: list[Span],
    reached: Mapping[str, Row],
) -> Lives:
    """Which credentials did these principals have, and when could each be in use?

    Parameters
    ----------
    principals : iterable of str
        ARNs, as the events have them.
    uses, acts, key_lists : list of mapping
        The answers to the questions of the same names.
    blind : list of (start, end)
        When management events were not, or not certainly, recorded everywhere.
    reached : mapping
        The rows of ``scoping/credentials`` by key.

    Returns
    -------
    Lives
    """
    found = Lives(blind=blind)
    issued = {row["issued_access_key_id"]: row for row in acts if row["issued_access_key_id"]}
    listed = _listed_keys(key_lists)
    for principal in sorted(set(principals)):
        used = _by_key(row for row in uses if row["principal_arn"] == principal)
        user, account = user_name(principal), account_of_arn(principal)
        keys = set(used) | {key for key, row in reached.items() if row.get("principal_arn") == principal}
        keys |= {key for key, row in issued.items() if _issued_to(row) == principal}
        on_list = listed.get((account, user), {}) if user else {}
        keys |= set(on_list)
        if user:
            keys |= {
                k
                for k, row in issued.items()
                if row["event_name"] == "CreateAccessKey" and _same_user(row, user, account)
            }
            keys |= {
                str(row["named_access_key_id"])
                for row in acts
                if row["named_access_key_id"] and _same_user(row, user, account)
            }
        made = [
            _life(key, principal, used.get(key), issued.get(key), on_list.get(key), acts, reached.get(key))
            for key in sorted(keys)
        ]
        found.lives[principal] = made
        temporary = [life for life in made if life.temporary and not life.for_service]
        unexplained = [
            life for life in temporary
            if not life.explained and not (life.created is not None and _inside(life.created, blind))
        ]  # fmt: skip
        sign_ins = [
            row["event_time"]
            for row in acts
            if row["event_name"] == "ConsoleLogin" and row["user_identity_arn"] == principal
        ]
        console_born = [
            life
            for life in unexplained
            if any(abs(life.created - at) < CONSOLE for at in sign_ins if life.created is not None)
        ]
        session = principal.split(":")[2] == "sts" if principal.startswith("arn:") else False
        found.known[principal] = Known(
            listed=(account, user) in listed if user else session,
            sessions_explained=len(unexplained) == len(console_born),
            reach_back=USER_SESSION if user or ":federated-user/" in principal else ROLE_SESSION,
            sign_ins=sign_ins, lists_last_keys=bool(user),
        )  # fmt: skip
    return found


def _by_key(uses: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in uses:
        found.setdefault(row["access_key_id"], []).append(row)
    return found


def _inside(time: pd.Timestamp, spans: list[Span]) -> bool:
    return any(start <= time < end for start, end in spans)


def _listed_keys(key_lists: Sequence[Row]) -> dict[tuple[str | None, str | None], dict[str, dict[str, Any]]]:
    """IAM's lists by account and user; a list that was cut short is none."""
    found: dict[tuple[str | None, str | None], dict[str, dict[str, Any]]] = {}
    for row in key_lists:
        response, parameters = json.loads(row["response"] or "{}"), json.loads(row["parameters"] or "{}")
        metadata = response.get("AccessKeyMetadata") or []
        user = parameters.get("UserName") or next((one.get("UserName") for one in metadata), None)
        if response.get("IsTruncated") or user is None:
            continue
        keys = found.setdefault((row["account_id"], user), {})
        for one in metadata:
            keys[one["AccessKeyId"]] = one | {"collected_at": row["collected_at"]}
    return found


def _same_user(row: Row, user: str, account: str | None) -> bool:
    """Does a call on keys mean this user, named or (a user's own call) not?"""
    if row["event_name"] not in ("CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"):
        return False
    if account not in (row["recipient_account_id"], account_of_arn(row["user_identity_arn"])):
        return False
    return bool((row["user_name"] or user_name(row["user_identity_arn"])) == user)


def _issued_to(row: Row) -> str | None:
    if row["issued_principal_arn"]:
        return str(row["issued_principal_arn"])
    if row["event_name"] == "GetSessionToken":
        return None if row["user_identity_arn"] is None else str(row["user_identity_arn"])
    role, session = row["role_arn"], row["role_session_name"]
    if role and session:
        partition, account = role.split(":")[1], role.split(":")[4]
        return f"arn:{partition}:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{session}"
    return None


def _life(
    key: str,
    principal: str,
    used: list[Row] | None,
    issued: Row | None,
    listed: dict[str, Any] | None,
    acts: Sequence[Row],
    reached: Row | None,
) -> Life:
    long_term = (
        key.startswith("AKIA") or bool(issued and issued["event_name"] == "CreateAccessKey") or listed is not None
    )
    first = min((row["first_time"] for row in used or ()), default=None)
    last = max((row["last_time"] for row in used or ()), default=None)
    if long_term:
        spans = _long_term_spans(key, issued, listed, acts)
        return Life(key, principal, spans, temporary=False, explained=listed is not None or issued is not None)
    created = min(
        (row["session_creation_date"] for row in used or () if row["session_creation_date"] is not None), default=None
    )
    if issued is not None:
        created = issued["event_time"] if created is None else min(created, issued["event_time"])
    elif created is None and reached and reached.get("issued_at") is not None:
        created = reached["issued_at"]
    reach = ROLE_SESSION if ":assumed-role/" in principal else USER_SESSION
    start = created if created is not None else (first - reach if first is not None else FIRST)
    end = (
        _expiry(issued, start, reach)
        if issued is not None
        else start + reach
        if created is not None
        else (last or LAST - reach) + reach
    )
    if last is not None:
        end = max(end, last)
    for_service = bool(used) and all(row["for_service"] for row in used or ())
    return Life(
        key,
        principal,
        [(start - BEFORE, end + AFTER)],
        temporary=True,
        explained=issued is not None,
        for_service=for_service,
        created=created,
    )


def _expiry(issued: Row, start: pd.Timestamp, reach: pd.Timedelta) -> pd.Timestamp:
    said = issued["issued_expiration"]
    time = pd.to_datetime(str(said), utc=True, errors="coerce") if said else None
    if time is not None and not pd.isna(time):
        return time
    try:
        return start + pd.Timedelta(seconds=min(int(float(issued["duration_seconds"])), int(reach.total_seconds())))
    except (TypeError, ValueError):
        return start + reach


def _long_term_spans(key: str, issued: Row | None, listed: dict[str, Any] | None, acts: Sequence[Row]) -> list[Span]:
    """From creation to deletion, without the stretches in which it was inactive."""
    start = FIRST
    created = (
        pd.to_datetime(str(listed.get("CreateDate")), utc=True, errors="coerce")
        if listed and listed.get("CreateDate")
        else pd.NaT
    )
    if issued is not None:
        start = issued["event_time"]
    elif not pd.isna(created):
        start = created
    spans: list[Span] = []
    since: pd.Timestamp | None = start - BEFORE if start != FIRST else FIRST
    for row in acts:
        if row["named_access_key_id"] != key or row["event_name"] not in ("UpdateAccessKey", "DeleteAccessKey"):
            continue
        ends = row["event_name"] == "DeleteAccessKey" or str(row["named_status"]).lower() == "inactive"
        if ends and since is not None:
            spans.append((since, row["event_time"] + AFTER))
            since = None
        elif not ends and since is None:
            since = row["event_time"] - BEFORE
    if since is not None:
        spans.append((since, LAST))
    return spans
