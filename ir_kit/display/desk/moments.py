"""The desk's timeline: how many rows there are when, by kind; it zooms, and a stretch that is marked chooses rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from ir_kit.display import publish
from ir_kit.display.charts import OTHER, Chart, as_time, looks_of
from ir_kit.display.desk.view import iso
from ir_kit.display.text import as_label, as_text, shortened

__all__ = ["Moments"]

BINS = 120
TOP = 7
STEPS = ("1min", "5min", "15min", "1h", "3h", "6h", "12h", "1D", "7D", "28D")
CONFIG = {
    **publish.CONFIG,
    "scrollZoom": True,
    "responsive": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["lasso2d"],
}
KINDS = ("verdict", "state", "outcome", "kind", "event_name", "counted_in", "link", "reason")


class Bins(NamedTuple):
    """Stretches of equal length, and in which of them each row lies; -1 for a row without a time."""

    starts: pd.DatetimeIndex
    step: pd.Timedelta
    place: npt.NDArray[np.intp]


class Moments:
    """A figure that counts a frame's rows over time.

    Parameters
    ----------
    frame : DataFrame
    start : str
        Column of times.
    caption : str
    marked : callable
        Told of the first and the last moment of a stretch that is marked; of two empty texts where the mark is lifted.
    """

    def __init__(self, frame: pd.DataFrame, start: str, caption: str, marked: Callable[[str, str], None]) -> None:
        self.bins = _bins(frame[start])
        self.groups, kinds = _groups(frame)
        chart = Chart(caption, 230, x_title="time, UTC; mark a stretch to choose its rows, zoom with the wheel")
        looks = looks_of(kind for kind in kinds if kind)
        width = self.bins.step / pd.Timedelta(milliseconds=1)
        centres = [as_time(moment + self.bins.step / 2) for moment in self.bins.starts]
        for kind in kinds:
            marker = looks[kind].marker() if kind in looks else {"color": OTHER}
            name = as_label(shortened(kind or "other", 28))
            chart.add("bar", x=centres, y=[0] * len(centres), width=width, marker=marker, name=name)
            chart.data[-1] |= {"hoverinfo": "all", "hovertemplate": "%{x}: %{y:,} rows<extra></extra>"}
        if len(self.bins.starts):
            chart.time_axis(self.bins.starts[0], self.bins.starts[-1] + self.bins.step)
        chart.y |= {"rangemode": "tozero", "fixedrange": True, "separatethousands": True}
        chart.layout |= {"dragmode": "select", "selectdirection": "h", "showlegend": len(kinds) > 1}
        chart.layout["margin"]["t"] = 56
        self.widget = go.FigureWidget({"data": chart.data, "layout": chart.layout})
        self.widget._config = CONFIG
        self._marked = marked
        if self.widget.data:  # each trace tells of every mark: one is enough
            self.widget.data[0].on_selection(self._selected)
            self.widget.data[0].on_deselect(lambda *_: marked("", ""))
        self.show(np.ones(len(frame), dtype=bool))

    def show(self, mask: npt.NDArray[np.bool_]) -> None:
        """Count these rows alone."""
        counted = mask & (self.bins.place >= 0)
        with self.widget.batch_update():
            for number, trace in enumerate(self.widget.data):
                held = self.bins.place[counted & (self.groups == number)]
                trace.y = np.bincount(held, minlength=len(self.bins.starts)).tolist()

    def _selected(self, _: Any, __: Any, selector: Any) -> None:
        if getattr(selector, "xrange", None):
            first, last = sorted(pd.to_datetime(list(selector.xrange), utc=True, format="ISO8601"))
            self._marked(iso(first.floor("s")), iso(last.ceil("s")))


def _bins(times: pd.Series[Any]) -> Bins:
    known = times.dropna()
    if known.empty:
        return Bins(pd.DatetimeIndex([]), pd.Timedelta(hours=1), np.full(len(times), -1))
    first, last = known.min(), known.max()
    step = next((pd.Timedelta(step) for step in STEPS if (last - first) / pd.Timedelta(step) <= BINS), None)
    step = step or pd.Timedelta(days=365)
    origin = first.floor("D") if step >= pd.Timedelta(days=1) else first.floor(step)
    count = int((last - origin) // step) + 1
    place = np.full(len(times), -1)
    has = times.notna().to_numpy(dtype=bool)
    place[has] = ((known - origin) // step).to_numpy(dtype=np.intp)
    return Bins(pd.DatetimeIndex([origin + step * number for number in range(count)]), step, place)


def _groups(frame: pd.DataFrame) -> tuple[npt.NDArray[np.intp], list[str]]:
    """The group of each row, and the groups' names: the most frequent kinds, and an empty name for the others."""
    column = next((name for name in KINDS if name in frame.columns), None)
    if column is None:
        return np.zeros(len(frame), dtype=np.intp), ["rows"]
    names = frame[column].map(as_text)
    top = sorted(str(name) for name in names.value_counts().index[:TOP])
    places = {name: number for number, name in enumerate(top)}
    groups = names.map(lambda name: places.get(name, len(top))).to_numpy(dtype=np.intp)
    return groups, [*top, ""] if bool((groups == len(top)).any()) else top
