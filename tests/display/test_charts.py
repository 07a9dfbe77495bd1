"""Figures: two formats, escaped labels, the same bytes each time, and in words what they leave out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from ir_kit.display import show
from ir_kit.display.charts import PALETTE, VERDICTS, looks_of
from ir_kit.display.publish import PLOTLY

Bundle = dict[str, Any]


def time(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def figure(bundle: Bundle) -> dict[str, Any]:
    assert sorted(bundle) == [PLOTLY, "text/plain"]
    drawn: dict[str, Any] = bundle[PLOTLY]
    go.Figure(drawn)  # plotly accepts every name and value
    return drawn


def texts(value: Any) -> Iterator[str]:
    """Every text of a figure."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def draw_all(text: str, coverage: pd.DataFrame, window: Any, sessions: pd.DataFrame, row: Callable[..., Any]) -> None:
    """Every figure, with this text wherever a log's text can come to stand."""
    show.coverage(coverage.assign(bucket=text), window, window)
    show.sessions(sessions.assign(access_key_id=text, verdict=text, other=text))
    show.timeline(sessions.assign(row=text, color=text), "start_time", "end_time", "row", "color", caption=text)
    hours = [time("2026-03-01 10:00"), time("2026-03-01 11:00")]
    show.activity(
        pd.DataFrame({"hour": hours, "event_name": [text, "b"], "event_count": [3, 4], "error_count": [1, 0]})
    )
    child = row("K2", text, "observed", link_event_name=text, principal_arn=text, credential_type="long_term")
    show.lineage(pd.DataFrame([row(text), child]))


def test_hostile_text_stands_as_text(
    shown: list[Bundle], hostile: str, coverage: pd.DataFrame, window: Any, sessions: pd.DataFrame, credential: Any
) -> None:
    draw_all(hostile, coverage, window, sessions, credential)
    figures = [figure(bundle) for bundle in shown if PLOTLY in bundle]
    assert len(figures) == 5
    for drawn in figures:
        for text in texts(drawn):
            plain = text.replace("<br>", "").replace("<b>", "").replace("</b>", "")
            assert "<" not in plain
            assert "$" not in plain
            assert "\u202e" not in plain
        assert "&lt;script" in json.dumps(drawn)
    assert all("hovertemplate" not in trace for drawn in figures for trace in drawn["data"])


def test_equal_frames_give_equal_bytes(
    shown: list[Bundle], coverage: pd.DataFrame, window: Any, sessions: pd.DataFrame, credential: Any
) -> None:
    draw_all("x", coverage, window, sessions, credential)
    first = json.dumps(shown)
    shown.clear()
    draw_all("x", coverage, window, sessions, credential)
    assert json.dumps(shown) == first


def test_no_order_of_rows_changes_a_chart(shown: list[Bundle], sessions: pd.DataFrame) -> None:
    show.sessions(sessions)
    show.sessions(sessions.iloc[::-1])
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    ("draw", "columns"),
    [
        (show.sessions, "access_key_id source_ip_address start_time end_time verdict"),
        (show.activity, "hour event_name event_count error_count"),
        (show.lineage, "access_key_id parent_access_key_id"),
        (lambda frame: show.timeline(frame, "a", "b", "row"), "a b row"),
    ],
)
def test_an_empty_frame_says_so_in_words(
    shown: list[Bundle], draw: Callable[[pd.DataFrame], None], columns: str
) -> None:
    draw(pd.DataFrame(columns=columns.split()))
    assert "to draw" in figure(shown[0])["layout"]["annotations"][0]["text"]
    assert "to draw" in shown[0]["text/plain"]


def test_axes_say_utc(shown: list[Bundle], sessions: pd.DataFrame) -> None:
    show.sessions(sessions)
    assert figure(shown[0])["layout"]["xaxis"]["title"]["text"] == "time, UTC"


def test_a_session_without_length_still_has_its_symbol(shown: list[Bundle], sessions: pd.DataFrame) -> None:
    show.sessions(sessions)
    symbols = [trace for trace in figure(shown[0])["data"] if trace["type"] == "scatter" and trace["name"] == "new"]
    assert symbols[0]["x"] == ["2026-03-01 03:00:00"]


