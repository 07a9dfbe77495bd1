"""What can run a script out of a log is reached through one package."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "ir_kit"
MODULES = sorted(PACKAGE.rglob("*.py"))
DRAWING = ("plotly", "ipywidgets", "anywidget", "itables", "IPython.display", "IPython.core.display")
INTERPRETING = {"HTML", "HTMLMath", "Markdown", "Javascript", "SVG", "IFrame", "Output", "interact", "Label"}
INTERPRETING_METHODS = {"style", "to_html", "write_html", "_repr_html_"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_display_imports_what_draws(path: Path) -> None:
    drawing = {name for name in imported(path) for library in DRAWING if f"{name}.".startswith(f"{library}.")}
    assert not drawing or path.is_relative_to(PACKAGE / "display")


@pytest.mark.parametrize("path", sorted((PACKAGE / "display").rglob("*.py")), ids=lambda path: path.name)
def test_display_uses_nothing_that_interprets_content(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not (names | attributes) & INTERPRETING
    assert not attributes & INTERPRETING_METHODS


@pytest.mark.parametrize("path", sorted((PACKAGE / "display").rglob("*.js")), ids=lambda path: path.name)
def test_scripts_put_on_the_page_nothing_but_text(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?:", source
    )


def test_only_publish_hands_anything_to_the_notebook() -> None:
    handing = {path.name for path in MODULES if any(name.startswith("IPython.display") for name in imported(path))}
    assert handing == {"publish.py"}
