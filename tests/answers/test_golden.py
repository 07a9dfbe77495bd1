"""Every answer of every world against the one that is kept in ``golden/``; `quick.py` does the same without kernels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from answers.record import compare, dump, record
from answers.runs import GOLDEN
from answers.worlds import WORLDS, Made


@pytest.mark.slow
@pytest.mark.parametrize("world", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in WORLDS])
def test_the_answers_are_those_that_are_kept(world: str, answered: Callable[[str], tuple[Path, Made]]) -> None:
    found = record(answered(world)[0])
    changed = compare(json.loads((GOLDEN / f"{world}.json").read_text(encoding="utf-8")), found)
    how = "a change that is meant: make golden, and explain each line in CHANGELOG.md"
    assert not changed, "\n".join([f"{world}: {len(changed)} facts changed ({how})", *changed])


def test_each_world_has_its_record_in_order() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(WORLDS)
    for path in GOLDEN.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert dump(json.loads(text)) == text


def test_a_difference_names_the_fact_and_what_changed() -> None:
    kept = {"t rows": 1, "t sha256": "a" * 64, "f values": {"x": 1, "y": 2}, "g rows": 3}
    found = {"t rows": 2, "t sha256": "b" * 64, "f values": {"x": 1, "y": 3}, "h rows": 4}
    assert compare(kept, kept) == []
    assert compare(kept, found) == [
        "f values: y 2 → 3",
        "g rows: gone (was 3)",
        "h rows: new (4)",
        "t rows: 1 → 2",
        f"t sha256: {'a' * 12} → {'b' * 12}",
    ]
