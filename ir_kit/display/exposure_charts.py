"""Who could get in: buckets by access path, and when each was public, with what changed it."""

from __future__ import annotations

import pandas as pd

from ir_kit.display.charts import INK, WHITE, Chart, Look, hover, limited, publish_empty
from ir_kit.display.text import as_label, counted

__all__ = ["exposure_matrix", "exposure_timeline"]

BAND = 26
MOST_MARKS = 400
STATES = {
    "public": ("public", "#D55E00", "public"),
    "cross_account": ("another account", "#E69F00", "account"),
    "own_account": ("own account", "#56B4E9", "own"),
    "unknown": ("not known", "#9AA3AE", "?"),
    "blocked": ("set, blocked", "#DCE9F4", "blocked"),
    "closed": ("closed", "#ffffff", "·"),
}
"""Of an access path, the widest first: name, colour of the cell, and the word that stands in it."""
PUBLIC = {
    "yes": ("public", Look("#D55E00", "x", "square")),
    "no": ("not public", Look("#56B4E9", "", "square")),
    "unknown": ("not known", Look("#9AA3AE", ".", "square")),
}
MARKS = {"opens": "triangle-up", "closes": "triangle-down", "changes": "diamond"}
MARK_COLUMNS = ("event_time", "bucket", "event_name", "effect", "outcome", "access_key_id", "detail")
ACCOUNT = "(whole account)"


def exposure_matrix(frame: pd.DataFrame, *, caption: str = "Buckets by access path", most_rows: int = 40) -> None:
    """How far open is each bucket by each access path?

    Parameters
    ----------
    frame : DataFrame
        As ``bucket_exposure/matrix``.
    caption : str
    most_rows : int
        How many buckets at most, the most open first.
    """
    if frame.empty:
        return publish_empty(caption, "no bucket to draw")
    widest = list(STATES)
    states = frame.assign(rank=frame["state"].map(widest.index)).sort_values("rank", kind="stable")
    ranks = states.groupby("bucket")["rank"].agg(tuple)
    buckets = sorted(ranks.index, key=lambda name: (ranks[name], name))
    paths, shown = list(dict.fromkeys(frame["path"])), buckets[:most_rows]
    rows = {(row["bucket"], row["path"]): row for row in frame.to_dict("records")}
    table = [[rows.get((name, path)) for path in paths] for name in shown]
    chart = Chart(caption, 205 + BAND * max(len(shown), 2), left=220, top=86, x_title="")
    steps = len(widest)
    chart.cells(
        [[row and widest.index(row["state"]) + 0.5 for row in line] for line in table], range(len(paths)),
        [[hover(row) if row else "" for row in line] for line in table], zmin=0, zmax=steps, showscale=False,
        colorscale=[[(place + edge) / steps, STATES[name][1]] for place, name in enumerate(widest) for edge in (0, 1)],
        text=[[STATES[row["state"]][2] if row else "" for row in line] for line in table],
        texttemplate="%{text}", textfont={"size": 10},
    )  # fmt: skip
    for name, color, _ in STATES.values():
        chart.legend(name, color=color, symbol="square", line={"color": "#5a6472", "width": 1})
    labels = [as_label(path.replace("_", " ")) for path in paths]
    chart.plain()
    chart.x |= {
        "tickmode": "array",
        "tickvals": list(range(len(paths))),
        "ticktext": labels,
        "side": "top",
        "ticks": "",
    }
    chart.x |= {"tickangle": -30 if len(paths) > 7 else 0, "range": [-0.5, len(paths) - 0.5], "mirror": False}
    chart.name_lines(shown)
    chart.layout["margin"]["r"] = 110
    public = int(frame[frame["bucket"].isin(shown) & (frame["state"] == "public")]["bucket"].nunique())
    return chart.publish(
        f"{counted(len(shown), 'bucket')} by {counted(len(paths), 'access path')}; {public:,} public.",
        limited(len(shown), len(buckets), "buckets", ", the most open"),
    )


def exposure_timeline(
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
    if spans.empty:
        return publish_empty(caption, "no bucket to draw")
    start, end = spans["start_time"].min(), spans["end_time"].max()
    inside = changes[(changes["event_time"] >= start) & (changes["event_time"] < end)]
    inside = inside.assign(bucket=inside["bucket"].fillna(ACCOUNT)).sort_values("event_time", kind="stable")
    number = inside["bucket"].value_counts()
    public = set(spans[spans["public_status"] == "yes"]["bucket"])
    every = sorted({*spans["bucket"], *number.index}, key=lambda name: (-number.get(name, 0), name not in public, name))
    places = {name: place for place, name in enumerate(every[:most_rows])}
    chart = Chart(caption, 150 + BAND * max(len(places), 2), left=220)
    bands = spans[spans["bucket"].isin(places)]
    for status, (words, look) in PUBLIC.items():
        part = bands[bands["public_status"] == status]
        if not part.empty:
            rows, lines = part.to_dict("records"), part["bucket"].map(places).tolist()
            chart.bands(rows, lines, start="start_time", end="end_time", width=0.6, marker=look.marker(), name=words)
    marked = inside[inside["bucket"].isin(places)].head(MOST_MARKS)
    for effect, symbol in MARKS.items():
        for failed in (False, True):
            part = marked[(marked["effect"] == effect) & ((marked["outcome"] != "success") == failed)]
            if not part.empty:
                rows, lines = part.to_dict("records"), part["bucket"].map(places).tolist()
                line = {"color": INK if failed else WHITE, "width": 1.2}
                marker = {"symbol": f"{symbol}-open" if failed else symbol, "size": 13, "color": INK, "line": line}
                name = f"{effect}, failed" if failed else effect
                chart.marks(rows, lines, time="event_time", names=MARK_COLUMNS, marker=marker, name=name)
    chart.time_axis(start, end)
    chart.name_lines(places)
    chart.plain()
    outside = len(changes) - len(inside)
    return chart.publish(
        f"{counted(len(bands), 'band')} of {counted(len(places), 'line')}, {counted(len(marked), 'change')} marked; UTC.",
        limited(len(places), len(every), "lines", ", those with changes first, then those that were public"),
        limited(len(marked), len(inside), "changes", ", the first"),
        f"{counted(outside, 'change')} outside the window: not drawn." if outside else "",
    )
