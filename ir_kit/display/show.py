"""What a notebook calls to show an answer: the table first, then the picture of the same frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from ir_kit.case import Case
from ir_kit.display import held, tables
from ir_kit.display.activity import activity as draw_activity
from ir_kit.display.charts import Drawn
from ir_kit.display.coverage_calendar import coverage as draw_coverage
from ir_kit.display.desk import desk
from ir_kit.display.findings import findings_table
from ir_kit.display.incident_card import incident_table
from ir_kit.display.lineage_chart import lineage as draw_lineage
from ir_kit.display.publish import publish_figure, publish_html
from ir_kit.display.snippets import snippets_table
from ir_kit.display.start import next_steps_table
from ir_kit.display.text import counted, joined, visible
from ir_kit.display.timeline import timeline as draw_timeline
from ir_kit.display.visibility_chart import visibility as draw_visibility
from ir_kit.incident import Incident

__all__ = [
    "activity",
    "coverage",
    "desk",
    "facts",
    "figure",
    "findings",
    "incident",
    "lineage",
    "next_steps",
    "sessions",
    "snippets",
    "table",
    "timeline",
    "visibility",
]


def table(
    frame: pd.DataFrame, caption: str = "", *, rows: int = 50, columns: Sequence[str] | None = None, table: str = ""
) -> None:
    """What does this frame hold, as a table that says what it leaves out?

    Parameters
    ----------
    frame : DataFrame
        The answer; its index is not shown.
    caption : str
        What the table holds.
    rows : int
        How many rows at most; where there are more, the table says so.
    columns : sequence of str, optional
        Which columns, in this order; all of them where it is None.
    table : str
        ``PLAYBOOK/TABLE``, the result table that holds all rows and columns.

    Notes
    -----
    Nothing in a cell is interpreted, and what cannot be seen stands as an escape. ``—`` is null, ``""`` the empty text.
    """
    publish_html(*tables.frame_table(frame, caption=caption, rows=rows, table_name=table, columns=columns))


def facts(frame: pd.DataFrame, caption: str = "", *, table: str = "") -> None:
    """What is known of each of these few: the columns of the frame one below the other, a column for each of its rows?

    Parameters
    ----------
    frame : DataFrame
        Its first column names the rows. Where there are more than four, it is shown as any other table.
    caption : str
        What the table holds.
    table : str
        ``PLAYBOOK/TABLE``, the result table that holds it.
    """
    publish_html(*tables.facts_table(frame, caption=caption, table_name=table))


def incident(opened: Incident) -> None:
    """Which incident is this: its keys, its windows, and what is left out of its findings?

    Parameters
    ----------
    opened : Incident
    """
    publish_html(*incident_table(opened))


def next_steps(case: Case) -> None:
    """What is to be done next for this incident: what is missing first, then the playbooks?

    Parameters
    ----------
    case : Case
    """
    publish_html(*next_steps_table(case))


def figure(fig: go.Figure | dict[str, Any], caption: str) -> None:
    """What does this figure show? As plotly's JSON and as its caption, nothing else.

    Parameters
    ----------
    fig : plotly Figure or dict
        Text out of a log must have passed `ir_kit.display.text.as_label`.
    caption : str
        What the figure shows, in words: for those who cannot see it, and where it cannot be drawn.
    """
    drawn = fig if isinstance(fig, dict) else fig.to_plotly_json()
    publish_figure({"data": list(drawn["data"]), "layout": drawn["layout"]}, visible(caption))


def coverage(
    frame: pd.DataFrame,
    window: held.Span,
    baseline: held.Span | None = None,
    *,
    sources: pd.DataFrame | None = None,
    ignored: int | None = None,
    most_rows: int = 60,
) -> None:
    """What do we hold, is it whole, and of which days is there nothing: files, classes of records, and a picture?

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
        left_out = (
            "" if ignored is None else f"Left out among the sources, as digests or no logs: {counted(ignored, 'file')}."
        )
        publish_html(*tables.frame_table(held.files(sources), caption="Files read", rows=50, note=left_out))
    whole = held.classes(frame, window)
    publish_html(*tables.frame_table(whole, caption="Records held", rows=200, table_name="evidence/coverage"))
    title = "Records held, by day"
    _figure(draw_coverage(frame, window, baseline, caption=title, most_rows=most_rows), title)


def timeline(
    frame: pd.DataFrame,
    start: str,
    end: str,
    row: str,
    color: str | None = None,
    *,
    caption: str = "",
    most_rows: int = 40,
) -> None:
    """When was each thing in use: bars from `start` to `end`?

    Parameters
    ----------
    frame : DataFrame
    start, end : str
        Columns of times; a row without a start is not drawn, and counted in words.
    row : str
        Column that names the line a bar stands on.
    color : str, optional
        Column that colour, pattern and symbol tell apart.
    caption : str
    most_rows : int
        How many lines at most.
    """
    title = caption or f"{row} over time"
    _figure(
        draw_timeline(frame, start=start, end=end, row=[row], color=color, caption=title, most_rows=most_rows), title
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
    rows = ["access_key_id", "source_ip_address"]
    drawn = draw_timeline(
        frame, start="start_time", end="end_time", row=rows, color="verdict", caption=caption, most_rows=most_rows
    )
    _figure(drawn, caption)


def activity(
    frame: pd.DataFrame,
    *,
    time: str = "hour",
    action: str = "event_name",
    count: str = "event_count",
    errors: str = "error_count",
    caption: str = "Calls by hour and action",
    top: int = 7,
) -> None:
    """How many calls were made in each hour, by action, and how many of them failed?

    Parameters
    ----------
    frame : DataFrame
        One row per hour and action.
    time, action, count, errors : str
        Its columns.
    caption : str
    top : int
        How many actions by name; the others together.
    """
    _figure(
        draw_activity(frame, time=time, action=action, count=count, errors=errors, caption=caption, top=top), caption
    )


def lineage(frame: pd.DataFrame, *, caption: str = "Lineage of credentials", most: int = 200) -> None:
    """Which credential came from which?

    Parameters
    ----------
    frame : DataFrame
        As ``scoping/credentials``.
    caption : str
    most : int
        How many credentials at most.
    """
    _figure(draw_lineage(frame, caption=caption, most=most), caption)


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
        As ``logging_gaps/tampering``: drawn over it.
    caption : str
    most_buckets : int
        How many buckets and Regions at most: Regions first, then the blindest.
    """
    _figure(draw_visibility(frame, acts, caption=caption, most_buckets=most_buckets), caption)


def snippets(
    frame: pd.DataFrame,
    caption: str = "Snippets, to be read before they are run",
    *,
    rows: int = 40,
    table: str = "logging_gaps/recommendations",
) -> None:
    """What is to be run for each step, and what proves that it took effect?

    Parameters
    ----------
    frame : DataFrame
        As ``logging_gaps/recommendations``, or ``bucket_exposure/closing_steps``.
    caption : str
    rows : int
        How many steps at most.
    table : str
        ``PLAYBOOK/TABLE``, the result table that holds all of them.
    """
    publish_html(*snippets_table(frame, caption, rows, table))


def findings(found: Iterable[Any], caption: str = "Findings") -> None:
    """What was found, how sure is it, and what would make it wrong?

    Parameters
    ----------
    found : iterable of Finding
        In the order of their questions.
    caption : str
    """
    publish_html(*findings_table(list(found), caption))


def _figure(drawn: Drawn, caption: str) -> None:
    figure(drawn.figure, joined(f"{caption.rstrip('.')}.", drawn.note))
