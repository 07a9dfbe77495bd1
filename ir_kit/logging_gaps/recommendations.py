"""Playbook 05, recommendations: what to switch on, in which order, at what price, and how. The kit applies nothing.

The order of thought: access logging on every bucket but the log buckets; is use of S3 substantial, so that data
events on every bucket would cost more
than a sum a month? If not, data events everywhere too; if so, on sensitive buckets alone, which always get both. Then
what keeps the logs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from ir_kit.case import Case
from ir_kit.credentials.lineage import reached_credentials
from ir_kit.domain.frames import frame_of, rows_of
from ir_kit.domain.principals import role_name
from ir_kit.logging_gaps.logging_now import AccountNow, account_now, is_bucket_name
from ir_kit.logging_gaps.logging_plan import Plan, recorded
from ir_kit.logging_gaps.logging_steps import bucket_steps, guardduty_steps, protection_steps, trail_steps
from ir_kit.logging_gaps.prices import NOTHING, Between, load_prices
from ir_kit.logging_gaps.request_rates import hours_by_day, measured_rates, rates
from ir_kit.logging_gaps.sensitive_buckets import sensitive_buckets, sensitive_words
from ir_kit.tables import types_of

TABLE = "logging_gaps/recommendations"


def recommendations(
    case: Case,
    *,
    substantial_usd: float | None = None,
    principals: Sequence[str] | None = None,
    visibility: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What to switch on, in which order, at what price, and how?

    Parameters
    ----------
    case : Case
    substantial_usd : float, optional
        USD a month, from 0: data events on every bucket that would cost more make use of S3 substantial;
        `prices.yaml` has 50.
    principals : sequence of str, optional
        ARNs that reached credentials act as, which log buckets are to refuse; those of the incident keys alone,
        unless said.
    visibility : DataFrame, optional
        The table ``logging_gaps/visibility``: rates then count the hours that were logged, in the window. Without it
        they count baseline and window.

    Returns
    -------
    DataFrame
        One row per step, in the order in which to take them; empty where nothing is left to switch on. Also written
        to ``logging_gaps/recommendations``.

    Notes
    -----
    Prices are list prices of one Region, at rates as logged; an attack raises them. What no log shows is priced by
    named assumptions. It cannot see buckets that neither configuration nor a log names.
    """
    account = account_now(rows_of(case.ask("logging_gaps/logging_settings")))
    prices = load_prices(case.incident.folder / "prices.yaml")
    days = rows_of(case.ask("logging_gaps/requests_by_day", rates_start=_rates_start(case, visibility)))
    _complete(account, case, days)
    case.engine.provide("sensitive_words", sensitive_words())
    telling = rows_of(case.ask("logging_gaps/telling_names"))
    if principals is None:
        reached = rows_of(reached_credentials(case))
        principals = [row["principal_arn"] for row in reached if not row.get("is_responder")]
    still_on = {(name, "server_access_log") for name, bucket in account.buckets.items() if bucket.access_log}
    still_on |= {(name, "data_events") for name in account.buckets if recorded(account, name) == "all"}
    measured = measured_rates(days, logged_hours(visibility) if visibility is not None else None, still_on)
    logs = sorted(account.log_buckets())
    management = rows_of(case.ask("logging_gaps/management_rate"))
    plan = Plan(
        account,
        prices,
        rates(measured, sorted(account.buckets), logs, prices),
        sensitive_buckets(
            {name: bucket for name, bucket in account.buckets.items() if name not in logs},
            case.incident.sensitive_buckets,
            case.incident.buckets,
            telling,
        ),
        lasting_arns(principals),
        prices.assumptions["substantial_usd"] if substantial_usd is None else substantial_usd,
        _daily(management),
    )
    frame = steps(plan)
    case.write_table(TABLE, frame)
    return frame


def steps(plan: Plan) -> pd.DataFrame:
    """The steps of a plan, ordered and numbered."""
    plan.steps.clear()
    trail = trail_steps(plan)
    bucket_steps(plan, trail)
    protection_steps(plan)
    guardduty_steps(plan)
    ordered = sorted(plan.steps, key=lambda step: step["tier"])  # stable
    columns = types_of(TABLE)
    return frame_of(({**step, "priority": number} for number, step in enumerate(ordered, start=1)), columns)


def logged_hours(visibility: pd.DataFrame) -> dict[tuple[str, str], dict[date, float]]:
    """By bucket and record class, how many hours of each day were logged."""
    found: dict[tuple[str, str], dict[date, float]] = {}
    for row in rows_of(visibility):
        if row["bucket"] is None or row["state"] != "logged":
            continue
        by_day = found.setdefault((row["bucket"], row["record_class"]), {})
        for day, hours in hours_by_day(row["start_time"].to_pydatetime(), row["end_time"].to_pydatetime()).items():
            by_day[day] = by_day.get(day, 0.0) + hours
    return found


def lasting_arns(principals: Collection[str | None]) -> list[str]:
    """ARNs that ``aws:PrincipalArn`` can match: a session stands for its role; wildcards are left out."""
    found = set()
    for arn in principals:
        if not arn or not arn.startswith("arn:") or set(arn) & set("*?$") or len(arn) > 2048:
            continue
        role, parts = role_name(arn), arn.split(":")
        found.add(f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{role}" if ":assumed-role/" in arn and role else arn)
    return sorted(found)


def _complete(account: AccountNow, case: Case, days: Sequence[Mapping[str, Any]]) -> None:
    """Buckets that the incident names, and those that logs show where none are listed; Regions that logs tell."""
    for name in (*case.incident.buckets, *case.incident.sensitive_buckets):
        if is_bucket_name(name) and not (account.owned and name not in account.buckets):
            account.bucket(name)
    for row in days:
        if not account.owned and row["record_class"] == "server_access_log" and is_bucket_name(row["bucket"]):
            account.bucket(row["bucket"])
        if row["aws_region"] and row["bucket"] in account.buckets:
            bucket = account.buckets[row["bucket"]]
            bucket.region = bucket.region or row["aws_region"]


def _rates_start(case: Case, visibility: pd.DataFrame | None) -> Any:
    return case.parameters["window_start" if visibility is not None else "baseline_start"]


def _daily(rows: Sequence[Mapping[str, Any]]) -> Between:
    per_day = [float(row["events"]) for row in rows]
    return Between(sum(per_day) / len(per_day), max(per_day)) if per_day else NOTHING
