"""Playbook 00: what do we hold, from when to when, and is it whole?"""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case


def coverage(case: Case) -> pd.DataFrame:
    """What do we hold, of which kind, class, bucket and Region, day by day, and how much was a copy or unreadable?

    Returns
    -------
    DataFrame
        One row per source kind, record class, bucket, Region and day, of all evidence held and not of the window
        alone; what was rejected has a row per kind without class and day. Also written to ``evidence/coverage``.

    Notes
    -----
    A day without a row may be a quiet day or a missing one: no files is not no events.
    """
    return _kept(case, "evidence/coverage")


def rejects(case: Case) -> pd.DataFrame:
    """What could not be read, where does it lie, and why?

    Returns
    -------
    DataFrame
        One row per thing that could not be read; empty if none. Also written to ``evidence/rejects``.
    """
    return _kept(case, "evidence/rejects")


def sources(case: Case) -> pd.DataFrame:
    """Which files is the evidence, with which hashes, and how much did each give?

    Returns
    -------
    DataFrame
        One row per source file that was read. Also written to ``evidence/sources``.
    """
    return _kept(case, "evidence/sources")


def _kept(case: Case, name: str) -> pd.DataFrame:
    frame = case.ask(name)
    case.write_table(name, frame)
    return frame
