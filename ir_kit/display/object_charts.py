"""What was downloaded: the bounds of each bucket, and the prefixes that were read."""

from __future__ import annotations

import pandas as pd

from ir_kit.display.charts import INK, OTHER, Chart, limited, publish_empty
from ir_kit.display.text import as_label, byte_size, counted, shortened

LABEL = 34


def bounds(
    frame: pd.DataFrame, *, caption: str = "Objects downloaded, at least and at most", most_rows: int = 40
) -> None:
    """How many objects were downloaded from each bucket: at least, likely, at most? An open end where nothing bounds it.

    Draws at most `most_rows` buckets of a frame as ``object_access/bounds``, those with most objects first.
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

    Draws at most `most` of a frame as ``object_access/prefixes``, those with most objects.
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
    chart.x["visible"] = chart.y["visible"] = False
    chart.layout["margin"] |= {"r": 8, "t": 60, "b": 12}
    chart.add(
        "treemap", ids=[*buckets["id"], *(f"p{number}" for number in range(len(rows)))], labels=labels, values=numbers,
        branchvalues="total", parents=[*("" for _ in buckets.index), *parents], textinfo="label+value",
        marker={"colors": sizes, "colorscale": "Cividis", "reversescale": True,
                "colorbar": {"title": {"text": "bytes"}, "tickformat": "~s"}},
        hovertext=[f"{label}<br>{counted(number, 'object')}, {byte_size(size)}"
                   for label, number, size in zip(labels, numbers, sizes, strict=True)],
    )  # fmt: skip
    under = counted(len(every), "prefix", "prefixes")
    return chart.publish(
        f"{counted(int(every['objects'].sum()), 'object')} under {under}; area by number.",
        limited(len(rows), len(every), "prefixes", ", those with most objects"),
    )
