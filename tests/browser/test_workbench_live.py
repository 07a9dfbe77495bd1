"""The workbench in JupyterLab, in a real browser: choose, filter, look behind a row, label it, and see the label honoured."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ir_kit.case_opening import open_case
from ir_kit.key_activity import questions as key_activity
from ir_kit.record.execution import execute_playbook

CHROMIUM = Path("/usr/bin/chromium")
ROOT = Path(__file__).parents[2]
SECONDS = 1000  # in milliseconds
PAYLOAD = '<img src=x onerror="alert(1)"><script>alert(2)</script>$\\href{javascript:alert(3)}{x}$'

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),  # one server for all of them
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser here: {CHROMIUM} is absent"),
]

HOSTILE_NOTEBOOK = f"""
import numpy as np, pandas as pd
from ir_kit.case_opening import open_case
from ir_kit.display import show

case = open_case("demo")
count, payload = 100_000, {PAYLOAD!r}
number = np.arange(count)
frame = pd.DataFrame({{
    "event_time": pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(number * 5, unit="s"),
    "event_name": np.where(number % 3 == 0, "GetObject", "PutObject"),
    "access_key_id": np.where(number % 2 == 0, "AKIAIOSFODNN7EXAMPLE", payload),
    "bucket": np.where(number % 5 == 0, payload, "customer-records"),
    "key": pd.Series(number).map("data/{{:06d}}.csv".format),
    "user_agent": payload,
    "bytes_sent": number * 7,
    payload: payload,
    "session_id": "s-1",
    "source_file": payload,
    "record_number": 1,
}})
show.workbench(case, frame, payload, rows=5, columns=[*frame.columns[:8]], table="key_activity/events")
"""


def store(path: Path, source: str) -> None:
    cell = {"cell_type": "code", "id": "only", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": python}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook))


def info(workbench: Any) -> str:
    return str(workbench.locator(".dt-info").inner_text())


def told(page: Any, workbench: Any, text: str) -> float:
    """Wait until the grid says this below itself; how long that took, in seconds."""
    began = time.perf_counter()
    workbench.locator(".dt-info", has_text=text).wait_for(timeout=120 * SECONDS)
    return time.perf_counter() - began


def busiest_new_run(laboratory: Any) -> pd.Series:
    """The run of the intruder that read most objects."""
    tables = laboratory.runs / "demo" / "draft" / "tables" / "key_activity"
    sessions, events = pd.read_parquet(tables / "sessions.parquet"), pd.read_parquet(tables / "events.parquet")
    reads = events[events["event_name"] == "GetObject"].groupby("session_id").size()
    strange = sessions[sessions["verdict"] == "new"].set_index("session_id")
    number = reads[reads.index.isin(strange.index)].sort_values(kind="stable").index[-1]
    return sessions.set_index("session_id").loc[number].rename(number)


def test_a_run_that_is_labelled_at_the_workbench_is_labelled_in_the_next_playbook(
    looking: Any, laboratory: Any, tmp_path: Path
) -> None:
    page = looking.page
    looking.run("02_key_activity.ipynb")
    workbench = page.locator(".ir-kit-workbench").first
    workbench.locator("tbody tr").first.wait_for(timeout=120 * SECONDS)
    workbench.scroll_into_view_if_needed()
    run = busiest_new_run(laboratory)

    workbench.get_by_label("credential", exact=True).select_option(run["access_key_id"])
    workbench.locator(".dt-search input").fill(str(run.name))
    told(page, workbench, "1 to 1 of 1")
    lines = workbench.get_by_label("Lines for the parameters cell")
    assert f'"access_key_id": "{run["access_key_id"]}"' in lines.input_value()
    assert f'"search": "{run.name}"' in lines.input_value()

    row = workbench.locator("tbody tr").first
    row.focus()
    page.keyboard.press("Enter")
    raw = workbench.get_by_label("Its raw record")
    page.wait_for_function("field => field.value.includes('sha256')", arg=raw.element_handle())
    assert str(run["source_ip_address"]) in raw.input_value()

    workbench.get_by_label("owner", exact=True).check()
    workbench.get_by_label("note", exact=True).fill("=a formula")
    workbench.get_by_label("analyst", exact=True).fill("test")
    workbench.get_by_role("button", name="Write label").focus()
    page.keyboard.press("Enter")
    said = workbench.get_by_label("What was done")
    page.wait_for_function("field => field.value.includes('appended')", arg=said.element_handle())
    looking.keep("labelled")
    with open(laboratory.runs / "demo" / "labels.csv", encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [(line["label"], line["analyst"], line["note"]) for line in written] == [("owner", "test", "'=a formula")]

    looking.run("03_object_access.ipynb")
    page.locator(".ir-kit-workbench .dt-info").first.wait_for(timeout=120 * SECONDS)
    page.locator(".ir-kit-workbench").first.scroll_into_view_if_needed()
    looking.keep("next-playbook")
    draft = laboratory.runs / "demo" / "draft"
    requests = pd.read_parquet(draft / "tables" / "object_access" / "requests.parquet")
    labels = requests[requests["session_id"] == run.name]["label"]
    assert len(labels) > 0 and set(labels) == {"owner"}
    assert (looking.dialogs, looking.hosts) == ([], {"127.0.0.1"})

    sessions = key_activity.sessions(open_case("demo", str(laboratory.runs))).set_index("session_id")
    assert sessions.loc[run.name, "label"] == "owner"
    given = {"incident": "demo", "runs": str(laboratory.runs)}
    playbook = ROOT / "playbooks" / "03_object_access.ipynb"
    assert execute_playbook(playbook, given, tmp_path).error is None
    assert_same_as_live(draft, tmp_path, "object_access")


def assert_same_as_live(live: Path, headless: Path, playbook: str) -> None:
    """Tables and findings of a playbook are the same to the byte, and headless no widget was made."""
    names = sorted(path.name for path in (headless / "tables" / playbook).glob("*.parquet"))
    assert names
    for name in names:
        table = Path("tables", playbook, name)
        assert (live / table).read_bytes() == (headless / table).read_bytes(), name
    found = Path("findings", f"{playbook}.jsonl")
    assert (live / found).read_bytes() == (headless / found).read_bytes()
    for notebook in (headless / "notebooks").glob("*.ipynb"):
        assert "widget" not in notebook.read_text(encoding="utf-8")


def test_nothing_hostile_runs_at_the_workbench_of_100_000_rows(looking: Any, laboratory: Any) -> None:
    page = looking.page
    store(laboratory.notebooks / "90_hostile.ipynb", HOSTILE_NOTEBOOK)
    looking.run("90_hostile.ipynb")
    workbench = page.locator(".ir-kit-workbench").first
    told(page, workbench, "of 100,000")
    took: dict[str, float] = {}
    workbench.locator(".dt-search input").fill("data/09999")
    took["search"] = told(page, workbench, "of 10 entries")
    workbench.locator(".dt-search input").fill("")
    told(page, workbench, "of 100,000 entries")
    workbench.locator(".dt-scroll-head th").nth(6).locator(".dt-column-title").click()
    began = time.perf_counter()
    workbench.locator("tbody td", has_text="35").first.wait_for()
    took["sort"] = time.perf_counter() - began
    workbench.get_by_role("link", name="Last").or_(workbench.locator(".dt-paging-button.last")).first.click()
    took["last page"] = told(page, workbench, "99,991 to 100,000")
    workbench.get_by_label("bucket", exact=True).select_option(index=1)
    took["picker"] = told(page, workbench, "of 80,000 entries")
    print({name: round(seconds, 2) for name, seconds in took.items()})

    workbench.get_by_role("button", name="Show all").click()
    told(page, workbench, "of 100,000 entries")
    for control in workbench.locator(".dt-scroll-head .dtcc-button").all()[:2]:
        control.click()
        page.keyboard.press("Escape")
    workbench.get_by_role("button", name="Columns").click()
    page.keyboard.press("Escape")
    workbench.locator("tbody tr").first.click()
    page.wait_for_function(
        "field => field.value.includes('onerror')", arg=workbench.get_by_label("The row").element_handle()
    )
    mark(page, workbench)
    looking.keep("hostile")
    assert workbench.locator("img, script, a[href^=javascript]").count() == 0
    assert page.locator("mjx-container").count() == 0
    assert PAYLOAD in workbench.locator("tbody td").all_inner_texts()
    assert (looking.dialogs, looking.hosts) == ([], {"127.0.0.1"})


def mark(page: Any, workbench: Any) -> None:
    """Mark a stretch of the timeline, at a hand's pace: the chart tells of no mark that is made within a few milliseconds."""
    area, chosen = workbench.locator(".js-plotly-plot .nsewdrag").first, workbench.get_by_label("from", exact=True)
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 20)
    for act in (
        page.mouse.down,
        lambda: page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40, steps=10),
        page.mouse.up,
    ):
        page.wait_for_timeout(250)
        act()
    page.wait_for_function("field => field.value !== ''", arg=chosen.element_handle())
