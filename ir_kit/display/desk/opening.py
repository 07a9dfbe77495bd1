"""The desk as a notebook calls it: live where JupyterLab is open, its static table everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ir_kit.case import Case
from ir_kit.display.desk.grid_rows import Rows
from ir_kit.display.desk.kept import kept_table, whole_table
from ir_kit.display.desk.live import is_live
from ir_kit.display.desk.view import INCIDENT_HELP, View, parameter_line
from ir_kit.display.publish import publish_html, publish_widget
from ir_kit.display.tables import frame_table
from ir_kit.display.text import joined

if TYPE_CHECKING:
    import ipywidgets as widgets

__all__ = ["desk"]

CLOSED = "The same as a static table"


def desk(
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
    case : Case
    frame : DataFrame
        The answer; where ``frame.attrs["rows"]`` says that it is the head of a longer one, the desk opens all of it.
    caption : str
        What the table holds.
    rows : int
        How many rows the static table has at most; where there are more, it says so.
    columns : sequence of str, optional
        Which columns the static table has, and which stand first at the desk; all of them where it is None.
    table : str
        ``PLAYBOOK/TABLE``, the result table that holds all rows and columns.
    view : str
        What is chosen to begin with: the line that the desk gives for the parameters cell. Static tables follow it too.

    Raises
    ------
    ParameterError
        `view` is not what the desk gives.

    Notes
    -----
    Where nobody is there to press a button this is `show.table`, and nothing of a widget is made.
    """
    chosen = View.of(view)
    whole = whole_table(case, frame, table) if chosen.text() or is_live() else frame
    shown, note = frame, ""
    if chosen.text():
        held = Rows(whole, [str(name) for name in whole.columns])
        shown, note = held.frame[chosen.mask(held)], chosen.words(held)
        shown.attrs = {}
    html, text = frame_table(shown, caption=caption, rows=rows, table_name=table, columns=columns, note=note)
    if not is_live():
        publish_html(html, text)
        return
    first = list(columns if columns is not None else map(str, frame.columns))
    publish_widget(
        _desk(case, whole, caption, first, table, chosen), joined(caption, "(a desk: open it in JupyterLab)")
    )
    publish_html(f"<details><summary>{CLOSED}</summary>{html}</details>", text)


def _desk(case: Case, frame: pd.DataFrame, caption: str, columns: list[str], table: str, view: View) -> widgets.Widget:
    """The desk below a choice of incident: another incident's table is the one that its last draft left."""
    import ipywidgets as widgets

    from ir_kit.display.desk.panel import Desk

    runs = case.incident.folder.parent
    names = sorted({path.parent.name for path in runs.glob("*/incident.yaml")} | {case.incident.incident})
    incident = widgets.Dropdown(options=names, value=case.incident.incident, description="incident")
    here = Desk(case, frame, caption=caption, columns=columns, table=table, view=view)
    opened = {case.incident.incident: here}
    box = widgets.VBox([incident, *here.children])
    box.add_class("ir-kit-desk")

    def change(event: dict[str, str]) -> None:
        name = event["new"]
        if name not in opened:
            other = _other(name, runs)
            kept = None if other is None else kept_table(other, table)
            if other is None or kept is None:
                here.say(f"{name} has no such table yet: put its line into the parameters cell, Run All Cells.")
                here.line.text = parameter_line("incident", name, INCIDENT_HELP)
                box.children = (incident, *here.children)
                return
            opened[name] = Desk(other, kept, caption=caption, columns=columns, table=table, view=View())
        box.children = (incident, *opened[name].children)

    incident.observe(change, "value")
    return box


def _other(name: str, runs: Path) -> Case | None:
    from ir_kit.errors import IrKitError
    from ir_kit.incident import load_incident

    try:
        incident = load_incident(name, runs)
    except IrKitError:
        return None
    return Case(incident, incident.folder / "draft")
