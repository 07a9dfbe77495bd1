"""How does a step read that is to be run by hand: its warning, its command, its check, as text?"""

from __future__ import annotations

import pandas as pd

from ir_kit.display.tables import Cell, Column, table
from ir_kit.display.text import as_html, as_text, counted, is_null, shortened, visible

__all__ = ["snippets_table"]

MOST_LINES = 10
_COLUMNS = (Column("priority", number=True), Column("step", min_width="10em"), Column("snippet", min_width="30em"))


def snippets_table(frame: pd.DataFrame, caption: str, most: int, table_name: str) -> tuple[str, str]:
    """How do these steps read, in HTML and as text?"""
    rows = [_row({str(name): value for name, value in row.items()}) for row in frame.head(most).to_dict("records")]
    left = f"Only {len(rows):,} of {counted(len(frame), 'step')} are shown." if len(rows) < len(frame) else ""
    note = f"{left} The whole table: tables/{table_name}.parquet" if left else ""
    return table(_COLUMNS, rows, caption=f"{caption} ({counted(len(frame), 'step')})", note=note)


def _row(step: dict[str, object]) -> tuple[Cell, Cell, Cell]:
    where = as_text(step["bucket"]) if not is_null(step["bucket"]) else as_text(step["aws_region"])
    action = as_text(step["action"]).replace("_", " ")
    warning = "" if is_null(step["warning"]) else f"Warning: {as_text(step['warning'])}"
    check = "" if is_null(step["check"]) else f"# proves that it took effect\n{step['check']}"
    code = "\n".join(visible_lines(str(part)) for part in (step["snippet"], check) if part)
    what = f"<strong>{as_html(action)}</strong><br>{as_html(where)}"
    return (
        Cell(as_text(step["priority"])),
        Cell(f"{action} {where} {warning}".strip(), html=what + (f"<br>{as_html(warning)}" if warning else "")),
        Cell(code, html=_folded(code)),
    )


def _folded(code: str) -> str:
    """A long text behind its first line."""
    lines = code.splitlines()
    block = f'<pre style="white-space:pre-wrap">{as_html(code)}</pre>'
    if len(lines) <= MOST_LINES:
        return block
    head = as_html(shortened(lines[0], 70))
    return f"<details><summary>{counted(len(lines), 'line')}: {head}</summary>{block}</details>"


def visible_lines(text: str) -> str:
    """A text of several lines with no other character hidden."""
    return "\n".join(visible(line) for line in text.split("\n"))
