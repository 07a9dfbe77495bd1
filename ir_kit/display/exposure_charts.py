"""Who could come in: buckets by way in, and when each was public, with what changed it."""

from __future__ import annotations

import pandas as pd

from ir_kit.display.charts import Drawn, as_time, drawn, empty, hover, only
from ir_kit.display.show import figure as publish
from ir_kit.display.style import INK, Look, base_figure, finish, legend_entry, time_axis
from ir_kit.display.text import as_label, as_text, counted, is_null, joined, shortened

__all__ = ["matrix", "timeline"]

LABEL = 34
BAND = 26
MOST_MARKS = 400
STATES = {
    "public": ("public", "#D55E00", "#ffffff"),
    "cross_account": ("another account", "#E69F00", INK),
    "own_account": ("own account", "#56B4E9", INK),
    "unknown": ("not known", "#9AA3AE", INK),
    "blocked": ("set, blocked", "#DCE9F4", INK),
    "closed": ("closed", "#ffffff", "#9AA3AE"),
}
"""Of a way in, the widest first: name, colour of the cell, colour of its text. The word stands in every cell."""
WORDS = {
    "public": "public",
    "cross_account": "account",
    "own_account": "own",
    "unknown": "?",
    "blocked": "blocked",
    "closed": "·",
}
PUBLIC = {
    "yes": ("public", Look("#D55E00", "x", "square")),
    "no": ("not public", Look("#56B4E9", "", "square")),
    "unknown": ("not known", Look("#9AA3AE", ".", "square")),
}
MARKS = {
    "opens": ("opens", "triangle-up"),
    "closes": ("closes", "triangle-down"),
    "changes": ("changes", "diamond"),
}
ACCOUNT = "(whole account)"


def matrix(frame: pd.DataFrame, *, caption: str = "Buckets by way in", most_rows: int = 40) -> None:
    """How far open is each bucket by each way in?

    Parameters
    ----------
    frame : DataFrame
        As ``bucket_exposure/matrix``.
    caption : str
    most_rows : int
        How many buckets at most, the most open first.
    """
    _publish(_matrix(frame, caption=caption, most_rows=most_rows), caption)


def timeline(
    spans: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    caption: str = "When each bucket was public, and what changed",
    most_rows: int = 40,
) -> None:
    """When was each bucket public, and when did something change who can reach it?

    Parameters
    ----------
    spans : DataFrame
        As ``bucket_exposure/spans``.
    changes : DataFrame
        As ``bucket_exposure/changes``: a mark for each in the window, hollow where it failed.
    caption : str
    most_rows : int
        How many buckets at most: those with changes first, then those that were public.
    """
    _publish(_timeline(spans, changes, caption=caption, most_rows=most_rows), caption)


def _publish(found: Drawn, caption: str) -> None:
    publish(found.figure, joined(f"{caption.rstrip('.')}.", found.note))


def _matrix(frame: pd.DataFrame, *, caption: str, most_rows: int) -> Drawn:
    if frame.empty:
        return empty(caption, "no bucket to draw")
    rank = {state: place for place, state in enumerate(STATES)}
    rows = {(row["bucket"], row["path"]): row for row in frame.to_dict("records")}
    paths = list(dict.fromkeys(frame["path"]))
    buckets = sorted(
        dict.fromkeys(frame["bucket"]),
        key=lambda name: (sorted(rank[rows[name, path]["state"]] for path in paths if (name, path) in rows), name),
    )
    shown = buckets[:most_rows]
    figure = base_figure(caption, 205 + BAND * max(len(shown), 2), left=220, top=86)
    scale = [
        [edge / len(STATES), color]
        for place, (_, color, _) in enumerate(STATES.values())
        for edge in (place, place + 1)
    ]
    table = [[rows.get((name, path)) for path in paths] for name in shown]
    figure.add_heatmap(
        z=[[None if row is None else rank[row["state"]] + 0.5 for row in line] for line in table],
        x=list(range(len(paths))), y=list(range(len(shown))), colorscale=scale, zmin=0, zmax=len(STATES),
        showscale=False, xgap=2, ygap=2, hoverinfo="text",
        hovertext=[["" if row is None else hover({str(key): value for key, value in row.items()}) for row in line] for line in table],
    )  # fmt: skip
    for y, line in enumerate(table):
        for x, row in enumerate(line):
            if row is not None:
                figure.add_annotation(
                    x=x,
                    y=y,
                    text=WORDS[row["state"]],
                    showarrow=False,
                    font={"size": 10, "color": STATES[row["state"]][2]},
                )
    edge = {"color": "#5a6472", "width": 1}
    for name, color, _ in STATES.values():
        figure.add_trace(legend_entry(name, color=color, symbol="square", line=edge))
    finish(figure, x_title="")
    figure.update_xaxes(
        tickmode="array", tickvals=list(range(len(paths))), ticktext=[as_label(path.replace("_", " ")) for path in paths],
        side="top", tickangle=-30 if len(paths) > 7 else 0, showgrid=False, ticks="", range=[-0.5, len(paths) - 0.5],
    )  # fmt: skip
    figure.update_yaxes(
        tickmode="array", tickvals=list(range(len(shown))), range=[max(len(shown), 2) - 0.5, -0.5], fixedrange=True,
        ticktext=[as_label(shortened(as_text(name), LABEL)) for name in shown], automargin=True, showgrid=False, ticks="",
    )  # fmt: skip
    figure.update_layout(margin={"r": 110})
    open_to_all = sum(any(row is not None and row["state"] == "public" for row in line) for line in table)
    return drawn(
        figure,
        f"{counted(len(shown), 'bucket')} by {counted(len(paths), 'way')} in; {open_to_all:,} public.",
        only(len(shown), len(buckets), "buckets", ", the most open"),
    )


