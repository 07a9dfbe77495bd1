"""Which colours, patterns and sizes do charts have? Fixed per value, told apart without colour too, on white for print.

Source: M. Okabe and K. Ito, "Color Universal Design" (2008), for the palette; cividis for amounts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import plotly.graph_objects as go

from ir_kit.display.text import as_label

__all__ = ["INK", "LINE", "SOFT", "KNOWN", "Look", "base_figure", "colours", "finish", "hatched", "legend_entry"]

INK, SOFT, LINE, FAINT = "#1d2430", "#5a6472", "#d9dee5", "#eef1f4"
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F", "#3B3B3B")
OTHER = "#9AA3AE"
TITLE = 32  # pixels that the title takes
SHAPES = ("", "/", "x", ".", "\\", "+", "-", "|")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")


class Look(NamedTuple):
    """What tells a value apart: each of these alone would do."""

    color: str
    pattern: str
    symbol: str

    def pattern_on_color(self) -> dict[str, Any]:
        """The pattern in white on the colour."""
        colors = {"fgcolor": "#ffffff", "bgcolor": self.color, "fillmode": "replace"}
        return {"shape": self.pattern, "size": 6, "solidity": 0.3, **colors}


VERDICTS = {
    "new": Look("#D55E00", "x", "diamond"),
    "unclear": Look("#E69F00", "/", "square"),
    "familiar": Look("#0072B2", "", "circle"),
}
"""Of sessions."""

KNOWN = {
    **VERDICTS,
    "success": Look("#D55E00", "x", "diamond"),
    "denied": Look("#0072B2", "", "circle"),
    "error": Look("#8C6D1F", "/", "square"),
}
"""Values that look the same in every chart."""

FONT = '"Source Sans 3", "Segoe UI", "Noto Sans", "Helvetica Neue", Arial, sans-serif'


def colours(values: Iterable[str]) -> dict[str, Look]:
    """Which look does each value have? The same in every chart, unless two of one chart would share it."""
    size = len(PALETTE)
    present = set(values)
    taken: dict[int, str] = {}
    for value in sorted(present - set(KNOWN)):
        wanted = zlib.crc32(value.encode("utf-8", "backslashreplace")) % size
        free = [place % size for place in range(wanted, wanted + size) if place % size not in taken]
        taken[free[0] if free else len(taken)] = value
    places = {value: place for place, value in taken.items()}
    return {value: look for value, look in KNOWN.items() if value in present} | {
        value: _look(places[value]) for value in sorted(places)
    }


def _look(place: int) -> Look:
    turn, size = place // len(PALETTE), len(PALETTE)
    return Look(PALETTE[place % size], SHAPES[(place + turn) % size], SYMBOLS[(place + turn) % size])


def hatched(color: str) -> dict[str, Any]:
    """A bar's marker for what failed: stripes of the colour on white."""
    pattern = {"shape": "/", "size": 6, "solidity": 0.35, "fgcolor": color, "bgcolor": "#ffffff", "fillmode": "replace"}
    return {"color": color, "line": {"color": color, "width": 0.5}, "pattern": pattern}


def base_figure(title: str, height: int, *, left: int = 60, top: int = 0) -> go.Figure:
    """An empty figure in the kit's looks: as wide as the page, as high as told, nothing that changes between runs."""
    figure = go.Figure(layout={"template": "none"})
    figure.update_layout(
        title={
            "text": f"<b>{as_label(title)}</b>" if title else "",
            "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
            "pad": {"t": 10, "l": 8}, "font": {"size": 14, "color": INK},
        },
        height=height,
        autosize=True,
        margin={"l": left, "r": 24, "t": 70 + top, "b": 56},
        font={"family": FONT, "size": 12, "color": INK},
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        colorway=list(PALETTE),
        hoverlabel={"align": "left", "bgcolor": "#ffffff", "font": {"size": 12, "color": INK}},
        legend={
            "orientation": "h", "x": 0.005, "xref": "container", "xanchor": "left",
            "y": 1 - TITLE / height, "yref": "container", "yanchor": "top",
            "font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)",
        },
        barmode="stack",
        bargap=0.1,
        dragmode="zoom",
        uirevision="fixed",
    )  # fmt: skip
    return figure


def finish(figure: go.Figure, *, x_title: str, y_title: str = "") -> go.Figure:
    """Axes with their titles and light lines."""
    axis: dict[str, Any] = {
        "gridcolor": LINE,
        "linecolor": SOFT,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": SOFT,
        "ticklen": 4,
    }
    figure.update_xaxes(**axis, title={"text": x_title, "font": {"size": 12, "color": SOFT}, "standoff": 10})
    figure.update_yaxes(**axis, title={"text": y_title, "font": {"size": 12, "color": SOFT}, "standoff": 10})
    return figure


def time_axis(figure: go.Figure, start: str, end: str) -> None:
    """Let the first horizontal axis show this stretch of time, its marks written in full."""
    figure.update_xaxes(
        type="date",
        range=[start, end],
        hoverformat="%Y-%m-%d %H:%M:%SZ",
        tickformatstops=[
            {"dtickrange": [None, 60_000], "value": "%H:%M:%S\n%Y-%m-%d"},
            {"dtickrange": [60_000, 86_400_000], "value": "%H:%M\n%Y-%m-%d"},
            {"dtickrange": [86_400_000, None], "value": "%d %b\n%Y"},
        ],
    )


def legend_entry(name: str, **marker: Any) -> go.Scatter:
    """An entry of the legend that belongs to no data."""
    return go.Scatter(
        x=[None], y=[None], mode="markers", name=name, marker={"size": 11, **marker}, hoverinfo="skip", showlegend=True
    )
