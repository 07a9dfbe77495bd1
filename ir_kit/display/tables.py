"""How does a frame read as a table that is static, escaped and says what it leaves out?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from ir_kit.display.text import as_html, as_text, counted, is_null, joined, visible
from ir_kit.tables import made_by

__all__ = ["Cell", "Column", "facts_table", "frame_table", "table"]

MOST_SIDE_BY_SIDE = 4  # rows that are shown as columns
SHORT = 32  # characters that stand on one line
STYLE = (
    "<style>"
    ".ir-kit table{border-collapse:collapse;margin:.3em 0;table-layout:auto;font-variant-numeric:tabular-nums}"
    ".ir-kit caption{text-align:left;font-weight:600;padding:.3em 0}"
    ".ir-kit.mathjax_ignore table th,.ir-kit.mathjax_ignore table td{text-align:left;vertical-align:top;"
    "max-width:44em;overflow-wrap:anywhere;line-height:1.4}"
    ".ir-kit.mathjax_ignore table .number{text-align:right}"
    ".ir-kit .soft{opacity:.75}.ir-kit p{margin:.2em 0 .8em}"
    "</style>"
)
"""For JupyterLab alone; the record's pages have a style of their own and drop it."""


@dataclass(frozen=True)
class Column:
    """A column as it is shown: its heading, and how its cells stand."""

    heading: str
    number: bool = False
    one_line: bool = False
    min_width: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and its HTML where it is more than the text escaped."""

    text: str
    html: str = ""
    soft: bool = False


def frame_table(
    frame: pd.DataFrame,
    *,
    caption: str,
    rows: int,
    table_name: str = "",
    columns: Sequence[str] | None = None,
    note: str = "",
) -> tuple[str, str]:
    """How does this frame read as a table, in HTML and as text?

    Parameters
    ----------
    frame : DataFrame
        Any frame; its index is not shown. ``frame.attrs["rows"]``: of how many rows it holds the first.
    caption : str
        What the table holds.
    rows : int
        How many rows at most.
    table_name : str
        ``PLAYBOOK/TABLE`` of the result table that holds all of it.
    columns : sequence of str, optional
        Which columns, in this order; all of them where it is None.
    note : str
        What else stands below the table.
    """
    names = list(frame.columns if columns is None else columns)
    head = frame[names].head(rows)
    values = [[as_cell(value) for value in head[name].tolist()] for name in names]
    shown = [column_of(str(name), head[name].tolist(), cells) for name, cells in zip(names, values, strict=True)]
    total = max(int(frame.attrs.get("rows", 0)), len(frame))  # a frame may be the head of a longer answer
    left_out = _left_out(total, len(head), len(frame.columns), len(names), table_name)
    counts = f"{len(head):,} of {total:,} rows" if len(head) < total else counted(total, "row")
    title = f"{caption} ({counts})" if caption else counts
    return table(shown, list(zip(*values, strict=True)), caption=title, note=joined(left_out, note))


def facts_table(frame: pd.DataFrame, *, caption: str, table_name: str = "") -> tuple[str, str]:
    """How does a frame of few rows read with its columns one below the other? One of more rows reads as any table."""
    if not 0 < len(frame) <= MOST_SIDE_BY_SIDE:
        return frame_table(frame, caption=caption, rows=50, table_name=table_name)
    head, *names = [str(name) for name in frame.columns]
    subjects = [as_text(value) for value in frame[head].tolist()]
    rows = [[Cell(visible(name), soft=True), *(as_cell(value) for value in frame[name].tolist())] for name in names]
    columns = [Column(head, one_line=True), *(Column(subject) for subject in subjects)]
    return table(columns, rows, caption=caption)


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, caption: str, note: str = ""
) -> tuple[str, str]:
    """How do these cells read as a table, in HTML and as text?"""
    title = f"<caption>{as_html(visible(caption))}</caption>"
    headings = "".join(_heading(column) for column in columns)
    body = "".join(
        f"<tr>{''.join(_cell(cell, column) for cell, column in zip(row, columns, strict=True))}</tr>\n" for row in rows
    )
    if not rows:
        body = f'<tr><td colspan="{max(len(columns), 1)}" class="soft">no rows</td></tr>\n'
    below = f'<p class="soft" style="font-size:0.85em">{as_html(note)}</p>' if note else ""
    html = (
        f'{STYLE}<div class="ir-kit mathjax_ignore tex2jax_ignore"><table>{title}\n'
        f"<thead><tr>{headings}</tr></thead>\n<tbody>\n{body}</tbody></table>{below}</div>"
    )
    return html, _plain(columns, rows, visible(caption), note)


def column_of(heading: str, values: Sequence[Any], cells: Sequence[Cell]) -> Column:
    """How do the cells of this column stand: numbers to the right, short words and times on one line?"""
    present = [value for value in values if not is_null(value)]
    longest = max((len(cell.text) for cell in cells), default=0)
    words = any(" " in cell.text for cell in cells)
    times = bool(present) and all(isinstance(value, (date, datetime)) for value in present)
    number = bool(present) and all(_is_number(value) for value in present)
    one_line = times or number or (longest <= SHORT and not words)
    room = f"{min(max(longest * 0.55, 6), 15):.0f}em"
    return Column(visible(heading), number=number, one_line=one_line, min_width="" if one_line else room)


def as_cell(value: Any) -> Cell:
    """A value as a cell; no value, the empty text and the empty list stand back from what a log says."""
    text = as_text(value)
    nothing = is_null(value) or (isinstance(value, (str, list, tuple, np.ndarray)) and len(value) == 0)
    lines = isinstance(value, (list, tuple, np.ndarray)) and len(value) > 1
    return Cell(text, html="<br>".join(as_html(as_text(item)) for item in value) if lines else "", soft=nothing)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))


def _heading(column: Column) -> str:
    kind = ' class="number"' if column.number else ""
    width = f' style="min-width:{column.min_width}"' if column.min_width else ""
    return f'<th scope="col"{kind}{width}>{as_html(column.heading)}</th>'


def _cell(cell: Cell, column: Column) -> str:
    kinds = " ".join(name for name, wanted in (("number", column.number), ("soft", cell.soft)) if wanted)
    style = "white-space:nowrap" if column.one_line else ""
    if not cell.html and ("  " in cell.text or cell.text != cell.text.strip()):
        style = "white-space:pre-wrap"
    attributes = (f' class="{kinds}"' if kinds else "") + (f' style="{style}"' if style else "")
    return f"<td{attributes}>{cell.html or as_html(cell.text)}</td>"


def _left_out(rows: int, shown_rows: int, columns: int, shown_columns: int, table_name: str) -> str:
    missing_rows = f"Only the first {shown_rows:,} of {rows:,} rows are shown." if shown_rows < rows else ""
    missing_columns = f"{shown_columns} of {columns} columns are shown." if shown_columns < columns else ""
    whole = ""
    if table_name:
        kept = f"tables/{table_name}.parquet"
        whole = f"The whole table: {kept}" if missing_rows or missing_columns else f"The table: {kept}"
        whole += f", made by {made_by(table_name)}"
    return joined(missing_rows, missing_columns, whole)


def _plain(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], caption: str, note: str) -> str:
    widths = [
        max([len(column.heading), *(len(row[place].text) for row in rows)]) for place, column in enumerate(columns)
    ]

    def line(texts: Sequence[str]) -> str:
        aligned = [
            text.rjust(width) if column.number else text.ljust(width)
            for text, width, column in zip(texts, widths, columns, strict=True)
        ]
        return "  ".join(aligned).rstrip()

    lines = [line([column.heading for column in columns])] + [line([cell.text for cell in row]) for row in rows]
    return "\n".join([caption, *lines, *([] if rows else ["no rows"]), *([note] if note else [])])
