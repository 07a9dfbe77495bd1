"""What left: bytes by hour and grade, the bounds of each bucket, and the prefixes that were read."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ir_kit.display.charts import Drawn, as_time, drawn, empty, only, padded
from ir_kit.display.show import figure as publish
from ir_kit.display.style import INK, OTHER, Look, base_figure, finish, legend_entry, time_axis
from ir_kit.display.text import as_label, counted, joined, moment, shortened

__all__ = ["bounds", "bytes_by_hour", "prefixes"]

HOUR = 3_600_000.0  # milliseconds
LABEL = 34
GRADES = {
    "A": Look("#0072B2", "", "circle"),
    "B": Look("#56B4E9", ".", "square"),
    "C": Look("#E69F00", "/", "triangle-up"),
    "D": Look("#CC79A7", "x", "diamond"),
}
MEANING = {"A": "A named", "B": "B in the URI", "C": "C reasoned", "D": "D candidates"}
SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def bytes_by_hour(
    frame: pd.DataFrame, *, caption: str = "Bytes that left, by hour and grade", owners: bool = False
) -> None:
    """How many bytes left in each hour, and how sure is it by which key?

    Parameters
    ----------
    frame : DataFrame
        One row per hour, attribution and counted_in, with reads and bytes_sent.
    caption : str
    owners : bool
        Whether the owner's own use is drawn too.
    """
    _publish(_bytes_by_hour(frame, caption=caption, owners=owners), caption)


def bounds(
    frame: pd.DataFrame, *, caption: str = "Objects that left, at least and at most", most_rows: int = 40
) -> None:
    """How many objects left each bucket: at least, likely, at most?

    Parameters
    ----------
    frame : DataFrame
        As ``object_access/bounds``.
    caption : str
    most_rows : int
        How many buckets at most, those with most objects first.
    """
    _publish(_bounds_by_bucket(frame, caption=caption, most_rows=most_rows), caption)


def prefixes(frame: pd.DataFrame, *, caption: str = "Objects that left, by prefix", most: int = 60) -> None:
    """Under which prefixes lie the objects that left?

    Parameters
    ----------
    frame : DataFrame
        One row per bucket, prefix and counted_in, with objects and bytes_sent.
    caption : str
    most : int
        How many prefixes at most, those with most objects.
    """
    _publish(_prefix_treemap(frame, caption=caption, most=most), caption)


def _publish(found: Drawn, caption: str) -> None:
    publish(found.figure, joined(f"{caption.rstrip('.')}.", found.note))


def amount(count: float) -> str:
    """So many bytes, in the unit that suits."""
    for unit in SIZES:
        if count < 1000 or unit == SIZES[-1]:
            return f"{count:,.0f} {unit}" if unit == "B" or count >= 100 else f"{count:,.1f} {unit}"
        count /= 1000
    return ""


def _bytes_by_hour(frame: pd.DataFrame, *, caption: str, owners: bool) -> Drawn:
    """How many bytes left in each hour, and how sure is it by which key? The owner's own use apart, or left out."""
    mine = frame[frame["counted_in"] != "owner"]
    if (frame if owners else mine).empty:
        return empty(caption, "no bytes to draw")
    figure = base_figure(caption, 400)
    stacks: list[tuple[str, pd.DataFrame, dict[str, Any]]] = []
    for grade, look in GRADES.items():
        marker = {"color": look.color, "pattern": look.pattern_on_color(), "line": {"color": "#ffffff", "width": 0.5}}
        stacks.append((MEANING[grade], mine[mine["attribution"] == grade], marker))
    if owners:
        stacks.append(("the owner's", frame[frame["counted_in"] == "owner"], {"color": OTHER}))
    for name, rows, marker in stacks:
        hours = rows.groupby("hour", sort=True)[["bytes_sent", "reads"]].sum()
        if hours.empty:
            continue
        figure.add_bar(
            x=[as_time(hour) for hour in hours.index], y=[int(n) for n in hours["bytes_sent"]], width=HOUR, offset=0,
            name=name, marker=marker, hoverinfo="text",
            hovertext=[
                f"{moment(hour)}, one hour<br>{name}<br>{amount(float(sent))} in {int(reads):,} reads"
                for hour, sent, reads in zip(hours.index, hours["bytes_sent"], hours["reads"], strict=True)
            ],
        )  # fmt: skip
    shown = frame if owners else mine
    time_axis(figure, *padded(shown["hour"].min(), shown["hour"].max() + pd.Timedelta(hours=1)))
    finish(figure, x_title="hour, UTC", y_title="bytes an hour")
    figure.update_yaxes(rangemode="tozero", tickformat="~s")
    total, reads = int(mine["bytes_sent"].sum()), int(mine["reads"].sum())
    left_out = (
        "" if owners else f"{counted(int(frame['reads'].sum()) - reads, 'read')} that look like the owner's left out."
    )
    return drawn(figure, f"{amount(total)} in {counted(reads, 'read')} that are not the owner's; UTC.", left_out)


