"""The desk itself: what is chosen, the grid, the timeline, the row with its raw record, the label, the line to copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import pandas as pd

from ir_kit.case import Case
from ir_kit.display.desk.grid import Grid, Pane
from ir_kit.display.desk.kept import kept_table
from ir_kit.display.desk.moments import Moments
from ir_kit.display.desk.places import Place, places_of, raw_text, run_of
from ir_kit.display.desk.saying import Saying
from ir_kit.display.desk.view import INCIDENT_HELP, VIEW_HELP, View, as_time, parameter_line, starts_of
from ir_kit.display.text import as_text, counted, visible
from ir_kit.errors import IrKitError

__all__ = ["Desk"]

MOST_CHOICES = 500
SESSIONS = "key_activity/sessions"


class Desk:
    """A result table to work at.

    Parameters
    ----------
    case : Case
    frame : DataFrame
        All rows of the table.
    caption, table : str
    columns : sequence of str
        The first columns; the others follow them.
    view : View
        What is chosen to begin with.
    """

    def __init__(
        self, case: Case, frame: pd.DataFrame, *, caption: str, columns: Sequence[str], table: str, view: View
    ) -> None:
        self.case, self.frame, self.view = case, frame.reset_index(drop=True), view
        self.grid = Grid(self.frame, columns, caption=caption, search=view.search)
        self.credential = self._choice("access_key_id", "credential", view.access_key_id)
        self.bucket = self._choice("bucket", "bucket", view.bucket)
        self.start = widgets.Text(value=view.start, description="from", placeholder="2026-03-01T00:00:00Z")
        self.end = widgets.Text(value=view.end, description="until", placeholder="2026-03-08T00:00:00Z")
        self.all = widgets.Button(description="Show all", icon="undo")
        self.row = Pane("The row", rows=14)
        self.record = widgets.Dropdown(description="record", options=[], layout={"width": "98%"})
        self.raw = Pane("Its raw record, secrets replaced", rows=12)
        self.said = Pane("What was done")
        self.line = Pane("Lines for the parameters cell", rows=3, copy="Copy")
        sessions = kept_table(case, SESSIONS)
        self.saying = Saying(case, sessions, self.say, self._labelled)
        self._known_sessions = sessions
        start = starts_of(frame)
        self.moments = Moments(self.frame, start, f"{caption}: when", self._marked) if start else None
        self._quiet = False
        self._connect()
        self._choose()

    @property
    def children(self) -> list[widgets.Widget]:
        """The parts, in the order of the tab key."""
        pickers = [self.credential, self.bucket] + ([self.start, self.end] if self.moments else [])
        parts = [widgets.HBox([*pickers, self.all], layout={"flex_flow": "row wrap"})]
        if self.moments:
            parts.append(self.moments.widget)
        row = widgets.VBox([self.row], layout={"width": "38%"})
        record = widgets.VBox([self.record, self.raw], layout={"width": "62%"})
        parts += [self.grid, widgets.HBox([row, record])]
        if "session_id" in self.frame.columns:
            parts.append(self.saying.widget)
        return [*parts, self.said, self.line]

    def say(self, sentence: str) -> None:
        """Put this into the desk's last line."""
        self.said.text = visible(sentence)

    def _choice(self, column: str, name: str, value: str) -> widgets.Dropdown:
        counts = self.frame[column].value_counts() if column in self.frame.columns else pd.Series(dtype="int64")
        values = [str(choice) for choice in counts.index[:MOST_CHOICES]]
        if value and value not in values:
            values.append(value)
        options = [(f"any {name}", ""), *((visible(choice), choice) for choice in values)]
        return widgets.Dropdown(
            options=options, value=value, description=name, disabled=not values, layout={"width": "24em"}
        )

    def _connect(self) -> None:
        for picker in (self.credential, self.bucket, self.start, self.end):
            picker.observe(self._picked, "value")
        for field in (self.start, self.end):
            field.continuous_update = False
            field.layout.width = "19em"
        self.all.on_click(self._cleared)
        self.grid.observe(self._row_chosen, "chosen")
        self.grid.searched = self._searched
        self.record.observe(self._record_chosen, "value")

    def _picked(self, _: Any) -> None:
        if not self._quiet:
            self._choose()

    def _cleared(self, _: Any) -> None:
        self._set("", "", credential="", bucket="")

    def _marked(self, start: str, end: str) -> None:
        self._set(start, end)

    def _set(self, start: str, end: str, **pickers: str) -> None:
        self._quiet = True
        self.start.value, self.end.value = start, end
        for name, value in pickers.items():
            getattr(self, name).value = value
        self._quiet = False
        self._choose()

    def _choose(self) -> None:
        """Show what is chosen in the pickers."""
        try:
            for field, name in ((self.start, "from"), (self.end, "until")):
                as_time(field.value, name)
        except IrKitError as error:
            self.say(str(error))
            return
        self.view = View(
            self.credential.value, self.bucket.value, self.start.value.strip(), self.end.value.strip(), self.view.search
        )
        chosen = replace(self.view, search="").mask(self.grid.rows)  # the grid itself searches
        self.grid.among(chosen)
        left_out = len(chosen) - int(chosen.sum())
        self.say(f"{counted(left_out, 'row')} left out by what is chosen above." if left_out else "")
        self._follow()

    def _searched(self, search: str) -> None:
        if search != self.view.search:
            self.view = replace(self.view, search=search)
            self._follow()

    def _follow(self) -> None:
        """Let the timeline and the line follow what is chosen."""
        if self.moments:
            self.moments.show(replace(self.view, start="", end="").mask(self.grid.rows))
        lines = [parameter_line("incident", self.case.incident.incident, INCIDENT_HELP)]
        self.line.text = "\n".join([*lines, parameter_line("view", self.view.text(), VIEW_HELP)])

    def _row_chosen(self, change: Any) -> None:
        self.record.options = []
        if change["new"] < 0:
            self.row.text = self.raw.text = ""
            self.saying.about(pd.DataFrame())
            return
        row = {str(name): value for name, value in self.grid.rows.frame.iloc[change["new"]].to_dict().items()}
        self.row.text = "\n".join(f"{visible(name)}: {as_text(value)}" for name, value in row.items())
        self.saying.about(run_of(self._known_sessions, row))
        try:
            places = places_of(self.case, row)
        except IrKitError as error:
            self.raw.text = visible(str(error))
            return
        self.record.options = [(f"{number}. {place.name}", place) for number, place in enumerate(places, start=1)]
        if places:
            self.record.index = 0
        else:
            self.raw.text = "This row names no record of its own."

    def _record_chosen(self, change: Any) -> None:
        if isinstance(change["new"], Place):
            self.raw.text = raw_text(self.case, change["new"])

    def _labelled(self, sessions: list[str], label: str) -> None:
        self._known_sessions = kept_table(self.case, SESSIONS)
        if "label" in self.frame.columns:
            frame = self.grid.rows.frame
            self.grid.mark("label", frame["session_id"].isin(sessions).to_numpy(dtype=bool), label)
