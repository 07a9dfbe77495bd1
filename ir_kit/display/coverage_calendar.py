"""Of which days are there logs: the files and the classes of records as tables, and a picture of baseline and window."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any, Protocol

import pandas as pd

from ir_kit.display.charts import FAINT, INK, SOFT, WHITE, Chart, limited, publish_empty
from ir_kit.display.publish import publish_html
from ir_kit.display.tables import frame_table
from ir_kit.display.text import as_label, as_text, counted, is_null

__all__ = ["coverage"]

OBJECT_CLASSES = ("data_read", "data_write", "server_access_log")
NAMES_ITS_SOURCE = ("server_access_log", "configuration")
EXPECTED = {
    "server_access_log": "access_log",
    "data_read": "cloudtrail",
    "data_write": "cloudtrail",
    "management": "cloudtrail",
    "configuration": "configuration",
}
"""What an investigation would like to have, by class: shown with its zero where there is none."""
DAYS_WITH_NUMBERS = 31
DAYS_WITH_TICKS = 12
BLUES = [[0.0, "#cfe3f2"], [0.35, "#86b8da"], [0.7, "#3b83b8"], [1.0, "#0b3c66"]]
ELSEWHERE, NOTHING = "other records of this source, none of these", "nothing from this source"


class Span(Protocol):
    """A stretch of time, half-open."""

    @property
    def start(self) -> Any: ...
    @property
    def end(self) -> Any: ...


def coverage(
    frame: pd.DataFrame,
    window: Span,
    baseline: Span | None = None,
    *,
    sources: pd.DataFrame | None = None,
    ignored: int | None = None,
    most_rows: int = 60,
) -> None:
    """What logs are there, are they whole, and of which days is there nothing: files, classes of records, and a picture?

    Parameters
    ----------
    frame : DataFrame
        As ``evidence/coverage``.
    window, baseline : start and end
        Of the incident; the days of both are drawn, records of other days counted in words.
    sources : DataFrame, optional
        As ``evidence/sources``: adds a table of the files.
    ignored : int, optional
        How many files among the sources are no logs.
    most_rows : int
        How many lines the picture has at most; where there are more, the fullest are drawn and the caption says so.
    """
    if sources is not None:
        note = (
            "" if ignored is None else f"Left out among the sources, as digests or no logs: {counted(ignored, 'file')}."
        )
        publish_html(*frame_table(files_by_kind(sources), caption="Files read", rows=50, note=note))
    records = frame[frame["records"] > 0]
    of_objects = records["record_class"].isin(OBJECT_CLASSES)
    records = records.assign(  # all other calls together, whichever bucket they name
        bucket=records["bucket"].astype(object).where(of_objects, None), day=pd.to_datetime(records["day"]).dt.date
    )
    classes = records_by_class(records, set(days_of(window, None)))
    publish_html(*frame_table(classes, caption="Records by class", rows=200, table_name="evidence/coverage"))
    calendar(records[records["day"].notna()], window, baseline, most_rows)


def days_of(window: Span, baseline: Span | None) -> list[date]:
    """Every day that baseline and window touch."""
    spans = [window, *([baseline] if baseline else [])]
    first = min(span.start for span in spans).date()
    last = (max(span.end for span in spans) - timedelta(microseconds=1)).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def files_by_kind(sources: pd.DataFrame) -> pd.DataFrame:
    """Which files are there, and are they whole: one row per source kind?"""
    counts = ["records", "duplicates", "rejected", "damaged"]
    whole = sources.assign(gone=~sources["present"].astype(bool)).groupby("kind")
    found = whole.agg(
        files=("kind", "size"),
        **{name: (name, "sum") for name in counts},
        gone=("gone", "sum"),
        first_time=("first_time", "min"),
        last_time=("last_time", "max"),
    )
    numbers = {name: "int64" for name in (*counts, "gone")}
    return found.astype(numbers).rename(columns={"gone": "gone since"}).reset_index()


def records_by_class(records: pd.DataFrame, days: set[date]) -> pd.DataFrame:
    """Which records are there: one row per record class and bucket, with the days of the window that have any?"""
    rows = []
    for (kind, name, bucket), part in records.groupby(["source_kind", "record_class", "bucket"], dropna=False):
        sums = {column: int(part[column].sum()) for column in ("records", "duplicates")}
        times = {"first_time": part["first_time"].min(), "last_time": part["last_time"].max()}
        logged = f"{len(days & set(part['day']))} of {len(days)}"
        rows.append(
            {"kind": kind, "record_class": name, "bucket": bucket, "days of the window": logged, **sums, **times}
        )
    for name, kind in EXPECTED.items():
        if (kind, name) not in {(row["kind"], row["record_class"]) for row in rows}:
            nothing = {"days of the window": f"0 of {len(days)}", "records": 0, "duplicates": 0}
            rows.append({"kind": kind, "record_class": name, "bucket": None, **nothing})
    rows.sort(key=lambda row: (row["kind"], str(row["record_class"]), str(row["bucket"])))
    names = ["record_class", "bucket", "days of the window", "records", "duplicates", "first_time", "last_time"]
    return pd.DataFrame(rows, columns=names)


def calendar(records: pd.DataFrame, window: Span, baseline: Span | None, most_rows: int) -> None:
    """A picture of baseline and window, a cell a day, where a day that nobody delivered is seen as such."""
    caption = "Records by day"
    if records.empty:
        return publish_empty(caption, "no records at all: nothing covers the window")
    days = days_of(window, baseline)
    keys = records[["source_kind", "record_class", "bucket"]].itertuples(index=False)
    lines = pd.Series([line_name(*key) for key in keys], index=records.index)
    source_of = dict(zip(lines, records["source_kind"], strict=True))
    present = set(records["record_class"])
    source_of |= {line_name(kind, name, None): kind for name, kind in EXPECTED.items() if name not in present}
    counts = records.groupby([lines, "day"])["records"].sum()
    total = records.groupby(lines)["records"].sum()
    fullest = sorted(source_of, key=lambda name: (name in total, -total.get(name, 0), name))[:most_rows]
    names = sorted(fullest, key=lambda name: (source_of[name], name))
    logged = set(zip(records["source_kind"], records["day"], strict=True))
    amounts = [[int(counts.get((name, day), 0)) for day in days] for name in names]
    chart = Chart(caption, 150 + 30 * max(len(names), 2), top=26, x_title="day, UTC")
    edges = [f"{day:%Y-%m-%d}" for day in (*days, days[-1] + timedelta(days=1))]  # a single day has no width of its own
    few = len(days) <= DAYS_WITH_NUMBERS

    def texts(words: str, numbers: bool) -> list[list[str]]:
        return [
            [f"{day}<br>{as_label(name)}<br>{n if numbers else ''} {words}" for day, n in zip(edges, row, strict=False)]
            for name, row in zip(names, amounts, strict=True)
        ]

    elsewhere = [
        [1 if (source_of[name], day) in logged and not n else None for day, n in zip(days, row, strict=True)]
        for name, row in zip(names, amounts, strict=True)
    ]
    chart.cells(elsewhere, edges, texts(ELSEWHERE, False), colorscale=[[0, FAINT], [1, FAINT]], showscale=False)
    filled = [n for row in amounts for n in row if n] or [1]
    tens = [10**exponent for exponent in range(len(str(max(filled))))]
    colorbar = {
        "title": {"text": "records", "font": {"size": 11}}, "thickness": 10, "outlinewidth": 0, "tickmode": "array",
        "tickvals": list(range(len(tens))), "ticktext": [f"{ten:,}" for ten in tens],
    }  # fmt: skip
    chart.cells(
        [[round(math.log10(n), 6) if n else None for n in row] for row in amounts], edges, texts("records", True),
        colorscale=BLUES, zmin=math.log10(min(filled)) - 0.3, zmax=math.log10(max(filled)) + 0.1, showscale=not few,
        colorbar=colorbar, texttemplate="%{text}", textfont={"size": 10},
        text=[[compact(n) if few and n else "" for n in row] for row in amounts],
    )  # fmt: skip
    for name, span, color, dash in (("baseline", baseline, SOFT, "dot"), ("window", window, INK, "solid")):
        if span is not None:
            start, middle, end = (
                f"{time:%Y-%m-%d %H:%M:%S}" for time in (span.start, span.start + (span.end - span.start) / 2, span.end)
            )
            chart.line(color, 5, dash, x0=start, x1=end, y0=1)
            for edge in (start, end) if name == "window" else ():
                chart.line(color, 1.5, x0=edge, x1=edge)
            font = {"size": 11, "color": color}
            chart.note(name, x=middle, y=1, yref="paper", yanchor="bottom", yshift=3, font=font)
    for name, shade in (("records (darker: more)", BLUES[2][1]), (ELSEWHERE, FAINT), (NOTHING, WHITE)):
        chart.legend(name, color=shade, symbol="square", line={"color": SOFT, "width": 1})
    chart.name_lines(names)
    chart.plain()
    chart.x |= {"type": "date", "range": [edges[0], edges[-1]], "tickformat": "%d %b\n%Y"}
    if len(days) <= DAYS_WITH_TICKS:
        chart.x |= {"tick0": edges[0], "dtick": 86_400_000}
    outside = int(records.loc[~records["day"].isin(days), "records"].sum())
    return chart.publish(
        f"{counted(len(names), 'line')}, {counted(len(days), 'day')}; a white cell: {NOTHING} on that day.",
        f"{counted(outside, 'record')} of other days: not drawn." if outside else "",
        limited(len(names), len(source_of), "lines", ", the fullest"),
    )


def line_name(kind: Any, record_class: Any, bucket: Any) -> str:
    """The name of a line of the picture: its source where the class does not say it, its class, its bucket."""
    words = [] if record_class in NAMES_ITS_SOURCE else [as_text(kind)]
    return " · ".join([*words, *(as_text(part) for part in (record_class, bucket) if not is_null(part))])


def compact(number: int) -> str:
    """``7``, ``1.2k``, ``35M``."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            value = number / size
            return f"{value:.0f}{unit}" if value >= 9.95 else f"{value:.1f}{unit}"
    return str(number)
