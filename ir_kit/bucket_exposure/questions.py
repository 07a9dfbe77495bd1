"""Playbook 04: who else could reach the buckets, did anybody, and what could the compromised credentials reach?

Each question is answered and written to its table once for a case. By configuration as it was collected: `grants`,
`buckets` (the verdicts), `reachable`, `settings`. From logs: `changes`, `spans` (when a bucket was public),
`observed_access`. For people: `matrix`, `explained`, `closing_steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

import pandas as pd

from ir_kit.attribution import outsiders
from ir_kit.bucket_exposure.closing_steps import steps_to_close
from ir_kit.case import Case
from ir_kit.configuration.bucket_inventory import provide_inventory
from ir_kit.configuration.collected_answers import setting_of
from ir_kit.domain.documents import frame_of, rows_of
from ir_kit.domain.logic import NO, UNKNOWN, YES, any_of
from ir_kit.exposure import bucket_verdicts
from ir_kit.exposure.grants import WRITE
from ir_kit.exposure.permissions import permissions
from ir_kit.tables import types_of

Row = Mapping[str, Any]
Question = Callable[[Case], pd.DataFrame]


def written(answer: Callable[[Case], Iterable[Row] | pd.DataFrame], name: str = "") -> Question:
    """A question whose answer is the table of this name, worked out and written once for a case."""
    table = f"bucket_exposure/{name or answer.__name__}"

    @wraps(answer)
    def question(case: Case) -> pd.DataFrame:
        def write() -> pd.DataFrame:
            rows = answer(case)
            frame = rows if isinstance(rows, pd.DataFrame) else frame_of(rows, types_of(table))
            return case.write_table(table, frame)

        return case.once(table, write)

    return question


def by_bucket(table: pd.DataFrame) -> dict[Any, list[dict[str, Any]]]:
    """The rows of a table by bucket."""
    grouped: dict[Any, list[dict[str, Any]]] = {}
    for row in rows_of(table):
        grouped.setdefault(row["bucket"], []).append(row)
    return grouped


reachable = written(permissions, "reachable")
changes = written(bucket_verdicts.changes)
spans = written(bucket_verdicts.spans)


@written
def observed_access(case: Case) -> pd.DataFrame:
    """Which outsiders asked which bucket in the window, with what success? See `ir_kit.attribution.outsiders`."""
    return outsiders.observed_access(case, spans(case))


@written
def grants(case: Case) -> Iterator[Row]:
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
    permitted = by_bucket(reachable(case))
    for bucket, listed in bucket_verdicts.exposure_of(case).grants.items():
        yield from (grant.row() for grant in listed)
        yield from identity_grants(permitted.get(bucket, []))


def identity_grants(permitted: Iterable[Row]) -> Iterator[Row]:
    """What identities let compromised principals do to a bucket, as grants; and what a statement denies them."""
    best: dict[tuple[str, str], Row] = {}
    for row in permitted:
        access = WRITE if row["access"] == "delete" else row["access"]
        at = (str(row["principal_arn"] or row["access_key_id"]), access)
        best[at] = max(best.get(at, row), row, key=lambda row: str(row["status"]))
    for (grantee, access), row in best.items():
        if row["status"] != NO or row["decided_by"] is not None:
            yield {
                "bucket": row["bucket"], "path": "identity_policy", "grantee": grantee, "access": access,
                "effective_status": row["status"], "statement": row["decided_by"], "detail": row["detail"],
                "blocked_by": "explicit_deny" if row["status"] == NO else None, "public_status": NO,
                "cross_account_status": NO,
            }  # fmt: skip


@written
def buckets(case: Case) -> Iterator[Row]:
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
    exposure, by_name = bucket_verdicts.exposure_of(case), by_bucket(reachable(case))
    for name, bucket in exposure.inventory.buckets.items():
        verdict, permitted = bucket_verdicts.verdict_on(exposure.grants[name]), by_name.get(name, [])
        status, who = any_of(row["status"] for row in permitted), dict[str, dict[str, None]]()
        for row in permitted:
            if row["status"] == status:
                who.setdefault(str(row["principal_arn"] or row["access_key_id"]), {})[row["access"]] = None
        verb = {YES: "could", NO: "could not", UNKNOWN: "may or may not"}[status]
        why = [f"{name} {verb} {', '.join(access)}" for name, access in who.items()] or [
            "there is no compromised credential"
        ]
        within = bucket_verdicts.reasons_for("accessible to a compromised credential", status, why)
        yield {
            "bucket": name, "region": bucket.region, "account_id": bucket.account,
            "public_status": verdict.public_status, "cross_account_status": verdict.cross_account_status,
            "reachable_by_key_status": status,
            "reasons": list(dict.fromkeys([*verdict.reasons, *within, *verdict.not_counted])),
        }  # fmt: skip


@written
def settings(case: Case) -> pd.DataFrame:
    """Which settings of buckets and accounts are not known: refused, or asked by nobody?

    Returns
    -------
    DataFrame
        One row per bucket and setting, then one per account and setting; empty where all were answered.
    """
    provide_inventory(case)
    case.engine.provide("exposure_buckets", buckets(case)[["bucket", "account_id"]])
    return case.ask("bucket_exposure/settings")


@written
def matrix(case: Case) -> pd.DataFrame:
    """How far open is each bucket by each path?

    Returns
    -------
    DataFrame
        One row per bucket in scope and path, with the widest state that is in effect.
    """
    listed = grants(case).drop(columns="access")
    case.engine.provide("exposure_grants", listed.assign(number=range(len(listed))))
    case.engine.provide("exposure_buckets", buckets(case)[["bucket"]])
    return case.ask("bucket_exposure/matrix")


@written
def closing_steps(case: Case) -> Iterable[Row]:
    """What is to be run to close what is open to outsiders? Nothing is applied.

    Returns
    -------
    DataFrame
        One row per step, the first first; empty where nothing is known to be open.
    """
    timeline = bucket_verdicts.past_exposure(case).timeline

    def last_answer(operation: str, bucket: str) -> Any:
        return timeline.last(setting_of("s3", operation, Bucket=bucket)).response

    return steps_to_close(rows_of(grants(case)), rows_of(changes(case)), rows_of(buckets(case)), last_answer)


def explained(case: Case, bucket: str = "") -> pd.DataFrame:
    """Why is the verdict on one bucket what it is?

    Parameters
    ----------
    bucket : str
        Its name; where it is empty, the most open one, and among these the one with most outsiders.

    Returns
    -------
    DataFrame
        One row per reason of its verdict; empty where no such bucket is in scope.
    """
    verdicts, observed = buckets(case), observed_access(case)
    requests = observed[observed["requester_kind"] != "service"].groupby("bucket")["requests"].sum()
    ranked = verdicts.assign(requests=verdicts["bucket"].map(requests).fillna(0)).sort_values(
        ["public_status", "cross_account_status", "requests", "bucket"], ascending=[False, False, False, True]
    )  # yes, unknown, no
    reasons = (ranked[ranked["bucket"] == bucket] if bucket else ranked.head(1)).explode("reasons")
    return reasons[["bucket", "reasons"]].rename(columns={"reasons": "reason"}).reset_index(drop=True)
