"""Which session holds an act: the one definition, in SQL the relation ``session_intervals``."""

from __future__ import annotations

import pandas as pd

from ir_kit.case import Case
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.sessions.sessions import sessions

ACT = {"access_key_id": "varchar", "source_ip_address": "varchar", "user_agent": "varchar", "event_time": "timestamp"}


def session_intervals(case: Case) -> None:
    """Make the relation ``session_intervals``, and ``session_hours``, the same by hour, for joins with many requests.

    One row per session: session_id, access_key_id, source_ip_address and user_agent (empty where the session has none),
    vpc_endpoint_id, start_time, end_time, verdict, label. Intervals of one credential, address and user agent do not
    overlap.
    """
    sessions(case)
    case.engine.provide("session_intervals", case.ask("sessions/session_intervals"))
    case.engine.provide("session_hours", case.ask("sessions/session_hours"))


def session_of(case: Case, frame: pd.DataFrame, time: str = "event_time") -> pd.DataFrame:
    """Which session holds each of these acts, and whose is it?

    Parameters
    ----------
    frame : DataFrame
        Any rows with ``access_key_id``, ``source_ip_address``, ``user_agent`` and the column `time`.
    time : str
        When each act was.

    Returns
    -------
    DataFrame
        The frame's rows and index, with session_id, verdict and label; null where no session holds the act.
    """
    case.once("session_intervals", lambda: session_intervals(case))
    acts = frame_of(rows_of(frame[[*list(ACT)[:3], time]].rename(columns={time: "event_time"})), ACT)
    case.engine.provide("acts_to_place", acts.assign(number=range(len(acts))))
    held = case.ask("sessions/session_of").set_index(frame.index)
    return frame.assign(**{name: held[name].astype("object") for name in ("session_id", "verdict", "label")})
