"""What could be seen, and when: a band for each bucket and class over the window, the acts against logging over it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ir_kit.display.charts import Drawn, as_time, drawn, empty, hover, only
from ir_kit.display.style import INK, Look, base_figure, finish, time_axis
from ir_kit.display.text import as_label, as_text, counted, is_null, shortened

__all__ = ["LOOKS", "visibility"]

Row = dict[str, Any]
LABEL = 34
BAND, GAP = 15, 10  # pixels: of a band, and between buckets
MOST_BANDS = 6_000
MOST_ACTS = 60
ORDER = ("management", "data_read", "data_write", "server_access_log")
SHORT = {"server_access_log": "access log"}
LOOKS = {
    "logged": ("logged", Look("#0072B2", "", "square")),
    "uncertain": ("uncertain", Look("#E69F00", "/", "square")),
    "lost": ("lost: recorded, and gone", Look("#CC79A7", "x", "square")),
    "not_logged": ("not logged", Look("#3B3B3B", "", "square")),
    "unknown": ("unknown", Look("#9AA3AE", ".", "square")),
}
"""Of states: dark is blind, blue was looked at; each with a pattern that tells it without colour."""
ACTS = {
    "success": ("act against logging", "#D55E00", "triangle-down"),
    "failed": ("the same, failed", "#5a6472", "triangle-down-open"),
}


def visibility(frame: pd.DataFrame, acts: pd.DataFrame | None, *, caption: str, most_buckets: int) -> Drawn:
    """Which requests would have been recorded, bucket by bucket, class by class, over the window?

    Parameters
    ----------
    frame : DataFrame
        As ``logging_gaps/visibility``.
    acts : DataFrame, optional
        As ``logging_gaps/tampering``: drawn as lines over all bands.
    """
    if frame.empty:
        return empty(caption, "neither a bucket nor a Region is known: nothing to draw")
    every = _blocks(frame)
    ranked = sorted(every, key=lambda name: (not every[name]["region"], -every[name]["blind"], name))
    blocks = {name: every[name] for name in ranked[:most_buckets]}
    places, marks, height = _places(blocks)
    figure = base_figure(caption, 165 + height, top=44)
    bands = 0
    for state, (words, look) in LOOKS.items():
        rows = [
            (places[name, kind], row)
            for name, block in blocks.items()
            for kind, listed in block["bands"].items()
            for row in listed
            if row["state"] == state
        ][:MOST_BANDS]
        bands += len(rows)
        if rows:
            _bars(figure, state, words, look, rows)
    start, end = frame["start_time"].min(), frame["end_time"].max()
    time_axis(figure, as_time(start), as_time(end))
    finish(figure, x_title="time, UTC")
    figure.update_xaxes(showgrid=False, mirror=True)
    figure.update_yaxes(
        tickmode="array", tickvals=[at for at, _ in marks], ticktext=[text for _, text in marks], range=[height, 0],
        fixedrange=True, automargin=True, tickfont={"size": 11}, showgrid=False, ticks="", mirror=True,
    )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0)
    shown = _acts(figure, acts, start, end)
    total = 0 if acts is None else len(acts)
    return drawn(
        figure,
        f"{counted(bands, 'band')} of {counted(len(blocks), 'bucket or Region', 'buckets and Regions')}; "
        f"{counted(shown, 'act')} against logging drawn over {'it' if shown == 1 else 'them'}; UTC.",
        only(len(blocks), len(every), "buckets and Regions", ", Regions first, then the blindest"),
        only(shown, total, "acts", ", the first"),
    )


def _blocks(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The bands of each bucket, by class; Regions that were alike all the time are one block."""
    found: dict[str, dict[str, Any]] = {}
    regions: dict[tuple[Any, ...], tuple[list[str], list[Row]]] = {}
    for (bucket, region, kind), part in frame.groupby(
        ["bucket", "aws_region", "record_class"], dropna=False, sort=True
    ):
        rows = [{str(name): value for name, value in row.items()} for row in part.to_dict("records")]
        if is_null(bucket):
            alike = tuple((row["state"], row["start_time"], row["end_time"]) for row in rows)
            regions.setdefault(alike, ([], rows))[0].append(as_text(region))
            continue
        block = found.setdefault(as_text(bucket), {"region": False, "blind": 0.0, "bands": {}})
        block["bands"][kind] = rows
        block["blind"] += _blind(rows)
    for names, rows in regions.values():
        title = ", ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} more Regions"
        found[f"Region {title}" if len(names) == 1 else title] = {
            "region": True, "blind": _blind(rows), "bands": {"management": rows},
        }  # fmt: skip
    return found


