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
ATHENA_LEAST = 10_000_000  # bytes that Athena bills for a query at least


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
    """Unit prices in USD and named assumptions, with their date and sources."""

    as_of: str
    region: str
    usd: Mapping[str, float]
    sources: Mapping[str, str]
    assumptions: Mapping[str, float]
    overridden: tuple[str, ...] = ()

    def assumed(self, name: str) -> Between:
        """An assumption that has a low and a high."""
        return Between(self.assumptions[f"{name}_low"], self.assumptions[f"{name}_high"])

    def data_events(self, per_day: Between) -> Between:
        """USD a month for recording so many data events a day, storage of the files included."""
        events = per_day.times(DAYS).times(self.usd["cloudtrail_data_events"] / MILLION)
        return events.plus(self.storage(self.data_event_gb(per_day)))

    def data_events_alone(self, per_day: Between) -> Between:
        """USD a month that CloudTrail asks for so many data events a day."""
        return per_day.times(DAYS).times(self.usd["cloudtrail_data_events"] / MILLION)

    def management_copies(self, per_day: Between) -> Between:
        """USD a month for a second copy of so many management events a day."""
        return per_day.times(DAYS).times(self.usd["cloudtrail_management_copy"] / MILLION)

    def data_event_gb(self, per_day: Between) -> Between:
        """GB of compressed CloudTrail files that a month of so many data events a day makes."""
        size = self.assumed("data_event_bytes")
        return Between(per_day.low * DAYS * size.low / 1e9, per_day.high * DAYS * size.high / 1e9)

    def access_log(self, per_day: Between) -> Between:
        """USD a month for access logs of so many requests a day: storage, and delivery where it is charged."""
        delivery = per_day.times(DAYS).times(self.usd["access_log_delivery"] / MILLION)
        return self.storage(self.access_log_gb(per_day)).plus(delivery)

    def access_log_gb(self, per_day: Between) -> Between:
        """GB of access logs that a month of so many requests a day makes; they lie unpacked."""
        size = self.assumed("access_log_line_bytes")
        return Between(per_day.low * DAYS * size.low / 1e9, per_day.high * DAYS * size.high / 1e9)

    def storage(self, gb_per_month: Between) -> Between:
        """USD a month for logs that grow by so much: low in the first month, high once the retention is reached."""
        months = self.assumed("retention_months")
        price = self.usd["s3_storage_gb_month"]
        return Between(gb_per_month.low * months.low * price, gb_per_month.high * months.high * price)

    def athena_question(self, gb: Between) -> Between:
        """USD for one question to Athena that reads so many GB."""

        def cost(size: float) -> float:
            return max(size * 1e9, ATHENA_LEAST) / 1e12 * self.usd["athena_tb_scanned"]

        return Between(cost(gb.low), cost(gb.high))

    def guardduty(self, per_day: Between) -> Between:
        """USD a month for GuardDuty S3 Protection over so many data events a day in one Region, by its tiers."""
        return Between(self._guardduty(per_day.low * DAYS), self._guardduty(per_day.high * DAYS))

    def _guardduty(self, events: float) -> float:
        tiers = (("first_500m", 500.0), ("next_4500m", 4_500.0), ("over_5000m", float("inf")))
        left, cost = events / MILLION, 0.0
        for name, size in tiers:
            cost += min(left, size) * self.usd[f"guardduty_s3_{name}"]
            left = max(0.0, left - size)
        return cost


def load_prices(override: Path | None = None) -> Prices:
    """Which prices hold for this incident?

    Parameters
    ----------
    override : Path, optional
        A file of the same form that changes some of them: ``as_of``, ``region``, ``prices`` (a number, or ``usd`` and
        ``source``) and ``assumptions``. One that does not exist changes nothing.

    Raises
    ------
    ParameterError
        The file is no such file, or names a price that there is not.
    """
    said = yaml.safe_load(PRICES.read_text(encoding="utf-8"))
    usd = {name: float(price["usd"]) for name, price in said["prices"].items()}
    sources = {name: str(price["source"]) for name, price in said["prices"].items()}
    assumptions = {name: float(value) for name, value in said["assumptions"].items()}
    as_of, region, changed = str(said["as_of"]), str(said["region"]), []
    if override is not None and override.exists():
        given = _read(override)
        as_of, region = str(given.get("as_of", as_of)), str(given.get("region", region))
        for name, price in _section(given, "prices", usd, override).items():
            value = price.get("usd") if isinstance(price, dict) else price
            usd[name] = _number(value, f"prices.{name}", override)
            source = price.get("source") if isinstance(price, dict) else None
            sources[name] = str(source or "the incident's own prices")
            changed.append(name)
        for name, value in _section(given, "assumptions", assumptions, override).items():
            assumptions[name] = _number(value, f"assumptions.{name}", override)
            changed.append(name)
    return Prices(as_of, region, usd, sources, assumptions, tuple(changed))


def _read(path: Path) -> dict[str, Any]:
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ParameterError("the prices cannot be read", path, "write YAML as the kit's prices.yaml has it") from error
    unknown = (
        sorted(set(given) - {"as_of", "region", "prices", "assumptions"})
        if isinstance(given, dict)
        else ["a list or text"]
    )
    if unknown:
        raise ParameterError(f"unknown: {unknown[0]}", path, "name as_of, region, prices or assumptions")
    return dict(given)


def _section(given: dict[str, Any], name: str, known: Mapping[str, float], path: Path) -> dict[str, Any]:
    section = given.get(name) or {}
    if not isinstance(section, dict):
        raise ParameterError(f"{name} is no mapping", path, "write 'name: number' lines")
    for entry in section:
        if entry not in known:
            raise ParameterError(f"{name} has no {entry}", path, f"use one of {', '.join(sorted(known))}")
    return section


def _number(value: Any, name: str, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ParameterError(f"{name} is no amount", path, "write a number that is not negative")
    return float(value)
