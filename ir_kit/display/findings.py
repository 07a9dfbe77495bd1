"""How do findings read as a table: the sentence, its status by word and mark, how sure it is, what limits it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ir_kit.display.tables import Cell, Column, table
from ir_kit.display.text import as_html, as_text, counted

__all__ = ["MARKS", "findings_table"]

MARKS = {"observed": "●", "inferred": "◐", "not_observed": "○", "not_knowable": "?"}
MEANING = (
    "● observed: rows show it.  ◐ inferred: reasoned from rows.  ○ not observed: all of the scope was logged, and "
    "nothing shows it.  ? not knowable: part of the scope was not logged, and nothing shows it in the rest."
)
_COLUMNS = (
    Column("finding", min_width="24em"),
    Column("status", one_line=True),
    Column("confidence", one_line=True),
    Column("limits", min_width="14em"),
)


def findings_table(found: Sequence[Any], caption: str) -> tuple[str, str]:
    """How do these findings read, in HTML and as text?"""
    rows = [_row(finding if isinstance(finding, dict) else finding.model_dump()) for finding in found]
    return table(_COLUMNS, rows, caption=f"{caption} ({counted(len(rows), 'finding')})", note=MEANING)


def _row(finding: dict[str, Any]) -> tuple[Cell, Cell, Cell, Cell]:
    status = as_text(finding["status"])
    limits = finding.get("limits") or []
    sentences = [limits] if isinstance(limits, str) else list(limits)
    question, statement = as_text(finding.get("question")), as_text(finding["statement"])
    words = f"{MARKS.get(status, '·')} {status.replace('_', ' ')}"
    lines = [as_text(sentence) for sentence in sentences]
    return (
        Cell(statement, html=f'<span class="soft">{as_html(question)}</span><br>{as_html(statement)}'),
        Cell(words),
        Cell(as_text(finding["confidence"])),
        Cell(" ".join(lines) or "none named", html="<br>".join(map(as_html, lines)), soft=not lines),
    )
