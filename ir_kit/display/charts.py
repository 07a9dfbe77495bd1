"""What all charts share: looks that tell values apart without colour too, one method a kind of drawing, what is left out in words.

A figure is plotly's JSON, written here: nothing of a log is interpreted in it, and it is the same each time.

Source: M. Okabe and K. Ito, "Color Universal Design" (2008), for the palette.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.display.publish import publish_figure
from ir_kit.display.text import as_label, as_text, joined, moment, shortened, visible

INK, SOFT, LINE, FAINT, WHITE = "#1d2430", "#5a6472", "#d9dee5", "#eef1f4", "#ffffff"
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F", "#3B3B3B")
OTHER = "#9AA3AE"
SHAPES = ("", "/", "x", ".", "\\", "+", "-", "|")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")
FONT = '"Source Sans 3", "Segoe UI", "Noto Sans", "Helvetica Neue", Arial, sans-serif'
TITLE = 32  # pixels that the title takes
HOUR = 3_600_000.0  # milliseconds
LABEL = 46  # characters of a label


class Look(NamedTuple):
    """What tells a value apart: each of these alone would do."""

    color: str
    pattern: str
    symbol: str

    def marker(self, edge: str = WHITE) -> dict[str, Any]:
        """A bar's marker: the pattern in white on the colour."""
        pattern = {"shape": self.pattern, "size": 6, "solidity": 0.3, "fgcolor": WHITE, "bgcolor": self.color}
        line = {"color": edge, "width": 0.6}
        return {"color": self.color, "pattern": {**pattern, "fillmode": "replace"}, "line": line}


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


