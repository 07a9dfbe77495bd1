"""The workbench itself: what is chosen, the timeline, the grid, the row with its raw record, the label, the line to copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import pandas as pd

from ir_kit.case import Case
from ir_kit.display.text import as_text, counted, visible
from ir_kit.display.workbench.brush import Brush
from ir_kit.display.workbench.grid import Grid, TextPane
from ir_kit.display.workbench.grid_table import INCIDENT_HELP, VIEW_HELP, View, parameter_line, parse_time
from ir_kit.display.workbench.label_form import LabelForm
from ir_kit.display.workbench.launch import draft_table
from ir_kit.display.workbench.raw_records import RecordPlace, raw_text, record_places, session_of
from ir_kit.errors import IrKitError

MOST_CHOICES = 500
SESSIONS = "key_activity/sessions"


class Workbench:
    """All rows of a result table to work at: which columns stand first, and what is chosen to begin with."""

    def __init__(self, case: Case, frame: pd.DataFrame, *, caption: str, columns: Sequence[str], view: View) -> None:
        self.case, self.frame, self.view = case, frame.reset_index(drop=True), view
        self.grid = Grid(self.frame, columns, caption=caption, search=view.search)
        self.credential = self._picker("access_key_id", "credential", view.access_key_id)
        self.bucket = self._picker("bucket", "bucket", view.bucket)
        late = {"continuous_update": False, "layout": {"width": "19em"}}
        self.start = widgets.Text(value=view.start, description="from", placeholder="2026-03-01T00:00:00Z", **late)
        self.end = widgets.Text(value=view.end, description="until", placeholder="2026-03-08T00:00:00Z", **late)
        self.all = widgets.Button(description="Show all", icon="undo")
        self.row = TextPane("The row", rows=14)
        self.record = widgets.Dropdown(description="record", options=[], layout={"width": "98%"})
        self.raw = TextPane("Its raw record, secrets replaced", rows=12)
        self.message = TextPane("What was done")
        self.line = TextPane("Lines for the parameters cell", rows=3, copy="Copy")
        self.sessions = draft_table(case, SESSIONS)
        self.label_form = LabelForm(case, self.sessions, self.report, self.show_labels)
        start = self.grid.table.start
        self.brush = Brush(self.frame, start, f"{caption}: when", self.choose) if start else None
        for picker in (self.credential, self.bucket, self.start, self.end):
            picker.observe(self.apply, "value")
        self.all.on_click(lambda _: self.choose("", "", credential="", bucket=""))
        self.grid.observe(self.show_row, "chosen")
        self.grid.searched = self.follow_search
        self.record.observe(self.show_record, "value")
        self.apply()

    @property
    def children(self) -> list[widgets.Widget]:
        """The parts, in the order of the tab key."""
        pickers = [self.credential, self.bucket, *([self.start, self.end] if self.brush else []), self.all]
        row = widgets.VBox([self.row], layout={"width": "38%"})
        record = widgets.VBox([self.record, self.raw], layout={"width": "62%"})
        return [
            widgets.HBox(pickers, layout={"flex_flow": "row wrap"}),
            *([self.brush.widget] if self.brush else []),
            self.grid,
            widgets.HBox([row, record]),
            *([self.label_form.widget] if "session_id" in self.frame.columns else []),
            self.message,
            self.line,
        ]

    def report(self, sentence: str) -> None:
        """Say this below the grid."""
        self.message.text = visible(sentence)

    def choose(self, start: str, end: str, **others: str) -> None:
        """Choose this part of the window, and these of the other pickers."""
        for name, value in {"start": start, "end": end, **others}.items():
            getattr(self, name).value = value

    def apply(self, _: Any = None) -> None:
        """Show what is chosen in the pickers."""
        start, end = self.start.value.strip(), self.end.value.strip()
        try:
            parse_time(start, "from")
            parse_time(end, "until")
        except IrKitError as error:
            self.report(str(error))
            return
        self.view = View(self.credential.value, self.bucket.value, start, end, self.view.search)
        chosen = replace(self.view, search="")  # the grid itself searches
        self.grid.show(chosen)
        left_out = len(self.frame) - len(self.grid.table.places(chosen))
        self.report(f"{counted(left_out, 'row')} left out by what is chosen above." if left_out else "")
        self._follow()

    def follow_search(self, search: str) -> None:
        """Take what the grid searches for into the view."""
        if search != self.view.search:
            self.view = replace(self.view, search=search)
            self._follow()

    def show_row(self, change: dict[str, Any]) -> None:
        """Show all of the row that is chosen, and its records."""
        self.record.options = []
        if change["new"] < 0:
            self.row.text = self.raw.text = ""
            self.label_form.choose(pd.DataFrame())
            return
        row = {str(name): value for name, value in self.grid.table.frame.iloc[change["new"]].to_dict().items()}
        self.row.text = "\n".join(f"{visible(name)}: {as_text(value)}" for name, value in row.items())
        self.label_form.choose(session_of(self.sessions, row))
        try:
            places = record_places(self.case, row)
        except IrKitError as error:
            self.raw.text = visible(str(error))
            return
        self.record.options = [
            (f"{at}. {place.words} · {visible(place.source_file)} : {place.number}", place)
            for at, place in enumerate(places, start=1)
        ]
        if places:
            self.record.index = 0
        else:
            self.raw.text = "This row names no record of its own."

    def show_record(self, change: dict[str, Any]) -> None:
        """Show the raw record that is chosen."""
        if isinstance(change["new"], RecordPlace):
            self.raw.text = raw_text(self.case, change["new"])

    def show_labels(self, sessions: list[str], label: str) -> None:
        """Show a label that was written of these sessions."""
        if "label" in self.frame.columns:
            self.grid.label(self.grid.table.frame["session_id"].isin(sessions).to_numpy(dtype=bool), label)

    def _picker(self, column: str, name: str, value: str) -> widgets.Dropdown:
        counts = self.frame[column].value_counts() if column in self.frame.columns else pd.Series(dtype="int64")
        values = [str(choice) for choice in counts.index[:MOST_CHOICES]]
        values += [value] if value and value not in values else []
        options = [(f"any {name}", ""), *((visible(choice), choice) for choice in values)]
        layout = {"width": "24em"}
        return widgets.Dropdown(options=options, value=value, description=name, disabled=not values, layout=layout)

    def _follow(self) -> None:
        """Let the timeline and the line follow what is chosen."""
        if self.brush:
            self.brush.show(self.grid.table.places(replace(self.view, start="", end="")))
        lines = [parameter_line("incident", self.case.incident.incident, INCIDENT_HELP)]
        self.line.text = "\n".join([*lines, parameter_line("view", self.view.text(), VIEW_HELP)])
