"""Whole runs, each made once in a session, whichever of its processes asks first."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from answers.runs import whole_run
from answers.worlds import Made, available, make

FAILED = "the run failed"


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Made]]:
    """The data folder of a sealed run of a world, and the world."""
    session = tmp_path_factory.getbasetemp()
    runs = (session.parent if "PYTEST_XDIST_WORKER" in os.environ else session) / "answers"
    runs.mkdir(exist_ok=True)
    done: dict[str, tuple[Path, Made]] = {}

    def run(name: str) -> tuple[Path, Made]:
        if name not in available():
            pytest.skip(f"no real records here for {name}")
        if name in done:
            return done[name]
        ended = runs / f"{name}.ended"
        with (runs / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not ended.exists():
                try:
                    done[name] = whole_run(name, runs)
                except BaseException as error:
                    ended.write_text(f"{FAILED}: {error}", encoding="utf-8")
                    raise
                ended.write_text(str(done[name][0]), encoding="utf-8")
        if name not in done:
            said = ended.read_text(encoding="utf-8")
            if said.startswith(FAILED):
                raise AssertionError(said)
            done[name] = Path(said), make(name, tmp_path_factory.mktemp(name))
        return done[name]

    return run
