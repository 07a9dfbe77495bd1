"""Playbook 01: whose keys are these, which credentials derive from them, how far did it spread?"""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.coverage.visibility import last_used_logged_status
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.domain.documents import frame_of, rows_of
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
    keys = list(case.incident.access_keys)
    uses = {row["access_key_id"]: row for row in rows_of(case.ask("credentials/credential_use", keys=keys))}
    rows = []
    for settings in rows_of(case.ask("credentials/key_settings")):
        key = settings["access_key_id"]
        use = uses.get(key, {})
        arn = use.get("user_identity_arn") or settings["principal_arn"]
        decoded = account_of_key(key)
        rows.append(
            settings
            | {
                "user_name": settings["user_name"] or use.get("user_identity_user_name") or use.get("created_for"),
                "account_id": settings["account_id"]
                or use.get("user_identity_account_id")
                or use.get("created_in")
                or account_of_arn(arn)
                or decoded,
                "key_status": settings["key_status"] or "unknown",
                "create_date": settings["create_date"] or use.get("create_date"),
                "last_used_logged_status": last_used_logged_status(case, settings),
                "principal_arn": arn,
                **{name: use.get(name) for name in ("first_event_time", "last_event_time")},
                **{name: use.get(name) or 0 for name in ("event_count", "baseline_event_count")},
                "decoded_account_id": decoded,
            }
        )
    return written(case, "scoping/key_facts", frame_of(rows, types_of("scoping/key_facts")))


def credentials(case: Case) -> pd.DataFrame:
    """Which credentials derive from the incident keys, these included, and by which link?

    Returns
    -------
    DataFrame
        As `compromised_credentials`, with the columns of ``scoping/credentials``, which is also written.
    """
    return written(case, "scoping/credentials", compromised_credentials(case))


def footholds(case: Case) -> pd.DataFrame:
    """Which calls of compromised credentials in the window gave, or were to give, new or lasting access to identities?

    Returns
    -------
    DataFrame
        One row per call, failed attempts included with their outcome, in the order of time; empty if none. Also written
        to ``scoping/footholds``.

    Notes
    -----
    Temporary credentials that were issued are in `credentials`; calls on buckets in ``bucket_exposure/changes``.
    """
    compromised_credentials(case)
    return written(case, "scoping/footholds", case.ask("scoping/footholds"))


def reach(case: Case) -> pd.DataFrame:
    """Which accounts, Regions, services and buckets did compromised credentials touch in the window?

    Returns
    -------
    DataFrame
        One row per kind and name; a denied attempt counts as touching; empty if none. Also written to
        ``scoping/reach``.

    Notes
    -----
    Cannot see data events where they were off.
    """
    compromised_credentials(case)
    return written(case, "scoping/reach", case.ask("scoping/reach"))


def written(case: Case, table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of a result table, in order, which is also written."""
    case.write_table(table, frame)
    return frame[list(types_of(table))]
