"""The part of the workbench where the analyst says whose a session was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ipywidgets as widgets
import pandas as pd

from ir_kit.case import Case
from ir_kit.display.text import counted
from ir_kit.errors import IrKitError
from ir_kit.sessions.labels import LABELS, write_labels


class LabelForm:
    """Controls that write labels of the chosen session, or of all sessions of its operator.

    Parameters
    ----------
    sessions : DataFrame or None
        All sessions, to find those of an operator.
    report, written : callable
        Take a sentence on what was done or is in the way; the session ids that have been labelled, and the label.
    """

    last_analyst = ""  # asked for once in a notebook

    def __init__(
        self,
        case: Case,
        sessions: pd.DataFrame | None,
        report: Callable[[str], None],
        written: Callable[[list[str], str], None],
    ) -> None:
        self._case, self._sessions, self._report, self._written = case, sessions, report, written
        self._session = pd.DataFrame()
        self.label = widgets.RadioButtons(options=LABELS, value=None, description="label", layout={"width": "14em"})
        self.scope = widgets.RadioButtons(options=["this session"], description="of", layout={"width": "26em"})
        self.note = widgets.Text(description="note", placeholder="why, and who says so", layout={"width": "28em"})
        self.analyst = widgets.Text(description="analyst", value=self.last_analyst, layout={"width": "18em"})
        self.button = widgets.Button(description="Write label", icon="pencil", disabled=True)
        self.button.on_click(self.write)
        fields = widgets.VBox([self.note, widgets.HBox([self.analyst, self.button])])
        self.widget = widgets.HBox([self.label, self.scope, fields], layout={"flex_flow": "row wrap"})

    def choose(self, session: pd.DataFrame) -> None:
        """Label this session from now on; none where the frame is empty."""
        self._session = self._operators = session
        if self._sessions is not None and "operator_id" in session.columns:
            self._operators = self._sessions[self._sessions["operator_id"] == session["operator_id"].iloc[0]]
        all_of_them = [f"its operator, {counted(len(self._operators), 'session')}"]
        self.scope.options = ["this session", *(all_of_them if len(session) else [])]
        self.scope.index = 0
        self.button.disabled = session.empty

    def write(self, _: Any) -> None:
        """Append the lines to ``labels.csv``."""
        analyst = self.analyst.value.strip()
        if self.label.value is None or not analyst:
            self._report("Choose a label and name the analyst who says so: then it is written.")
            return
        sessions = self._operators if self.scope.index else self._session
        given = {"analyst": analyst, "note": self.note.value.strip(), "labelled_at": datetime.now(UTC)}
        try:
            count = write_labels(self._case.incident.folder, sessions, self.label.value, **given)
        except IrKitError as error:
            self._report(str(error))
            return
        LabelForm.last_analyst = analyst
        lines = counted(count, "line")
        self._report(f"{lines} appended to labels.csv. The next run of a playbook reads it: Run All Cells.")
        self._written(sessions["session_id"].astype(str).tolist(), self.label.value)
