"""When: bars and marks over time, a line for each thing."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ir_kit.display.charts import INK, KNOWN, LABEL, WHITE, Chart, Look, as_time, limited, looks_of, publish_empty
from ir_kit.display.text import as_label, as_text, counted, shortened

MOST_BARS = 2_000
MOST_MARKS = 60
RECORDED = {
    "logged": ("logged", Look("#0072B2", "", "square")),
    "uncertain": ("uncertain", Look("#E69F00", "/", "square")),
    "lost": ("lost: recorded, and gone", Look("#CC79A7", "x", "square")),
    "not_logged": ("not logged", Look("#3B3B3B", "", "square")),
    "unknown": ("unknown", Look("#9AA3AE", ".", "square")),
}
"""Blue was logged, the darkest was not; each with a pattern that tells it without colour."""
PUBLIC = {
    "yes": ("public", Look("#D55E00", "x", "square")),
    "no": ("not public", Look("#56B4E9", "", "square")),
    "unknown": ("not known", Look("#9AA3AE", ".", "square")),
}
CLASSES = ["management", "data_read", "data_write", "server_access_log"]
SYMBOLS = {"opens": "triangle-up", "closes": "triangle-down", "changes": "diamond"}
ACCOUNT = "(whole account)"


def timeline(
    frame: pd.DataFrame,
    start: str,
    end: str,
    row: str | list[str],
    color: str = "",
    *,
    caption: str = "",
    most_rows: int = 40,
) -> None:
    """When was each thing in use: a bar from `start` to `end`, a symbol at its start?

    Parameters
    ----------
    start, end : str
        Columns of times; a row without a start is not drawn, and counted in words.
    row, color : str
        Columns that name the line a bar stands on, and what colour, pattern and symbol tell apart.
    most_rows : int
        How many lines at most: `new`, `unclear`, `success` first, then the earliest.
    """
    by = [row] if isinstance(row, str) else row
    caption = caption or f"{', '.join(by)} over time"
    dated = frame[frame[start].notna()]
    if dated.empty:
        return publish_empty(caption, "no rows to draw" if frame.empty else "no row has a time")
    drawn = dated.sort_values([start, *by], kind="stable").head(MOST_BARS)
    drawn = drawn.set_axis(pd.RangeIndex(len(drawn)))
    lines = pd.Series([" · ".join(map(as_text, names)) for names in drawn[by].itertuples(index=False)])
    groups = pd.Series([as_text(value) for value in drawn[color]] if color else [""] * len(drawn))
    rank = groups.map({group: rank for rank, group in enumerate(KNOWN)})
    ranks = rank.groupby(lines, sort=False).min().fillna(len(KNOWN))
    shown = set(ranks.sort_values(kind="stable").index[:most_rows])
    places = {name: place for place, name in enumerate(name for name in ranks.index if name in shown)}
    chart = Chart(caption, 130 + 27 * max(len(places), 3))
    looks = looks_of(groups[lines.isin(shown)])
    for legend_rank, (group, look) in reversed(list(enumerate(looks.items(), start=1))):  # the first is drawn on top
        chosen = lines.isin(shown) & (groups == group)
        rows, at = drawn[chosen], lines[chosen].map(places)
        shared = {"name": as_label(shortened(group, LABEL)), "legendgroup": as_label(group)}
        marker = look.marker(edge=look.color)
        chart.bands(rows, at, start=start, end=end, width=0.5, marker=marker, showlegend=False, **shared)
        dot = {"color": look.color, "symbol": look.symbol, "size": 10, "line": {"color": WHITE, "width": 1}}
        chart.marks(rows, at, time=start, marker=dot, showlegend=bool(color), legendrank=legend_rank, **shared)
    chart.time_axis(drawn[start].min(), pd.concat([drawn[start], drawn[end].dropna()]).max(), padded=True)
    chart.name_lines(places, least=3)
    undated = len(frame) - len(dated)
    return chart.publish(
        f"{counted(int(lines.isin(shown).sum()), 'bar')}, a symbol at each start; UTC.",
        limited(
            len(places), len(ranks), "lines", f", {f'by {color}, then ' if rank.notna().any() else ''}the earliest"
        ),
        limited(len(drawn), len(dated), "bars", ", the earliest"),
        f"{counted(undated, 'row')} without a time: not drawn." if undated else "",
    )


def sessions(frame: pd.DataFrame, *, caption: str = "Sessions by credential and address", most_rows: int = 40) -> None:
    """When was each credential used from which address, and is that the owner's way of using it?

    Draws at most `most_rows` pairs of credential and address of a frame as ``key_activity/sessions``.
    """
    names = ["access_key_id", "source_ip_address"]
    timeline(frame, "start_time", "end_time", names, "verdict", caption=caption, most_rows=most_rows)


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
    most_buckets : int
        How many buckets and Regions at most: Regions first, then those with the longest gaps.
    """
    if frame.empty:
        return publish_empty(caption, "neither a bucket nor a Region is known: nothing to draw")
    bands = frame.drop(columns="left_out").assign(
        subject=frame["bucket"].astype(object), is_bucket=frame["bucket"].notna()
    )
    bands["gap"] = (bands["end_time"] - bands["start_time"]).where(bands["state"] != "logged", pd.Timedelta(0))
    alike: dict[Any, list[str]] = {}
    for region, part in bands[~bands["is_bucket"]].groupby("aws_region"):
        states = part[["state", "start_time", "end_time"]].itertuples(index=False, name=None)
        alike.setdefault(tuple(states), []).append(as_text(region))
    for names in alike.values():  # Regions that were alike all the time are one line
        title = ", ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} more Regions"
        of_first = ~bands["is_bucket"] & (bands["aws_region"] == names[0])
        bands.loc[of_first, "subject"] = title if len(names) > 1 else f"Region {title}"
    bands = bands[bands["subject"].notna()]
    ranks = bands.groupby("subject")[["is_bucket", "gap"]].agg({"is_bucket": "max", "gap": "sum"}).reset_index()
    every = ranks.sort_values(["is_bucket", "gap", "subject"], ascending=[True, False, True])["subject"]
    shown = every.head(most_buckets)
    words = bands["record_class"].str.replace("_", " ").replace("server access log", "access log")
    bands["line"] = bands["subject"].map(as_text) + " · " + words
    bands["order"] = bands["record_class"].map(lambda name: CLASSES.index(name) if name in CLASSES else len(CLASSES))
    bands = bands[bands["subject"].isin(shown)].sort_values("order", kind="stable")
    order = pd.Categorical(bands["subject"], shown).argsort(kind="stable")
    lines = list(dict.fromkeys(bands["line"].iloc[order]))
    chart = Chart(caption, 165 + 18 * max(len(lines), 2), top=44)
    columns = ["bucket", "aws_region", "record_class", "start_time", "end_time", "state", "basis"]
    draw_states(chart, bands, lines, RECORDED, "state", columns)
    marked = 0 if acts is None or acts.empty else mark_acts(chart, acts)
    return chart.publish(
        f"{counted(len(bands), 'band')} of {counted(len(shown), 'bucket or Region', 'buckets and Regions')}; "
        f"{counted(marked, 'change')} against logging drawn over {'it' if marked == 1 else 'them'}; UTC.",
        limited(len(shown), len(every), "buckets and Regions", ", Regions first, then those with the longest gaps"),
        limited(marked, 0 if acts is None else len(acts), "changes", ", the first"),
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
    spans, changes : DataFrame
        As ``bucket_exposure/spans`` and ``bucket_exposure/changes``: a mark for each in the window, hollow where it failed.
    most_rows : int
        How many buckets at most: those with changes first, then those that were public.
    """
    if spans.empty:
        return publish_empty(caption, "no bucket to draw")
    inside = changes[
        changes["event_time"].between(spans["start_time"].min(), spans["end_time"].max(), inclusive="left")
    ]
    inside = inside.assign(bucket=inside["bucket"].fillna(ACCOUNT)).sort_values("event_time", kind="stable")
    number = inside["bucket"].value_counts()
    public = set(spans[spans["public_status"] == "yes"]["bucket"])
    every = sorted({*spans["bucket"], *number.index}, key=lambda name: (-number.get(name, 0), name not in public, name))
    shown = every[:most_rows]
    chart = Chart(caption, 150 + 26 * max(len(shown), 2), left=220)
    bands = spans[spans["bucket"].isin(shown)].assign(line=spans["bucket"])
    draw_states(chart, bands, shown, PUBLIC, "public_status", list(spans.columns))
    marked = inside[inside["bucket"].isin(shown)]
    columns = ["event_time", "bucket", "event_name", "effect", "outcome", "access_key_id", "detail"]
    for effect, symbol in SYMBOLS.items():
        for failed in (False, True):
            part = marked[(marked["effect"] == effect) & ((marked["outcome"] != "success") == failed)]
            line = {"color": INK if failed else WHITE, "width": 1.2}
            marker = {"symbol": f"{symbol}-open" if failed else symbol, "size": 13, "color": INK, "line": line}
            name = f"{effect}, failed" if failed else effect
            chart.marks(part[columns], part["bucket"].map(shown.index), time="event_time", marker=marker, name=name)
    outside = len(changes) - len(inside)
    return chart.publish(
        f"{counted(len(bands), 'band')} of {counted(len(shown), 'line')}, {counted(len(marked), 'change')} marked; UTC.",
        limited(len(shown), len(every), "lines", ", those with changes first, then those that were public"),
        f"{counted(outside, 'change')} outside the window: not drawn." if outside else "",
    )


def draw_states(
    chart: Chart,
    bands: pd.DataFrame,
    lines: list[str],
    looks: dict[str, tuple[str, Look]],
    state: str,
    columns: list[str],
) -> None:
    """A band from start_time to end_time for each state, on the line that its column `line` names."""
    for value, (words, look) in looks.items():
        part = bands[bands[state] == value]
        marker = look.marker()
        at = part["line"].map(lines.index)
        chart.bands(part[columns], at, start="start_time", end="end_time", width=0.7, marker=marker, name=words)
    chart.time_axis(bands["start_time"].min(), bands["end_time"].max())
    chart.name_lines(lines)
    chart.plain()


def mark_acts(chart: Chart, acts: pd.DataFrame) -> int:
    """How many changes to logging are drawn, with the names of those that have room?"""
    start, end = (pd.Timestamp(edge) for edge in chart.x["range"])
    times = acts["event_time"].dt.tz_localize(None)
    shown = acts[times.between(start, end, inclusive="left")].sort_values("event_time", kind="stable").head(MOST_MARKS)
    named = [start - (end - start)]
    for succeeded, words, color in (
        (True, "change against logging", "#D55E00"),
        (False, "the same, failed", "#5a6472"),
    ):
        part = shown[(shown["outcome"] == "success") == succeeded]
        texts, sides = list[str](), list[str]()
        at_once = part.groupby("event_time")["event_name"].transform("size")
        moments = part["event_time"].dt.tz_localize(None)
        for time, name, number in zip(moments, part["event_name"], at_once, strict=True):
            words_of = as_text(name) + (f" ×{number}" if number > 1 else "")
            has_room = all(abs(time - other) >= (end - start) / 6 for other in named)
            texts.append(as_label(shortened(words_of, 28)) + ("" if succeeded else " failed") if has_room else "")
            sides.append("top left" if time > start + (end - start) * 0.8 else "top right")
            named += [time] if has_room else []
            if succeeded:
                chart.line(color, 1.6, x0=as_time(time), x1=as_time(time))
        symbol = "triangle-down" if succeeded else "triangle-down-open"
        marker = {"symbol": symbol, "size": 12, "color": color, "line": {"color": color, "width": 1.5}}
        chart.marks(
            part[["event_time", "event_name", "target", "outcome", "effect", "access_key_id"]], [-0.5] * len(part),
            time="event_time", mode="markers+text", text=texts, textposition=sides, textfont={"size": 11},
            cliponaxis=False, marker=marker, name=words,
        )  # fmt: skip
    return len(shown)
