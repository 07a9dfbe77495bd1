"""How does a notebook get what is shown: as a bundle of formats, the safest that its reader can draw.

A table is ``text/html`` and ``text/plain``, a figure is plotly's JSON and ``text/plain``: no script, no address. A widget is the name
of its model, and only the workbench hands one over.
"""

from __future__ import annotations

from typing import Any

from IPython.display import display

PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
CONFIG = {"showSendToCloud": False, "plotlyServerURL": ""}
"""plotly's own button would offer to upload a chart, and the evidence in it, to its makers."""


def publish_html(source: str, text: str) -> None:
    """Hand over HTML that is escaped already, and the same as text."""
    display({"text/html": source, "text/plain": text}, raw=True)


def publish_figure(figure: dict[str, Any], text: str) -> None:
    """Hand over a figure as plotly's JSON, and what it shows as text."""
    display({PLOTLY: {**figure, "config": CONFIG}, "text/plain": text}, raw=True)


def publish_widget(widget: Any, text: str) -> None:
    """Hand over a widget, by the name of its model, and what it is as text."""
    model = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    display({WIDGET: model, "text/plain": text}, raw=True)
