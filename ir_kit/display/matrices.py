"""Matrices: of which days there are records, with what is counted of files and classes; and buckets by access path."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pandas as pd

from ir_kit.display.charts import FAINT, INK, SOFT, WHITE, Chart, as_time, hover_texts, limited, publish_empty
from ir_kit.display.publish import publish_html
from ir_kit.display.tables import frame_table
from ir_kit.display.text import as_label, as_text, counted, is_null
from ir_kit.incident import Window

OBJECT_CLASSES = ("data_read", "data_write", "server_access_log")
EXPECTED = {
    "server_access_log": "access_log",
    "data_read": "cloudtrail",
    "data_write": "cloudtrail",
    "management": "cloudtrail",
    "configuration": "configuration",
}
"""What an investigation would like to have, by class: shown with its zero where there is none."""
NAMED = {"cloudtrail": "cloudtrail"}  # sources that no class names
KEYS = ["source_kind", "record_class", "bucket"]
DAYS_WITH_NUMBERS, DAYS_WITH_TICKS = 31, 12
BLUES = [[0.0, "#cfe3f2"], [0.35, "#86b8da"], [0.7, "#3b83b8"], [1.0, "#0b3c66"]]
ELSEWHERE, NOTHING = "other records of this source, none of these", "nothing from this source"
STATES = {
    "public": ("public", "#D55E00", "public"),
    "cross_account": ("another account", "#E69F00", "account"),
    "own_account": ("own account", "#56B4E9", "own"),
    "unknown": ("not known", "#9AA3AE", "?"),
    "blocked": ("set, blocked", "#DCE9F4", "blocked"),
    "closed": ("closed", "#ffffff", "·"),
}
"""Of an access path, the widest first: name, colour of the cell, and the word that stands in it."""


def coverage(
    frame: pd.DataFrame,
    window: Window,
    baseline: Window | None = None,
    *,
    sources: pd.DataFrame | None = None,
    ignored: int = 0,
    most_rows: int = 60,
) -> None:
    """What logs are there, are they whole, and of which days is there nothing: files, classes of records, and a picture?

    Parameters
    ----------
    frame, sources : DataFrame
        As ``evidence/coverage`` and ``evidence/sources``; without the latter there is no table of files.
    window, baseline : Window
        The days of both are drawn, records of other days counted in words.
    ignored : int
        How many files among the sources are no logs.
    most_rows : int
        How many lines the picture has at most, the fullest.
    """
    if sources is not None:
        note = f"Left out among the sources, as digests or no logs: {counted(ignored, 'file')}."
        publish_html(*frame_table(files_by_kind(sources), caption="Files read", rows=50, note=note))
    records = frame[frame["records"] > 0]
    of_objects = records["record_class"].isin(OBJECT_CLASSES)
    records = records.assign(  # all other calls together, whichever bucket they name
        bucket=records["bucket"].astype(object).where(of_objects, None), day=pd.to_datetime(records["day"]).dt.date
    )
    days = days_of(window, None)
    missing = [(EXPECTED[name], name, None) for name in EXPECTED if name not in set(records["record_class"])]
    nothing = pd.DataFrame(missing, columns=KEYS).assign(day=days[0], records=0, duplicates=0)
    records = pd.concat([records[[*nothing.columns, "first_time", "last_time"]], nothing])
    publish_html(
        *frame_table(
            records_by_class(records, days), caption="Records by class", rows=200, table_name="evidence/coverage"
        )
    )
    coverage_calendar(records[records["day"].notna()], window, baseline, most_rows)


def days_of(window: Window, baseline: Window | None) -> list[date]:
    """Every day that baseline and window touch."""
    spans = [window, *([baseline] if baseline else [])]
    first = min(span.start for span in spans).date()
    last = (max(span.end for span in spans) - timedelta(microseconds=1)).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def files_by_kind(sources: pd.DataFrame) -> pd.DataFrame:
    """Which files are there, and are they whole: one row per source kind?"""
    whole = sources.assign(files=1, **{"gone since": ~sources["present"].astype(bool)})
    sums = ["files", "records", "duplicates", "rejected", "damaged", "gone since"]
    kinds = whole.groupby("kind")
    times = kinds.agg(first_time=("first_time", "min"), last_time=("last_time", "max"))
    return kinds[sums].sum().astype("int64").join(times).reset_index()


def records_by_class(records: pd.DataFrame, days: list[date]) -> pd.DataFrame:
    """Which records are there: one row per record class and bucket, with the days of the window that have any?"""
    logged = records["day"].where(records["day"].isin(days) & (records["records"] > 0))
    rows = records.assign(logged=logged).groupby(KEYS, dropna=False, as_index=False).agg(
        logged=("logged", "nunique"), records=("records", "sum"), duplicates=("duplicates", "sum"),
        first_time=("first_time", "min"), last_time=("last_time", "max"),
    )  # fmt: skip
    rows["days of the window"] = [f"{number} of {len(days)}" for number in rows["logged"]]
    return rows[["record_class", "bucket", "days of the window", "records", "duplicates", "first_time", "last_time"]]


def coverage_calendar(records: pd.DataFrame, window: Window, baseline: Window | None, most_rows: int) -> None:
    """A picture of baseline and window, a cell a day, where a day that nobody delivered is seen as such."""
    caption = "Records by day"
    if not records["records"].any():
        return publish_empty(caption, "no records at all: nothing covers the window")
    days = days_of(window, baseline)
    records["line"] = [
        " · ".join(as_text(part) for part in key if not is_null(part))
        for key in records[KEYS]
        .assign(source_kind=records["source_kind"].map(NAMED))
        .itertuples(index=False, name=None)
    ]
    lines = records.groupby("line").agg(source=("source_kind", "first"), total=("records", "sum")).reset_index()
    names = list(
        lines.sort_values(["total", "line"], ascending=[False, True])[:most_rows].sort_values(["source", "line"])[
            "line"
        ]
    )
    by_line = records.pivot_table("records", "line", "day", "sum", fill_value=0).reindex(
        names, columns=days, fill_value=0
    )
    by_source = records.pivot_table("records", "source_kind", "day", "sum", fill_value=0).reindex(
        columns=days, fill_value=0
    )
    by_source = by_source.loc[lines.set_index("line").loc[names, "source"]]
    amounts = by_line.astype(int).to_numpy().tolist()
    chart = Chart(caption, 150 + 30 * max(len(names), 2), top=26, x_title="day, UTC")
    edges = [f"{day:%Y-%m-%d}" for day in (*days, days[-1] + timedelta(days=1))]  # a single day has no width of its own
    texts = [
        [
            f"{day}<br>{as_label(name)}<br>{f'{n:,} records' if n else ELSEWHERE}"
            for day, n in zip(edges, row, strict=False)
        ]
        for name, row in zip(names, amounts, strict=True)
    ]
    elsewhere = [
        [1 if of_source and not n else None for of_source, n in zip(row, own, strict=True)]
        for row, own in zip(by_source.to_numpy(), amounts, strict=True)
    ]
    chart.cells(elsewhere, edges, texts, colorscale=[[0, FAINT], [1, FAINT]], showscale=False)
    filled = [n for row in amounts for n in row if n]
    tens = [10**exponent for exponent in range(len(str(max(filled, default=1))))]
    colorbar = {
        "title": {"text": "records", "font": {"size": 11}}, "thickness": 10, "outlinewidth": 0, "tickmode": "array",
        "tickvals": list(range(len(tens))), "ticktext": [f"{ten:,}" for ten in tens],
    }  # fmt: skip
    few = len(days) <= DAYS_WITH_NUMBERS
    chart.cells(
        [[round(math.log10(n), 6) if n else None for n in row] for row in amounts], edges, texts, colorscale=BLUES,
        zmin=math.log10(min(filled, default=1)) - 0.3, zmax=math.log10(max(filled, default=1)) + 0.1,
        text=[[compact(n) if few and n else "" for n in row] for row in amounts], texttemplate="%{text}",
        textfont={"size": 10}, showscale=not few, colorbar=colorbar,
    )  # fmt: skip
    for name, span, color, dash in (("baseline", baseline, SOFT, "dot"), ("window", window, INK, "solid")):
        if span is not None:
            chart.line(color, 5, dash, x0=as_time(span.start), x1=as_time(span.end), y0=1)
            for edge in (span.start, span.end) if name == "window" else ():
                chart.line(color, 1.5, x0=as_time(edge), x1=as_time(edge))
            middle, font = as_time(span.start + (span.end - span.start) / 2), {"size": 11, "color": color}
            chart.note(name, x=middle, y=1, yref="paper", yanchor="bottom", yshift=3, font=font)
    for name, shade in (("records (darker: more)", BLUES[2][1]), (ELSEWHERE, FAINT), (NOTHING, WHITE)):
        chart.legend(name, color=shade, symbol="square", line={"color": SOFT, "width": 1})
    chart.name_lines(names)
    chart.plain()
    chart.x |= {"type": "date", "range": [edges[0], edges[-1]], "tickformat": "%d %b\n%Y"}
    chart.x |= {"tick0": edges[0], "dtick": 86_400_000} if len(days) <= DAYS_WITH_TICKS else {}
    outside = int(records.loc[~records["day"].isin(days), "records"].sum())
    return chart.publish(
        f"{counted(len(names), 'line')}, {counted(len(days), 'day')}; a white cell: {NOTHING} on that day.",
        f"{counted(outside, 'record')} of other days: not drawn." if outside else "",
        limited(len(names), len(lines), "lines", ", the fullest"),
    )


def exposure_matrix(frame: pd.DataFrame, *, caption: str = "Buckets by access path", most_rows: int = 40) -> None:
    """How far open is each bucket by each access path? At most `most_rows`, the most open first.

    Draws a frame as ``bucket_exposure/matrix``.
    """
    if frame.empty:
        return publish_empty(caption, "no bucket to draw")
    widest, paths = list(STATES), list(dict.fromkeys(frame["path"]))
    cells = frame.assign(rank=frame["state"].map(widest.index), hover=hover_texts(frame)).drop_duplicates(
        ["bucket", "path"]
    )
    ranks = cells.sort_values("rank").groupby("bucket")["rank"].agg(tuple)
    every = sorted(ranks.index, key=lambda name: (ranks[name], name))
    shown = every[:most_rows]
    table = {
        name: cells.pivot(index="bucket", columns="path", values=name).reindex(shown, columns=paths)
        for name in ("rank", "hover")
    }
    chart = Chart(caption, 205 + 26 * max(len(shown), 2), left=220, top=86, x_title="")
    rows = [[None if is_null(rank) else int(rank) for rank in line] for line in table["rank"].to_numpy()]
    steps = len(widest)
    chart.cells(
        [[None if rank is None else rank + 0.5 for rank in line] for line in rows], range(len(paths)),
        table["hover"].fillna("").to_numpy().tolist(), zmin=0, zmax=steps, showscale=False,
        colorscale=[[(place + edge) / steps, STATES[name][1]] for place, name in enumerate(widest) for edge in (0, 1)],
        text=[["" if rank is None else STATES[widest[rank]][2] for rank in line] for line in rows],
        texttemplate="%{text}", textfont={"size": 10},
    )  # fmt: skip
    for name, color, _ in STATES.values():
        chart.legend(name, color=color, symbol="square", line={"color": SOFT, "width": 1})
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
    public = sum(0 in line for line in rows)
    return chart.publish(
        f"{counted(len(shown), 'bucket')} by {counted(len(paths), 'access path')}; {public:,} public.",
        limited(len(shown), len(every), "buckets", ", the most open"),
    )


def compact(number: int) -> str:
    """``7``, ``1.2k``, ``35M``."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.{0 if number / size >= 9.95 else 1}f}{unit}"
    return str(number)
