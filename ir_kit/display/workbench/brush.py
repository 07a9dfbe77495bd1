"""The workbench's timeline: how many rows there are when, by kind; it zooms, and a stretch that is brushed chooses rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from ir_kit.display import publish
from ir_kit.display.charts import OTHER, Chart, as_time, looks_of
from ir_kit.display.text import as_label, as_text, shortened
from ir_kit.display.workbench.grid_table import iso

BINS, TOP = 120, 7
STEPS = ("1min", "5min", "15min", "1h", "3h", "6h", "12h", "1D", "7D", "28D", "365D")
CONFIG = {**publish.CONFIG, "scrollZoom": True, "responsive": True, "displaylogo": False}
KINDS = ("verdict", "state", "outcome", "kind", "event_name", "counted_in", "link", "reason")


class Brush:
    """A figure that counts a frame's rows over time, each of its most frequent kinds apart.

    Parameters
    ----------
    start : str
        Column of times.
    brushed : callable
        Takes the first and the last moment of a stretch that is brushed; two empty texts where the mark is lifted.
    """

    def __init__(self, frame: pd.DataFrame, start: str, caption: str, brushed: Callable[[str, str], None]) -> None:
        self._brushed = brushed
        times = frame[start].dropna()
        step, starts = pd.Timedelta(hours=1), list[pd.Timestamp]()
        self._bin = np.full(len(frame), -1)
        if not times.empty:
            first, last = times.min(), times.max()
            step = next((s for s in map(pd.Timedelta, STEPS) if (last - first) / s <= BINS), pd.Timedelta(STEPS[-1]))
            first = first.floor(min(step, pd.Timedelta(days=1)))
            starts = [first + step * number for number in range(int((last - first) // step) + 1)]
            self._bin[frame[start].notna()] = ((times - first) // step).to_numpy(dtype=np.intp)
        column = next((name for name in KINDS if name in frame.columns), None)
        names = frame[column].map(as_text) if column else pd.Series("rows", index=frame.index)
        top = sorted(str(name) for name in names.value_counts().index[:TOP])
        self._kind = names.map({name: at for at, name in enumerate(top)}).fillna(len(top)).to_numpy(dtype=np.intp)
        kinds = [*top, *([""] if (self._kind == len(top)).any() else [])]
        chart = Chart(caption, 230, x_title="time, UTC; mark a stretch to choose its rows, zoom with the wheel")
        looks, centres = looks_of(top), [as_time(moment + step / 2) for moment in starts]
        for kind in kinds:
            marker = looks[kind].marker() if kind in looks and column else {"color": OTHER}
            shared = {"width": step / pd.Timedelta(milliseconds=1), "hovertemplate": "%{x}: %{y:,} rows<extra></extra>"}
            name = as_label(shortened(kind or "other", 28))
            chart.add("bar", x=centres, y=[0] * len(centres), marker=marker, name=name, **shared)
            del chart.data[-1]["hoverinfo"]
        if starts:
            chart.time_axis(starts[0], starts[-1] + step)
        chart.y |= {"rangemode": "tozero", "fixedrange": True, "separatethousands": True}
        chart.layout |= {"dragmode": "select", "selectdirection": "h", "showlegend": len(kinds) > 1}
        chart.layout["modebar"] = {"remove": ["lasso2d"]}
        self._size = len(starts)
        self.widget = go.FigureWidget({"data": chart.data, "layout": chart.layout})
        self.widget._config = CONFIG
        if self.widget.data:  # each trace tells of every mark: one is enough
            self.widget.data[0].on_selection(self.select)
            self.widget.data[0].on_deselect(lambda *_: brushed("", ""))

    def show(self, places: npt.NDArray[np.intp]) -> None:
        """Count the rows at these places alone."""
        places = places[self._bin[places] >= 0]
        with self.widget.batch_update():
            for number, trace in enumerate(self.widget.data):
                bins = self._bin[places[self._kind[places] == number]]
                trace.y = np.bincount(bins, minlength=self._size).tolist()

    def select(self, _: Any, __: Any, selector: Any) -> None:
        """Choose the stretch that the browser says is brushed."""
        if getattr(selector, "xrange", None):
            first, last = sorted(pd.to_datetime(list(selector.xrange), utc=True, format="ISO8601"))
            self._brushed(iso(first.floor("s")), iso(last.ceil("s")))
