"""Playbook 02: what did they do, and which of it is not the owner's?"""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq

from ir_kit import sessions as line
from ir_kit.case import Case
from ir_kit.credentials.lineage import reached_credentials
from ir_kit.tables import types_of

HEAD = 1_000


def sessions(case: Case) -> pd.DataFrame:
    """The sessions of `ir_kit.sessions.sessions`, also written to ``key_activity/sessions``.

    Notes
    -----
    Requests that access logs alone hold join the sessions where their credential is settled (grades A to C of object
    access), or are sessions of their own; what is not settled (D) is in `object_access` alone. A session may have begun
    before the window.
    """
    return _written(case, "sessions", line.sessions(case))


def operators(case: Case) -> pd.DataFrame:
    """The operators of `ir_kit.sessions.operators`, also written to ``key_activity/operators``."""
    return _written(case, "operators", line.operators(case))


def baseline(case: Case) -> pd.DataFrame:
    """The owner's baselines of `ir_kit.sessions.baselines`, also written to ``key_activity/baseline``.

    Notes
    -----
    Cannot see an intruder who was there from the first day of the baseline.
    """
    return _written(case, "baseline", line.baselines(case))


def first_seen(case: Case) -> pd.DataFrame:
    """Which addresses, user agents, calls, Regions and buckets are new in the window, against the principal's baseline?

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
    return _answer(case, "first_seen")


def probing(case: Case) -> pd.DataFrame:
    """Which calls of compromised credentials were denied in the window, and which bucket names did they try in vain?

    Returns
    -------
    DataFrame
        One row per credential, call, bucket, error and address, in the order of time; empty if none. Also written to
        ``key_activity/probing``.

    Notes
    -----
    Reads of objects in buckets that do not exist reach no log of this account.
    """
    return _answer(case, "probing")


def actions(case: Case) -> pd.DataFrame:
    """What did compromised credentials do in the window, hour by hour?

    Returns
    -------
    DataFrame
        One row per hour, credential, service and call, in the order of time; empty if none. Also written to
        ``key_activity/actions``.

    Notes
    -----
    Cannot see data events where they were off.
    """
    return _answer(case, "actions")


def events(case: Case) -> pd.DataFrame:
    """Which calls did compromised credentials make in the window?

    Returns
    -------
    DataFrame
        One row per event, in the order of time: the first thousand of them. The whole answer is streamed to
        ``key_activity/events``, its number of rows is in ``frame.attrs["rows"]``.

    Notes
    -----
    Cannot see requests that only access logs hold, and data events where they were off.
    """
    line.session_intervals(case)
    count = case.keep("key_activity/events", "key_activity/events")
    file = pq.ParquetFile(case.staging / "tables" / "key_activity" / "events.parquet")
    head = next(file.iter_batches(batch_size=HEAD), None)
    frame: pd.DataFrame = file.read().to_pandas() if head is None else head.to_pandas()
    frame.attrs["rows"] = count
    return frame


def _answer(case: Case, name: str) -> pd.DataFrame:
    reached_credentials(case)
    return _written(case, name, case.ask(f"key_activity/{name}"))


def _written(case: Case, name: str, frame: pd.DataFrame) -> pd.DataFrame:
    case.write_table(f"key_activity/{name}", frame)
    return frame[list(types_of(f"key_activity/{name}"))]