def _timeline(spans: pd.DataFrame, changes: pd.DataFrame, *, caption: str, most_rows: int) -> Drawn:
    if spans.empty:
        return empty(caption, "no bucket to draw")
    start, end = spans["start_time"].min(), spans["end_time"].max()
    inside = changes[(changes["event_time"] >= start) & (changes["event_time"] < end)].copy()
    inside["bucket"] = [ACCOUNT if is_null(name) else name for name in inside["bucket"]]
    busy = inside["bucket"].value_counts().to_dict()
    public = set(spans[spans["public_status"] == "yes"]["bucket"])
    every = sorted({*spans["bucket"], *busy}, key=lambda name: (-busy.get(name, 0), name not in public, str(name)))
    places = {name: place for place, name in enumerate(every[:most_rows])}
    height = max(len(places), 2)
    figure = base_figure(caption, 150 + BAND * height, left=220)
    bands = 0
    for status, (words, look) in PUBLIC.items():
        rows = [row for row in spans.to_dict("records") if row["public_status"] == status and row["bucket"] in places]
        bands += len(rows)
        if rows:
            marker = {
                "color": look.color,
                "pattern": look.pattern_on_color(),
                "line": {"color": "#ffffff", "width": 0.6},
            }
            figure.add_bar(
                base=[as_time(row["start_time"]) for row in rows],
                x=[(row["end_time"] - row["start_time"]).total_seconds() * 1000 for row in rows],
                y=[places[row["bucket"]] for row in rows], width=0.6, orientation="h", marker=marker, name=words,
                hovertext=[hover({str(key): value for key, value in row.items()}) for row in rows], hoverinfo="text",
            )  # fmt: skip
    drawn_marks = inside[inside["bucket"].isin(list(places))].sort_values("event_time", kind="stable").head(MOST_MARKS)
    for effect, (words, symbol) in MARKS.items():
        for done in (True, False):
            rows = [
                row
                for row in drawn_marks.to_dict("records")
                if row["effect"] == effect and (row["outcome"] == "success") is done
            ]
            if not rows:
                continue
            wanted = ("event_time", "bucket", "event_name", "effect", "outcome", "access_key_id", "detail")
            figure.add_scatter(
                x=[as_time(row["event_time"]) for row in rows], y=[places[row["bucket"]] for row in rows], mode="markers",
                marker={"symbol": symbol if done else f"{symbol}-open", "size": 13, "color": INK,
                        "line": {"color": "#ffffff" if done else INK, "width": 1.2}},
                name=words if done else f"{words}, failed", hoverinfo="text",
                hovertext=[hover({name: row[name] for name in wanted}) for row in rows],
            )  # fmt: skip
    time_axis(figure, as_time(start), as_time(end))
    finish(figure, x_title="time, UTC")
    figure.update_xaxes(showgrid=False, mirror=True)
    figure.update_yaxes(
        tickmode="array", tickvals=list(places.values()), range=[height - 0.5, -0.5], fixedrange=True, automargin=True,
        ticktext=[as_label(shortened(as_text(name), LABEL)) for name in places], showgrid=False, ticks="", mirror=True,
    )  # fmt: skip
    figure.update_layout(barmode="overlay")
    return drawn(
        figure,
        f"{counted(bands, 'band')} of {counted(len(places), 'line')}, {counted(len(drawn_marks), 'change')} marked; UTC.",
        only(len(places), len(every), "lines", ", those with changes first, then those that were public"),
        only(len(drawn_marks), len(inside), "changes", ", the first"),
        f"{counted(len(changes) - len(inside), 'change')} outside the window: not drawn."
        if len(changes) > len(inside)
        else "",
    )
