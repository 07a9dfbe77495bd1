"""What was downloaded: bytes by hour and grade, the bounds of each bucket, and the prefixes that were read."""

from __future__ import annotations

import pandas as pd

from ir_kit.display.charts import INK, OTHER, Chart, Look, limited, publish_empty
from ir_kit.display.text import as_label, counted, shortened

__all__ = ["bounds", "bytes_by_hour", "prefixes"]

LABEL = 34
GRADES = {
    "A": ("A named", Look("#0072B2", "", "circle")),
    "B": ("B in the URI", Look("#56B4E9", ".", "square")),
    "C": ("C inferred", Look("#E69F00", "/", "triangle-up")),
    "D": ("D ambiguous", Look("#CC79A7", "x", "diamond")),
}
SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def bytes_by_hour(frame: pd.DataFrame, *, caption: str = "Bytes downloaded, by hour and grade") -> None:
    """How many bytes were downloaded in each hour, and how sure is it by which key? The owner's own use left out.

    Parameters
    ----------
    frame : DataFrame
        One row per hour, attribution and counted_in, with reads and bytes_sent.
    caption : str
    """
    counted_rows = frame[frame["counted_in"] != "owner"]
    if counted_rows.empty:
        return publish_empty(caption, "no bytes to draw")
    chart = Chart(caption, 400, x_title="hour, UTC", y_title="bytes an hour")
    for grade, (name, look) in GRADES.items():
        rows = counted_rows[counted_rows["attribution"] == grade]
        hours = rows.groupby("hour")[["bytes_sent", "reads"]].sum()
        if not hours.empty:
            sums = zip(hours["bytes_sent"], hours["reads"], strict=True)
            texts = [f"{amount(float(sent))} in {int(reads):,} reads" for sent, reads in sums]
            chart.hourly(hours["bytes_sent"], texts, name=name, marker=look.marker())
    chart.time_axis(counted_rows["hour"].min(), counted_rows["hour"].max() + pd.Timedelta(hours=1), padded=True)
    chart.y |= {"rangemode": "tozero", "tickformat": "~s"}
    total, reads = int(counted_rows["bytes_sent"].sum()), int(counted_rows["reads"].sum())
    return chart.publish(
        f"{amount(total)} in {counted(reads, 'read')} that are not the owner's; UTC.",
        f"{counted(int(frame['reads'].sum()) - reads, 'read')} that look like the owner's left out.",
    )


def bounds(
    frame: pd.DataFrame, *, caption: str = "Objects downloaded, at least and at most", most_rows: int = 40
) -> None:
    """How many objects were downloaded from each bucket: at least, likely, at most?

    Parameters
    ----------
    frame : DataFrame
        As ``object_access/bounds``; an open end where there is no upper bound.
    caption : str
    most_rows : int
        How many buckets at most, those with most objects first.
    """
    rows = frame.sort_values(["objects_upper_logged", "bucket"], ascending=[False, True]).head(most_rows)
    if rows.empty:
        return publish_empty(caption, "no bucket to draw")
    chart = Chart(caption, 150 + 34 * len(rows), left=220, x_title="objects downloaded, not by the owner")
    for row in rows.to_dict("records"):
        label = as_label(shortened(str(row["bucket"]), LABEL))
        is_open = bool(pd.isna(row["objects_upper"]))
        least, likely, most = (int(row[f"objects_{name}"]) for name in ("lower", "likely", "upper_logged"))
        text = f"{label}<br>at least {least:,}, likely {likely:,}<br>at most {most:,}"
        text += f" in logged hours; not logged for {row['blind_hours']:,.1f} hours" if is_open else ""
        style = {"color": OTHER if is_open else INK, "width": 3, "dash": "dot" if is_open else "solid"}
        chart.add("scatter", x=[least, most], y=[label, label], mode="lines", showlegend=False, line=style)
        symbols = ["line-ns-open", "diamond", "triangle-right-open" if is_open else "line-ns-open"]
        marker = {"size": 12, "symbol": symbols, "color": [INK, "#D55E00", INK], "line": {"width": 2}}
        chart.add(
            "scatter", x=[least, likely, most], y=[label] * 3, mode="markers", showlegend=False, hovertext=[text] * 3,
            marker=marker,
        )  # fmt: skip
    chart.legend("likely", symbol="diamond", color="#D55E00")
    chart.legend("at least, at most", symbol="line-ns-open", color=INK, line={"width": 2})
    chart.legend("no upper bound: not all was logged", symbol="triangle-right-open", color=INK)
    chart.y |= {"autorange": "reversed", "type": "category"}
    chart.x |= {"rangemode": "tozero", "separatethousands": True}
    unbounded = int(frame["objects_upper"].isna().sum())
    return chart.publish(
        f"{counted(len(frame), 'bucket')}; {unbounded:,} without an upper bound.",
        limited(len(rows), len(frame), "buckets"),
    )


def prefixes(frame: pd.DataFrame, *, caption: str = "Objects downloaded, by prefix", most: int = 60) -> None:
    """Under which prefixes lie the objects that were downloaded? The owner's own use left out.

    Parameters
    ----------
    frame : DataFrame
        One row per bucket, prefix and counted_in, with objects and bytes_sent.
    caption : str
    most : int
        How many prefixes at most, those with most objects.
    """
    sums = ["objects", "bytes_sent"]
    every = frame[frame["counted_in"] != "owner"].groupby(["bucket", "prefix"], as_index=False)[sums].sum()
    if every.empty:
        return publish_empty(caption, "no prefix to draw")
    rows = every.sort_values(["objects", "bucket", "prefix"], ascending=[False, True, True]).head(most)
    buckets = rows.groupby("bucket", as_index=False)[sums].sum()
    buckets["id"] = [f"b{number}" for number in buckets.index]
    names, parents = [*buckets["bucket"], *rows["prefix"]], rows["bucket"].map(buckets.set_index("bucket")["id"])
    numbers, sizes = ([int(n) for n in [*buckets[name], *rows[name]]] for name in sums)
    labels = [as_label(shortened(str(name), LABEL)) for name in names]
    chart = Chart(caption, 420, left=8)
    chart.layout["margin"] |= {"r": 8, "t": 60, "b": 12}
    chart.add(
        "treemap", ids=[*buckets["id"], *(f"p{number}" for number in range(len(rows)))], labels=labels, values=numbers,
        branchvalues="total", parents=[*("" for _ in buckets.index), *parents], textinfo="label+value",
        marker={"colors": sizes, "colorscale": "Cividis", "reversescale": True,
                "colorbar": {"title": {"text": "bytes"}, "tickformat": "~s"}},
        hovertext=[f"{label}<br>{counted(number, 'object')}, {amount(size)}"
                   for label, number, size in zip(labels, numbers, sizes, strict=True)],
    )  # fmt: skip
    under = counted(len(every), "prefix", "prefixes")
    return chart.publish(
        f"{counted(int(every['objects'].sum()), 'object')} under {under}; area by number.",
        limited(len(rows), len(every), "prefixes", ", those with most objects"),
    )


def amount(count: float) -> str:
    """So many bytes, in the unit that suits."""
    for unit in SIZES:
        if count < 1000 or unit == SIZES[-1]:
            return f"{count:,.0f} {unit}" if unit == "B" or count >= 100 else f"{count:,.1f} {unit}"
        count /= 1000
    return ""
