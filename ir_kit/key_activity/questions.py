"""Playbook 02: what did they do, and which of it is not the owner's?"""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.credentials.lineage import reached_credentials
from ir_kit.key_activity import summary
from ir_kit.sessions import sessions as runs
from ir_kit.tables import types_of

HEAD = 1_000


def sessions(case: Case) -> pd.DataFrame:
    """When were reached credentials in use in the window, and whose use does each run look like?

    Returns
    -------
    DataFrame
        One row per run of use of one credential from one address with one user agent, a pause of 30 minutes ending
        it; in the order of time. Also written to ``key_activity/sessions``.

    Notes
    -----
    `ir_kit.sessions` says how novelty and verdict come about. Requests that access logs alone hold join the runs
    where their credential is settled (grades A to C of object access), or are runs of their own; what is not settled (D)
    is in `object_access` alone. A session may have begun before the window.
    """
    frame = runs.sessions(case)
    case.write_table("key_activity/sessions", frame)
    return frame[_names("key_activity/sessions")]


def operators(case: Case) -> pd.DataFrame:
    """Which hands seem to use the reached credentials, and which of them are not the owner's?

    Returns
    -------
    DataFrame
        One row per operator, the most unusual first; empty if none. Also written to ``key_activity/operators``.

    Notes
    -----
    Cannot see two people who work from one address with one agent. See `ir_kit.sessions.operators`.
    """
    frame = summary.operators(runs.sessions(case))
    case.write_table("key_activity/operators", frame)
    return frame


def baseline(case: Case) -> pd.DataFrame:
    """What was each principal's use compared with, how much of it is there, and may it hold the intruder itself?

    Returns
    -------
    DataFrame
        One row per principal with its lineage; ``warning`` says what may mislead. Also written to
        ``key_activity/baseline``.

    Notes
    -----
    Cannot see an intruder who was there from the first day of the baseline.
    """
    frame = runs.baselines(case)
    case.write_table("key_activity/baseline", frame)
    return frame


def first_seen(case: Case) -> pd.DataFrame:
    """Which addresses, agents, calls, Regions and buckets are new in the window, against the principal's baseline?

    Returns
    -------
    DataFrame
        One row per credential, kind and value, in the order of first use; empty if none, and where the evidence holds
        nothing of a baseline. Also written to ``key_activity/first_seen``.

    Notes
    -----
    The principal of a temporary credential is the role behind it, or its user. Cannot see requests that only access
    logs hold.
    """
    return _of_reached(case, "key_activity/first_seen")


def probing(case: Case) -> pd.DataFrame:
    """Which calls of reached credentials were refused in the window, and which bucket names did they try in vain?

    Returns
    -------
    DataFrame
        One row per credential, call, bucket, error and address, in the order of time; empty if none. Also written to
        ``key_activity/probing``.

    Notes
    -----
    Reads of objects in buckets that do not exist reach no log of this account.
    """
    return _of_reached(case, "key_activity/probing")


def actions(case: Case) -> pd.DataFrame:
    """What did reached credentials do in the window, hour by hour?

    Returns
    -------
    DataFrame
        One row per hour, credential, service and call, in the order of time; empty if none. Also written to
        ``key_activity/actions``.

    Notes
    -----
    Cannot see data events where they were off.
    """
    return _of_reached(case, "key_activity/actions")


def events(case: Case) -> pd.DataFrame:
    """Which calls did reached credentials make in the window?

    Returns
    -------
    DataFrame
        One row per event, in the order of time: the first thousand of them. The whole answer is streamed to
        ``key_activity/events``, its number of rows is in ``frame.attrs["rows"]``.

    Notes
    -----
    Cannot see requests that only access logs hold, and data events where they were off.
    """
    runs.sessions(case)
    count = case.keep("key_activity/events", "key_activity/events")
    frame = (
        pd.read_parquet(case.staging / "tables" / "key_activity" / "events.parquet") if count <= HEAD else _head(case)
    )
    frame.attrs["rows"] = count
    return frame


def _head(case: Case) -> pd.DataFrame:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(case.staging / "tables" / "key_activity" / "events.parquet")
    first: pd.DataFrame = next(file.iter_batches(batch_size=HEAD)).to_pandas()
    return first


def _of_reached(case: Case, name: str) -> pd.DataFrame:
    reached_credentials(case)
    frame = case.ask(name)
    case.write_table(name, frame)
    return frame[_names(name)]


def _names(table: str) -> list[str]:
    return list(types_of(table))
