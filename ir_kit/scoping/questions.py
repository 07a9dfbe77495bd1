"""Playbook 01: whose keys are these, what did they become, how far did it spread?"""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.last_use import last_used_logged_status
from ir_kit.credentials.lineage import key_settings, reached_credentials
from ir_kit.credentials.reached import Row
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import account_of_arn, account_of_key
from ir_kit.tables import types_of


def key_facts(case: Case) -> pd.DataFrame:
    """Whose are the incident keys, since when and in which state, and when were they used last?

    Returns
    -------
    DataFrame
        One row per incident key, in the incident file's order. Also written to ``scoping/key_facts``.

    Notes
    -----
    State and last use are those at collection. IAM notes only the first use within 15 minutes, and a later use by the
    owner hides one by somebody else. An account that is decoded from the key id (``decoded_account_id``) is not AWS's
    own answer.
    """
    use: dict[str, list[Row]] = {}
    for row in rows_of(case.ask("scoping/key_use")):
        use.setdefault(row["access_key_id"], []).append(row)
    made = {row["access_key_id"]: row for row in rows_of(case.ask("scoping/key_made"))}
    rows = [
        _fact(case, settings, use.get(settings["access_key_id"], []), made.get(settings["access_key_id"], {}))
        for settings in key_settings(case)
    ]
    frame = frame_of(rows, types_of("scoping/key_facts"))
    case.write_table("scoping/key_facts", frame)
    return frame


def _fact(case: Case, settings: Row, uses: list[Row], made: Row) -> Row:
    key = settings["access_key_id"]
    used = uses[0] if uses else {}
    arn = used.get("user_identity_arn") or settings.get("principal_arn")
    decoded = account_of_key(key)
    return {
        "access_key_id": key,
        "user_name": settings.get("user_name") or used.get("user_identity_user_name") or made.get("user_name"),
        "account_id": settings.get("account_id")
        or used.get("user_identity_account_id")
        or made.get("account_id")
        or account_of_arn(arn)
        or decoded,
        "key_status": settings.get("key_status") or "unknown",
        "create_date": settings.get("create_date") or made.get("create_date"),
        "last_used_date": settings.get("last_used_date"),
        "last_used_service": settings.get("last_used_service"),
        "last_used_region": settings.get("last_used_region"),
        "last_used_logged_status": last_used_logged_status(case, settings),
        "principal_arn": arn,
        "first_event_time": min((row["first_event_time"] for row in uses), default=None),
        "last_event_time": max((row["last_event_time"] for row in uses), default=None),
        "event_count": sum(row["event_count"] for row in uses),
        "baseline_event_count": sum(row["baseline_event_count"] for row in uses),
        "decoded_account_id": decoded,
    }


def credentials(case: Case) -> pd.DataFrame:
    """Which credentials were reached from the incident keys, these included, and by which link?

    Returns
    -------
    DataFrame
        One row per credential, in the order in which they were reached. Also written to ``scoping/credentials``.

    Notes
    -----
    Cannot see credentials that were issued and used while nothing logged. An inferred link says in ``link_basis`` on
    what it rests.
    """
    frame = reached_credentials(case)
    case.write_table("scoping/credentials", frame)
    return frame[list(types_of("scoping/credentials"))]


def footholds(case: Case) -> pd.DataFrame:
    """Which acts by reached credentials in the window gave, or were to give, new or lasting access to identities?

    Returns
    -------
    DataFrame
        One row per act, failed tries included with their outcome, in the order of time; empty if none. Also written to
        ``scoping/footholds``.

    Notes
    -----
    Temporary credentials that were issued are in `credentials`; acts on buckets are in ``bucket_exposure/changes``.
    """
    return _of_reached(case, "scoping/footholds")


def reach(case: Case) -> pd.DataFrame:
    """Which accounts, Regions, services and buckets did reached credentials touch in the window?

    Returns
    -------
    DataFrame
        One row per kind and name; empty if none. Also written to ``scoping/reach``.

    Notes
    -----
    A refused call counts as touching. Cannot see data events where they were off.
    """
    return _of_reached(case, "scoping/reach")


def _of_reached(case: Case, name: str) -> pd.DataFrame:
    reached_credentials(case)
    frame = case.ask(name)
    case.write_table(name, frame)
    return frame[list(types_of(name))]