def _bounds_by_bucket(frame: pd.DataFrame, *, caption: str, most_rows: int) -> Drawn:
    """How many objects left each bucket: at least, likely, at most? An open end where there is no upper bound."""
    rows = frame.sort_values(["objects_upper_logged", "bucket"], ascending=[False, True]).head(most_rows)
    if rows.empty:
        return empty(caption, "no bucket to draw")
    figure = base_figure(caption, 150 + 34 * len(rows), left=220)
    for row in rows.to_dict("records"):
        label = as_label(shortened(str(row["bucket"]), LABEL))
        open_end = bool(pd.isna(row["objects_upper"]))
        most = int(row["objects_upper_logged"])
        text = (
            f"{label}<br>at least {int(row['objects_lower']):,}, likely {int(row['objects_likely']):,}"
            + f"<br>at most {most:,}"
            + (f" in logged hours; blind for {row['blind_hours']:,.1f} hours" if open_end else "")
        )
        figure.add_scatter(
            x=[int(row["objects_lower"]), most], y=[label, label], mode="lines", showlegend=False, hoverinfo="skip",
            line={"color": OTHER if open_end else INK, "width": 3, "dash": "dot" if open_end else "solid"},
        )  # fmt: skip
        marks = (("objects_lower", "line-ns-open"), ("objects_likely", "diamond"))
        for name, symbol in marks:
            figure.add_scatter(
                x=[int(row[name])], y=[label], mode="markers", showlegend=False, hoverinfo="text", hovertext=[text],
                marker=_mark(symbol, "#D55E00" if name == "objects_likely" else INK),
            )  # fmt: skip
        figure.add_scatter(
            x=[most], y=[label], mode="markers", showlegend=False, hoverinfo="text", hovertext=[text],
            marker=_mark("triangle-right-open" if open_end else "line-ns-open", INK),
        )  # fmt: skip
    figure.add_trace(legend_entry("likely", symbol="diamond", color="#D55E00"))
    figure.add_trace(legend_entry("at least, at most", symbol="line-ns-open", color=INK, line={"width": 2}))
    figure.add_trace(legend_entry("no upper bound: part was blind", symbol="triangle-right-open", color=INK))
    finish(figure, x_title="objects that left, not the owner's")
    figure.update_yaxes(autorange="reversed", type="category")
    figure.update_xaxes(rangemode="tozero", separatethousands=True)
    blind = int(frame["objects_upper"].isna().sum())
    shows = f"{counted(len(frame), 'bucket')}; {blind:,} without an upper bound."
    return drawn(figure, shows, only(len(rows), len(frame), "buckets"))


def _mark(symbol: str, color: str) -> dict[str, Any]:
    return {"size": 12, "symbol": symbol, "color": color, "line": {"width": 2}}


def _prefix_treemap(frame: pd.DataFrame, *, caption: str, most: int) -> Drawn:
    """Under which prefixes lie the objects that left, by number? The owner's own use left out."""
    mine = (
        frame[frame["counted_in"] != "owner"]
        .groupby(["bucket", "prefix"], as_index=False)[["objects", "bytes_sent"]]
        .sum()
    )
    if mine.empty:
        return empty(caption, "no prefix to draw")
    rows = mine.sort_values(["objects", "bucket", "prefix"], ascending=[False, True, True]).head(most)
    buckets = sorted(set(rows["bucket"]))
    ids = [f"b{number}" for number, _ in enumerate(buckets)]
    parent = dict(zip(buckets, ids, strict=True))
    totals = [int(rows.loc[rows["bucket"] == bucket, "objects"].sum()) for bucket in buckets]
    sent = [int(rows.loc[rows["bucket"] == bucket, "bytes_sent"].sum()) for bucket in buckets]
    labels = [as_label(shortened(str(text), LABEL)) for text in [*buckets, *rows["prefix"]]]
    values = [*totals, *(int(n) for n in rows["objects"])]
    figure = base_figure(caption, 420, left=8)
    figure.add_trace(
        go.Treemap(
            ids=[*ids, *(f"p{number}" for number in range(len(rows)))], labels=labels, values=values,
            branchvalues="total", parents=[*("" for _ in ids), *(parent[bucket] for bucket in rows["bucket"])],
            marker={"colors": [*sent, *(int(n) for n in rows["bytes_sent"])], "colorscale": "Cividis",
                    "reversescale": True, "colorbar": {"title": {"text": "bytes"}, "tickformat": "~s"}},
            textinfo="label+value", hoverinfo="text",
            hovertext=[
                f"{label}<br>{counted(value, 'object')}, {amount(size)}"
                for label, value, size in zip(labels, values, [*sent, *rows["bytes_sent"]], strict=True)
            ],
        )
    )  # fmt: skip
    figure.update_layout(margin={"l": 8, "r": 8, "t": 60, "b": 12})
    under = counted(len(mine), "prefix", "prefixes")
    shows = f"{counted(int(mine['objects'].sum()), 'object')} under {under}; area by number."
    return drawn(figure, shows, only(len(rows), len(mine), "prefixes", ", those with most objects"))
