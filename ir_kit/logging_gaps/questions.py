"""Playbook 05: what could have happened unseen, and what to switch on at what price?"""

from __future__ import annotations

import pandas as pd

from ir_kit.attribution import completeness as compared
from ir_kit.attribution.completeness import completeness
from ir_kit.case import Case
from ir_kit.coverage.integrity import digest_chain
from ir_kit.coverage.integrity import log_integrity as integrity
from ir_kit.coverage.visibility import visible
from ir_kit.logging_gaps.logging_history import contradictions, tampering, trails
from ir_kit.logging_gaps.recommendations import recommendations

__all__ = [
    "access_log_losses", "blind_time", "completeness", "contradictions", "digest_chain", "integrity", "recommendations",
    "tampering", "trails", "visibility", "worst_first",
]  # fmt: skip
WORST = ("missing", "modified", "altered", "unlisted", "unproven", "restart", "unverified", "not_held")


def visibility(case: Case) -> pd.DataFrame:
    """Would a request on each bucket have been recorded, at each moment of the window, and its record be in the evidence?

    Returns
    -------
    DataFrame
        One row per bucket (or Region, with a null bucket), class and interval; intervals tile the window. What lost
        files held is ``lost``. Also written to ``logging_gaps/visibility``.

    Notes
    -----
    Cannot see: changes made while nothing recorded management events; requests that neither log ever records.
    """
    frame = visible(case)
    return case.write_table("logging_gaps/visibility", frame)


def blind_time(case: Case) -> pd.DataFrame:
    """For how many hours of the window was each bucket blind, in each class?

    Returns
    -------
    DataFrame
        One row per bucket (or Region, with a null bucket) and class: the hours in each state; ``blind_hours`` are those
        ``not_logged``, ``lost`` or ``unknown``. Also written to ``logging_gaps/blind_time``.
    """
    case.engine.provide("visibility", visible(case))
    frame = case.ask("logging_gaps/blind_time")
    return case.write_table("logging_gaps/blind_time", frame)


def access_log_losses(case: Case) -> pd.DataFrame:
    """What does the access log of each bucket in scope lack, where CloudTrail can tell? One row per bucket."""
    frame = compared.access_log_losses(case)
    return frame[frame["in_scope"]].drop(columns="in_scope").reset_index(drop=True)


def worst_first(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of `integrity` or `digest_chain` with what is wrong before what is right, else in their order."""
    ranks = {state: rank for rank, state in enumerate(WORST)}
    return frame.sort_values("state", kind="stable", key=lambda states: states.map(ranks), ignore_index=True)
