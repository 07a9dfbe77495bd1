"""The shape of a playbook notebook, checked without running it."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from papermill import inspect_notebook

from ir_kit.record.playbooks import read_parameters

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
NOTEBOOKS = sorted(PLAYBOOKS.glob("*.ipynb"))
MOST_LINES = 8
WITHOUT_FINDINGS = {"00_evidence"}  # no question of the contract is asked there
FORBIDDEN_NODES = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Global, ast.Delete),
    *(ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    *(ast.If, ast.Try, ast.TryStar, ast.With, ast.Assert, ast.Raise),
)
IMPORTS = re.compile(r"ir_kit\.(case|display|[a-z_]+(\.findings)?)")

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if kind in (None, cell["cell_type"])]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def cell(path: Path, name: str) -> dict[str, Any]:
    return next(cell for cell in cells(path) if cell["id"] == name)


def test_it_is_stored_without_outputs(path: Path) -> None:
    for stored in cells(path, "code"):
        assert stored["outputs"] == []
        assert stored["execution_count"] is None


def test_its_metadata_is_of_no_machine_and_no_run(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for stored in cells(path):
        assert stored["metadata"] == ({"tags": ["parameters"]} if stored["id"] == "parameters" else {})


def test_it_is_stored_as_written_by_one_tool(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def test_its_cells_have_names_that_stay(path: Path) -> None:
    names = [stored["id"] for stored in cells(path)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def test_its_cells_stand_in_the_order_of_the_design(path: Path) -> None:
    names = [stored["id"] for stored in cells(path)]
    assert names[:5] == ["title", "parameters", "setup", "about-coverage", "coverage"]
    closing = ["limits", "next"]
    if path.stem not in WITHOUT_FINDINGS:
        closing = ["about-findings", "findings", *closing]
    assert names[-len(closing) :] == closing
    sections = names[3 : len(names) - 2]
    assert sections[::2] == [f"about-{name}" for name in sections[1::2]]


def test_its_title_says_the_outcome_and_what_it_needs(path: Path) -> None:
    lines = source(cell(path, "title")).splitlines()
    assert re.fullmatch(r"# \w[\w ]+", lines[0])
    assert re.fullmatch(r"> [^.?!]+[.?!]", lines[2])
    assert lines[4] == "| Needs | Answers | Does not prove | Next |"
    assert len(lines) == 7


def test_its_title_is_its_name(path: Path) -> None:
    title = source(cell(path, "title")).splitlines()[0].removeprefix("# ")
    assert path.stem[3:] == title.lower().replace(" ", "_")


def test_each_section_says_how_to_read_it_in_a_few_lines(path: Path) -> None:
    for stored in cells(path, "markdown"):
        if stored["id"].startswith("about-"):
            heading, blank, *text = source(stored).splitlines()
            assert heading.startswith("## ")
            assert blank == ""
            assert 1 <= len(text) <= 4
    assert source(cell(path, "limits")).startswith("## Limits\n")
    assert source(cell(path, "next")).startswith("## Next\n")


def test_its_parameters_are_literals_with_their_help(path: Path) -> None:
    lines = source(cell(path, "parameters")).splitlines()
    for line in lines:
        assert re.fullmatch(r"[a-z_]+: (str|int|float|bool) = [^#=]+  # \S.*", line)
    assert lines[0].startswith('incident: str = "demo"  # ')
    assert lines[1].startswith('runs: str = "runs"  # ')


def test_papermill_reads_the_parameters_as_the_kit_does(path: Path) -> None:
    theirs, ours = inspect_notebook(str(path)), read_parameters(path)
    assert list(theirs) == list(ours)
    for name, parameter in ours.items():
        assert theirs[name]["inferred_type_name"] == parameter.type
        assert ast.literal_eval(theirs[name]["default"]) == parameter.default
        assert theirs[name]["help"]


def test_its_cells_are_short(path: Path) -> None:
    for stored in cells(path, "code"):
        assert len(source(stored).splitlines()) <= MOST_LINES, stored["id"]


def test_it_asks_and_computes_nothing(path: Path) -> None:
    for stored in cells(path, "code"):
        for node in ast.walk(ast.parse(source(stored))):
            assert not isinstance(node, FORBIDDEN_NODES), f"{stored['id']}: {type(node).__name__}"


def test_it_imports_the_package_alone_and_in_setup_alone(path: Path) -> None:
    for stored in cells(path, "code"):
        for node in ast.walk(ast.parse(source(stored))):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                assert stored["id"] == "setup"
                assert isinstance(node, ast.ImportFrom)
                assert IMPORTS.fullmatch(node.module or "")
    assert "case = open_case(incident, runs)" in source(cell(path, "setup")).splitlines()


def test_it_holds_no_sql_no_clock_and_no_aws(path: Path) -> None:
    text = "\n".join(source(stored) for stored in cells(path, "code"))
    forbidden = r"(?i)\bselect\b.*\bfrom\b|\bcase\.ask\b|boto3|datetime|timedelta|\bnow\(|\bimport pandas|duckdb|%%|!\w"
    assert not re.search(forbidden, text)


def test_coverage_stands_before_any_finding(path: Path) -> None:
    names = [stored["id"] for stored in cells(path)]
    calls = [stored["id"] for stored in cells(path, "code") if re.search(r"(?<![.\w])findings\(case\)", source(stored))]
    assert all(names.index("coverage") < names.index(name) for name in calls)
    assert calls == ([] if path.stem in WITHOUT_FINDINGS else ["findings"])


def test_a_table_comes_before_its_chart(path: Path) -> None:
    charts = ("show.timeline", "show.sessions", "show.activity", "show.lineage", "show.visibility")
    charts += ("show.bounds", "show.bytes_by_hour", "show.prefixes", "show.exposure_matrix", "show.exposure_timeline")
    for stored in cells(path, "code"):
        text = source(stored)
        for chart in charts:
            if chart in text:
                tables = [place for name in ("show.table", "show.workbench") if (place := text.find(name)) >= 0]
                assert tables and min(tables) < text.find(chart), stored["id"]


def test_each_table_that_may_be_cut_names_the_whole(path: Path) -> None:
    for stored in cells(path, "code"):
        for node in ast.walk(ast.parse(source(stored))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("show.table", "show.workbench"):
                given = {keyword.arg for keyword in node.keywords}
                assert "rows" in given
                assert "table" in given or "value_counts" in ast.unparse(node)


def test_it_has_a_workbench_whose_view_is_a_parameter(path: Path) -> None:
    workbenches = [
        node
        for stored in cells(path, "code")
        for node in ast.walk(ast.parse(source(stored)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "show.workbench"
    ]
    assert workbenches
    for workbench in workbenches:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in workbench.keywords}
        assert ast.unparse(workbench.args[0]) == "case"
        assert given["view"] == "view"
    assert 'view: str = ""  # ' in source(cell(path, "parameters"))


def test_it_shows_result_tables_that_exist(path: Path) -> None:
    from ir_kit.tables import columns_of

    for stored in cells(path, "code"):
        for node in ast.walk(ast.parse(source(stored))):
            if isinstance(node, ast.keyword) and node.arg == "table":
                name = ast.literal_eval(node.value)
                assert columns_of(name)
                chosen = re.search(r"columns = (\[[^\]]*\])", source(stored))
                if chosen:
                    known = {column.name for column in columns_of(name)}
                    assert set(ast.literal_eval(chosen[1])) <= known


def test_its_links_lead_to_playbooks(path: Path) -> None:
    for stored in cells(path, "markdown"):
        for target in re.findall(r"\]\(([^)]+)\)", source(stored)):
            assert (PLAYBOOKS / target).is_file()
