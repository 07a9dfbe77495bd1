"""The workbench as a notebook calls it: live where JupyterLab is open, its static table everywhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ir_kit.case import Case
from ir_kit.display.publish import publish_html, publish_widget
from ir_kit.display.tables import frame_table
from ir_kit.display.text import counted, joined
from ir_kit.display.workbench.grid_table import INCIDENT_HELP, GridTable, View, parameter_line
from ir_kit.errors import IrKitError
from ir_kit.incident import load_incident

MOST_ROWS = 500_000
WHOLE_NUMBERS = {pa.int64(): pd.Int64Dtype(), pa.int32(): pd.Int32Dtype()}  # or a null makes them fractions


def workbench(
    case: Case,
    frame: pd.DataFrame,
    caption: str = "",
    *,
    rows: int = 50,
    columns: Sequence[str] | None = None,
    table: str,
    view: str = "",
) -> None:
    """Which rows of this table matter, what lies behind each of them, and whose are they?

    Parameters
    ----------
    frame, rows, columns, table
        As of `show.table`; the columns stand first at the workbench, which opens all of an answer of which this is the head.
    view : str
        What is chosen to begin with: the line that the workbench gives for the parameters cell. Static tables follow it too.

    Raises
    ------
    ParameterError
        `view` is not what the workbench gives.

    Notes
    -----
    Where nobody is there to press a button this is `show.table`, and nothing of a widget is made.
    """
    chosen, live = View.of(view), is_live()
    whole = full_table(case, frame, table) if chosen.text() or live else frame
    shown, note = frame, ""
    if chosen.text():
        places = GridTable(whole, list(map(str, whole.columns))).places(chosen)
        shown, note = whole.iloc[places], f"The parameter `view` leaves out {counted(len(whole) - len(places), 'row')}."
        shown.attrs = {}
    html, text = frame_table(shown, caption=caption, rows=rows, table_name=table, columns=columns, note=note)
    if not live:
        return publish_html(html, text)
    first = list(columns if columns is not None else map(str, frame.columns))
    widget = incident_switch(case, whole, chosen, caption=caption, columns=first, table=table)
    publish_widget(widget, joined(caption, "(a workbench: open it in JupyterLab)"))
    return publish_html(f"<details><summary>The same as a static table</summary>{html}</details>", text)


def is_live() -> bool:
    """Did JupyterLab open this kernel, which then names its notebook, for no run that is recorded, which names its folder?"""
    return "IR_KIT_STAGING" not in os.environ and bool(os.environ.get("JPY_SESSION_NAME"))


def incident_switch(case: Case, frame: pd.DataFrame, view: View, *, table: str, **shown: Any) -> Any:
    """The workbench below a choice of incident: another incident's table is the one that its last draft left."""
    import ipywidgets as widgets

    from ir_kit.display.workbench.panel import Workbench

    own, runs = case.incident.incident, case.incident.folder.parent
    names = sorted({path.parent.name for path in runs.glob("*/incident.yaml")} | {own})
    incident = widgets.Dropdown(options=names, value=own, description="incident")
    opened = {own: Workbench(case, frame, view=view, **shown)}
    box = widgets.VBox([incident, *opened[own].children])
    box.add_class("ir-kit-workbench")

    def change(event: dict[str, str]) -> None:
        name = event["new"]
        if name not in opened:
            with suppress(IrKitError):
                other = Case(load_incident(name, runs), runs / name / "draft")
                if (drafted := draft_table(other, table)) is not None:
                    opened[name] = Workbench(other, drafted, view=View(), **shown)
        if name not in opened:
            opened[own].report(f"{name} has no such table yet: put its line into the parameters cell, Run All Cells.")
            opened[own].line.text = parameter_line("incident", name, INCIDENT_HELP)
        box.children = (incident, *opened.get(name, opened[own]).children)

    incident.observe(change, "value")
    return box


def full_table(case: Case, frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """All rows of an answer of which `frame` may hold the first: from the result table, `MOST_ROWS` at most."""
    drafted = draft_table(case, table) if int(frame.attrs.get("rows", 0)) > len(frame) else None
    return frame if drafted is None else drafted


def draft_table(case: Case, table: str) -> pd.DataFrame | None:
    """A result table as the last draft of this incident left it, `MOST_ROWS` at most; None where there is none."""
    path = case.staging / "tables" / f"{table}.parquet"
    if not path.is_file():
        return None
    file = pq.ParquetFile(path)
    rows = file.metadata.num_rows
    part = file.read() if rows <= MOST_ROWS else pa.Table.from_batches([next(file.iter_batches(MOST_ROWS))])
    frame: pd.DataFrame = part.to_pandas(types_mapper=WHOLE_NUMBERS.get)
    frame.attrs["rows"] = rows
    return frame
