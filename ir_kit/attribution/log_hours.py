"""For how many hours which log covered each bucket in scope, and what that makes of a zero."""

from __future__ import annotations

import pandas as pd

from ir_kit.attribution.completeness import log_coverage, loss_rates, sentence
from ir_kit.case import Case
from ir_kit.domain.frames import rows_of
from ir_kit.findings import Scope


def log_hours(case: Case, record_class: str = "data_read", *, objects_only: bool = False) -> pd.DataFrame:
    """For how many hours of the window did data events of this class, or the access log, cover each bucket in scope?

    Returns
    -------
    DataFrame
        One row per bucket: blind_hours (between blind_start and blind_end), alone_hours, uncertain_hours, partly_hours.
        Of objects alone (`objects_only`), listings that data events may leave out leave no doubt.
    """
    case.engine.provide("log_spans", log_coverage(case, record_class, objects_only=objects_only))
    return case.ask("attribution/log_hours")


def logged_scopes(case: Case, record_class: str = "data_read", *, objects_only: bool = False) -> dict[str, Scope]:
    """How much of the window was logged, by either log, for each bucket in scope and this class of request?"""
    rates = loss_rates(case)
    scopes = {}
    for row in rows_of(log_hours(case, record_class, objects_only=objects_only)):
        bucket, blind, doubt, alone = (
            row[name] for name in ("bucket", "blind_hours", "uncertain_hours", "alone_hours")
        )
        parts = []
        if blind:
            parts.append(
                f"For {blind:,.1f} hours of the window neither data events nor an access log covered {bucket} (between "
                f"{row['blind_start']:%Y-%m-%d %H:%M} and {row['blind_end']:%Y-%m-%d %H:%M} UTC): what was done then is"
                " in no number."
            )
        if doubt:
            parts.append(
                f"For {doubt:,.1f} hours it is uncertain whether a log covered {bucket}; logging_gaps says why."
            )
        if alone:
            parts.append(
                f"For {alone:,.1f} hours only the access log covered {bucket}, which is delivered on a best-effort "
                f"basis. {sentence(rates.get(bucket) or rates.get(None), bucket if bucket in rates else None)}"
            )
        scopes[bucket] = Scope(not blind and not doubt, " ".join(parts), access_logs_only=bool(alone))
    return scopes
