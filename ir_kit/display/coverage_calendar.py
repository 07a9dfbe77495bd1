"""Of which days do we hold records: a picture of the window, where a day that nobody delivered is seen as such."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any, NamedTuple

import pandas as pd

from ir_kit.display.charts import Drawn, drawn, empty, only
from ir_kit.display.held import EXPECTED, KEYS, Span, by_class, days_of
from ir_kit.display.style import FAINT, INK, SOFT, base_figure, finish, legend_entry
from ir_kit.display.text import as_label, as_text, counted, is_null, shortened

__all__ = ["coverage"]

LABEL = 52
DAYS_WITH_NUMBERS = 31
DAYS_WITH_MARKS = 12
SAYS_ITS_SOURCE = ("server_access_log", "configuration")
BLUES = [[0.0, "#cfe3f2"], [0.35, "#86b8da"], [0.7, "#3b83b8"], [1.0, "#0b3c66"]]
ELSEWHERE, NOTHING = "records of this source, none of these", "nothing from this source"


class _Grid(NamedTuple):
    """Lines and days, the records of each, and which of the empty ones are days that the source says something of."""

    names: list[str]
    days: list[date]
    amounts: list[list[int]]
    elsewhere: list[list[bool]]


def coverage(frame: pd.DataFrame, window: Span, baseline: Span | None, *, caption: str, most_rows: int) -> Drawn:
    """Of which days of baseline and window do we hold records, by source, class and bucket?"""
    rows = by_class(frame[frame["day"].notna()])
    if rows.empty:
        return empty(caption, "no records at all: nothing covers the window")
    grid, lines, outside = _grid(rows, days_of(window, baseline), most_rows)
    height = max(len(grid.names), 2)
    figure = base_figure(caption, 150 + 30 * height, top=26)
    _cells(figure, grid)
    _spans(figure, window, baseline)
    edge = {"color": SOFT, "width": 1}
    for name, color in (("records (darker: more)", BLUES[2][1]), (ELSEWHERE, FAINT), (NOTHING, "#ffffff")):
        figure.add_trace(legend_entry(name, color=color, symbol="square", line=edge))
    finish(figure, x_title="day, UTC")
    ends = [f"{grid.days[0]:%Y-%m-%d}", f"{grid.days[-1] + timedelta(days=1):%Y-%m-%d}"]
    if len(grid.days) <= DAYS_WITH_MARKS:
        figure.update_xaxes(tick0=ends[0], dtick=86_400_000)
    figure.update_xaxes(type="date", range=ends, tickformat="%d %b\n%Y", showgrid=False, hoverformat="%Y-%m-%d")
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(grid.names))), range=[height - 0.5, -0.5], fixedrange=True, ticks="",
        ticktext=[as_label(shortened(name, LABEL)) for name in grid.names], automargin=True, showgrid=False,
        tickfont={"size": 11}, mirror=True,
    )  # fmt: skip
    return drawn(
        figure,
        f"{counted(len(grid.names), 'line')}, {counted(len(grid.days), 'day')}; a white cell: {NOTHING} on that day.",
        f"{counted(outside, 'record')} of other days: not drawn." if outside else "",
        only(len(grid.names), lines, "lines", ", the fullest"),
    )


def _name(kind: Any, record_class: Any, bucket: Any) -> str:
    words = [] if record_class in SAYS_ITS_SOURCE else [as_text(kind)]
    return " · ".join([*words, *(as_text(part) for part in (record_class, bucket) if not is_null(part))])


def _grid(rows: pd.DataFrame, days: list[date], most_rows: int) -> tuple[_Grid, int, int]:
    """The picture's cells, how many lines there are in all, and how many records lie on other days."""
    source_of: dict[str, str] = {}
    counts: dict[tuple[str, date], int] = {}
    spoken: set[tuple[str, date]] = set()
    volume: dict[str, int] = {}
    cells = rows[[*KEYS, "day", "records"]].itertuples(index=False, name=None)
    for kind, record_class, bucket, when, n in cells:
        day = pd.Timestamp(when).date()
        name = _name(kind, record_class, bucket)
        source_of[name] = kind
        spoken.add((kind, day))
        counts[name, day] = counts.get((name, day), 0) + int(n)
        volume[name] = volume.get(name, 0) + int(n)
    there = set(zip(rows["source_kind"], rows["record_class"], strict=True))
    source_of |= {_name(*expected, None): expected[0] for expected in EXPECTED if expected not in there}
    fullest = sorted(source_of, key=lambda name: (name in volume, -volume.get(name, 0), name))[:most_rows]
    names = sorted(fullest, key=lambda name: (source_of[name], name))
    amounts = [[counts.get((name, day), 0) for day in days] for name in names]
    elsewhere = [[(source_of[name], day) in spoken and not counts.get((name, day)) for day in days] for name in names]
    drawn_days = set(days)
    outside = sum(n for (_, day), n in counts.items() if day not in drawn_days)
    return _Grid(names, days, amounts, elsewhere), len(source_of), outside


