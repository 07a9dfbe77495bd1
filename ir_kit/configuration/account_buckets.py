"""Buckets as configuration and events tell of them: whose they are, how versioned, and when objects were told to
expire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.credentials.validity import FIRST, LAST
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.outcome import outcome_of

Row = Mapping[str, Any]


def own_accounts(case: Case) -> pd.DataFrame:
    """Which accounts are the evidence's own? One row per account."""
    return case.ask("configuration/own_accounts")


def own_buckets(case: Case, settings: Sequence[Row]) -> pd.DataFrame:
    """Which buckets are known to be the account's own?

    Returns
    -------
    DataFrame
        One row per bucket: those that configuration lists or answers for, and those whose access log is held with the
        account's own owner.
    """
    names, owners = set(), set()
    for row in settings:
        response, parameters = json.loads(row["response"] or "{}"), json.loads(row["parameters"] or "{}")
        if row["operation"] == "ListBuckets":
            names |= {one["Name"] for one in response.get("Buckets") or []}
            owners |= {(response.get("Owner") or {}).get("ID")}
        elif row["operation"] != "GetObject" and row["answer"] != "unknown" and parameters.get("Bucket"):
            names.add(parameters["Bucket"])
    for row in rows_of(case.ask("configuration/reached_account_buckets")):
        # an access log is delivered to its own account alone
        if row["bucket_owner"] and (row["bucket_owner"] in owners or not owners - {None}):
            names.add(row["bucket"])
    return pd.DataFrame({"bucket": pd.Series(sorted(names), dtype="str")})


def versioning(case: Case, settings: Sequence[Row]) -> pd.DataFrame:
    """Was a bucket versioned, and when? One row per bucket and stretch of time: ``Enabled``, ``Suspended``, ``Off`` or
    ``unknown``.
    """
    changes: dict[str, list[tuple[pd.Timestamp, str]]] = {}
    for row in rows_of(case.ask("configuration/versioning_changes")):
        parameters = json.loads(row["request_parameters"] or "{}")
        status = (parameters.get("VersioningConfiguration") or {}).get("Status")
        changes.setdefault(row["bucket"], []).append((row["event_time"], str(status or "unknown")))
    at_the_end: dict[str, str] = {}
    for said in settings:
        if said["operation"] == "GetBucketVersioning":
            bucket = json.loads(said["parameters"] or "{}").get("Bucket")
            known = said["answer"] in ("answered", "absent")
            at_the_end[bucket] = json.loads(said["response"] or "{}").get("Status") or "Off" if known else "unknown"
    rows: list[dict[str, Any]] = []
    for bucket in sorted({*changes, *at_the_end}):
        listed = changes.get(bucket, [])
        # before the first switch that was seen the state is not told, unless it was switched to nothing else since
        before = "unknown" if listed else at_the_end.get(bucket, "unknown")
        if listed and listed[0][1] == "Suspended":
            before = "Enabled"  # only a bucket that was versioned can be suspended
        edges = [(FIRST, before), *listed, (LAST, "")]
        for (start, status), (end, _) in zip(edges, edges[1:], strict=False):
            rows.append({"bucket": bucket, "start_time": start, "end_time": end, "versioning_status": status})
    names = {"bucket": "varchar", "start_time": "timestamp", "end_time": "timestamp", "versioning_status": "varchar"}
    return frame_of(rows, names)


def expiry_changes(case: Case, sessions: pd.DataFrame) -> pd.DataFrame:
    """Which calls of reached credentials told S3 to expire objects sooner?

    Returns
    -------
    DataFrame
        One row per call that sets an expiry which is new, or sooner than the one known before; refused ones included.
    """
    before: dict[str, float | None] = {}
    rows: list[Row] = []
    for row in rows_of(case.ask("configuration/lifecycle_changes")):
        days = _days(row["request_parameters"])
        refused = row["error_code"] is not None
        if row["is_reached"] and days is not None:
            standing = before.get(row["bucket"])
            if standing is None or days < standing:
                rows.append(_expiry_row(row, sessions))
        if not refused:
            before[row["bucket"]] = days
    names = dict.fromkeys(
        (
            "bucket",
            "access_key_id",
            "outcome",
            "recoverable_status",
            "event_id",
            "request_id",
            "session_id",
            "verdict",
            "counted_in",
            "source_ip_address",
            "user_agent",
        ),
        "varchar",
    )
    return frame_of(rows, {"event_time": "timestamp"} | names)


def _days(request_parameters: str | None) -> float | None:
    """In how many days does the soonest enabled rule expire objects or versions? None: no rule does."""
    parameters = json.loads(request_parameters or "{}")
    rules = (
        (parameters.get("LifecycleConfiguration") or {}).get("Rule")
        or (parameters.get("LifecycleConfiguration") or {}).get("Rules")
        or []
    )
    found: list[float] = []
    for rule in rules if isinstance(rules, list) else [rules]:
        if str(rule.get("Status", "Enabled")) != "Enabled":
            continue
        expiry, versions = rule.get("Expiration") or {}, rule.get("NoncurrentVersionExpiration") or {}
        if expiry.get("Date"):
            found.append(0.0)
        for number in (expiry.get("Days"), versions.get("NoncurrentDays")):
            try:
                found.append(float(str(number)))
            except ValueError:
                continue
    return min(found, default=None)


def _expiry_row(row: Row, sessions: pd.DataFrame) -> dict[str, Any]:
    code = row["error_code"]
    outcome = outcome_of(code)
    mine = (
        sessions[
            (sessions["access_key_id"] == row["access_key_id"])
            & (sessions["source_ip_address"] == row["source_ip_address"])
            & (sessions["user_agent"] == row["user_agent"])
            & (sessions["start_time"] <= row["event_time"])
            & (sessions["end_time"] >= row["event_time"])
        ]
        if len(sessions)
        else sessions
    )
    session = rows_of(mine)[0] if len(mine) else {}
    said = {"intruder": "new", "owner": "familiar", "unknown": "unclear"}.get(
        str(session.get("label")), session.get("verdict")
    )
    counted = {"new": "lower", "unclear": "likely"}.get(str(said), "owner" if said == "familiar" else "likely")
    return {
        **{
            name: row[name]
            for name in (
                "event_time",
                "bucket",
                "access_key_id",
                "event_id",
                "request_id",
                "source_ip_address",
                "user_agent",
            )
        },
        "outcome": outcome,
        "recoverable_status": "yes" if outcome != "success" else "unknown",
        "session_id": session.get("session_id"),
        "verdict": session.get("verdict") or "unclear",
        "counted_in": counted,
    }
