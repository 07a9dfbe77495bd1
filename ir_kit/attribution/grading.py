"""Both logs matched, and every request graded, before anybody asks whose it looks like.

Grades rest on lifetimes, addresses and agents, never on a verdict. So runs of use may be made from graded requests,
and judged afterwards, and the requests then take the verdict of their run, without a circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import pandas as pd

from ir_kit.attribution import callers as attribution
from ir_kit.case import Case
from ir_kit.coverage.visibility import visible
from ir_kit.credentials.lineage import reached_credentials


@dataclass
class Graded:
    """What the grades rest on; the requests themselves are the relation ``graded_requests``."""

    visibility: pd.DataFrame
    callers: attribution.Callers
    calibration: pd.DataFrame


_GRADED: WeakKeyDictionary[Case, Graded] = WeakKeyDictionary()


def grade(case: Case, reached: pd.DataFrame | None = None, visibility: pd.DataFrame | None = None) -> Graded:
    """Match both logs and grade every request that a reached credential made, or may have made; once for a case.

    Parameters
    ----------
    reached, visibility : DataFrame, optional
        The tables ``scoping/credentials`` and ``logging_gaps/visibility``; asked for where they are not given.

    Returns
    -------
    Graded
        SQL reads the requests as ``graded_requests``, and what they were matched by as ``collisions``.
    """
    if case in _GRADED:
        return _GRADED[case]
    reached = reached_credentials(case) if reached is None else reached
    visibility = visible(case) if visibility is None else visibility
    between = attribution.match_window(case)
    callers = attribution.prepare(case, reached, visibility)
    tried = attribution.calibration(case, callers)
    case.engine.provide("collisions", case.ask("attribution/collisions", **between))
    use_c = bool(tried.loc[tried["attribution"] == "C", "used"].iloc[0])
    case.derive("graded_requests", "attribution/graded", use_c=use_c, **between)
    _GRADED[case] = Graded(visibility, callers, tried)
    return _GRADED[case]
