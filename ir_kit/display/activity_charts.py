"""When was each thing in use, and how much was done in each hour: bars over time."""

from __future__ import annotations

import pandas as pd

from ir_kit.display.charts import INK, KNOWN, LABEL, OTHER, WHITE, Chart, limited, looks_of, publish_empty
from ir_kit.display.text import as_label, as_text, counted, shortened

__all__ = ["activity", "sessions", "timeline"]

MOST_BARS = 2_000


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
    frame : DataFrame
    start, end : str
        Columns of times; a row without a start is not drawn, and counted in words.
    row : str or list of str
        Columns that name the line a bar stands on.
    color : str
        Column that colour, pattern and symbol tell apart; none where it is empty.
    caption : str
    most_rows : int
        How many lines at most: `new`, `unclear`, `success` first, then the earliest.
    """
    by = [row] if isinstance(row, str) else row
    caption = caption or f"{', '.join(by)} over time"
    dated = frame[frame[start].notna()]
    if dated.empty:
        return publish_empty(caption, "no rows to draw" if frame.empty else "no row has a time")
    drawn = dated.sort_values([start, *by], kind="stable").head(MOST_BARS)
    lines = pd.Series([" · ".join(map(as_text, names)) for names in drawn[by].itertuples(index=False)])
    groups = pd.Series([as_text(value) for value in drawn[color]] if color else [""] * len(drawn))
    rank = groups.map({group: rank for rank, group in enumerate(KNOWN)})
    ranks = rank.groupby(lines, sort=False).min().fillna(len(KNOWN))
    shown = set(ranks.sort_values(kind="stable").index[:most_rows])
    places = {name: place for place, name in enumerate(name for name in ranks.index if name in shown)}
    chart = Chart(caption, 130 + 27 * max(len(places), 3))
    looks = looks_of(groups[lines.isin(shown)])
    records = drawn.to_dict("records")
    for legend_rank, (group, look) in reversed(list(enumerate(looks.items(), start=1))):  # the first is drawn on top
        at = [place for place, name in enumerate(lines) if name in places and groups[place] == group]
        rows, line_of = [records[place] for place in at], [places[lines[place]] for place in at]
        group_name = as_label(shortened(group, LABEL))
        both = {"name": group_name, "legendgroup": as_label(group)}
        marker = look.marker(edge=look.color)
        chart.bands(rows, line_of, start=start, end=end, width=0.5, marker=marker, showlegend=False, **both)
        dot = {"color": look.color, "symbol": look.symbol, "size": 10, "line": {"color": WHITE, "width": 1}}
        chart.marks(rows, line_of, time=start, marker=dot, showlegend=bool(color), legendrank=legend_rank, **both)
    last = drawn[end].max()
    chart.time_axis(
        drawn[start].min(), max(drawn[start].max(), last if pd.notna(last) else drawn[start].max()), padded=True
    )
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

    Parameters
    ----------
    frame : DataFrame
        As ``key_activity/sessions``.
    caption : str
    most_rows : int
        How many pairs of credential and address at most.
    """
    names = ["access_key_id", "source_ip_address"]
    timeline(frame, "start_time", "end_time", names, "verdict", caption=caption, most_rows=most_rows)


def activity(frame: pd.DataFrame, *, caption: str = "Calls by hour and action", most_actions: int = 7) -> None:
    """How many calls were made in each hour, by action, and how many of them failed?

    Parameters
    ----------
    frame : DataFrame
        One row per hour and action, with event_name, event_count and error_count.
    caption : str
    most_actions : int
        How many actions by name; the others together.
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
            counts = counts[counts > 0]
            if not counts.empty:
                chart.hourly(
                    counts, [f"{n:,} {words}" for n in counts], name=label, legendgroup=label,
                    showlegend=words == "succeeded" or not bool((succeeded > 0).any()),
                    marker=hatched(color) if words == "failed" else plain,
                )  # fmt: skip
    calls, failures = int(frame["event_count"].sum()), int(frame["error_count"].sum())
    if failures:
        chart.add("bar", x=[None], y=[None], name="hatched: failed", marker=hatched(INK))
    chart.time_axis(frame["hour"].min(), frame["hour"].max() + pd.Timedelta(hours=1), padded=True)
    chart.y |= {"rangemode": "tozero", "separatethousands": True}
    return chart.publish(f"{counted(calls, 'call')}, {counted(failures, 'failure')} among them (hatched); UTC.")


def hatched(color: str) -> dict[str, object]:
    """A bar's marker for what failed: stripes of the colour on white."""
    pattern = {"shape": "/", "size": 6, "solidity": 0.35, "fgcolor": color, "bgcolor": WHITE, "fillmode": "replace"}
    return {"color": color, "line": {"color": color, "width": 0.5}, "pattern": pattern}