def looks_of(values: Iterable[str]) -> dict[str, Look]:
    """Which look does each value have? The same in every chart, unless two of one chart would share it."""
    size = len(PALETTE)
    present = set(values)
    taken: dict[int, str] = {}
    for value in sorted(present - set(KNOWN)):
        wanted = zlib.crc32(value.encode("utf-8", "backslashreplace")) % size
        free = [place % size for place in range(wanted, wanted + size) if place % size not in taken]
        taken[free[0] if free else len(taken)] = value
    looks = {}
    for place, value in sorted(taken.items(), key=lambda item: item[1]):
        turned = (place + place // size) % size
        looks[value] = Look(PALETTE[place % size], SHAPES[turned], SYMBOLS[turned])
    return {value: look for value, look in KNOWN.items() if value in present} | looks


class Chart:
    """A figure as wide as the page, and the sentences that go with it.

    Parameters
    ----------
    height, left, top, below : int
        Pixels: of the figure, of the room beside, above and below what is drawn.
    """

    def __init__(
        self,
        caption: str,
        height: int,
        *,
        left: int = 60,
        top: int = 0,
        below: int = 54,
        x_title: str = "time, UTC",
        y_title: str = "",
    ) -> None:
        self.caption, self.below = caption, below
        self.data: list[dict[str, Any]] = []
        axis: dict[str, Any] = {"gridcolor": LINE, "linecolor": SOFT, "zeroline": False}
        axis |= {"ticks": "outside", "tickcolor": SOFT, "ticklen": 4}
        self.x, self.y = (
            {**axis, "title": {"text": title, "font": {"size": 12, "color": SOFT}, "standoff": 10}}
            for title in (x_title, y_title)
        )
        self.layout: dict[str, Any] = {
            "title": {
                "text": f"<b>{as_label(caption)}</b>" if caption else "",
                "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
                "pad": {"t": 10, "l": 8}, "font": {"size": 14, "color": INK},
            },
            "height": height,
            "autosize": True,
            "margin": {"l": left, "r": 24, "t": 70 + top, "b": below + 2},
            "font": {"family": FONT, "size": 12, "color": INK},
            "paper_bgcolor": WHITE,
            "plot_bgcolor": WHITE,
            "hoverlabel": {"align": "left", "bgcolor": WHITE, "font": {"size": 12, "color": INK}},
            "legend": {
                "orientation": "h", "x": 0.005, "xref": "container", "xanchor": "left",
                "y": 1 - TITLE / height, "yref": "container", "yanchor": "top",
                "font": {"size": 12}, "bgcolor": "rgba(0,0,0,0)",
            },
            "barmode": "stack",
            "uirevision": "fixed",
            "annotations": [],
            "shapes": [],
            "xaxis": self.x,
            "yaxis": self.y,
        }  # fmt: skip

    def add(self, kind: str, **trace: Any) -> None:
        """A trace of plotly's, its hover text as it is given."""
        self.data.append({"type": kind, "hoverinfo": "text" if "hovertext" in trace else "skip", **trace})

    def bands(self, rows: pd.DataFrame, places: Iterable[float], *, start: str, end: str, **trace: Any) -> None:
        """Bars over time, one a row, each on its line; of a row without an end there is nothing to see."""
        spans = (pd.to_datetime(rows[end], utc=True) - rows[start]).dt.total_seconds() * 1000
        base, lengths = [as_time(time) for time in rows[start]], [span or None for span in spans.fillna(0)]
        self.layout["barmode"] = "overlay"
        if base:
            self.add("bar", base=base, x=lengths, y=list(places), orientation="h", hovertext=hover_texts(rows), **trace)

    def marks(self, rows: pd.DataFrame, places: Iterable[float], *, time: str, **trace: Any) -> None:
        """Symbols over time, one a row."""
        times = [as_time(moment) for moment in rows[time]]
        if times:
            trace = {"mode": "markers", "hovertext": hover_texts(rows), **trace}
            self.add("scatter", x=times, y=list(places), **trace)

    def hourly(self, amounts: pd.Series[Any], texts: Iterable[str], *, name: str, **trace: Any) -> None:
        """Stacked bars of an hour each."""
        hours = amounts.index
        words = [f"{moment(hour)}, one hour<br>{name}<br>{text}" for hour, text in zip(hours, texts, strict=True)]
        x, y = [as_time(hour) for hour in hours], [int(n) for n in amounts]
        if x:
            self.add("bar", x=x, y=y, width=HOUR, offset=0, name=name, hovertext=words, **trace)

    def cells(self, values: list[list[Any]], x: Sequence[Any], texts: list[list[str]], **trace: Any) -> None:
        """A matrix, one line a name of the vertical axis; nothing where there is no value."""
        y = list(range(len(values)))
        self.add("heatmap", z=values, x=list(x), y=y, hovertext=texts, xgap=2, ygap=2, **trace)

    def legend(self, name: str, **marker: Any) -> None:
        """An entry of the legend that belongs to no data."""
        marker = {"size": 11, **marker}
        self.add("scatter", x=[None], y=[None], mode="markers", name=name, marker=marker, showlegend=True)

    def note(self, text: str, **place: Any) -> None:
        """Words on the figure."""
        font = {"size": 11, "color": SOFT}
        self.layout["annotations"].append({"text": as_label(text), "showarrow": False, "font": font, **place})

    def line(self, color: str, width: float, dash: str = "solid", *, x0: str, x1: str, y0: int = 0) -> None:
        """A straight line at this time over all of the height, or along the top of what is drawn where `y0` is 1."""
        place = {"xref": "x", "yref": "paper", "x0": x0, "x1": x1, "y0": y0, "y1": 1}
        self.layout["shapes"].append({"type": "line", **place, "line": {"color": color, "width": width, "dash": dash}})

    def name_lines(self, names: Iterable[str], *, least: int = 2) -> None:
        """Let the vertical axis name the lines from above, with room for at least so many."""
        texts = [as_label(shortened(as_text(name), LABEL)) for name in names]
        self.y |= {"tickmode": "array", "tickvals": list(range(len(texts))), "ticktext": texts, "automargin": True}
        self.y |= {"tickfont": {"size": 11}, "range": [max(len(texts), least) - 0.5, -0.5], "fixedrange": True}

    def plain(self) -> None:
        """Leave out the grid and draw a frame."""
        self.x |= {"showgrid": False, "mirror": True}
        self.y |= {"showgrid": False, "mirror": True, "ticks": ""}

    def time_axis(self, start: pd.Timestamp, end: pd.Timestamp, *, padded: bool = False) -> None:
        """Let the horizontal axis show this stretch of time, with a little room at both ends where it is padded."""
        pad = max((end - start) * 0.03, pd.Timedelta(minutes=2)) if padded else pd.Timedelta(0)
        formats = [
            {"dtickrange": [None, 60_000], "value": "%H:%M:%S\n%Y-%m-%d"},
            {"dtickrange": [60_000, 86_400_000], "value": "%H:%M\n%Y-%m-%d"},
            {"dtickrange": [86_400_000, None], "value": "%d %b\n%Y"},
        ]
        self.x |= {"type": "date", "range": [as_time(start - pad), as_time(end + pad)], "tickformatstops": formats}

    def publish(self, shows: str, *left_out: str) -> None:
        """Hand it over; what it leaves out stands in the figure too, since JupyterLab shows no caption."""
        missing = joined(*left_out)
        if missing:
            self.layout["margin"]["b"] = self.below + 22
            place = {"x": 0, "xref": "paper", "xanchor": "left", "y": 0, "yref": "paper", "yanchor": "top"}
            self.note(missing, **place, yshift=-self.below)
        words = visible(joined(f"{self.caption.rstrip('.')}.", shows, missing))
        publish_figure({"data": self.data, "layout": self.layout}, words)


def publish_empty(caption: str, words: str) -> None:
    """Hand over a figure that says in words that there is nothing to draw."""
    chart = Chart(caption, 120)
    chart.x["visible"] = chart.y["visible"] = False
    chart.note(words, x=0.5, y=0.5, xref="paper", yref="paper", font={"size": 14, "color": SOFT})
    chart.publish(f"{words[0].upper()}{words[1:]}.")


def as_time(value: Any) -> str:
    """A time as plotly reads it: UTC, without a zone."""
    return moment(value).removesuffix("Z")


def hover_texts(rows: pd.DataFrame) -> list[str]:
    """Each row for the box that follows the pointer, a line a column."""
    names = [as_label(name) for name in rows.columns]
    return [
        "<br>".join(
            f"{name}: {as_label(shortened(as_text(value), 90))}" for name, value in zip(names, row, strict=True)
        )
        for row in rows.astype(object).itertuples(index=False, name=None)
    ]


def limited(shown: int, of: int, what: str, which: str = "") -> str:
    """The sentence that says what is left out; empty where nothing is."""
    return f"Only {shown:,} of {of:,} {what} are drawn{which}; the table has all." if shown < of else ""
