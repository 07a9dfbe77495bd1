"""Conventions, each with its test: layers, names, sizes, what the repository may say."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ir_kit"

# lowest first; an import never runs upward, and units of one layer do not import each other
LAYERS = [
    {"errors", "__init__"},
    {"incident"},
    {"aws"},
    {"domain"},
    {"ingest"},
    {"tables", "engine"},
    {"case"},
    {"findings", "case_opening"},
    {"configuration"},
    {"policies"},
    {"credentials"},
    {"coverage"},
    {"attribution"},
    {"sessions"},
    {"exposure"},
    {"evidence", "scoping", "key_activity", "object_access", "bucket_exposure", "logging_gaps"},
    {"display"},
    {"record"},
    {"guardduty", "sample"},
    {"collect"},
    {"cli"},
    {"__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def unit_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_units(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "ir_kit" else [f"ir_kit.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("ir_kit.")}
    return found - {"__version__"}


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_runs_upward(path: Path) -> None:
    unit = unit_of(path)
    assert unit in LEVEL, f"{unit} has no layer"
    for other in imported_units(path) - {unit}:
        assert LEVEL[other] < LEVEL[unit], f"{unit} imports {other}, which does not lie below it"


def test_only_display_draws() -> None:
    drawing = {"plotly", "ipywidgets", "IPython"}
    for path in MODULES:
        if unit_of(path) in ("display", "record"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not drawing & {name.split(".")[0] for name in names}, path


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent


def test_each_playbook_has_its_room() -> None:
    for notebook in sorted((ROOT / "playbooks").glob("*.ipynb")):
        name = re.sub(r"^\d\d_", "", notebook.stem)
        assert (PACKAGE / name / "questions.py").is_file()
        assert (PACKAGE / name / "tables.py").is_file()
        assert list((PACKAGE / name).glob("*.sql"))


def test_environment_yml_adds_nothing_to_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = "python" + project["requires-python"]
    assert environment["dependencies"] == [python, "pip", {"pip": ["-e .[dev]"]}]


def test_dependencies_are_pinned_by_range_and_locked_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {match.lower() for match in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    for requirement in project["dependencies"] + project["optional-dependencies"]["dev"]:
        name, bounds = re.match(r"([A-Za-z0-9._-]+)(.*)", requirement).groups()  # type: ignore[union-attr]
        assert ">" in bounds, f"{name} has no range"
        assert name.lower() in locked, f"{name} is not locked"
    assert lock.count("--hash=sha256:") >= len(locked)
    assert "://" not in lock


def test_every_dependency_has_its_line_in_the_decisions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8").lower()
    for requirement in project["dependencies"] + project["optional-dependencies"]["dev"]:
        name = re.match(r"[A-Za-z0-9._-]+", requirement).group().lower()  # type: ignore[union-attr]
        assert f"`{name}`" in page, f"{name} has no line in docs/decisions/dependencies.md"


def test_the_makefile_has_what_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test", "lab", "check", "bench", "clean"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.index("make demo") < readme.index("make test") < readme.index("![")


def test_the_readmes_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_no_private_key_is_kept() -> None:
    for path in tracked():
        if path.suffix not in (".png",):
            assert b"PRIVATE KEY-----\n" not in path.read_bytes(), path


def test_no_path_of_a_machine_is_kept() -> None:
    machine = re.compile(rb"/(?:work|home|Users)/(?:main|shared|\w+/(?:Documents|src))\b")
    for path in tracked():
        if path.suffix != ".png" and path.name != Path(__file__).name:
            assert not machine.search(path.read_bytes()), path
