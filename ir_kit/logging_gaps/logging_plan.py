"""What recommendations are made from: logging as it is, rates, prices, sensitive buckets; the steps so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ir_kit.coverage.selectors import coverage_of_bucket, selector_set
from ir_kit.logging_gaps.logging_now import AccountNow
from ir_kit.logging_gaps.prices import NOTHING, Between, Prices
from ir_kit.logging_gaps.request_rates import Rate
from ir_kit.logging_gaps.snippets import Snippet


@dataclass
class Plan:
    """What steps are made from."""

    account: AccountNow
    prices: Prices
    rates: Mapping[str, Rate]
    sensitive: Mapping[str, str]
    principals: Sequence[str] = ()
    substantial_usd: float = 50.0
    management_per_day: Between = NOTHING
    steps: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        tier: int,
        action: str,
        snippet: Snippet,
        reason: str,
        *,
        bucket: str | None = None,
        region: str | None = None,
        cost: Between = NOTHING,
        rate: Rate | None = None,
        gb: Between | None = None,
    ) -> None:
        """One more step; tiers order them, and within a tier the order in which they are added."""
        athena = self.prices.athena_question(gb) if gb else None
        self.steps.append(
            {
                "tier": tier,
                "bucket": bucket,
                "action": action,
                "monthly_cost_usd_low": round(cost.low, 6),
                "monthly_cost_usd_high": round(cost.high, 6),
                "reason": reason,
                **snippet._asdict(),
                "snippet": snippet.cli,
                "aws_region": region,
                "sensitive": bucket in self.sensitive if bucket else None,
                "rate_basis": rate.basis if rate else None,
                "requests_per_day_low": rate.per_day.low if rate else None,
                "requests_per_day_high": rate.per_day.high if rate else None,
                "storage_gb_per_month_low": gb.low if gb else None,
                "storage_gb_per_month_high": gb.high if gb else None,
                "athena_usd_per_question_low": athena.low if athena else None,
                "athena_usd_per_question_high": athena.high if athena else None,
            }
        )


def substantial(plan: Plan) -> tuple[str, Between]:
    """Would data events on every bucket but the log buckets cost more than the sum, and what would they cost?"""
    logs = plan.account.log_buckets()
    total = NOTHING
    for name, rate in plan.rates.items():
        if name not in logs:
            total = total.plus(plan.prices.data_events_alone(rate.per_day))
    answer = "yes" if total.low > plan.substantial_usd else "no" if total.high <= plan.substantial_usd else "unknown"
    return answer, total


def recorded(account: AccountNow, bucket: str) -> str:
    """Are data events of this bucket recorded now: ``all``, ``partly``, ``none``, or ``unknown``?"""
    region = account.buckets[bucket].region if bucket in account.buckets else None
    found = []
    for trail in account.trails or ():
        if trail.logging is False or not (trail.multi_region or region in (None, trail.home_region)):
            continue
        selectors = selector_set(trail.selectors) if trail.selectors is not None else None
        if selectors is None:
            found.append("unknown")
            continue
        kinds = {coverage_of_bucket(selectors, bucket, one).kind for one in ("data_read", "data_write")}
        found.append("all" if kinds == {"all"} else "none" if kinds == {"none"} else "partly")
    if account.trails is None:
        return "unknown"
    return next((answer for answer in ("all", "partly", "unknown") if answer in found), "none")
