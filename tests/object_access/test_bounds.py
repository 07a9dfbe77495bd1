"""Intervals and allowances: what may be missing beside what was seen."""

from __future__ import annotations

from typing import Any

import pytest

from ir_kit.attribution.completeness import clopper_pearson
from ir_kit.object_access.questions import most_lost, with_upper

COUNTED = dict.fromkeys(
    ("objects_seen", "objects_lower", "objects_likely", "bytes_seen", "log_only_requests", "log_only_bytes",
     "log_only_squared_bytes", "blind_hours", "partial_hours", "log_only_hours", "copies_hours", "uncertain_hours"), 0
) | {"loss_requests": None, "loss_lost": None, "loss_upper": None, "upper_basis": "complete"}  # fmt: skip


def bound(**known: Any) -> dict[str, Any]:
    return with_upper(COUNTED | known)


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


def test_an_access_log_alone_allows_for_its_loss_where_that_was_measured() -> None:
    alone = {
        "objects_seen": 100, "log_only_requests": 100, "bytes_seen": 1_000, "log_only_bytes": 1_000.0,
        "log_only_squared_bytes": 10_000.0, "log_only_hours": 24.0,
    }  # fmt: skip
    measured = {"loss_requests": 10_000, "loss_lost": 100, "loss_upper": 0.012}
    row = bound(**alone, **measured, upper_basis="loss_allowed")
    assert row["objects_upper"] > 101 and row["bytes_upper"] > 1_010
    assert "100 of 10,000 requests" in row["width_reason"]
    assert row["bytes_upper"] == 1_000 + 10 * row["allowed_requests"]  # all alike: no spread
    assert bound(**alone, upper_basis="logged_only")["objects_upper"] == 100


def test_data_events_throughout_need_no_allowance() -> None:
    row = bound(objects_seen=4, objects_lower=4, objects_likely=4, log_only_requests=100, loss_upper=0.4)
    assert (row["objects_upper"], row["allowed_requests"]) == (4, 0)


def test_copies_out_that_were_not_recorded_leave_the_objects_open_and_the_bytes_not() -> None:
    row = bound(objects_seen=3, bytes_seen=9, copies_hours=24.0, upper_basis="blind")
    assert (row["objects_upper"], row["objects_upper_logged"], row["bytes_upper"]) == (None, 3, 9)
    assert "copies out of the bucket, which are writes, were not all recorded for 24 h" in row["width_reason"]
    assert bound(objects_seen=3, blind_hours=1.0, upper_basis="blind")["bytes_upper"] is None
