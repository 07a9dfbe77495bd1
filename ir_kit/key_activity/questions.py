"""Playbook 02: what did they do, and which of it is not the owner's? Each answer is written to ``key_activity/`` by its name."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq

from ir_kit.case import Case
from ir_kit.credentials.lineage import compromised_credentials
from ir_kit.sessions import session_table
from ir_kit.tables import types_of

HEAD = 1_000


def sessions(case: Case) -> pd.DataFrame:
    """The sessions of `session_table.sessions`; one may have begun before the window.

    Requests that access logs alone show join the sessions where their credential is settled (grades A to C of object
    access), or are sessions of their own; what is not settled (D) is in `object_access` alone.
    """
    return _answer(case, "sessions", session_table.sessions(case))


def operators(case: Case) -> pd.DataFrame:
    """The operators of `session_table.operators`."""
    return _answer(case, "operators", session_table.operators(case))


def baseline(case: Case) -> pd.DataFrame:
    """The baselines of `session_table.baselines`. Cannot see an intruder who was there from the baseline's first day."""
    return _answer(case, "baseline", session_table.baselines(case))


def first_seen(case: Case) -> pd.DataFrame:
    """Which addresses, user agents, calls, Regions and buckets are new in the window, against the principal's baseline?

    One row per credential, kind and value, in the order of first use; empty where the evidence holds nothing of a
    baseline. The principal of a temporary credential is the role behind it, or its user. Cannot see requests that only
    access logs hold.
    """
    return _answer(case, "first_seen")


def probing(case: Case) -> pd.DataFrame:
    """Which calls of compromised credentials were denied in the window, and which bucket names that do not exist did they try?

    One row per credential, call, bucket, error and address, in the order of time. Reads of objects in buckets that do
    not exist reach no log of this account.
    """
    return _answer(case, "probing")


def actions(case: Case) -> pd.DataFrame:
    """What did compromised credentials do in the window? One row per hour, credential, service and call."""
    return _answer(case, "actions")


def events(case: Case) -> pd.DataFrame:
    """Which calls did compromised credentials make in the window? One row per event, in the order of time.

    The first thousand; all are streamed to the table, and their number is in ``frame.attrs["rows"]``. Cannot see
    requests that only access logs hold, and data events where they were off.
    """
    session_table.session_hours(case)
    count = case.keep("key_activity/events", "key_activity/events")
    file = pq.ParquetFile(case.staging / "tables" / "key_activity" / "events.parquet")
    frame: pd.DataFrame = next(file.iter_batches(batch_size=HEAD), file.schema_arrow.empty_table()).to_pandas()
    frame.attrs["rows"] = count
    return frame


def _answer(case: Case, name: str, frame: pd.DataFrame | None = None) -> pd.DataFrame:
    """A table of this playbook, written: this frame, or the answer to the SQL of its name."""
    compromised_credentials(case)
    answer = case.ask(f"key_activity/{name}") if frame is None else frame
    case.write_table(f"key_activity/{name}", answer)
    return answer[list(types_of(f"key_activity/{name}"))]
