"""How does an incident read at the top of a notebook?"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ir_kit.display.tables import Cell, Column, table
from ir_kit.display.text import NULL, as_text, moment
from ir_kit.incident import Incident

__all__ = ["incident_table"]


class _Span(Protocol):
    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...


def incident_table(incident: Incident) -> tuple[str, str]:
    """Which incident is this: its keys, its windows, and what is left out of its findings, in HTML and as text?"""
    known = [*incident.known_good.source_ips, *incident.known_good.user_agents]
    facts = {
        "access keys": "; ".join(as_text(key) for key in incident.access_keys),
        "window": _span(incident.window),
        "baseline": _span(incident.baseline) if incident.baseline else f"{NULL} (what is usual cannot be told)",
        "buckets in scope": "; ".join(as_text(name) for name in incident.buckets)
        or "every bucket that the evidence knows",
        "sensitive buckets": "; ".join(as_text(name) for name in incident.sensitive_buckets) or "none named",
        "the owner's addresses and agents": "; ".join(as_text(name) for name in known) or "none named",
        "responders, left out of findings": "; ".join(as_text(arn) for arn in incident.responders) or "none named",
    }
    rows = [[Cell(name, soft=True), Cell(text)] for name, text in facts.items()]
    title = as_text(incident.title) if incident.title else ""
    return table([Column("incident", one_line=True), Column(as_text(incident.incident))], rows, caption=title)


def _span(span: _Span) -> str:
    return f"{moment(span.start)} to {moment(span.end)}, the end left out"