def test_verdicts_differ_in_colour_pattern_and_symbol() -> None:
    looks = list(VERDICTS.values())
    for part in range(3):
        assert len({look[part] for look in looks}) == len(looks)


def test_a_value_has_the_same_colour_in_every_chart() -> None:
    alone, among = looks_of(["GetObject"]), looks_of(["GetObject", "new", "success"])
    assert alone["GetObject"] == among["GetObject"]
    assert among["new"] == VERDICTS["new"]


def test_more_values_than_colours_still_differ() -> None:
    looks = looks_of([f"v{n}" for n in range(3 * len(PALETTE))])
    assert len(set(looks.values())) == len(looks)


def test_lines_left_out_are_said_in_chart_and_caption(shown: list[Bundle], sessions: pd.DataFrame) -> None:
    show.timeline(sessions, "start_time", "end_time", "access_key_id", most_rows=1)
    words = "Only 1 of 2 lines are drawn, the earliest; the table has all."
    assert words in shown[0]["text/plain"]
    assert words in [note["text"] for note in figure(shown[0])["layout"]["annotations"]]


def test_what_tells_most_is_not_left_out(shown: list[Bundle], sessions: pd.DataFrame) -> None:
    show.sessions(sessions, most_rows=1)
    assert figure(shown[0])["layout"]["yaxis"]["ticktext"] == ["AKIA1 · 198.51.100.7"]
    assert "Only 1 of 3 lines are drawn, by verdict, then the earliest" in shown[0]["text/plain"]


def test_a_row_without_a_time_is_counted(shown: list[Bundle], sessions: pd.DataFrame) -> None:
    sessions.loc[0, "start_time"] = pd.NaT
    show.sessions(sessions)
    assert "1 row without a time: not drawn." in shown[0]["text/plain"]


def test_an_open_end_is_drawn_as_its_start(shown: list[Bundle], sessions: pd.DataFrame) -> None:
    sessions["end_time"] = pd.NaT
    show.sessions(sessions)
    assert all(length is None for trace in figure(shown[0])["data"] if trace["type"] == "bar" for length in trace["x"])


def test_failed_calls_are_set_apart(shown: list[Bundle]) -> None:
    frame = pd.DataFrame({"hour": [time("2026-03-01")] * 2, "event_name": ["a", "a"], "event_count": [3, 4]})
    show.activity(frame.assign(error_count=[1, 0]))
    bars = [trace for trace in figure(shown[0])["data"] if trace["name"] == "a"]
    assert [(trace["y"], bool(trace["marker"].get("pattern"))) for trace in bars] == [([6], False), ([1], True)]
    assert "7 calls, 1 failure among them" in shown[0]["text/plain"]


def test_actions_beyond_the_top_are_together(shown: list[Bundle]) -> None:
    frame = pd.DataFrame(
        {"hour": time("2026-03-01"), "event_name": list("abc"), "event_count": [3, 2, 1], "error_count": 0}
    )
    show.activity(frame, most_actions=1)
    assert [trace["name"] for trace in figure(shown[0])["data"]] == ["a", "2 other actions"]


def heat(bundle: Bundle) -> tuple[list[str], list[list[Any]], list[list[Any]]]:
    """The lines of a picture of coverage, its amounts, and its days of other classes."""
    drawn = figure(bundle)
    elsewhere, amounts = [trace for trace in drawn["data"] if trace["type"] == "heatmap"]
    return drawn["layout"]["yaxis"]["ticktext"], amounts["text"], elsewhere["z"]


def test_a_day_without_anything_is_empty(shown: list[Bundle], coverage: pd.DataFrame, window: SimpleNamespace) -> None:
    show.coverage(coverage, window)
    names, amounts, elsewhere = heat(shown[1])
    line = names.index("cloudtrail · management")
    assert amounts[line] == ["1.2k", "", "7"]
    assert elsewhere[line] == [None, None, None]
    line = names.index("cloudtrail · data_read · b")
    assert amounts[line] == ["", "", "5"]
    assert elsewhere[line] == [1, None, None]  # the source spoke that day, not of this class


def test_a_class_that_is_not_held_has_its_empty_line(
    shown: list[Bundle], coverage: pd.DataFrame, window: SimpleNamespace
) -> None:
    show.coverage(coverage, window)
    names, amounts, _ = heat(shown[1])
    assert amounts[names.index("cloudtrail · data_write")] == ["", "", ""]
    assert "data_write" in shown[0]["text/plain"]
    assert "0 of 3" in shown[0]["text/plain"]


