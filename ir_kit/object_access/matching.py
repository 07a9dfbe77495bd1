"""What the questions of object access share: logs matched, requests graded and written, the loss measured.

Made once for a case by `prepare`. The requests themselves never pass through Python: they are matched, graded and
counted in SQL and streamed to their table, which SQL then reads where it lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from ir_kit.attribution import callers as attribution
from ir_kit.attribution import completeness
from ir_kit.attribution.grading import grade
from ir_kit.case import Case
from ir_kit.configuration.inventory import provide_inventory
from ir_kit.coverage.visibility import is_logged
from ir_kit.credentials.lineage import reached_credentials
from ir_kit.domain.frames import rows_of
from ir_kit.object_access.bounds import Watched, watched
from ir_kit.sessions import familiarity, session_intervals
from ir_kit.sessions.sessions import sessions as sessions_of
from ir_kit.tables import columns_of


@dataclass
class Access:
    """What was worked out for a case before its requests are asked about; see `prepare`."""

    visibility: pd.DataFrame | None
    sessions: pd.DataFrame
    callers: attribution.Callers
    calibration: pd.DataFrame
    hours: pd.DataFrame
    holes: pd.DataFrame
    losses: dict[str | None, dict[str, Any]]
    scope: list[str]
    settings: list[dict[str, Any]]
    rows: int = 0


_PREPARED: WeakKeyDictionary[Case, Access] = WeakKeyDictionary()


def prepare(
    case: Case,
    *,
    reached: pd.DataFrame | None = None,
    sessions: pd.DataFrame | None = None,
    visibility: pd.DataFrame | None = None,
) -> Access:
    """Match both logs, grade every request, and write ``object_access/requests`` and ``object_access/objects``; once
    for a case.

    Parameters
    ----------
    case : Case
    reached, sessions, visibility : DataFrame, optional
        The tables ``scoping/credentials``, ``key_activity/sessions`` and ``logging_gaps/visibility``; asked for where
        they are not given.

    Returns
    -------
    Access
        What the questions of this playbook share.
    """
    if case in _PREPARED:
        return _PREPARED[case]
    reached = reached_credentials(case) if reached is None else reached
    graded = grade(case, reached, visibility)
    visibility, callers, tried = graded.visibility, graded.callers, graded.calibration
    sessions = sessions_of(case) if sessions is None else sessions
    between = attribution.match_window(case)
    settings = rows_of(case.ask("configuration/bucket_settings"))
    provide_inventory(case)
    session_intervals(case)
    acted = case.ask("attribution/reached_principals").dropna()
    values, has_baseline = familiarity.owners_values(case, reached, acted, between)
    case.engine.provide("known_values", values)
    access = Access(
        visibility, sessions, callers, tried, pd.DataFrame(), pd.DataFrame(), {}, _scope(case, visibility), settings,
    )  # fmt: skip
    _measure(case, access)
    # without a list of the account's buckets, one that is not known need not be another's
    listed = any(row["operation"] == "ListBuckets" and row["answer"] == "answered" for row in settings)
    access.rows = case.keep(
        "object_access/requests", "object_access/requests", has_baseline=has_baseline, buckets_listed=listed
    )
    readable(case, "object_access_requests", "object_access/requests")
    case.keep("object_access/objects", "object_access/objects")
    readable(case, "object_access_objects", "object_access/objects")
    case.write_table("object_access/calibration", tried)
    _PREPARED[case] = access
    return access


def _scope(case: Case, visibility: pd.DataFrame) -> list[str]:
    """The buckets in scope: those of the incident file, else those that configuration lists or a logged request
    reached.
    """
    return sorted(set(case.incident.buckets) or set(visibility["bucket"].dropna()))


def _measure(case: Case, access: Access) -> None:
    access.hours = completeness.completeness(case)
    access.holes = completeness.access_log_holes(case)
    access.losses = completeness.loss_rates(case)


def watched_hours(
    case: Case, access: Access, buckets: list[str], record_class: str = "data_read", *, objects_only: bool = False
) -> dict[str, Watched]:
    window = case.incident.window
    ends = (pd.Timestamp(window.start), pd.Timestamp(window.end))
    return watched(access.visibility, buckets, ends, record_class, objects_only=objects_only)


def readable(case: Case, name: str, table: str) -> None:
    """Make a table that was written readable in SQL, where it lies: it may be larger than memory."""
    path = str(_file(case, table)).replace("'", "''")
    columns = ", ".join(
        f'timezone(\'UTC\', "{column.name}") as "{column.name}"'
        if column.sql_type == "timestamp"
        else f'"{column.name}"'
        for column in columns_of(table)
    )
    case.engine.connection.execute(f"create or replace view {name} as select {columns} from read_parquet('{path}')")


def _file(case: Case, table: str) -> Path:
    return case.staging / "tables" / f"{table}.parquet"


def coverage(case: Case, record_class: str, *, objects_only: bool = False) -> dict[str, Watched]:
    """Which hours of the window were covered, by data events of this class or the access log, for each bucket in
    scope? Of objects alone, listings that data events may leave out leave no doubt.
    """
    access = prepare(case)
    return watched_hours(case, access, access.scope, record_class, objects_only=objects_only)


def management_scope(case: Case) -> tuple[bool, str]:
    """Were management events logged throughout the window, in every Region seen? If not, with a sentence."""
    visibility = prepare(case).visibility
    window = case.incident.window
    if visibility is None:
        return False, "Whether management events were logged is not known."
    state, told = is_logged(visibility, record_class="management", start=window.start, end=window.end)
    return state == "logged", "" if state == "logged" else f"Management events were not logged throughout: {told}."
