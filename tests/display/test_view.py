"""What of a table is chosen, as a parameter: read as written, refused where it is something else."""

from __future__ import annotations

import ast

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_kit.display.workbench.grid_table import GridTable, View, parameter_line
from ir_kit.errors import ParameterError

FRAME = pd.DataFrame(
    {
        "access_key_id": ["A", "A", "B"],
        "bucket": ["x", None, "x"],
        "start_time": pd.to_datetime(["2026-03-01", "2026-03-02", None], utc=True),
        "end_time": pd.to_datetime(["2026-03-03", "2026-03-02", None], utc=True),
    }
)


def chosen(view: View) -> list[int]:
    rows = GridTable(FRAME, list(FRAME.columns))
    return rows.places(view).tolist()


def test_nothing_chosen_is_everything_and_an_empty_text() -> None:
    assert View.of("") == View()
    assert View().text() == ""
    assert chosen(View()) == [0, 1, 2]


@given(st.builds(View, access_key_id=st.text(), bucket=st.text(), search=st.text()))
def test_a_view_is_read_as_it_was_written_through_the_parameters_cell(view: View) -> None:
    line = parameter_line("view", view.text(), "help")
    assert line.isascii() and "\n" not in line
    (statement,) = ast.parse(line).body
    assert isinstance(statement, ast.AnnAssign) and statement.value is not None
    assert View.of(ast.literal_eval(statement.value)) == view


@given(st.text())
def test_papermill_finds_one_equals_sign_and_one_hash_in_the_line(search: str) -> None:
    line = parameter_line("view", View(search=search).text(), "help")
    assert (line.count("="), line.count("#")) == (1, 1)


def test_a_stretch_chooses_what_overlaps_it_its_end_left_out() -> None:
    assert chosen(View(start="2026-03-02T12:00:00Z")) == [0]
    assert chosen(View(end="2026-03-02T00:00:00Z")) == [0]
    assert chosen(View(start="2026-03-02", end="2026-03-02T00:00:01Z")) == [0, 1]


def test_what_has_no_time_lies_in_no_stretch() -> None:
    assert 2 not in chosen(View(start="1970-01-01"))


def test_credential_and_bucket_choose_together() -> None:
    assert chosen(View(access_key_id="A", bucket="x")) == [0]


def test_a_table_without_such_a_column_is_left_whole() -> None:
    rows = GridTable(pd.DataFrame({"name": ["a"]}), ["name"])
    assert rows.places(View(access_key_id="A", bucket="x", start="2026-03-01")).tolist() == [0]


@pytest.mark.parametrize("text", ["{", "[]", '{"select": "x"}', '{"bucket": 1}', '{"start": "yesterday"}'])
def test_something_else_is_refused_with_the_next_step(text: str) -> None:
    with pytest.raises(ParameterError, match="; "):
        View.of(text)
