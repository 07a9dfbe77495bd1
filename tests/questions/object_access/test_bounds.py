"""Intervals, allowances, and hours that nobody watched."""

from __future__ import annotations

import pandas as pd
import pytest

from ir_kit.object_access.bounds import Watched, bound, clopper_pearson, lost_bytes, most_lost

WINDOW = (pd.Timestamp("2026-03-01", tz="UTC"), pd.Timestamp("2026-03-02", tz="UTC"))


def span(start: int, end: int, state: str, *left_out: str) -> dict[str, object]:
    begin = WINDOW[0]
    return {
        "start_time": begin + pd.Timedelta(hours=start),
        "end_time": begin + pd.Timedelta(hours=end),
        "state": state,
        "left_out": list(left_out),
    }


@pytest.mark.parametrize(
    ("found", "of", "lower", "upper"),
    [
        (0, 100, 0.0, 0.029513),
        (5, 100, 0.019914, 0.102253),
        (100, 100, 0.970487, 1.0),
        (40, 10_000, 0.003010, 0.005205),
        (0, 0, 0.0, 1.0),
    ],
)
def test_clopper_pearson_against_published_limits(found: int, of: int, lower: float, upper: float) -> None:
    assert clopper_pearson(found, of) == pytest.approx((lower, upper), abs=4e-5)


def test_the_limits_of_large_counts_are_found() -> None:
    lower, upper = clopper_pearson(10_000, 2_000_000)
    assert lower < 0.005 < upper and upper - lower < 2e-4


def test_the_allowance_grows_with_loss_and_lines_and_is_never_below_the_average() -> None:
    assert most_lost(0, 0.01) == 0 and most_lost(1_000, 0.0) == 0
    assert most_lost(1_000, 0.01) >= 11 and most_lost(1_000, 0.01) < 25
    assert most_lost(1_000_000, 0.01) > 1_000_000 * 0.01 / 0.99
    assert lost_bytes(10, 4, 400.0, 40_000.0) == 1_000  # all alike: no spread


def test_blind_is_where_neither_log_looked_and_doubt_is_not_blind() -> None:
    seen = Watched(
        "b",
        WINDOW,
        [span(0, 10, "logged"), span(10, 24, "not_logged")],
        [span(0, 12, "unknown"), span(12, 13, "uncertain"), span(13, 24, "logged")],
    )
    assert {kind: seen.hours(kind) for kind in ("blind", "uncertain", "alone", "named", "both")} == {
        "blind": 2.0, "uncertain": 1.0, "alone": 11.0, "named": 10.0, "both": 0.0,
    }  # fmt: skip


def test_a_bucket_of_which_nothing_is_known_is_blind_throughout() -> None:
    row = bound("b", None, Watched("b", WINDOW, [], []), Watched("b", WINDOW, [], []), None)
    assert (row["upper_basis"], row["objects_upper"], row["objects_upper_logged"], row["blind_hours"]) == (
        "blind",
        None,
        0,
        24.0,
    )


def test_data_events_throughout_need_no_allowance() -> None:
    read = {"objects_seen": 4, "objects_lower": 4, "objects_likely": 4, "bytes_seen": 9, "log_only_requests": 100}
    row = bound(
        "b",
        read,
        Watched("b", WINDOW, [span(0, 24, "logged")], [span(0, 24, "logged")]),
        Watched("b", WINDOW, [span(0, 24, "logged")], [span(0, 24, "logged")]),
        {"requests": 9, "lost": 1, "upper": 0.4},
    )
    assert (row["upper_basis"], row["objects_upper"]) == ("complete", 4)


def test_an_access_log_alone_allows_for_its_loss_where_that_was_measured() -> None:
    read = {
        "objects_seen": 100,
        "log_only_requests": 100,
        "bytes_seen": 1_000,
        "log_only_bytes": 1_000.0,
        "log_only_squared_bytes": 10_000.0,
    }
    alone = Watched("b", WINDOW, [span(0, 24, "not_logged")], [span(0, 24, "logged")])
    allowed = bound("b", read, alone, alone, {"requests": 10_000, "lost": 100, "upper": 0.012})
    assert (
        allowed["upper_basis"] == "loss_allowed" and allowed["objects_upper"] > 101 and allowed["bytes_upper"] > 1_010
    )
    assert "100 of 10,000 requests" in allowed["width_reason"]
    assert bound("b", read, alone, alone, None)["upper_basis"] == "logged_only"


def test_what_selectors_leave_out_for_good_has_no_upper_bound_and_a_settling_hour_has() -> None:
    off = [span(0, 24, "not_logged")]
    below_a_prefix = Watched("b", WINDOW, [span(0, 24, "uncertain", "listings", "prefix")], off)
    row = bound("b", {"objects_seen": 3}, below_a_prefix, below_a_prefix, None)
    assert (row["upper_basis"], row["objects_upper"], row["objects_upper_logged"], row["blind_hours"]) == (
        "blind", None, 3, 0.0,
    )  # fmt: skip
    settling = Watched("b", WINDOW, [span(0, 1, "uncertain", "settling"), span(1, 24, "logged")], off)
    assert bound("b", {"objects_seen": 3}, settling, settling, None)["objects_upper"] == 3
    beside_a_log = Watched("b", WINDOW, [span(0, 24, "uncertain", "prefix")], [span(0, 24, "logged")])
    assert bound("b", {"objects_seen": 3}, beside_a_log, beside_a_log, None)["upper_basis"] == "logged_only"


def test_copies_out_that_were_not_recorded_leave_the_objects_open_and_the_bytes_not() -> None:
    off, on = [span(0, 24, "not_logged")], [span(0, 24, "logged")]
    reads, writes = Watched("b", WINDOW, on, off), Watched("b", WINDOW, off, off)
    row = bound("b", {"objects_seen": 3, "bytes_seen": 9}, reads, writes, None)
    assert (row["upper_basis"], row["objects_upper"], row["bytes_upper"], row["blind_hours"]) == ("blind", None, 9, 0.0)
    assert "for 24.0 hours copies out of the bucket, which are writes, were not all recorded" in row["width_reason"]
    beside_a_log = Watched("b", WINDOW, off, on)
    assert bound("b", {"objects_seen": 3}, Watched("b", WINDOW, on, on), beside_a_log, None)["objects_upper"] == 3


def test_listings_that_may_be_left_out_leave_no_doubt_of_objects() -> None:
    data, log = [span(0, 24, "uncertain", "listings")], [span(0, 24, "logged")]
    assert Watched("b", WINDOW, data, log, objects_only=True).hours("both") == 24.0
    assert Watched("b", WINDOW, data, log).hours("alone") == 24.0
