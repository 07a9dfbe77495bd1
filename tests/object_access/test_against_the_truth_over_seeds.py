"""The sample over several seeds, against what happened; `benchmarks/object_access_truth.py` prints it for twenty."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow
PATH = Path(__file__).parents[2] / "benchmarks" / "object_access_truth.py"


@pytest.fixture(scope="module")
def truth() -> ModuleType:
    found = importlib.util.spec_from_file_location(PATH.stem, PATH)
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    sys.modules.setdefault(PATH.stem, module)
    found.loader.exec_module(module)
    return module


def test_grades_candidates_and_bounds_hold_over_seeds(truth: ModuleType) -> None:
    score = truth.main(seeds=4, scale=0.05)
    print(score.table())
    assert score.missing == 0 and score.accused == 0, score.faults
    for grade, least in (("A", 0.999), ("B", 0.999), ("C", 0.98), ("D", 0.999)):
        assert score.right[grade] >= least * score.graded[grade] > 0, score.faults
    with_upper = score.buckets - score.without_upper
    assert min(score.objects_inside, score.bytes_inside) >= 0.95 * with_upper > 0, score.faults
    assert score.logged_inside >= 0.95 * score.buckets, score.faults
    assert score.in_lower >= 0.999 * score.attributable > 0
