"""The picture of what could have been seen: states told apart without colour, acts drawn over them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ir_kit.display import show
from ir_kit.display.publish import PLOTLY
from ir_kit.display.timelines import RECORDED

Bundle = dict[str, Any]


def time(hour: int) -> pd.Timestamp:
    return pd.Timestamp("2026-03-01", tz="UTC") + pd.Timedelta(hours=hour)


def rows(
    bucket: str | None, kind: str, *spans: tuple[int, int, str], region: str = "us-east-1"
) -> list[dict[str, Any]]:
    return [
        {
            "bucket": bucket, "aws_region": region, "record_class": kind, "start_time": time(start),
            "end_time": time(end), "state": state, "basis": "because", "left_out": [],
        }
        for start, end, state in spans
    ]  # fmt: skip


def act(hour: int, outcome: str = "success", name: str = "StopLogging") -> dict[str, Any]:
    return {
        "event_time": time(hour), "event_name": name, "target": "main", "access_key_id": "K", "outcome": outcome,
        "effect": "stops the trail",
    }  # fmt: skip


EVERY_STATE = pd.DataFrame(
    rows(None, "management", (0, 24, "logged"))
    + rows(None, "management", (0, 24, "logged"), region="eu-west-1")
    + rows("b", "data_read", *((2 * place, 2 * place + 2, state) for place, state in enumerate(RECORDED)))
)


def drawn(shown: list[Bundle]) -> dict[str, Any]:
    figure: dict[str, Any] = shown[-1][PLOTLY]
    go.Figure(figure)
    return figure


def test_no_two_states_share_a_colour_or_look_alike_without_it() -> None:
    looks = [look for _, look in RECORDED.values()]
    assert len({look.color for look in looks}) == len(looks)
    greys = [
        sum(weight * int(look.color[at : at + 2], 16) for weight, at in ((0.3, 1), (0.6, 3), (0.1, 5)))
        for look in looks
    ]
    for one in range(len(looks)):
        for other in range(one):
            assert looks[one].pattern != looks[other].pattern or abs(greys[one] - greys[other]) > 25


def test_every_band_is_drawn_from_its_start_to_its_end(shown: list[Bundle]) -> None:
    show.visibility(EVERY_STATE)
    bands = [bar for bar in drawn(shown)["data"] if bar["type"] == "bar" and bar.get("base") is not None]
    assert {bar["name"]: sum(bar["x"]) / 3_600_000 for bar in bands} == {
        "logged": 26.0, "uncertain": 2.0, "lost: recorded, and gone": 2.0, "not logged": 2.0, "unknown": 2.0,
    }  # fmt: skip


def test_regions_that_were_alike_are_one_line(shown: list[Bundle]) -> None:
    show.visibility(EVERY_STATE)
    assert drawn(shown)["layout"]["yaxis"]["ticktext"] == [
        "eu-west-1, us-east-1 · management", "b · data read",
    ]  # fmt: skip


def test_acts_are_drawn_over_the_bands_and_those_that_failed_draw_no_line(shown: list[Bundle]) -> None:
    show.visibility(EVERY_STATE, pd.DataFrame([act(3), act(20, "denied", "DeleteTrail"), act(99)]))
    figure = drawn(shown)
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == ["2026-03-01 03:00:00"]
    named = [text for trace in figure["data"] if trace["type"] == "scatter" for text in trace["text"]]
    assert named == ["StopLogging", "DeleteTrail failed"]
    assert "Only 2 of 3 changes are drawn" in shown[-1]["text/plain"]


def test_what_is_left_out_is_said(shown: list[Bundle]) -> None:
    show.visibility(EVERY_STATE, most_buckets=1)
    assert "Only 1 of 2 buckets and Regions are drawn, Regions first" in shown[-1]["text/plain"]


def test_hostile_names_stand_as_text(shown: list[Bundle], hostile: str) -> None:
    frame = EVERY_STATE.assign(bucket=hostile, basis=hostile)
    show.visibility(frame, pd.DataFrame([act(3, name=hostile)]))
    text = repr(drawn(shown))
    assert "<script" not in text and "<img" not in text


def test_nothing_known_is_said_in_words(shown: list[Bundle]) -> None:
    show.visibility(EVERY_STATE.head(0))
    assert "neither a bucket nor a region is known" in shown[-1]["text/plain"].lower()


def test_snippets_are_text_and_long_ones_are_folded(shown: list[Bundle], hostile: str) -> None:
    step = {
        "priority": 1, "bucket": hostile, "action": "enable_data_events", "aws_region": None, "warning": hostile,
        "snippet": "\n".join([hostile] * 20), "check": "aws s3api",
    }  # fmt: skip
    show.snippets(pd.DataFrame([step]))
    page = shown[-1]["text/html"]
    assert "<script>" not in page and "<details>" in page and "proves that it took effect" in page
