"""Costs against worked examples, the arithmetic of each beside it; and prices that an incident overrides."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml

from ir_kit.errors import ParameterError
from ir_kit.logging_gaps.recommendations import PRICES as PRICE_FILE
from ir_kit.logging_gaps.recommendations import Span, load_prices

PRICES = load_prices()


def evenly(per_day: float) -> Span:
    return np.array([per_day, per_day])


def test_data_events_with_their_storage() -> None:
    # 1,000,000 a day x 30 days = 30 million; x 1.00 USD a million = 30
    # low: 30 M x 114 bytes = 3.42 GB, one month kept x 0.023 = 0.07866
    # high: 30 M x 300 bytes = 9 GB a month, 12 months kept = 108 GB x 0.023 = 2.484
    assert PRICES.events("cloudtrail_data_events", evenly(1_000_000)) == pytest.approx([30.0, 30.0])
    assert PRICES.recording("cloudtrail_data_events", "data_event_bytes", evenly(1_000_000)) == pytest.approx(
        (30.07866, 32.484)
    )


def test_access_logs_of_a_million_requests_a_day_cost_35_cents_in_the_first_month() -> None:
    # 30 M x 500 bytes = 15 GB x 0.023 = 0.345; high: 30 M x 750 bytes = 22.5 GB x 12 months x 0.023 = 6.21
    assert PRICES.recording("access_log_delivery", "access_log_line_bytes", evenly(1_000_000)) == pytest.approx(
        (0.345, 6.21)
    )


def test_guardduty_over_its_tiers() -> None:
    # 1 M a day x 30 = 30 M x 0.80
    # 200 M a day x 30 = 6,000 M: 500 x 0.80 = 400, 4,500 x 0.40 = 1,800, 1,000 x 0.20 = 200; together 2,400
    assert PRICES.guardduty(np.array([1_000_000, 200_000_000])) == pytest.approx((24.0, 2_400.0))


def test_a_second_copy_of_management_events() -> None:
    # 50,000 a day x 30 = 1.5 M x 20.00 = 30
    assert PRICES.events("cloudtrail_management_copy", evenly(50_000)) == pytest.approx([30.0, 30.0])


def test_low_and_high_are_priced_apart() -> None:
    # 1,000 a day: 0.03 M x 1 = 0.03; 10,000 a day: 0.3 M x 1 = 0.30
    assert PRICES.events("cloudtrail_data_events", np.array([1_000, 10_000])) == pytest.approx((0.03, 0.30))


def test_the_price_file_is_dated() -> None:
    assert isinstance(yaml.safe_load(PRICE_FILE.read_text())["as_of"], date)


def test_an_incident_overrides_a_price_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("as_of: 2026-11-01\nprices: {cloudtrail_data_events: 2}\nassumptions: {retention_months_high: 1}\n")
    found = load_prices(path)
    assert found.events("cloudtrail_data_events", evenly(1_000_000)) == pytest.approx((60.0, 60.0))
    assert found["s3_storage_gb_month"] == PRICES["s3_storage_gb_month"]


def test_an_override_that_does_not_exist_changes_nothing(tmp_path: Path) -> None:
    assert load_prices(tmp_path / "prices.yaml") == PRICES


@pytest.mark.parametrize(
    "text",
    [
        "prices: {cloudtrail: 1}", "price: {}", "prices: {s3_storage_gb_month: cheap}", "prices: [1]", "- 1", "a: [",
        "prices: {s3_storage_gb_month: -1}", "assumptions: {retention_months_low: .nan}",
        "prices: {s3_storage_gb_month: true}",
    ],
)  # fmt: skip
def test_a_wrong_override_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=r"prices\.yaml"):
        load_prices(path)