def test_days_outside_are_counted_not_drawn(
    shown: list[Bundle], coverage: pd.DataFrame, window: SimpleNamespace
) -> None:
    show.coverage(coverage, window)
    assert "3 records of other days: not drawn." in shown[1]["text/plain"]


def test_window_and_baseline_are_drawn(shown: list[Bundle], coverage: pd.DataFrame, window: SimpleNamespace) -> None:
    baseline = SimpleNamespace(start=window.start - pd.Timedelta(days=2), end=window.start)
    show.coverage(coverage, window, baseline)
    notes = [note["text"] for note in figure(shown[1])["layout"]["annotations"]]
    assert notes[:2] == ["baseline", "window"]
    assert len(heat(shown[1])[1][0]) == 5


def test_no_records_at_all_are_said(shown: list[Bundle], coverage: pd.DataFrame, window: SimpleNamespace) -> None:
    show.coverage(coverage.head(0), window)
    assert "nothing covers the window" in shown[1]["text/plain"]
    assert shown[0]["text/plain"].count("0 of 3") == 5


def test_files_are_counted_beside_what_is_held(
    shown: list[Bundle], coverage: pd.DataFrame, window: SimpleNamespace
) -> None:
    sources = pd.DataFrame(
        {
            "kind": ["cloudtrail", "cloudtrail"], "records": [5, 6], "duplicates": [0, 1], "rejected": [0, 4],
            "damaged": [False, True], "present": [True, False], "first_time": time("2026-03-01"), "last_time": pd.NaT,
        }
    )  # fmt: skip
    show.coverage(coverage, window, sources=sources, ignored=7)
    line = shown[0]["text/plain"].splitlines()[2].split()
    assert line[:7] == ["cloudtrail", "2", "11", "1", "4", "1", "1"]
    assert "Left out among the sources, as digests or no logs: 7 files." in shown[0]["text/plain"]


def test_parents_stand_left_of_their_children(shown: list[Bundle], credential: Any) -> None:
    rows = [
        credential("c", "b", "inferred"),
        credential("b", "a", "observed", link_event_name="AssumeRole"),
        credential("a"),
    ]
    show.lineage(pd.DataFrame(rows))
    places = {
        label.split("<b>")[1].split("</b>")[0]: (x, y)
        for trace in figure(shown[0])["data"] if trace["mode"] == "markers+text"
        for label, x, y in zip(trace["text"], trace["x"], trace["y"], strict=True)
    }  # fmt: skip
    assert places == {"a": (0, 0), "b": (1, 1), "c": (2, 2)}
    lines = {trace["line"]["dash"] for trace in figure(shown[0])["data"] if trace["mode"] == "lines"}
    assert lines == {"solid", "dash"}


def test_a_ring_of_parents_loses_nobody(shown: list[Bundle], credential: Any) -> None:
    show.lineage(pd.DataFrame([credential("a", "b", "inferred"), credential("b", "a", "inferred")]))
    drawn = [label for trace in figure(shown[0])["data"] if trace["mode"] == "markers+text" for label in trace["text"]]
    assert len(drawn) == 2


def test_many_alike_share_a_line_and_are_counted(shown: list[Bundle], credential: Any) -> None:
    rows = [credential("a"), *(credential(f"k{n:02}", "a", "inferred", event_count=2) for n in range(20))]
    show.lineage(pd.DataFrame(rows))
    labels = [label for trace in figure(shown[0])["data"] if trace["mode"] == "markers+text" for label in trace["text"]]
    assert len(labels) == 5
    assert any("and 17 more like these</b>  34 events" in label for label in labels)
    assert "21 credentials" in shown[0]["text/plain"]
    assert "17 that are alike share lines; the table has each." in shown[0]["text/plain"]


def test_more_credentials_than_fit_are_counted(shown: list[Bundle], credential: Any) -> None:
    show.lineage(pd.DataFrame([credential(f"k{n}", principal_arn=f"p{n}") for n in range(9)]), most=4)
    assert "Only 4 of 9 credentials are drawn" in shown[0]["text/plain"]
