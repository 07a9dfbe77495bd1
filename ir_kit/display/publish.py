"""How does a notebook get what is shown: as a bundle of formats, the safest that its reader can draw.

A table is ``text/html`` and ``text/plain``, a figure is plotly's JSON and ``text/plain``: no script, no address.
"""

from __future__ import annotations

from typing import Any

from IPython.display import display

__all__ = ["PLOTLY", "publish_figure", "publish_html"]

PLOTLY = "application/vnd.plotly.v1+json"


def publish_html(source: str, text: str) -> None:
    """Hand over HTML that is escaped already, and the same as text."""
    _publish({"text/html": source, "text/plain": text})


def publish_figure(figure: dict[str, Any], text: str) -> None:
    """Hand over a figure as plotly's JSON, and what it shows as text."""
    _publish({PLOTLY: figure, "text/plain": text})


def _publish(bundle: dict[str, Any]) -> None:
    display(bundle, raw=True)
