"""How much was done in each hour, by action, and how much of it failed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ir_kit.display.charts import Drawn, as_time, drawn, empty, padded
from ir_kit.display.style import INK, OTHER, base_figure, colours, finish, hatched, time_axis
from ir_kit.display.text import as_label, counted, moment, shortened

__all__ = ["activity"]

HOUR = 3_600_000.0  # milliseconds
LABEL = 28


def activity(frame: pd.DataFrame, *, time: str, action: str, count: str, errors: str, caption: str, top: int) -> Drawn:
    """How many calls were made in each hour, by action, those that failed set apart?"""
    if frame.empty:
        return empty(caption, "no calls to draw")
    totals = frame.groupby(action, sort=True)[count].sum().sort_values(ascending=False, kind="stable")
    named = sorted(str(name) for name in totals.index[:top])
    looks = colours(named)
    figure = base_figure(caption, 400)
    for name in named:
        label = as_label(shortened(name, LABEL))
        _stack(figure, _hours(frame[frame[action] == name], time, count, errors), label, looks[name].color)
    others = frame[~frame[action].isin(named)]
    if not others.empty:
        label = counted(len(totals) - len(named), "other action")
        _stack(figure, _hours(others, time, count, errors), label, OTHER)
    calls, failures = int(frame[count].sum()), int(frame[errors].sum())
    if failures:
        figure.add_bar(x=[None], y=[None], name="hatched: failed", marker=hatched(INK), hoverinfo="skip")
    time_axis(figure, *padded(frame[time].min(), frame[time].max() + pd.Timedelta(hours=1)))
    finish(figure, x_title="hour, UTC", y_title="calls an hour")
    figure.update_yaxes(rangemode="tozero", separatethousands=True)
    return drawn(figure, f"{counted(calls, 'call')}, {counted(failures, 'failure')} among them (hatched); UTC.")


def _hours(rows: pd.DataFrame, time: str, count: str, errors: str) -> pd.DataFrame:
    hours = rows.groupby(time, sort=True)[[count, errors]].sum()
    return pd.DataFrame({"succeeded": hours[count] - hours[errors], "failed": hours[errors]})


def _stack(figure: go.Figure, hours: pd.DataFrame, label: str, color: str) -> None:
    all_failed = not bool((hours["succeeded"] > 0).any())
    for words in ("succeeded", "failed"):
        counts = hours[words][hours[words] > 0]
        if counts.empty:
            continue
        plain: dict[str, Any] = {"color": color, "line": {"color": "#ffffff", "width": 0.5}}
        figure.add_bar(
            x=[as_time(hour) for hour in counts.index], y=[int(n) for n in counts], width=HOUR, offset=0,
            name=label, legendgroup=label, showlegend=words == "succeeded" or all_failed,
            marker=hatched(color) if words == "failed" else plain, hoverinfo="text",
            hovertext=[f"{moment(hour)}, one hour<br>{label}<br>{n:,} {words}" for hour, n in counts.items()],
        )  # fmt: skip
