"""What left, drawn: nothing of a log is interpreted, and what is left out is said."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ir_kit.display import show
from ir_kit.display.publish import PLOTLY

HOSTILE = "<script>alert(1)</script>/"


def drawn(bundle: dict[str, Any]) -> tuple[go.Figure, str]:
    """The figure of a bundle, and its words."""
    return go.Figure(bundle[PLOTLY]), bundle["text/plain"]


def test_the_owners_reads_are_left_out_and_counted(shown: list[dict[str, Any]]) -> None:
    hour = pd.Timestamp("2026-03-01T10:00:00Z")
    rows = [(hour, "A", "lower", 3, 3_000), (hour, "D", "upper", 1, 500), (hour, "A", "owner", 7, 9)]
    show.bytes_by_hour(pd.DataFrame(rows, columns=["hour", "attribution", "counted_in", "reads", "bytes_sent"]))
    figure, caption = drawn(shown[0])
    assert [bar.name for bar in figure.data] == ["A named", "D ambiguous"]
    assert "3.5 kB in 4 reads" in caption and "7 reads" in caption


def test_a_bucket_without_an_upper_bound_is_drawn_open(shown: list[dict[str, Any]]) -> None:
    row = {"bucket": HOSTILE, "objects_lower": 1, "objects_likely": 2, "objects_upper": None, "objects_upper_logged": 3}
    show.bounds(pd.DataFrame([row | {"blind_hours": 4.0}]))
    figure, caption = drawn(shown[0])
    assert "1 without an upper bound" in caption
    assert "triangle-right-open" in str(figure) and "<script>" not in str(figure)


def test_prefixes_are_text(shown: list[dict[str, Any]]) -> None:
    rows = [("papers", HOSTILE, "lower", 5, 50), ("papers", "mine/", "owner", 9, 90)]
    show.prefixes(pd.DataFrame(rows, columns=["bucket", "prefix", "counted_in", "objects", "bytes_sent"]))
    figure, caption = drawn(shown[0])
    assert "<script>" not in str(figure) and "5 objects under 1 prefix" in caption


def test_nothing_to_draw_is_said(shown: list[dict[str, Any]]) -> None:
    show.prefixes(pd.DataFrame(columns=["bucket", "prefix", "counted_in", "objects", "bytes_sent"]))
    assert "No prefix to draw." in drawn(shown[0])[1]
