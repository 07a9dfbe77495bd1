"""The part of the desk where the analyst says whose a run of use was."""

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

__all__ = ["Saying"]

_last_analyst: list[str] = [""]  # asked for once in a notebook


class Saying:
    """Controls that write labels of the chosen run, or of all runs of its operator.

    Parameters
    ----------
    case : Case
    sessions : DataFrame or None
        All runs of use, to find those of an operator.
    say : callable
        Told in a sentence what was done, or what is in the way.
    written : callable
        Told the session ids that have been labelled, and the label.
    """

    def __init__(
        self,
        case: Case,
        sessions: pd.DataFrame | None,
        say: Callable[[str], None],
        written: Callable[[list[str], str], None],
    ) -> None:
        self._case, self._sessions, self._say, self._written = case, sessions, say, written
        self._run = pd.DataFrame()
        self.label = widgets.RadioButtons(options=LABELS, value=None, description="label", layout={"width": "14em"})
        self.scope = widgets.RadioButtons(options=["this run"], description="of", layout={"width": "26em"})
        self.note = widgets.Text(description="note", placeholder="why, and who says so", layout={"width": "28em"})
        self.analyst = widgets.Text(description="analyst", value=_last_analyst[0], layout={"width": "18em"})
        self.button = widgets.Button(description="Write label", icon="pencil", disabled=True)
        self.button.on_click(self._clicked)
        fields = widgets.VBox([self.note, widgets.HBox([self.analyst, self.button])])
        self.widget = widgets.HBox([self.label, self.scope, fields], layout={"flex_flow": "row wrap"})

    def about(self, run: pd.DataFrame) -> None:
        """Speak of this run from now on; of none where the frame is empty."""
        self._run = run
        self.button.disabled = run.empty
        self.scope.options = (
            ["this run"] if run.empty else ["this run", f"its operator, {counted(len(self._all()), 'run')}"]
        )
        self.scope.index = 0

    def _all(self) -> pd.DataFrame:
        if self._sessions is None or "operator_id" not in self._run.columns:
            return self._run
        its: pd.DataFrame = self._sessions[self._sessions["operator_id"] == self._run["operator_id"].iloc[0]]
        return its

    def _clicked(self, _: Any) -> None:
        analyst = self.analyst.value.strip()
        if self.label.value is None or not analyst:
            self._say("Say which label, and who says so: then it is written.")
            return
        runs = self._run if self.scope.index == 0 else self._all()
        try:
            count = write_labels(
                self._case.incident.folder, runs, self.label.value,
                analyst=analyst, note=self.note.value.strip(), labelled_at=datetime.now(UTC),
            )  # fmt: skip
        except IrKitError as error:
            self._say(str(error))
            return
        _last_analyst[0] = analyst
        self._say(
            f"{counted(count, 'line')} appended to labels.csv. The next run of a playbook reads it: Run All Cells."
        )
        self._written(runs["session_id"].astype(str).tolist(), self.label.value)
