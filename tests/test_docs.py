"""The documentation is in step with the package."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from typer.main import get_command

from ir_kit.cli import app

ROOT = Path(__file__).parents[1]


def test_the_data_dictionary_is_as_generated() -> None:
    spec = importlib.util.spec_from_file_location("make_data_dictionary", ROOT / "docs" / "make_data_dictionary.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "data_dictionary.md").read_text(encoding="utf-8") == module.dictionary()


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    pages = "\n".join(
        path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    )
    documented = set(re.findall(r"(?:^|`)ir-kit (\w+)", pages, re.MULTILINE))
    assert documented == commands
