"""Playbook 04: who else could reach the buckets, did anybody, and what could the compromised credentials reach?

Each question is answered and written to its table once for a case. By configuration as it was collected: `grants`,
`buckets` (the verdicts), `reachable`, `settings`. From logs: `changes`, `spans` (when a bucket was public),
`observed_access`. For people: `matrix`, `explained`, `closing_steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from ir_kit.attribution import outsiders
from ir_kit.bucket_exposure.closing_steps import steps_to_close
from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import provide_inventory
from ir_kit.configuration.change_events import of_bucket
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.exposure import bucket_verdicts as verdicts
from ir_kit.exposure import changes as exposure_changes
from ir_kit.exposure.grants import WRITE
from ir_kit.exposure.permissions import permissions
from ir_kit.tables import types_of

Row = Mapping[str, Any]


def grants(case: Case) -> pd.DataFrame:
    """By which grants could somebody get at each bucket, which take effect, and what stops the others?

    Returns
    -------
    DataFrame
        One row per bucket, path, grantee and access; one without a grantee where a path is not configured or not known.

    Notes
    -----
    As configuration was collected, not as it was before; see `changes` and `spans`. Cannot see what was not asked, and
    the ACLs of objects but those that were collected.
    """

    def rows() -> Iterable[Row]:
        by_identity = _by_bucket(reachable(case))
        for bucket, listed in verdicts.exposure_of(case).grants.items():
            yield from (grant.row() for grant in listed)
            yield from _identity_grants(by_identity.get(bucket, []))

    return _table(case, "grants", rows)


def buckets(case: Case) -> pd.DataFrame:
    """Is each bucket public, open to another account, and within a compromised credential's power?

    Returns
    -------
    DataFrame
        One row per bucket in scope; empty if there is none.

    Notes
    -----
    See `grants`. That single objects may be public by ACLs of their own, which were not collected, stands among the
    reasons and does not make a bucket public.
    """

    def rows() -> Iterable[Row]:
        exposure, by_identity = verdicts.exposure_of(case), _by_bucket(reachable(case))
        for name, bucket in exposure.inventory.buckets.items():
            verdict, permitted = verdicts.verdict_on(exposure.grants[name]), by_identity.get(name, [])
            status = any_of(row["status"] for row in permitted)
            who: dict[str, list[str]] = {}
            for row in permitted:
                if row["status"] == status:
                    who.setdefault(str(row["principal_arn"] or row["access_key_id"]), []).append(row["access"])
            verb = {YES: "could", NO: "could not", UNKNOWN: "may or may not"}[status]
            why = [f"{name} {verb} {', '.join(dict.fromkeys(access))}" for name, access in who.items()]
            why = why or ["no credential was reached"]
            reasons = [
                *verdict.reasons,
                *verdicts.reasons_for("within reach of a reached credential", status, why),
                *verdict.not_counted,
            ]
            yield {
                "bucket": name, "region": bucket.region, "account_id": bucket.account,
                "public_status": verdict.public_status, "cross_account_status": verdict.cross_account_status,
                "reachable_by_key_status": status,
                "reasons": list(dict.fromkeys(reasons)),
            }  # fmt: skip

    return _table(case, "buckets", rows)


def reachable(case: Case) -> pd.DataFrame:
    """What could each compromised credential do to each bucket? See `ir_kit.exposure.permissions`."""
    return _table(case, "reachable", lambda: permissions(case))


def settings(case: Case) -> pd.DataFrame:
    """Which settings of buckets and accounts are not known: refused, or asked by nobody?

    Returns
    -------
    DataFrame
        One row per bucket and setting, then one per account and setting; empty where all were answered.
    """

    def compute() -> pd.DataFrame:
        provide_inventory(case)
        case.engine.provide("exposure_buckets", buckets(case)[["bucket", "account_id"]])
        return case.ask("bucket_exposure/settings")

    return _table(case, "settings", compute)


def changes(case: Case) -> pd.DataFrame:
    """What changed who can reach the buckets, in all of the evidence? See `ir_kit.exposure.changes`."""
    return _table(case, "changes", lambda: exposure_changes.changes(case))


def spans(case: Case) -> pd.DataFrame:
    """When was each bucket public, when was it not, and when is that not known? See `ir_kit.exposure.bucket_verdicts.spans`."""
    return _table(case, "spans", lambda: verdicts.spans(case))


def observed_access(case: Case) -> pd.DataFrame:
    """Which outsiders asked which bucket in the window, with what success? See `ir_kit.attribution.outsiders`."""
    return _table(case, "observed_access", lambda: outsiders.observed_access(case, spans(case)))


def matrix(case: Case) -> pd.DataFrame:
    """How far open is each bucket by each path?

    Returns
    -------
    DataFrame
        One row per bucket in scope and path, with the widest state that is in effect.
    """

    def compute() -> pd.DataFrame:
        listed = grants(case).drop(columns="access")
        case.engine.provide("exposure_grants", listed.assign(number=range(len(listed))))
        case.engine.provide("exposure_buckets", buckets(case)[["bucket"]])
        return case.ask("bucket_exposure/matrix")

    return _table(case, "matrix", compute)


def closing_steps(case: Case) -> pd.DataFrame:
    """What is to be run to close what is open to outsiders? Nothing is applied.

    Returns
    -------
    DataFrame
        One row per step, the first first; empty where nothing is known to be open.
    """
    timeline = verdicts.past_exposure(case).timeline

    def last_answer(operation: str, bucket: str) -> Any:
        return timeline.last(of_bucket(operation, bucket)).response or None

    def rows() -> Iterable[Row]:
        return steps_to_close(rows_of(grants(case)), rows_of(changes(case)), rows_of(buckets(case)), last_answer)

    return _table(case, "closing_steps", rows)


def worst(case: Case) -> str:
    """Which bucket is to be looked at first: the most open one, and among these the one with most outsiders?"""
    observed = observed_access(case)
    requests = observed[observed["requester_kind"] != "service"].groupby("bucket")["requests"].sum().to_dict()
    openness = {YES: 0, UNKNOWN: 1, NO: 2}
    ranked = [
        (
            *(openness[row[f"{what}_status"]] for what in ("public", "cross_account")),
            -requests.get(row["bucket"], 0),
            row["bucket"],
        )
        for row in rows_of(buckets(case))
    ]
    return str(min(ranked)[-1]) if ranked else ""


def explained(case: Case, bucket: str = "") -> pd.DataFrame:
    """Why is the verdict on one bucket what it is?

    Parameters
    ----------
    bucket : str
        Its name; the one that is to be looked at first where it is empty.

    Returns
    -------
    DataFrame
        One row per reason of its verdict; empty where no such bucket is in scope.
    """
    verdicts = buckets(case)
    reasons = verdicts[verdicts["bucket"] == (bucket or worst(case))].explode("reasons")
    return reasons[["bucket", "reasons"]].rename(columns={"reasons": "reason"}).reset_index(drop=True)


def _table(case: Case, name: str, compute: Callable[[], Iterable[Row] | pd.DataFrame]) -> pd.DataFrame:
    """A table of this playbook, worked out and written once for a case."""
    table = f"bucket_exposure/{name}"

    def write() -> pd.DataFrame:
        answer = compute()
        frame = answer if isinstance(answer, pd.DataFrame) else frame_of(answer, types_of(table))
        case.write_table(table, frame)
        return frame

    return case.once(table, write)


def _by_bucket(frame: pd.DataFrame) -> dict[Any, list[dict[str, Any]]]:
    return {bucket: rows_of(rows) for bucket, rows in frame.groupby("bucket", sort=False)}


def _identity_grants(rows: Iterable[Row]) -> Iterable[Row]:
    """What identities let compromised principals do, as grants: what they could, or may, and what a statement denies
    them."""
    best: dict[tuple[str, str], Row] = {}
    for row in rows:
        access = WRITE if row["access"] == "delete" else row["access"]
        at = (str(row["principal_arn"] or row["access_key_id"]), access)
        if at not in best or row["status"] > best[at]["status"]:
            best[at] = row
    for (grantee, access), row in best.items():
        if row["status"] != NO or row["decided_by"] is not None:
            yield {
                "bucket": row["bucket"], "path": "identity_policy", "grantee": grantee, "access": access,
                "effective_status": row["status"], "statement": row["decided_by"], "detail": row["detail"],
                "blocked_by": "explicit_deny" if row["status"] == NO else None, "public_status": NO,
                "cross_account_status": NO,
            }  # fmt: skip
