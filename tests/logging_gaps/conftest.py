"""The small world of the questions' tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty small account."""
    path = Path(__file__).parents[1] / "questions" / "conftest.py"
    spec = importlib.util.spec_from_file_location("small_world", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delenv("IR_KIT_STAGING", raising=False)
    return module.SmallWorld(tmp_path / "runs")
