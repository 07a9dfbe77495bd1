"""What logging costs: prices from a dated file that an incident may override, and the arithmetic.

A month has 30 days, a GB 10**9 bytes. Every cost is a pair, low and high.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ir_kit.errors import ParameterError

PRICES = Path(__file__).with_name("prices.yaml")
DAYS = 30
MILLION = 1_000_000
TIERS = (("first_500m", 500.0), ("next_4500m", 4_500.0), ("over_5000m", float("inf")))  # millions of events


class Between(NamedTuple):
    """A number that lies somewhere from low to high."""

    low: float
    high: float

    def times(self, factor: float) -> Between:
        """Both ends, times this."""
        return Between(self.low * factor, self.high * factor)

    def plus(self, other: Between) -> Between:
        """End by end."""
        return Between(self.low + other.low, self.high + other.high)


NOTHING = Between(0.0, 0.0)


@dataclass(frozen=True)
class Prices:
    """Unit prices in USD and named assumptions, with their date."""

    as_of: str
    usd: Mapping[str, float]
    assumptions: Mapping[str, float]

    def assumed(self, name: str) -> Between:
        """An assumption that has a low and a high."""
        return Between(self.assumptions[f"{name}_low"], self.assumptions[f"{name}_high"])

    def events(self, price: str, per_day: Between) -> Between:
        """USD a month for so many events a day, at a price per million."""
        return per_day.times(DAYS * self.usd[price] / MILLION)

    def storage(self, size: str, per_day: Between) -> Between:
        """USD a month for keeping so many events of this size a day: low in the first month, high once the retention is reached."""
        bytes_each, months, price = (
            self.assumed(size),
            self.assumed("retention_months"),
            self.usd["s3_storage_gb_month"],
        )
        low, high = (per_day[end] * DAYS * bytes_each[end] / 1e9 * months[end] * price for end in (0, 1))
        return Between(low, high)

    def data_events(self, per_day: Between) -> Between:
        """USD a month for recording so many data events a day, storage of the files included."""
        return self.events("cloudtrail_data_events", per_day).plus(self.storage("data_event_bytes", per_day))

    def access_log(self, per_day: Between) -> Between:
        """USD a month for access logs of so many requests a day: storage, and delivery where it is charged."""
        return self.storage("access_log_line_bytes", per_day).plus(self.events("access_log_delivery", per_day))

    def guardduty(self, per_day: Between) -> Between:
        """USD a month for GuardDuty S3 Protection over so many data events a day in one Region, by its tiers."""
        costs = []
        for left in per_day.times(DAYS / MILLION):
            cost = 0.0
            for tier, size in TIERS:
                cost += min(left, size) * self.usd[f"guardduty_s3_{tier}"]
                left = max(0.0, left - size)
            costs.append(cost)
        return Between(*costs)


def load_prices(override: Path | None = None) -> Prices:
    """Which prices hold for this incident?

    Parameters
    ----------
    override : Path, optional
        A file of the same form that changes some of them. One that does not exist changes nothing.

    Raises
    ------
    ParameterError
        The file is no such file, or names a price that there is not.
    """
    known = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    given: Any = {}
    if override is not None and override.exists():
        try:
            given = yaml.safe_load(override.read_text(encoding="utf-8")) or {}
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            raise ParameterError(
                "the prices cannot be read", override, "write them as the kit's prices.yaml has them"
            ) from error
    if not isinstance(given, dict) or set(given) - set(known):
        raise ParameterError("the prices cannot be read", override, f"name {', '.join(known)}")
    numbers: dict[str, dict[str, float]] = {}
    for section in ("prices", "assumptions"):
        changed = given.get(section) or {}
        if not isinstance(changed, dict):
            raise ParameterError(f"{section} is no mapping", override, "write 'name: number' lines")
        for name, value in changed.items():
            if name not in known[section]:
                raise ParameterError(f"{section} has no {name}", override, f"use one of {', '.join(known[section])}")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
                raise ParameterError(f"{section}.{name} is no amount", override, "write a number that is not negative")
        numbers[section] = {name: float(value) for name, value in {**known[section], **changed}.items()}
    return Prices(str(given.get("as_of", known["as_of"])), numbers["prices"], numbers["assumptions"])
