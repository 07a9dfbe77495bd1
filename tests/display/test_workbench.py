"""The workbench: live only where JupyterLab opened the notebook, and never a judge of what is answered."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest

from ir_kit.case import Case
from ir_kit.case_opening import open_case
from ir_kit.display import publish, show
from ir_kit.display.text import as_text
from ir_kit.display.workbench.grid_table import View
from ir_kit.display.workbench.launch import full_table, is_live
from ir_kit.display.workbench.raw_records import raw_text, record_places, session_of
from ir_kit.errors import ParameterError
from ir_kit.incident import new_incident

KEY, TOKEN = "AKIAIOSFODNN7EXAMPLE", "a-session-token"
HOSTILE = '<img src=x onerror="alert(1)">'


def record(number: int) -> dict[str, Any]:
    return {
        "eventVersion": "1.09",
        "eventTime": f"2026-03-01T0{number}:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.1",
        "userAgent": HOSTILE,
        "userIdentity": {"type": "IAMUser", "accessKeyId": KEY, "arn": "arn:aws:iam::111122223333:user/u"},
        "requestParameters": {"bucketName": "records", "key": "k", "x-amz-security-token": TOKEN},
        "eventID": f"event-{number}",
        "requestID": f"request-{number}",
        "recipientAccountId": "111122223333",
    }


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Three reads by one key from one address, in two runs."""
    folder = tmp_path_factory.mktemp("workbench")
    logs = folder / "logs"
    logs.mkdir()
    (logs / "a.json").write_text(json.dumps({"Records": [record(number) for number in (1, 2, 3)]}), encoding="utf-8")
    fields = {
        "access_keys": [KEY],
        "window": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z"},
        "sources": {"cloudtrail": [str(logs)]},
    }
    new_incident(folder / "runs", "INC-1", fields)
    return open_case("INC-1", str(folder / "runs"))


@pytest.fixture
def sessions() -> pd.DataFrame:
    """Two runs of one operator."""
    both = {"operator_id": "o-1", "access_key_id": KEY, "source_ip_address": "203.0.113.1", "user_agent": HOSTILE}
    rows = [
        {"session_id": "s-1", **both, "start_time": "2026-03-01T01:00Z", "end_time": "2026-03-01T02:00Z"},
        {"session_id": "s-2", **both, "start_time": "2026-03-01T03:00Z", "end_time": "2026-03-01T03:00Z"},
    ]
    frame = pd.DataFrame(rows).assign(verdict=["new", "familiar"], label=None)
    return frame.assign(
        start_time=pd.to_datetime(frame["start_time"], utc=True), end_time=pd.to_datetime(frame["end_time"], utc=True)
    )


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "02_key_activity.ipynb")


def opened(case: Case, frame: pd.DataFrame, view: str = "") -> Any:
    from ir_kit.display.workbench.panel import Workbench

    (case.staging / "tables" / "key_activity").mkdir(parents=True, exist_ok=True)
    frame.to_parquet(case.staging / "tables" / "key_activity" / "sessions.parquet")
    columns = ["start_time", "verdict"]
    return Workbench(case, frame, caption="Runs", columns=columns, view=View.of(view))


# who is there


def test_it_is_live_where_jupyterlab_opened_the_notebook(lab: None) -> None:
    assert is_live()


