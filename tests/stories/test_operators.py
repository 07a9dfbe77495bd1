"""Owner or intruder, story by story: nobody is accused who did nothing, and the intruder is told from the owner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow
SEEDS = (3,)
WITH = ["rented_server", "shared_address", "imitation", "low_and_slow", "same_kind_of_client", "already_there", "quiet",
        "deployment", "weekend_job", "roaming_developers", "hosted_builds"]  # fmt: skip
WITHOUT = [
    "rented_server",
    "shared_address",
    "imitation",
    "low_and_slow",
    "neighbour",
    "quiet",
    "deployment",
    "weekend_job",
]
Scored = Callable[[str, bool], object]


@pytest.fixture(scope="session")
def truth() -> ModuleType:
    """The comparison with the truth that the benchmark makes, over more seeds."""
    import sys

    sys.path.insert(0, str(Path(__file__).parent))
    import operators_truth

    return operators_truth


@pytest.mark.parametrize(("name", "baseline"), [*((name, True) for name in WITH), *((name, False) for name in WITHOUT)])
def test_the_intruder_is_told_from_the_owner(truth: ModuleType, name: str, baseline: bool, tmp_path: Path) -> None:
    found = truth.Score()
    for seed in SEEDS:
        found.add(truth.score(name, seed, baseline, tmp_path))
    assert found.accused <= 0.005, found.faults
    assert found.unclear <= 0.05, found.faults
    if name in truth.QUIET:
        assert found.of("intruder") == 0
    else:
        assert found.recall >= (0.98 if baseline else 0.90), found.faults


def test_a_baseline_that_holds_the_intruder_is_warned_of(truth: ModuleType, tmp_path: Path) -> None:
    from ir_kit.case_opening import open_case
    from ir_kit.key_activity import questions as key_activity
    from ir_kit.key_activity.findings import findings

    truth.tell("already_there", 2).write(tmp_path)
    case = open_case("story", str(tmp_path))
    row = key_activity.baseline(case).iloc[0]
    assert row["basis"] == "baseline" and row["arrivals_inside"] == 1
    assert "may contain the intruder" in row["warning"]
    limits = next(one.limits for one in findings(case) if one.question_id == "intruder_activity")
    assert any("may contain the intruder" in text for text in limits)


def test_one_operator_behind_many_exits_is_no_part_of_the_owners(truth: ModuleType, tmp_path: Path) -> None:
    from ir_kit.case_opening import open_case
    from ir_kit.key_activity import questions as key_activity

    truth.tell("several_exits", 1).write(tmp_path)
    case = open_case("story", str(tmp_path))
    sessions, operators = key_activity.sessions(case), key_activity.operators(case)
    new = sessions[sessions["verdict"] == "new"]
    assert new["source_ip_address"].nunique() > new["operator_id"].nunique()
    assert not set(new["operator_id"]) & set(sessions.loc[sessions["verdict"] == "familiar", "operator_id"])
    assert operators["verdict"].iloc[0] == "new" and operators["verdict"].iloc[-1] == "familiar"
    assert operators["event_count"].sum() == sessions["event_count"].sum()
