"""When was each thing in use: bars over time, one line for each thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ir_kit.display.charts import Drawn, as_time, drawn, empty, hover, only, padded
from ir_kit.display.style import KNOWN, Look, base_figure, colours, finish, time_axis
from ir_kit.display.text import as_label, as_text, counted, is_null, shortened

__all__ = ["timeline"]

LABEL = 46
LEAST_LINES = 3
MOST_BARS = 2_000


def timeline(
    frame: pd.DataFrame,
    *,
    start: str,
    end: str,
    row: Sequence[str],
    color: str | None,
    caption: str,
    most_rows: int,
) -> Drawn:
    """When was each thing in use: a bar from start to end, a symbol at the start, one line for each value of `row`?"""
    dated = frame[frame[start].notna()]
    if dated.empty:
        return empty(caption, "no rows to draw" if frame.empty else "no row has a time")
    known = dated.sort_values([start, *row], kind="stable").head(MOST_BARS)
    names = [" · ".join(as_text(value) for value in values) for values in known[list(row)].itertuples(index=False)]
    everything = list(dict.fromkeys(names))
    telling = _telling(names, [as_text(value) for value in known[color].tolist()] if color else [])
    kept = set(sorted(everything, key=lambda name: telling.get(name, len(KNOWN)))[:most_rows])  # then the earliest
    places = {name: place for place, name in enumerate(name for name in everything if name in kept)}
    groups: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for name, record in zip(names, known.to_dict("records"), strict=True):
        if name in places:
            group = as_text(record[color]) if color else ""
            groups.setdefault(group, []).append((places[name], {str(key): value for key, value in record.items()}))
    lines = max(len(places), LEAST_LINES)
    figure = base_figure(caption, 130 + 27 * lines)
    for rank, (group, look) in reversed(list(enumerate(colours(groups).items()))):  # the first of them is drawn on top
        _bars(figure, group, groups[group], start, end, look, rank if color else None)
    ends = known[end].dropna()
    last = known[start].max() if ends.empty else max(ends.max(), known[start].max())
    time_axis(figure, *padded(known[start].min(), last))
    finish(figure, x_title="time, UTC")
    figure.update_yaxes(
        tickmode="array", tickvals=list(places.values()), range=[lines - 0.5, -0.5], fixedrange=True,
        ticktext=[as_label(shortened(name, LABEL)) for name in places], automargin=True, tickfont={"size": 11},
    )  # fmt: skip
    bars = sum(map(len, groups.values()))
    undated = len(frame) - len(dated)
    return drawn(
        figure,
        f"{counted(bars, 'bar')}, a symbol at each start; UTC.",
        only(len(places), len(everything), "lines", f", {f'by {color}, then ' if telling else ''}the earliest"),
        only(len(known), len(dated), "bars", ", the earliest"),
        f"{counted(undated, 'row')} without a time: not drawn." if undated else "",
    )


def _telling(names: list[str], groups: list[str]) -> dict[str, int]:
    """How much does each line tell? The lower the more: `new` before `familiar`, `success` before `denied`."""
    places = {group: place for place, group in enumerate(KNOWN)}
    found: dict[str, int] = {}
    for name, group in zip(names, groups, strict=bool(groups)):
        if group in places:
            found[name] = min(found.get(name, len(places)), places[group])
    return found


def _bars(
    figure: go.Figure,
    name: str,
    rows: list[tuple[int, dict[str, Any]]],
    start: str,
    end: str,
    look: Look,
    rank: int | None,
) -> None:
    begins = [as_time(row[start]) for _, row in rows]
    lengths = [0.0 if is_null(row[end]) else (row[end] - row[start]).total_seconds() * 1000 for _, row in rows]
    shared = {
        "y": [line for line, _ in rows],
        "hovertext": [hover(row) for _, row in rows],
        "hoverinfo": "text",
        "name": as_label(shortened(name, LABEL)),
        "legendgroup": as_label(name),
    }
    bar = {"color": look.color, "pattern": look.pattern_on_color(), "line": {"color": look.color, "width": 1}}
    figure.add_bar(
        base=begins, x=[n or None for n in lengths], orientation="h", width=0.5, marker=bar, showlegend=False, **shared
    )
    dot = {"color": look.color, "symbol": look.symbol, "size": 10, "line": {"color": "#ffffff", "width": 1}}
    figure.add_scatter(
        x=begins, mode="markers", marker=dot, showlegend=rank is not None, legendrank=1 + (rank or 0), **shared
    )
    figure.update_layout(barmode="overlay")
