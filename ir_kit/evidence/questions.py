"""Playbook 00: what do we hold, from when to when, and is it whole?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ir_kit.case import Case


def coverage(case: Case) -> pd.DataFrame:
    """What do we hold, of which kind, class, bucket and Region, day by day, and how much was a copy or unreadable?

    Returns
    -------
    DataFrame
        One row per source kind, record class, bucket, Region and day, of all evidence, not only the window
        alone; what was rejected has a row per kind without class and day. Also written to ``evidence/coverage``.

    Notes
    -----
    A day without a row may be a quiet day or a missing one: no files is not no events.
    """
    return _written(case, "evidence/coverage")


def rejects(case: Case) -> pd.DataFrame:
    """What could not be read, where does it lie, and why?

    Returns
    -------
    DataFrame
        One row per thing that could not be read; empty if none. Also written to ``evidence/rejects``.
    """
    return _written(case, "evidence/rejects")


def sources(case: Case) -> pd.DataFrame:
    """Which files is the evidence, with which hashes, and how much did each give?

    Returns
    -------
    DataFrame
        One row per source file that was read. Also written to ``evidence/sources``.
    """
    return _written(case, "evidence/sources")


def records_named(case: Case, *, event_ids: Sequence[str] = (), request_ids: Sequence[str] = ()) -> pd.DataFrame:
    """In which files, and at which place there, are these events and requests recorded?

    Returns
    -------
    DataFrame
        One row per record or line that carries one of the ids; empty if none.

    Notes
    -----
    Cannot see what no log recorded, and records that were dropped as copies.
    """
    given = {"event_ids": list(event_ids) or [""], "request_ids": list(request_ids) or [""]}
    return case.ask("evidence/records_named", **given)


def records_of_run(case: Case, run: Mapping[str, Any], *, most: int = 200) -> pd.DataFrame:
    """In which files, and at which place there, are the events of one run of use recorded?

    Parameters
    ----------
    run : mapping
        A row as in ``key_activity/sessions``.
    most : int
        How many records at most.

    Returns
    -------
    DataFrame
        One row per record or line, the earliest first.

    Notes
    -----
    Access logs name no key: their lines are those of the same address and agent at that time.
    """
    return case.ask(
        "evidence/records_of_run",
        access_key_id=run["access_key_id"],
        first_time=run["start_time"].to_pydatetime(),
        last_time=run["end_time"].to_pydatetime(),
        most=most,
        **{name: "" if pd.isna(run[name]) else str(run[name]) for name in ("source_ip_address", "user_agent")},
    )


def _written(case: Case, name: str) -> pd.DataFrame:
    frame = case.ask(name)
    return case.write_table(name, frame)
