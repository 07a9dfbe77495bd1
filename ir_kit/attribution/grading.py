"""Both logs matched, and every request graded, before anybody asks whose it looks like.

Grades rest on validity, addresses and agents, never on a verdict. So sessions may be made from graded requests, and
judged afterwards, and the requests then take the verdict of their session, without a circle.
"""

from __future__ import annotations

import pandas as pd

from ir_kit.attribution.operation_names import operation_names
from ir_kit.attribution.requesters import requesters
from ir_kit.case import Case


def grade(case: Case) -> None:
    """Match both logs and grade every request that a compromised credential made, or may have made; once for a case.

    SQL reads the requests as ``graded_requests``: A named by CloudTrail or joined to it, B named in a pre-signed URI,
    C the one credential that could be in use or that was seen with that address and agent, D a list of candidates.
    """

    def relations() -> bool:
        case.engine.provide("operation_names", operation_names())
        requesters(case)
        case.engine.provide("collisions", case.ask("attribution/collisions"))
        case.derive("calibration", "attribution/calibration")
        case.derive("graded_requests", "attribution/graded")
        return True

    case.once("graded_requests", relations)


def calibration(case: Case) -> pd.DataFrame:
    """How often is inferred attribution right, on requests that both logs hold?

    Returns
    -------
    DataFrame
        Two rows, for grade C and grade D: attribution, requests, right (D: the key is among the candidates), share
        (null where there are none), used (C is not, where it was right less than 98 times in 100 of at least 200).
    """
    grade(case)
    return case.ask("attribution/calibration")
