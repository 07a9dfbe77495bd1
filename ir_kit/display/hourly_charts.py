"""How much in each hour: stacked bars of calls by action, and of bytes by grade."""

from __future__ import annotations

import pandas as pd

from ir_kit.display.charts import INK, OTHER, WHITE, Chart, Look, looks_of, publish_empty
from ir_kit.display.text import as_label, byte_size, counted, shortened

GRADES = {
    "A": ("A named", Look("#0072B2", "", "circle")),
    "B": ("B in the URI", Look("#56B4E9", ".", "square")),
    "C": ("C inferred", Look("#E69F00", "/", "triangle-up")),
    "D": ("D ambiguous", Look("#CC79A7", "x", "diamond")),
}


def activity(frame: pd.DataFrame, *, caption: str = "Calls by hour and action", most_actions: int = 7) -> None:
    """How many calls were made in each hour, by action, and how many of them failed?

    Names at most `most_actions` of a frame as ``key_activity/actions``, the others together.
    """
    if frame.empty:
        return publish_empty(caption, "no calls to draw")
    totals = frame.groupby("event_name")["event_count"].sum().sort_values(ascending=False, kind="stable")
    named = sorted(str(name) for name in totals.index[:most_actions])
    looks = looks_of(named)
    chart = Chart(caption, 400, x_title="hour, UTC", y_title="calls an hour")
    for name in [*named, ""]:
        rows = frame[frame["event_name"] == name] if name else frame[~frame["event_name"].isin(named)]
        label = as_label(shortened(name, 28)) if name else counted(len(totals) - len(named), "other action")
        color = looks[name].color if name else OTHER
        hours = rows.groupby("hour")[["event_count", "error_count"]].sum()
        succeeded = hours["event_count"] - hours["error_count"]
        plain = {"color": color, "line": {"color": WHITE, "width": 0.5}}
        for words, counts in (("succeeded", succeeded), ("failed", hours["error_count"])):
            texts, failed = [f"{n:,} {words}" for n in counts[counts > 0]], words == "failed"
            chart.hourly(
                counts[counts > 0], texts, name=label, legendgroup=label, marker=hatched(color) if failed else plain,
                showlegend=not failed or not bool((succeeded > 0).any()),
            )  # fmt: skip
    calls, failures = int(frame["event_count"].sum()), int(frame["error_count"].sum())
    if failures:
        chart.add("bar", x=[None], y=[None], name="hatched: failed", marker=hatched(INK))
    chart.time_axis(frame["hour"].min(), frame["hour"].max() + pd.Timedelta(hours=1), padded=True)
    chart.y |= {"rangemode": "tozero", "separatethousands": True}
    return chart.publish(f"{counted(calls, 'call')}, {counted(failures, 'failure')} among them (hatched); UTC.")


def bytes_by_hour(frame: pd.DataFrame, *, caption: str = "Bytes downloaded, by hour and grade") -> None:
    """How many bytes were downloaded in each hour, and how sure is it by which key? The owner's own use left out.

    Draws a frame as ``object_access/hours``: one row per hour, attribution and counted_in.
    """
    rows = frame[frame["counted_in"] != "owner"]
    if rows.empty:
        return publish_empty(caption, "no bytes to draw")
    chart = Chart(caption, 400, x_title="hour, UTC", y_title="bytes an hour")
    for grade, (name, look) in GRADES.items():
        hours = rows[rows["attribution"] == grade].groupby("hour")[["bytes_sent", "reads"]].sum()
        sizes = zip(hours["bytes_sent"], hours["reads"], strict=True)
        texts = [f"{byte_size(float(sent))} in {int(reads):,} reads" for sent, reads in sizes]
        chart.hourly(hours["bytes_sent"], texts, name=name, marker=look.marker())
    chart.time_axis(rows["hour"].min(), rows["hour"].max() + pd.Timedelta(hours=1), padded=True)
    chart.y |= {"rangemode": "tozero", "tickformat": "~s"}
    total, reads = int(rows["bytes_sent"].sum()), int(rows["reads"].sum())
    owners = counted(int(frame["reads"].sum()) - reads, "read")
    return chart.publish(
        f"{byte_size(total)} in {counted(reads, 'read')} that are not the owner's; UTC.",
        f"{owners} that look like the owner's left out.",
    )


def hatched(color: str) -> dict[str, object]:
    """A bar's marker for what failed: stripes of the colour on white."""
    pattern = {"shape": "/", "size": 6, "solidity": 0.35, "fgcolor": color, "bgcolor": WHITE, "fillmode": "replace"}
    return {"color": color, "line": {"color": color, "width": 0.5}, "pattern": pattern}
