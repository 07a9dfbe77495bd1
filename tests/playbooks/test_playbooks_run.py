"""Every playbook, executed headless on a small sample: whole, drawn, with tables and findings, fit for a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ir_kit.incident import load_incident, new_incident
from ir_kit.ingest.loader import ingest
from ir_kit.record.execution import execute_playbooks
from ir_kit.record.playbooks import find_playbooks
from ir_kit.record.report import page_header, render_notebook
from simulator import incident_fields, make_sample

pytestmark = pytest.mark.slow
PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
PLOTLY = "application/vnd.plotly.v1+json"
FORMATS = [[PLOTLY, "text/plain"], ["text/html", "text/plain"]]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of a run's working files, and of its incident."""
    folder = tmp_path_factory.mktemp("run")
    runs, work = folder / "runs", folder / "work"
    make_sample(runs / "demo", scale=0.01)
    new_incident(runs, "demo", incident_fields())
    ingest(load_incident("demo", runs))
    given = {"incident": "demo", "runs": str(runs)}
    jobs = {path: given for path in find_playbooks(PLAYBOOKS)}
    work.mkdir()
    outcomes = execute_playbooks(jobs, work, done=lambda outcome: None)
    assert [outcome.error for outcome in outcomes] == [None] * len(jobs)
    return {"work": work, "runs": runs}


def outputs(path: Path) -> dict[str, list[dict[str, Any]]]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return {cell["id"]: cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code"}


def notebooks(executed: dict[str, Path]) -> list[Path]:
    return sorted((executed["work"] / "notebooks").glob("*.ipynb"))


def test_outputs_are_tables_and_figures_alone(executed: dict[str, Path]) -> None:
    assert len(notebooks(executed)) == len(list(PLAYBOOKS.glob("*.ipynb")))
    for path in notebooks(executed):
        for cell, shown in outputs(path).items():
            for output in shown:
                assert output["output_type"] == "display_data", f"{path.stem}, {cell}"
                assert sorted(output["data"]) in FORMATS


def test_every_section_shows_something(executed: dict[str, Path]) -> None:
    for path in notebooks(executed):
        stored = {cell["id"] for cell in json.loads((PLAYBOOKS / path.name).read_text(encoding="utf-8"))["cells"]}
        silent = {cell for cell, shown in outputs(path).items() if not shown}
        assert silent & stored == {"parameters"}


def test_coverage_is_a_picture_with_its_tables(executed: dict[str, Path]) -> None:
    for path in notebooks(executed):
        kinds = [PLOTLY in output["data"] for output in outputs(path)["coverage"]]
        assert kinds == [False, False, True]


def test_it_reads_as_a_page(executed: dict[str, Path]) -> None:
    header = page_header(load_incident("demo", executed["runs"]), "now")
    for path in notebooks(executed):
        page = render_notebook(json.loads(path.read_text(encoding="utf-8")), header)
        assert "Traceback" not in page
        assert page.count('class="chart-place"') >= 1


def test_findings_are_written(executed: dict[str, Path]) -> None:
    written = {path.stem for path in (executed["work"] / "findings").glob("*.jsonl")}
    assert {"scoping", "key_activity"} <= written


def test_every_table_that_a_page_names_is_there(executed: dict[str, Path]) -> None:
    for path in PLAYBOOKS.glob("*.ipynb"):
        for name in json.dumps(json.loads(path.read_text(encoding="utf-8"))).split('table=\\"')[1:]:
            assert (executed["work"] / "tables" / f"{name.partition(chr(92))[0]}.parquet").is_file()
