"""Exposure, drawn: every state told apart without colour, nothing of a name interpreted, what is left out said."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ir_kit.display import matrices, show, timelines
from ir_kit.display.publish import PLOTLY

HOSTILE = "<script>alert(1)</script>$x$"
START = pd.Timestamp("2026-03-01", tz="UTC")


def drawn(bundle: dict[str, Any]) -> tuple[go.Figure, str]:
    """The figure of a bundle, and its words."""
    return go.Figure(bundle[PLOTLY]), bundle["text/plain"]


def cell(bucket: str, path: str, state: str) -> dict[str, Any]:
    return {"bucket": bucket, "path": path, "state": state, "ways": 1, "grantees": [HOSTILE], "detail": HOSTILE}


def span(bucket: str, status: str, first: int = 0, last: int = 24) -> dict[str, Any]:
    hour = pd.Timedelta(hours=1)
    return {
        "bucket": bucket, "start_time": START + first * hour, "end_time": START + last * hour, "public_status": status,
        "basis": HOSTILE,
    }  # fmt: skip


def change(bucket: str | None, effect: str, outcome: str, hour: int = 5) -> dict[str, Any]:
    return {
        "event_time": START + pd.Timedelta(hours=hour), "bucket": bucket, "event_name": "PutBucketPolicy", "effect": effect,
        "outcome": outcome, "access_key_id": "K", "detail": HOSTILE,
    }  # fmt: skip


def test_every_state_has_its_word_in_the_cell(shown: list[dict[str, Any]]) -> None:
    show.exposure_matrix(
        pd.DataFrame([cell("b", f"path{place}", state) for place, state in enumerate(matrices.STATES)])
    )
    figure, caption = drawn(shown[0])
    words = list(figure.data[0].text[0])
    assert words == [word for _, _, word in matrices.STATES.values()] and len(set(words)) == len(words)
    assert "1 public" in caption


def test_the_most_open_bucket_stands_first_and_the_rest_is_told(shown: list[dict[str, Any]]) -> None:
    rows = [cell("a", "policy", "closed"), cell("z", "policy", "public"), cell("m", "policy", "unknown")]
    show.exposure_matrix(pd.DataFrame(rows), most_rows=2)
    figure, caption = drawn(shown[0])
    assert list(figure.layout.yaxis.ticktext) == ["z", "m"]
    assert "Only 2 of 3 buckets" in caption


def test_names_are_text(shown: list[dict[str, Any]]) -> None:
    show.exposure_matrix(pd.DataFrame([cell(HOSTILE, "policy", "public")]))
    show.exposure_timeline(pd.DataFrame([span(HOSTILE, "yes")]), pd.DataFrame([change(HOSTILE, "opens", "success")]))
    assert all("<script>" not in str(figure) and "$x$" not in str(figure) for figure, _ in map(drawn, shown))


def test_a_mark_says_effect_and_outcome_by_its_shape(shown: list[dict[str, Any]]) -> None:
    spans = pd.DataFrame([span("b", "no", 0, 5), span("b", "yes", 5, 24), span("c", "unknown")])
    changes = pd.DataFrame(
        [
            change("b", "opens", "success"),
            change("b", "closes", "denied"),
            change(None, "changes", "success"),
            change("b", "opens", "success", 99),
        ]
    )
    show.exposure_timeline(spans, changes)
    figure, caption = drawn(shown[0])
    marks = {trace.name: trace.marker.symbol for trace in figure.data if trace.type == "scatter"}
    assert marks == {"opens": "triangle-up", "closes, failed": "triangle-down-open", "changes": "diamond"}
    assert timelines.ACCOUNT in list(figure.layout.yaxis.ticktext)
    assert "3 changes marked" in caption and "1 change outside the window" in caption
    patterns = [trace.marker.pattern.shape for trace in figure.data if trace.type == "bar"]
    assert len(set(patterns)) == 3


def test_nothing_to_draw_is_said(shown: list[dict[str, Any]]) -> None:
    show.exposure_matrix(pd.DataFrame(columns=["bucket", "path", "state"]))
    show.exposure_timeline(
        pd.DataFrame(columns=["bucket", "start_time", "end_time", "public_status", "basis"]), pd.DataFrame()
    )
    assert all("No bucket to draw." in caption for _, caption in map(drawn, shown))
