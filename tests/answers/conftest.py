"""Whole runs, each made once in a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from answers.runs import whole_run
from answers.worlds import Made, available


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Made]]:
    """The data folder of a sealed run of a world, and the world."""
    runs = tmp_path_factory.mktemp("runs")
    done: dict[str, tuple[Path, Made]] = {}

    def run(name: str) -> tuple[Path, Made]:
        if name not in available():
            pytest.skip(f"no real records here for {name}")
        if name not in done:
            done[name] = whole_run(name, runs)
        return done[name]

    return run
