"""What every chart here has in common: its note, its hover text, its stretch of time, and what stands for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go

from ir_kit.display.style import SOFT, base_figure
from ir_kit.display.text import as_label, as_text, joined, moment, shortened

__all__ = ["Drawn", "as_time", "drawn", "empty", "hover", "only", "padded"]


class Drawn(NamedTuple):
    """A figure, and in words what it shows and leaves out."""

    figure: go.Figure
    note: str


def as_time(value: Any) -> str:
    """A time as plotly reads it: UTC, without a zone."""
    return moment(value).removesuffix("Z")


def hover(row: Mapping[str, Any]) -> str:
    """A row of a frame, a line a column, for the box that follows the pointer."""
    return "<br>".join(f"{as_label(name)}: {as_label(shortened(as_text(value), 90))}" for name, value in row.items())


def only(shown: int, of: int, what: str, which: str = "") -> str:
    """The sentence that says what is left out; empty where nothing is."""
    return f"Only {shown:,} of {of:,} {what} are drawn{which}; the table has all." if shown < of else ""


def drawn(figure: go.Figure, shows: str, *left_out: str, below: int = 54) -> Drawn:
    """A figure with its note; what it leaves out stands in it too, since JupyterLab shows no caption."""
    missing = joined(*left_out)
    if missing:
        figure.update_layout(margin={"b": below + 22})
        figure.add_annotation(
            text=as_label(missing), x=0, xref="paper", xanchor="left", y=0, yref="paper", yanchor="top", yshift=-below,
            showarrow=False, font={"size": 11, "color": SOFT},
        )  # fmt: skip
    return Drawn(figure, joined(shows, missing))


def empty(caption: str, what: str) -> Drawn:
    """A figure that says in words that there is nothing to draw."""
    figure = base_figure(caption, 120)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(
        text=as_label(what), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 14, "color": SOFT}
    )
    return Drawn(figure, f"{what[0].upper()}{what[1:]}.")


def padded(first: pd.Timestamp, last: pd.Timestamp) -> tuple[str, str]:
    """This stretch of time with a little room at both ends."""
    pad = max((last - first) * 0.03, pd.Timedelta(minutes=2))
    return as_time(first - pad), as_time(last + pad)
