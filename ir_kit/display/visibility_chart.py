"""What was logged, and when: a band for each bucket and class over the window, the changes to logging over it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ir_kit.display.charts import INK, Chart, Look, as_time, limited, publish_empty
from ir_kit.display.text import as_label, as_text, counted, is_null, shortened

__all__ = ["visibility"]

LABEL = 34
BAND, GAP = 15, 10  # pixels: of a band, and between buckets
MOST_BANDS = 6_000
MOST_ACTS = 60
CLASSES = {  # by their line in a block
    "management": "management", "data_read": "data read", "data_write": "data write", "server_access_log": "access log",
}  # fmt: skip
STATES = {
    "logged": ("logged", Look("#0072B2", "", "square")),
    "uncertain": ("uncertain", Look("#E69F00", "/", "square")),
    "lost": ("lost: recorded, and gone", Look("#CC79A7", "x", "square")),
    "not_logged": ("not logged", Look("#3B3B3B", "", "square")),
    "unknown": ("unknown", Look("#9AA3AE", ".", "square")),
}
"""Blue was logged, the darkest was not; each with a pattern that tells it without colour."""
ACTS = {
    "": ("change against logging", "#D55E00", "triangle-down"),
    " failed": ("the same, failed", "#5a6472", "triangle-down-open"),
}
ACT_COLUMNS = ("event_time", "event_name", "target", "outcome", "effect", "access_key_id")


def visibility(
    frame: pd.DataFrame,
    acts: pd.DataFrame | None = None,
    *,
    caption: str = "What would have been recorded",
    most_buckets: int = 30,
) -> None:
    """Which requests would have been recorded, bucket by bucket, class by class, over the window?

    Parameters
    ----------
    frame : DataFrame
        As ``logging_gaps/visibility``.
    acts : DataFrame, optional
        As ``logging_gaps/tampering``: a mark above the bands, and a line over them where it succeeded.
    caption : str
    most_buckets : int
        How many buckets and Regions at most: Regions first, then those with the longest gaps.
    """
    if frame.empty:
        return publish_empty(caption, "neither a bucket nor a Region is known: nothing to draw")
    every = blocks_of(frame)
    blocks = every[:most_buckets]
    ticks: list[tuple[float, str]] = []
    lines: list[tuple[float, dict[Any, Any]]] = []
    at = GAP
    for _, _, title, bands in blocks:
        name = f"<b>{as_label(shortened(title, LABEL))}</b>"
        region = list(bands) == [""]
        if not region:
            ticks.append((at + BAND / 2, name))
            at += BAND
        for kind in sorted(bands, key=[*CLASSES, *bands].index):
            label = as_label(CLASSES.get(kind, kind.replace("_", " ")))
            ticks.append((at + BAND / 2, f"{name}, management" if region else label))
            lines += [(at + BAND / 2, row) for row in bands[kind]]
            at += BAND
        at += GAP
    chart = Chart(caption, 165 + at, top=44)
    chart.layout["bargap"] = 0
    drawn = 0
    for state, (words, look) in STATES.items():
        chosen = [(place, row) for place, row in lines if row["state"] == state][:MOST_BANDS]
        drawn += len(chosen)
        if chosen:
            rows = [{name: value for name, value in row.items() if name != "left_out"} for _, row in chosen]
            shared = {"name": words, "legendgroup": state, "marker": look.marker()}
            places = [place for place, _ in chosen]
            chart.bands(rows, places, start="start_time", end="end_time", width=BAND - 3, showlegend=False, **shared)
            chart.add("bar", x=[None], y=[None], **shared)
    start, end = frame["start_time"].min(), frame["end_time"].max()
    chart.time_axis(start, end)
    chart.plain()
    chart.y |= {"tickmode": "array", "tickvals": [at for at, _ in ticks], "ticktext": [text for _, text in ticks]}
    chart.y |= {"range": [at, 0], "fixedrange": True, "automargin": True, "tickfont": {"size": 11}}
    total = 0 if acts is None else len(acts)
    marked = 0 if acts is None or acts.empty else mark_acts(chart, acts, start, end)
    return chart.publish(
        f"{counted(drawn, 'band')} of {counted(len(blocks), 'bucket or Region', 'buckets and Regions')}; "
        f"{counted(marked, 'change')} against logging drawn over {'it' if marked == 1 else 'them'}; UTC.",
        limited(len(blocks), len(every), "buckets and Regions", ", Regions first, then those with the longest gaps"),
        limited(marked, total, "changes", ", the first"),
    )


def blocks_of(frame: pd.DataFrame) -> list[tuple[bool, pd.Timedelta, str, dict[str, list[dict[Any, Any]]]]]:
    """The bands of each bucket by class, Regions first, then the longest gaps; Regions that were always alike are one."""
    buckets: dict[str, dict[str, list[dict[Any, Any]]]] = {}
    regions: dict[Any, tuple[list[str], list[dict[Any, Any]]]] = {}
    keys = ["bucket", "aws_region", "record_class"]
    for (bucket, region, kind), part in frame.groupby(keys, dropna=False, sort=True):
        rows = part.to_dict("records")
        if is_null(bucket):
            alike = tuple((row["state"], row["start_time"], row["end_time"]) for row in rows)
            regions.setdefault(alike, ([], rows))[0].append(as_text(region))
        else:
            buckets.setdefault(as_text(bucket), {})[str(kind)] = rows
    blocks = [(True, title, bands) for title, bands in buckets.items()]
    for names, rows in regions.values():
        several = ", ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} more Regions"
        blocks.append((False, several if len(names) > 1 else f"Region {names[0]}", {"": rows}))
    nothing = pd.Timedelta(0)
    ranked = []
    for is_bucket, title, bands in blocks:
        gaps = [
            row["start_time"] - row["end_time"] for rows in bands.values() for row in rows if row["state"] != "logged"
        ]
        ranked.append((is_bucket, sum(gaps, nothing), title, bands))
    return sorted(ranked, key=lambda block: block[:3])


def mark_acts(chart: Chart, acts: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> int:
    """How many changes to logging are drawn, with the names of those that have room: of those that succeeded first?"""
    inside = acts[(acts["event_time"] >= start) & (acts["event_time"] < end)].sort_values("event_time", kind="stable")
    shown = inside.head(MOST_ACTS)
    room, named = (end - start) / 6, list[pd.Timestamp]()
    for outcome, (words, color, symbol) in ACTS.items():
        part = shown[(shown["outcome"] == "success") == (outcome == "")]
        if part.empty:
            continue
        marker = {"symbol": symbol, "size": 12, "color": color, "line": {"color": color, "width": 1.5}}
        rows, zeros = part.to_dict("records"), [0] * len(part)
        chart.marks(rows, zeros, time="event_time", names=ACT_COLUMNS, cliponaxis=False, marker=marker, name=words)
        for moment, at_once in part.groupby("event_time", sort=True):
            time = pd.Timestamp(str(moment))
            if outcome == "":
                chart.line(color, 1.6, x0=as_time(time), x1=as_time(time))
            if any(abs(time - other) < room for other in named):
                continue
            named.append(time)
            names = list(dict.fromkeys(as_text(name) for name in at_once["event_name"]))
            text = names[0] + (f" ×{len(at_once)}" if len(names) == 1 and len(at_once) > 1 else "")
            text += f" and {len(names) - 1} more" if len(names) > 1 else ""
            chart.note(
                shortened(f"{text}{outcome}", 32), x=as_time(time), y=1, yref="paper", yanchor="bottom", yshift=8,
                xanchor="right" if time > start + (end - start) * 0.8 else "left", font={"size": 11, "color": INK},
            )  # fmt: skip
    return len(shown)
