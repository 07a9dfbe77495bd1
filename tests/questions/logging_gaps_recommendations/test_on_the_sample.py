"""Recommendations for the sample incident, as a case gives them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from ir_kit.case import open_case
from ir_kit.logging_gaps import recommendations
from ir_kit.logging_gaps.recommendations import logged_hours
from simulator import incident_fields, make_sample


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    make_sample(folder / "s", scale=0.02)
    (folder / "s" / "incident.yaml").write_text(yaml.safe_dump({"incident": "s", **incident_fields()}))
    return folder


def test_the_sample_gets_what_it_lacks_and_the_table_is_written(runs: Path) -> None:
    case = open_case("s", str(runs))
    frame = recommendations.recommendations(case)
    found = set(zip(frame["bucket"].fillna(""), frame["action"], strict=True))
    assert ("internal-archive", "enable_server_access_logging") in found
    assert ("internal-archive", "enable_data_events") in found
    assert ("app-exports", "enable_data_events") in found
    assert not {one for one in found if one[0] == "customer-records"}  # it has both
    assert (frame["monthly_cost_usd_low"] <= frame["monthly_cost_usd_high"]).all()
    assert pq.read_table(case.staging / "tables" / "logging_gaps" / "recommendations.parquet").num_rows == len(frame)


def test_the_samples_log_buckets_refuse_every_reached_principal(runs: Path) -> None:
    frame = recommendations.recommendations(open_case("s", str(runs)))
    snippets = frame[frame["action"] == "protect_log_bucket"]["snippet"]
    assert len(snippets) == 2
    assert all("user/legacy-app" in snippet and "PrincipalArn" in snippet for snippet in snippets)
    assert not any("ir-readonly" in snippet for snippet in snippets)


def test_the_incidents_prices_are_used(runs: Path) -> None:
    path = runs / "s" / "prices.yaml"
    before = recommendations.recommendations(open_case("s", str(runs)))
    path.write_text("prices: {cloudtrail_data_events: 100}\n")  # of 1; use is not yet substantial
    try:
        after = recommendations.recommendations(open_case("s", str(runs)))
    finally:
        path.unlink()
    costs = [frame[frame["action"] == "enable_data_events"]["monthly_cost_usd_high"].sum() for frame in (before, after)]
    assert costs[1] > 10 * costs[0]


def test_visibility_gives_the_hours_that_were_logged() -> None:
    frame = pd.DataFrame(
        {
            "bucket": ["bbb", "bbb", None],
            "record_class": ["data_read"] * 3,
            "state": ["logged", "not_logged", "logged"],
            "start_time": pd.to_datetime(["2026-03-01T12:00Z", "2026-03-02T06:00Z", "2026-03-01T00:00Z"]),
            "end_time": pd.to_datetime(["2026-03-02T06:00Z", "2026-03-03T00:00Z", "2026-03-03T00:00Z"]),
        }
    )
    (hours,) = logged_hours(frame).values()
    assert list(hours.values()) == [12.0, 6.0]
