"""Stories, opened as cases with their truth beside them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from simulator import SampleTruth, World, read_truth, render
from simulator.ids import iso


def beside(path: Path) -> ModuleType:
    """A module that lies in no package."""
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    import sys

    sys.modules.setdefault(path.stem, module)
    found.loader.exec_module(module)
    return module


def open_world(world: World, folder: Path, touch_up: Callable[[Path], None] | None = None) -> tuple[Case, SampleTruth]:
    """The world's logs, loaded, and its truth; what is done to the evidence before it is loaded can be given."""
    incident = folder / "story"
    incident.mkdir(parents=True)
    render(world, incident / "evidence")
    if touch_up:
        touch_up(incident / "evidence")
    fields = {
        "incident": "story",
        "access_keys": [key.access_key_id for key in world.incident_keys],
        "window": {"start": iso(world.start), "end": iso(world.end)},
        "baseline": {"start": iso(world.baseline_start), "end": iso(world.start)},
        "sources": {
            "cloudtrail": ["evidence/cloudtrail"],
            "access_logs": ["evidence/access-logs"],
            "configuration": "evidence/configuration.jsonl",
        },
    }
    (incident / "incident.yaml").write_text(yaml.safe_dump(fields))
    return open_case("story", str(folder)), read_truth(world, incident / "truth")


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Case, SampleTruth]]:
    """A story by its name, opened once."""
    worlds = beside(Path(__file__).parent / "worlds.py")
    opened: dict[str, tuple[Case, SampleTruth]] = {}

    def open_story(name: str) -> tuple[Case, SampleTruth]:
        if name not in opened:
            opened[name] = open_world(worlds.STORIES[name](7), tmp_path_factory.mktemp(name))
        return opened[name]

    return open_story


@pytest.fixture(scope="session")
def scoring() -> ModuleType:
    """The comparison with the truth that the benchmark makes."""
    return beside(Path(__file__).parents[2] / "benchmarks" / "object_access_truth.py")


@pytest.fixture(scope="session")
def open_as_case() -> Callable[..., tuple[Case, SampleTruth]]:
    """See `open_world`."""
    return open_world


@pytest.fixture(scope="session")
def module_beside() -> Callable[[str], ModuleType]:
    """A world's module of this folder, by its name."""
    return lambda name: beside(Path(__file__).parent / f"{name}.py")
