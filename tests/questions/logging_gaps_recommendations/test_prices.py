"""Costs against worked examples, the arithmetic of each beside it; and prices that an incident overrides."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ir_kit.errors import ParameterError
from ir_kit.logging_gaps.prices import Between, load_prices
from ir_kit.logging_gaps.request_rates import Rate, hours_by_day, measured_rates, rates

PRICES = load_prices()


def evenly(per_day: float) -> Between:
    return Between(per_day, per_day)


def test_a_million_data_events_a_day_cost_30_dollars_a_month() -> None:
    # 1,000,000 a day x 30 days = 30 million; x 1.00 USD a million
    assert PRICES.data_events_alone(evenly(1_000_000)) == pytest.approx((30.0, 30.0))


def test_data_events_with_their_storage() -> None:
    # low: 30 M x 114 bytes = 3.42 GB, one month kept x 0.023 = 0.07866; 30 + 0.07866
    # high: 30 M x 300 bytes = 9 GB a month, 12 months kept = 108 GB x 0.023 = 2.484; 30 + 2.484
    assert PRICES.data_events(evenly(1_000_000)) == pytest.approx((30.07866, 32.484))


def test_access_logs_of_a_million_requests_a_day_cost_35_cents_in_the_first_month() -> None:
    # 30 M x 500 bytes = 15 GB x 0.023 = 0.345; high: 30 M x 750 bytes = 22.5 GB x 12 months x 0.023 = 6.21
    assert PRICES.access_log(evenly(1_000_000)) == pytest.approx((0.345, 6.21))


def test_a_question_to_athena_over_a_month_of_access_logs() -> None:
    # 15 GB = 0.015 TB x 5 = 0.075; 22.5 GB = 0.0225 TB x 5 = 0.1125
    assert PRICES.athena_question(PRICES.access_log_gb(evenly(1_000_000))) == pytest.approx((0.075, 0.1125))


def test_a_question_to_athena_over_little_costs_10_megabytes() -> None:
    # 10 MB = 0.00001 TB x 5 = 0.00005
    assert PRICES.athena_question(Between(0.0, 0.001)) == pytest.approx((0.00005, 0.00005))


def test_guardduty_in_its_first_tier() -> None:
    # 1 M a day x 30 = 30 M x 0.80
    assert PRICES.guardduty(evenly(1_000_000)) == pytest.approx((24.0, 24.0))


def test_guardduty_over_all_its_tiers() -> None:
    # 200 M a day x 30 = 6,000 M: 500 x 0.80 = 400, 4,500 x 0.40 = 1,800, 1,000 x 0.20 = 200; together 2,400
    assert PRICES.guardduty(evenly(200_000_000)) == pytest.approx((2_400.0, 2_400.0))


def test_a_second_copy_of_management_events() -> None:
    # 50,000 a day x 30 = 1.5 M x 20.00 = 30
    assert PRICES.management_copies(evenly(50_000)) == pytest.approx((30.0, 30.0))


def test_low_and_high_are_priced_apart() -> None:
    # 1,000 a day: 0.03 M x 1 = 0.03; 10,000 a day: 0.3 M x 1 = 0.30
    assert PRICES.data_events_alone(Between(1_000, 10_000)) == pytest.approx((0.03, 0.30))


def test_the_price_file_is_dated_and_every_price_has_its_source() -> None:
    assert date.fromisoformat(PRICES.as_of)
    assert set(PRICES.sources) == set(PRICES.usd)
    assert all(PRICES.sources.values())


def test_an_incident_overrides_a_price_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("as_of: 2026-11-01\nprices: {cloudtrail_data_events: 2}\nassumptions: {retention_months_high: 1}\n")
    found = load_prices(path)
    assert found.data_events_alone(evenly(1_000_000)) == pytest.approx((60.0, 60.0))
    assert found.usd["s3_storage_gb_month"] == PRICES.usd["s3_storage_gb_month"]
    assert (found.as_of, found.overridden) == ("2026-11-01", ("cloudtrail_data_events", "retention_months_high"))


def test_an_override_that_does_not_exist_changes_nothing(tmp_path: Path) -> None:
    assert load_prices(tmp_path / "prices.yaml") == PRICES


@pytest.mark.parametrize(
    "text",
    [
        "prices: {cloudtrail: 1}",
        "price: {}",
        "prices: {athena_tb_scanned: cheap}",
        "prices: [1]",
        "- 1",
        "a: [",
        "prices: {athena_tb_scanned: -1}",
        "assumptions: {retention_months_low: .nan}",
        "prices: {athena_tb_scanned: true}",
    ],
)
def test_a_wrong_override_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(ParameterError, match=r"prices\.yaml"):
        load_prices(path)


# rates


def row(bucket: str, day: int, requests: int, kind: str = "server_access_log") -> dict[str, object]:
    times = {
        "first_time": datetime(2026, 3, day, tzinfo=UTC),
        "last_time": datetime(2026, 3, day, 23, 59, 59, tzinfo=UTC),
    }
    return {"bucket": bucket, "record_class": kind, "day": date(2026, 3, day), "requests": requests, **times}


def test_a_rate_is_the_mean_over_logged_hours_and_the_busiest_day() -> None:
    rate = measured_rates([row("b", 1, 100), row("b", 2, 500)])["b"]
    # 600 requests in 48 hours: 300 a day; 500 on the second
    assert rate.per_day == pytest.approx((300.0, 500.0))
    assert rate.basis == "measured"


def test_a_day_without_requests_counts_as_logged() -> None:
    # 600 requests over 3 days, one of them quiet
    assert measured_rates([row("b", 1, 100), row("b", 3, 500)])["b"].per_day.low == pytest.approx(200.0)


def test_hours_that_visibility_does_not_call_logged_count_neither_way() -> None:
    logged = {("b", "server_access_log"): {date(2026, 3, 1): 24.0}}
    assert measured_rates([row("b", 1, 100), row("b", 2, 500)], logged)["b"].per_day == pytest.approx((100.0, 100.0))


def test_a_bucket_that_was_never_logged_has_no_measured_rate() -> None:
    assert measured_rates([row("b", 1, 100)], {}) == {}


def test_a_log_that_is_still_on_counts_until_the_last_record_of_its_kind() -> None:
    days = [row("quiet", 1, 24), row("busy", 1, 9), row("busy", 4, 9)]
    assert measured_rates(days)["quiet"].per_day.low == pytest.approx(24.0)
    still_on = {("quiet", "server_access_log")}
    assert measured_rates(days, still_on=still_on)["quiet"].per_day.low == pytest.approx(6.0)  # 24 in 96 hours


def test_of_two_logs_the_one_that_shows_more_counts() -> None:
    days = [row("b", 1, 100), row("b", 1, 40, "data_read"), row("b", 1, 30, "data_write")]
    assert measured_rates(days)["b"].per_day.low == pytest.approx(100.0)


def test_a_blind_bucket_is_assumed_between_the_quietest_and_the_busiest() -> None:
    measured = {name: Rate(evenly(number), "measured", "") for name, number in (("a", 10.0), ("b", 900.0))}
    found = rates(measured, ["a", "b", "blind"], [], PRICES)["blind"]
    assert (found.per_day, found.basis) == (Between(10.0, 900.0), "assumed")
    assert "10 a day" in found.words and "900" in found.words


def test_where_nothing_was_logged_the_assumption_is_the_price_files() -> None:
    assert rates({}, ["blind"], [], PRICES)["blind"].per_day == Between(100.0, 100_000.0)


def test_a_log_bucket_is_nobodys_measure() -> None:
    measured = {
        name: Rate(evenly(number), "measured", "") for name, number in (("a", 10.0), ("b", 90.0), ("logs", 1e9))
    }
    assert rates(measured, ["blind"], ["logs"], PRICES)["blind"].per_day == Between(10.0, 90.0)


def test_hours_are_split_at_midnight() -> None:
    found = hours_by_day(datetime(2026, 3, 1, 22, tzinfo=UTC), datetime(2026, 3, 3, 1, 30, tzinfo=UTC))
    assert found == {date(2026, 3, 1): 2.0, date(2026, 3, 2): 24.0, date(2026, 3, 3): 1.5}
