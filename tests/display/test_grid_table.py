"""What a grid asks of its frame: pages, search, filters of columns, order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ir_kit.display.workbench.grid_table import GridTable, View

FRAME = pd.DataFrame(
    {
        "event_time": pd.to_datetime(["2026-03-01", "2026-03-03", "2026-03-02", None], utc=True),
        "event_name": ["GetObject", "ListBuckets", "getobject", None],
        "bytes_sent": [5.0, None, 30.0, 200.0],
        "reasons": [["a", "b"], [], ["address new"], None],
        "user_agent": ["=cmd", "<script>", "aws-cli", ""],
    }
)


def question(
    search: str = "",
    order: Sequence[tuple[int, str]] = (),
    columns: Mapping[int, tuple[str, str]] | None = None,
    **more: int,
) -> dict[str, Any]:
    """As DataTables asks."""
    columns = columns or {}
    asked = [
        {"columnControl": {"search": {"logic": columns[number][0], "value": columns[number][1]}}}
        if number in columns
        else {}
        for number in range(5)
    ]
    by = [{"column": column, "dir": direction} for column, direction in order]
    return {"start": 0, "length": 10, "search": {"value": search}, "order": by, "columns": asked, **more}


@pytest.fixture
def rows() -> GridTable:
    return GridTable(FRAME, list(FRAME.columns))


def found(rows: GridTable, **asked: Any) -> list[int]:
    return [place for place, _ in rows.page(question(**asked))["rows"]]


def test_a_page_holds_its_rows_with_their_places_and_every_value_as_text(rows: GridTable) -> None:
    page = rows.page(question(start=1, length=2))
    assert (page["total"], page["found"]) == (4, 4)
    assert [place for place, _ in page["rows"]] == [1, 2]
    assert page["rows"][0][1] == ["2026-03-03 00:00:00Z", "ListBuckets", "—", "[]", "<script>"]


def test_a_page_is_never_longer_than_a_browser_bears() -> None:
    rows = GridTable(pd.DataFrame({"n": range(5_000)}), ["n"])
    assert len(rows.page(question(length=-1))["rows"]) == 1_000


def test_every_word_is_searched_in_every_column_in_any_case(rows: GridTable) -> None:
    assert found(rows, search="GETOBJECT") == [0, 2]
    assert found(rows, search="getobject 2026-03-02") == [2]
    assert found(rows, search="address") == [2]
    assert found(rows, search="<SCRIPT>") == [1]


def test_a_search_is_no_pattern(rows: GridTable) -> None:
    assert found(rows, search=".*") == []


@pytest.mark.parametrize(
    ("column", "logic", "value", "places"),
    [
        (1, "contains", "object", [0, 2]),
        (1, "notContains", "object", [1, 3]),
        (1, "equal", "listbuckets", [1]),
        (1, "notEqual", "listbuckets", [0, 2, 3]),
        (1, "starts", "get", [0, 2]),
        (1, "ends", "S", [1]),
        (1, "empty", "", [3]),
        (4, "notEmpty", "", [0, 1, 2]),
        (2, "greater", "5", [2, 3]),
        (2, "lessOrEqual", "30", [0, 2]),
        (2, "equal", "200", [3]),
        (2, "empty", "", [1]),
        (2, "greater", "-", [0, 1, 2, 3]),
    ],
)
def test_a_column_is_filtered(rows: GridTable, column: int, logic: str, value: str, places: list[int]) -> None:
    assert found(rows, columns={column: (logic, value)}) == places


def test_order_goes_by_value_and_what_has_none_stands_last_either_way(rows: GridTable) -> None:
    assert found(rows, order=[(2, "asc")]) == [0, 2, 3, 1]
    assert found(rows, order=[(2, "desc")]) == [3, 2, 0, 1]
    assert found(rows, order=[(0, "desc")]) == [1, 2, 0, 3]


def test_of_equal_rows_the_first_stays_first() -> None:
    rows = GridTable(pd.DataFrame({"a": [1, 1, 0], "b": ["x", "y", "z"]}), ["a", "b"])
    assert found(rows, order=[(0, "desc")]) == [0, 1, 2]


def test_what_was_not_chosen_is_not_counted(rows: GridTable) -> None:
    rows.view = View(start="2026-03-02")
    page = rows.page(question(search="getobject"))
    assert (page["total"], page["found"]) == (2, 1)


def test_a_mark_is_found_and_the_frame_that_was_given_stays_as_it_was(rows: GridTable) -> None:
    assert found(rows, search="owner") == []
    rows.label("user_agent", np.array([False, True, False, False]), "owner")
    assert found(rows, search="owner") == [1]
    assert "owner" not in FRAME["user_agent"].tolist()