def _cells(figure: Any, grid: _Grid) -> None:
    edges = [*grid.days, grid.days[-1] + timedelta(days=1)]  # a single day has no width of its own
    shared: dict[str, Any] = {"x": [f"{day:%Y-%m-%d}" for day in edges], "y": list(range(len(grid.names)))}
    shared |= {"xgap": 1, "ygap": 3, "hoverinfo": "text"}

    def texts(amounts: list[list[int]], words: str) -> list[list[str]]:
        named = zip(grid.names, amounts, strict=True)
        return [
            [f"{day:%Y-%m-%d}<br>{as_label(name)}<br>{n or ''} {words}" for day, n in zip(grid.days, row, strict=True)]
            for name, row in named
        ]

    zeros = [[0] * len(grid.days) for _ in grid.names]
    figure.add_heatmap(
        z=[[1 if elsewhere else None for elsewhere in row] for row in grid.elsewhere],
        colorscale=[[0, FAINT], [1, FAINT]], showscale=False, hovertext=texts(zeros, ELSEWHERE), **shared,
    )  # fmt: skip
    filled = [n for row in grid.amounts for n in row if n] or [1]
    few = len(grid.days) <= DAYS_WITH_NUMBERS
    figure.add_heatmap(
        z=[[round(math.log10(n), 6) if n else None for n in row] for row in grid.amounts], colorscale=BLUES,
        zmin=math.log10(min(filled)) - 0.3, zmax=math.log10(max(filled)) + 0.1, showscale=not few,
        colorbar=_colorbar(max(filled)), hovertext=texts(grid.amounts, "records"), texttemplate="%{text}",
        text=[[_compact(n) if few and n else "" for n in row] for row in grid.amounts], textfont={"size": 10}, **shared,
    )  # fmt: skip


def _colorbar(most: int) -> dict[str, Any]:
    exponents = list(range(int(math.log10(most)) + 1))
    marks = {"tickvals": exponents, "ticktext": [f"{10**exponent:,}" for exponent in exponents]}
    title = {"text": "records", "font": {"size": 11}}
    return {"title": title, "thickness": 10, "outlinewidth": 0, "tickmode": "array", **marks}


def _compact(number: int) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            value = number / size
            return f"{value:.0f}{unit}" if value >= 9.95 else f"{value:.1f}{unit}"
    return str(number)


def _spans(figure: Any, window: Span, baseline: Span | None) -> None:
    for name, span, color, dash in (("baseline", baseline, SOFT, "dot"), ("window", window, INK, "solid")):
        if span is None:
            continue
        start, end = (f"{time:%Y-%m-%d %H:%M:%S}" for time in (span.start, span.end))
        place = {"type": "line", "xref": "x", "yref": "paper"}
        figure.add_shape(**place, x0=start, x1=end, y0=1, y1=1, line={"color": color, "width": 5, "dash": dash})
        for edge in (start, end) if name == "window" else ():
            figure.add_shape(**place, x0=edge, x1=edge, y0=0, y1=1, line={"color": color, "width": 1.5})
        middle = f"{span.start + (span.end - span.start) / 2:%Y-%m-%d %H:%M:%S}"
        figure.add_annotation(
            text=name, x=middle, y=1, yref="paper", yanchor="bottom", yshift=3, showarrow=False,
            font={"size": 11, "color": color},
        )  # fmt: skip
