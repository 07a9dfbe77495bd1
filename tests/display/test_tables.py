"""Tables: escaped, static, and plain about what they leave out."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from ir_kit.display import show
from ir_kit.record.markup import clean_html
from ir_kit.tables import made_by

Bundle = dict[str, Any]


def time(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


HARMLESS = {"style", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "span", "br"}


class _Parsed(HTMLParser):
    """The elements of a page and the text of its cells."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.cell_attributes: list[dict[str, str | None]] = []
        self.inside = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")
            self.cell_attributes.append(dict(attrs))
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data


def parsed(bundle: Bundle) -> _Parsed:
    assert sorted(bundle) == ["text/html", "text/plain"]
    return _Parsed(bundle["text/html"])


def test_hostile_text_stands_as_text(shown: list[Bundle], hostile: str) -> None:
    frame = pd.DataFrame({hostile: [hostile], "list": [[hostile, "b"]]})
    show.table(frame, caption=hostile, table="a/b")
    page = parsed(shown[0])
    as_written = hostile.replace("\u202e", "\\u202e").replace("\x1b", "\\u001b")
    assert page.cells[0] == as_written
    assert page.cells[2] == as_written
    assert {tag for tag, _ in page.elements} <= HARMLESS
    assert all(set(attributes) <= {"class", "style", "scope"} for _, attributes in page.elements)
    assert "\u202e" not in shown[0]["text/plain"] + shown[0]["text/html"]
    assert "\x1b" not in shown[0]["text/plain"]


def test_formulas_are_not_typeset(shown: list[Bundle]) -> None:
    show.table(pd.DataFrame({"a": ["$x$"]}))
    classes = [attributes.get("class") or "" for tag, attributes in parsed(shown[0]).elements if tag == "div"]
    assert "mathjax_ignore" in classes[0].split()


def test_the_record_keeps_the_table_whole(shown: list[Bundle], hostile: str) -> None:
    show.table(pd.DataFrame({"a": [1, 2], "b": [hostile, None]}), caption="c")
    before, after = parsed(shown[0]), _Parsed(clean_html(shown[0]["text/html"]))
    assert after.cells == before.cells
    assert after.cell_attributes == before.cell_attributes


def test_truncation_is_said_with_the_place_of_the_whole(shown: list[Bundle]) -> None:
    show.table(pd.DataFrame({"n": range(1234)}), caption="Calls", rows=50, table="key_activity/events")
    for source in shown[0].values():
        assert "Calls (50 of 1,234 rows)" in source
        assert "Only the first 50 of 1,234 rows are shown." in source
        assert "tables/key_activity/events.parquet" in source


def test_the_head_of_a_longer_answer_counts_as_truncated(shown: list[Bundle]) -> None:
    frame = pd.DataFrame({"n": [1, 2]})
    frame.attrs["rows"] = 9000
    show.table(frame, rows=50)
    assert "Only the first 2 of 9,000 rows are shown." in shown[0]["text/plain"]


def test_columns_left_out_are_counted(shown: list[Bundle]) -> None:
    show.table(pd.DataFrame({"a": [1], "b": [2]}), columns=["b"], table="x/y")
    assert "1 of 2 columns are shown. The whole table: tables/x/y.parquet" in shown[0]["text/plain"]


def test_of_a_table_that_is_whole_only_its_place_and_maker_are_said(shown: list[Bundle]) -> None:
    show.table(pd.DataFrame({"a": [1]}), "One", table="x/y")
    made = f"The table: tables/x/y.parquet, made by {made_by('x/y')}"
    assert shown[0]["text/plain"].splitlines() == ["One (1 row)", "a", "1", made]


def test_an_empty_frame_says_no_rows(shown: list[Bundle]) -> None:
    show.table(pd.DataFrame({"a": []}), "Nothing")
    assert "no rows" in parsed(shown[0]).cells
    assert shown[0]["text/plain"].endswith("no rows")


def test_a_frame_without_columns_says_no_rows(shown: list[Bundle]) -> None:
    show.table(pd.DataFrame())
    assert "no rows" in parsed(shown[0]).cells


def test_null_and_the_empty_text_are_told_apart(shown: list[Bundle]) -> None:
    show.table(pd.DataFrame({"a": [None, "", "—"]}, dtype=object))
    page = parsed(shown[0])
    assert page.cells[1:] == ["—", '""', "—"]
    classes = [attributes.get("class") for attributes in page.cell_attributes[1:]]
    assert classes == ["soft", "soft", None]  # a dash that a log holds does not look like null


def test_numbers_stand_right_and_times_on_one_line(shown: list[Bundle]) -> None:
    show.table(pd.DataFrame({"n": pd.array([1000, None], dtype="Int64"), "t": [time("2026-03-01 12:00"), None]}))
    page = parsed(shown[0])
    assert page.cells == ["n", "t", "1,000", "2026-03-01 12:00:00Z", "—", "—"]
    assert page.cell_attributes[2]["class"] == "number"
    assert "nowrap" in str(page.cell_attributes[3]["style"])


def test_several_blanks_are_kept(shown: list[Bundle]) -> None:
    show.table(pd.DataFrame({"key": [" a  b "]}))
    assert parsed(shown[0]).cell_attributes[1]["style"] == "white-space:pre-wrap"


def test_equal_frames_give_equal_bytes(shown: list[Bundle]) -> None:
    for _ in range(2):
        show.table(pd.DataFrame({"a": [1, None], "b": [["x"], []]}), "c")
    assert shown[0] == shown[1]


def test_few_rows_stand_side_by_side(shown: list[Bundle]) -> None:
    show.facts(pd.DataFrame({"key": ["K1", "K2"], "user": ["u", None]}), "Keys")
    assert parsed(shown[0]).cells == ["key", "K1", "K2", "user", "u", "—"]


def test_many_facts_are_a_table(shown: list[Bundle]) -> None:
    show.facts(pd.DataFrame({"key": list("abcde")}), "Keys")
    assert "Keys (5 rows)" in shown[0]["text/plain"]


def finding(**fields: Any) -> dict[str, Any]:
    return {"question": "Q?", "statement": "S.", "status": "observed", "confidence": "high", "limits": [], **fields}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("observed", "● observed"),
        ("inferred", "◐ inferred"),
        ("not_observed", "○ not observed"),
        ("not_knowable", "? not knowable"),
    ],
)
def test_a_status_is_told_by_word_and_mark(shown: list[Bundle], status: str, words: str) -> None:
    show.findings([finding(status=status)])
    assert words in parsed(shown[0]).cells


def test_a_finding_carries_its_question_and_limits(shown: list[Bundle], hostile: str) -> None:
    show.findings([finding(statement=hostile, limits=["One.", "Two."]), finding()])
    page = parsed(shown[0])
    assert page.cells[4].startswith("Q?<script>")
    assert page.cells[7] == "One.Two."  # on two lines
    assert page.cells[11] == "none named"
    assert {tag for tag, _ in page.elements} <= HARMLESS


def test_no_findings_are_said(shown: list[Bundle]) -> None:
    show.findings([])
    assert "no rows" in parsed(shown[0]).cells