def test_a_run_that_is_recorded_is_never_live(lab: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IR_KIT_STAGING", "anywhere")
    assert not is_live()


def test_a_kernel_of_papermill_is_not_live() -> None:
    assert not is_live()


# static


def test_headless_it_is_the_static_table(case: Case, sessions: pd.DataFrame, shown: list[dict[str, Any]]) -> None:
    show.table(sessions, "Runs", rows=1, columns=["verdict"], table="key_activity/sessions")
    show.workbench(case, sessions, "Runs", rows=1, columns=["verdict"], table="key_activity/sessions")
    table, workbench = shown
    assert workbench == table


def test_headless_no_widget_library_is_loaded() -> None:
    code = (
        "import sys; from ir_kit.display import show; print({'ipywidgets', 'anywidget', 'itables'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


def test_a_view_filters_the_static_table_and_says_so(
    case: Case, sessions: pd.DataFrame, shown: list[dict[str, Any]]
) -> None:
    show.workbench(
        case, sessions, "Runs", columns=["session_id"], table="key_activity/sessions", view='{"search": "new"}'
    )
    (bundle,) = shown
    assert "s-1" in bundle["text/plain"] and "s-2" not in bundle["text/plain"]
    assert "The parameter `view` leaves out 1 row." in bundle["text/plain"]


def test_a_view_of_something_else_stops_the_playbook(case: Case, sessions: pd.DataFrame) -> None:
    with pytest.raises(ParameterError):
        show.workbench(case, sessions, table="key_activity/sessions", view="bucket = x")


# live


def test_live_the_static_table_is_there_too(
    case: Case, sessions: pd.DataFrame, shown: list[dict[str, Any]], lab: None
) -> None:
    show.workbench(case, sessions, HOSTILE, columns=["verdict"], table="key_activity/sessions")
    widget, static = shown
    assert sorted(widget) == [publish.WIDGET, "text/plain"]
    assert static["text/html"].startswith("<details><summary>") and "<img" not in static["text/html"]


def test_a_choice_narrows_the_grid_and_gives_its_line(case: Case, sessions: pd.DataFrame) -> None:
    workbench = opened(case, sessions)
    workbench.end.value = "2026-03-01T02:30:00Z"
    asked = {"start": 0, "length": 10, "search": {"value": ""}, "order": [], "columns": []}
    assert [place for place, _ in workbench.grid.table.page(asked)["rows"]] == [0]
    assert workbench.line.text.splitlines()[1].startswith('view: str = \'{"end": "2026-03-01T02:30:00Z"}\'  # ')
    workbench.all.click()
    assert workbench.grid.table.page(asked)["total"] == 2
    assert 'view: str = ""' in workbench.line.text


def test_a_time_that_is_none_is_said_and_changes_nothing(case: Case, sessions: pd.DataFrame) -> None:
    workbench = opened(case, sessions)
    workbench.start.value = "yesterday"
    assert workbench.message.text.startswith("a time that cannot be read: from; ")
    assert workbench.view == View()


def test_a_mark_on_the_timeline_chooses_its_rows_and_lifting_it_all(case: Case, sessions: pd.DataFrame) -> None:
    workbench = opened(case, sessions)
    marked = type("Box", (), {"xrange": ("2026-03-01 02:30:00.5", "2026-03-01 04:00")})()
    workbench.brush.select(None, None, marked)
    assert (workbench.start.value, workbench.end.value) == ("2026-03-01T02:30:00Z", "2026-03-01T04:00:00Z")
    assert sum(map(sum, (trace.y for trace in workbench.brush.widget.data))) == 2  # it still shows where the others are
    workbench.choose("", "")
    assert workbench.view == View()


def test_a_row_leads_to_its_raw_records_their_file_and_its_hash(case: Case, sessions: pd.DataFrame) -> None:
    workbench = opened(case, sessions)
    workbench.grid.chosen = 0
    assert len(workbench.record.options) == 2
    assert workbench.raw.text.startswith("file    a.json\nsha256  ")
    assert '"eventID": "event-1"' in workbench.raw.text
    workbench.record.index = 1
    assert '"eventID": "event-2"' in workbench.raw.text
    assert TOKEN not in workbench.raw.text


def test_a_label_is_written_for_a_run_or_for_all_of_its_operator(case: Case, sessions: pd.DataFrame) -> None:
    workbench = opened(case, sessions)
    path = case.incident.folder / "labels.csv"
    workbench.grid.chosen = 0
    workbench.label_form.label.value = "intruder"
    workbench.label_form.button.click()
    assert not path.exists() and "who says so" in workbench.message.text
    workbench.label_form.analyst.value, workbench.label_form.note.value = "me", "by its address"
    workbench.label_form.scope.index = 1
    workbench.label_form.button.click()
    with path.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    path.unlink()
    assert [(line["label"], line["analyst"], line["user_agent"]) for line in written] == [
        ("intruder", "me", HOSTILE)
    ] * 2
    assert workbench.grid.table.frame["label"].tolist() == ["intruder", "intruder"]
    assert sessions["label"].isna().all()


def test_headings_hold_nothing_that_could_be_markup(case: Case) -> None:
    from ir_kit.display.workbench.grid import Grid

    grid = Grid(pd.DataFrame({HOSTILE: ["x"]}), [HOSTILE])
    assert not set(grid._columns[0]["heading"]) & set("<>&\"'")


# places and tables


def test_a_row_that_names_its_record_needs_no_search(case: Case) -> None:
    (place,) = record_places(case, {"source_file": "a.json", "record_number": 2, "event_name": "GetObject"})
    assert '"eventID": "event-2"' in raw_text(case, place)


def test_a_row_is_found_by_its_event_or_request(case: Case) -> None:
    assert [place.number for place in record_places(case, {"event_id": "event-3", "request_id": None})] == [3]
    assert [place.number for place in record_places(case, {"request_id": "request-1"})] == [1]
    assert record_places(case, {"event_id": None, "bucket": "records"}) == []


def test_a_record_that_is_gone_is_said_in_its_place(case: Case) -> None:
    (place,) = record_places(case, {"source_file": HOSTILE, "record_number": 1})
    assert "no such source file" in raw_text(case, place)


def test_an_event_belongs_to_the_run_that_it_names(sessions: pd.DataFrame) -> None:
    assert session_of(sessions, {"session_id": "s-2"})["session_id"].tolist() == ["s-2"]
    assert session_of(sessions, {"session_id": None}).empty
    assert session_of(None, {"session_id": "s-2"}).empty


def test_the_desk_opens_all_of_an_answer_whose_head_is_shown(case: Case) -> None:
    path = case.staging / "tables" / "key_activity" / "events.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"n": pd.array([*range(6), None], dtype="Int64")}).to_parquet(path)
    head = pd.DataFrame({"n": range(3)})
    assert len(full_table(case, head, "key_activity/events")) == 3
    head.attrs["rows"] = 7
    whole = full_table(case, head, "key_activity/events")
    assert [as_text(number) for number in whole["n"].tolist()] == ["0", "1", "2", "3", "4", "5", "—"]


def test_what_to_do_next_names_what_is_missing_first(case: Case, shown: list[dict[str, Any]]) -> None:
    show.next_steps(case)
    text = shown[0]["text/plain"]
    order = [text.index(words) for words in ("Add server access logs", "Set a baseline", "Whose keys are they")]
    assert order == sorted(order)
    assert "Add CloudTrail" not in text
