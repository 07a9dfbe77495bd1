"""What would have been recorded, lost files taken off: the one answer from which every zero takes its meaning."""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.reasoning.replay import integrity
from ir_kit.reasoning.replay.visibility import visibility


def visible(case: Case) -> pd.DataFrame:
    """Would a request have been recorded, and would its record be in the evidence?

    Returns
    -------
    DataFrame
        The rows of ``logging_gaps/visibility``; no table is written.
    """
    return case.answer("visible", lambda: visibility(case, integrity.lost_spans(case)))
