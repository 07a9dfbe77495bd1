"""Playbook 04: who else could reach the buckets, did anybody, and what could the reached credentials reach?

From configuration: `grants` (every way in), `buckets` (the verdicts), `reachable`, `settings`. From logs: `changes`,
`spans` (when a bucket was public), `observed_access`. For people: `matrix`, `explained`, `closing_steps`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from ir_kit.attribution import outsiders as came
from ir_kit.bucket_exposure import closing as closed
from ir_kit.bucket_exposure import telling
from ir_kit.case import Case
from ir_kit.configuration.change_events import of_bucket
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.exposure import asking
from ir_kit.exposure import changes as changed
from ir_kit.exposure import spans as spanned
from ir_kit.exposure.spans import past_exposure
from ir_kit.tables import types_of

__all__ = [
    "buckets", "changes", "closing_steps", "explained", "grants", "matrix", "observed_access", "reachable", "settings",
    "spans", "worst",
]  # fmt: skip
_KEPT: WeakKeyDictionary[Case, dict[str, pd.DataFrame]] = WeakKeyDictionary()


def _once(case: Case, table: str, compute: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """A table, worked out and written once for a case."""
    kept = _KEPT.setdefault(case, {})
    if table not in kept:
        kept[table] = compute()
        case.write_table(table, kept[table])
    return kept[table]


def grants(case: Case) -> pd.DataFrame:
    """By which ways could somebody get at each bucket, which take effect, and what stops the others?

    Returns
    -------
    DataFrame
        One row per bucket, way, grantee and access; one without a grantee where a way is not configured or not known.
        Also written to ``bucket_exposure/grants``.

    Notes
    -----
    As configuration was collected, not as it was before; see `changes` and `spans`.
    """
    return _once(case, "bucket_exposure/grants", lambda: asking.ways_in(case))


def buckets(case: Case) -> pd.DataFrame:
    """Is each bucket public, open to another account, and within a reached credential's power?

    Returns
    -------
    DataFrame
        One row per bucket in scope. Also written to ``bucket_exposure/buckets``.
    """
    return _once(case, "bucket_exposure/buckets", lambda: asking.bucket_verdicts(case))


def reachable(case: Case) -> pd.DataFrame:
    """What could each reached credential do to each bucket?

    Returns
    -------
    DataFrame
        One row per reached credential, bucket and access. Also written to ``bucket_exposure/reachable``.
    """
    return _once(case, "bucket_exposure/reachable", lambda: asking.reachable(case))


def settings(case: Case) -> pd.DataFrame:
    """What is set on each bucket and account, what is not there, what was refused, and what was not asked?

    Returns
    -------
    DataFrame
        One row per bucket (or account) and setting. Also written to ``bucket_exposure/settings``.
    """
    return _once(case, "bucket_exposure/settings", lambda: asking.settings_held(case))


def changes(case: Case) -> pd.DataFrame:
    """What changed who can reach the buckets, in all of the evidence? See `ir_kit.exposure.changes`.

    Returns
    -------
    DataFrame
        One row per change, tried or done, in the order of time; empty if none. Also written to
        ``bucket_exposure/changes``.
    """
    return _once(case, "bucket_exposure/changes", lambda: changed.changes(case))


def spans(case: Case) -> pd.DataFrame:
    """When was each bucket public, when was it not, and when is that not known?

    Returns
    -------
    DataFrame
        One row per bucket and interval; intervals tile the window. Also written to ``bucket_exposure/spans``.
    """
    return _once(case, "bucket_exposure/spans", lambda: spanned.spans(case))


def observed_access(case: Case) -> pd.DataFrame:
    """Which outsiders asked which bucket in the window, with what success? See `ir_kit.attribution.outsiders`.

    Returns
    -------
    DataFrame
        One row per bucket and outsider; empty if none. Also written to ``bucket_exposure/observed_access``.
    """
    return _once(case, "bucket_exposure/observed_access", lambda: came.observed_access(case, spans(case)))


def matrix(case: Case) -> pd.DataFrame:
    """How far open is each bucket by each way in?

    Returns
    -------
    DataFrame
        One row per bucket in scope and way in, with the widest state that stands. Also written to
        ``bucket_exposure/matrix``.
    """
    table = "bucket_exposure/matrix"
    return _once(
        case, table, lambda: _frame(table, telling.matrix(rows_of(grants(case)), list(buckets(case)["bucket"])))
    )


def closing_steps(case: Case) -> pd.DataFrame:
    """What is to be run to close what is open to outsiders? Nothing is applied.

    Returns
    -------
    DataFrame
        One row per step, the first first; empty where nothing is known to be open. Also written to
        ``bucket_exposure/closing_steps``.
    """
    timeline = past_exposure(case).timeline

    def last(operation: str, bucket: str) -> Any:
        return timeline.last(of_bucket(operation, bucket)).response or None

    def compute() -> pd.DataFrame:
        verdicts = rows_of(buckets(case))
        accounts = {row["bucket"]: row["account_id"] for row in verdicts}
        steps = closed.closing_steps(rows_of(grants(case)), rows_of(changes(case)), verdicts, accounts, last)
        return _frame("bucket_exposure/closing_steps", steps)

    return _once(case, "bucket_exposure/closing_steps", compute)


def worst(case: Case) -> str:
    """Which bucket is to be looked at first: the most open one, and among these the one with most outsiders?"""
    return telling.worst(rows_of(buckets(case)), rows_of(observed_access(case))) or ""


def explained(case: Case, bucket: str = "") -> pd.DataFrame:
    """Why is the verdict on one bucket what it is, sentence by sentence?

    Parameters
    ----------
    bucket : str
        Its name; the one that is to be looked at first where it is empty.

    Returns
    -------
    DataFrame
        One row per sentence: bucket, about, sentence; the verdict first. Written to ``bucket_exposure/explained`` for
        all buckets in scope.
    """
    table = "bucket_exposure/explained"

    def compute() -> pd.DataFrame:
        verdicts = {row["bucket"]: row for row in rows_of(buckets(case))}
        parts = [rows_of(answer(case)) for answer in (grants, changes, observed_access)]
        said = [{"bucket": name, **one} for name in verdicts for one in telling.explained(name, verdicts[name], *parts)]
        return _frame(table, said)

    whole, name = _once(case, table, compute), bucket or worst(case)
    mine = whole[whole["bucket"] == name].reset_index(drop=True)
    return mine if len(mine) else _frame(table, [{"bucket": name, **one} for one in telling.explained(name, None)])


def _frame(table: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    return frame_of(rows, types_of(table))