def _blind(rows: list[Row]) -> float:
    return float(
        sum((row["end_time"] - row["start_time"]) / pd.Timedelta(hours=1) for row in rows if row["state"] != "logged")
    )


def _places(blocks: dict[str, dict[str, Any]]) -> tuple[dict[tuple[str, str], float], list[tuple[float, str]], int]:
    """Where each band stands, in pixels from above; the labels beside them; how high it all is."""
    places: dict[tuple[str, str], float] = {}
    marks: list[tuple[float, str]] = []
    at = GAP
    for name, block in blocks.items():
        title = f"<b>{as_label(shortened(name, LABEL))}</b>"
        if block["region"]:
            places[name, "management"] = at + BAND / 2
            marks.append((at + BAND / 2, f"{title}, management"))
            at += BAND + GAP
            continue
        marks.append((at + BAND / 2, title))
        at += BAND
        for kind in sorted(block["bands"], key=_rank):
            places[name, kind] = at + BAND / 2
            marks.append((at + BAND / 2, as_label(SHORT.get(kind, str(kind).replace("_", " ")))))
            at += BAND
        at += GAP
    return places, marks, int(at)


def _rank(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _bars(figure: go.Figure, state: str, words: str, look: Look, rows: list[tuple[float, Row]]) -> None:
    marker = {"color": look.color, "pattern": look.pattern_on_color(), "line": {"color": "#ffffff", "width": 0.6}}
    figure.add_bar(
        base=[as_time(row["start_time"]) for _, row in rows],
        x=[(row["end_time"] - row["start_time"]).total_seconds() * 1000 for _, row in rows],
        y=[place for place, _ in rows], width=BAND - 3, orientation="h", marker=marker, showlegend=False,
        hovertext=[hover({name: value for name, value in row.items() if name != "left_out"}) for _, row in rows],
        hoverinfo="text", name=words, legendgroup=state,
    )  # fmt: skip
    figure.add_bar(x=[None], y=[None], name=words, marker=marker, legendgroup=state, hoverinfo="skip")


def _acts(figure: go.Figure, acts: pd.DataFrame | None, start: pd.Timestamp, end: pd.Timestamp) -> int:
    """A mark for each act above the bands, and a line over all of them where it succeeded."""
    if acts is None or acts.empty:
        return 0
    inside = acts[(acts["event_time"] >= start) & (acts["event_time"] < end)].sort_values("event_time", kind="stable")
    shown = inside.head(MOST_ACTS)
    for kind, (words, color, symbol) in ACTS.items():
        rows = [row for row in shown.to_dict("records") if (row["outcome"] == "success") == (kind == "success")]
        if not rows:
            continue
        for time in dict.fromkeys(as_time(row["event_time"]) for row in rows if kind == "success"):
            line = {"color": color, "width": 1.6}
            figure.add_shape(type="line", xref="x", yref="paper", x0=time, x1=time, y0=0, y1=1, line=line)
        wanted = ("event_time", "event_name", "target", "outcome", "effect", "access_key_id")
        figure.add_scatter(
            x=[as_time(row["event_time"]) for row in rows], y=[0] * len(rows), mode="markers", cliponaxis=False,
            marker={"symbol": symbol, "size": 12, "color": color, "line": {"color": color, "width": 1.5}},
            hovertext=[hover({name: row[name] for name in wanted}) for row in rows], hoverinfo="text", name=words,
        )  # fmt: skip
    _names(figure, shown, start, end)
    return len(shown)


def _names(figure: go.Figure, shown: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> None:
    """Above the marks, the names of acts that have room: of those that succeeded first."""
    room, taken = (end - start) / 6, list[pd.Timestamp]()
    for outcome, rows in (
        ("", shown[shown["outcome"] == "success"]),
        (" failed", shown[shown["outcome"] != "success"]),
    ):
        for moment, part in rows.groupby("event_time", sort=True):
            time = pd.Timestamp(str(moment))
            if any(abs(time - other) < room for other in taken):
                continue
            taken.append(time)
            names = list(dict.fromkeys(as_text(name) for name in part["event_name"]))
            text = names[0] + (f" ×{len(part)}" if len(names) == 1 and len(part) > 1 else "")
            text += f" and {len(names) - 1} more" if len(names) > 1 else ""
            near_end = time > start + (end - start) * 0.8
            figure.add_annotation(
                text=as_label(shortened(f"{text}{outcome}", 32)), x=as_time(time), y=1, yref="paper", yanchor="bottom",
                yshift=8, xanchor="right" if near_end else "left", showarrow=False, font={"size": 11, "color": INK},
            )  # fmt: skip
