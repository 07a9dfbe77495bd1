"""How does a frame read as a table that is static, escaped and says what it leaves out?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ir_kit.display.publish import publish_html
from ir_kit.display.text import as_html, as_text, counted, is_null, joined, visible
from ir_kit.tables import made_by

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


class Column(NamedTuple):
    """A column as it is shown: its heading, and how its cells stand."""

    heading: str
    number: bool = False
    one_line: bool = False
    min_width: str = ""


class Cell(NamedTuple):
    """One cell: its text, and its HTML where it is more than the text escaped."""

    text: str
    html: str = ""
    soft: bool = False


def table(
    frame: pd.DataFrame, caption: str = "", *, rows: int = 50, columns: Sequence[str] | None = None, table: str = ""
) -> None:
    """What does this frame hold, as a table that says what it leaves out?

    Parameters
    ----------
    frame : DataFrame
        Its index is not shown. ``frame.attrs["rows"]``: of how many rows it holds the first.
    rows, columns
        How many rows at most, and which columns, in this order.
    table : str
        ``PLAYBOOK/TABLE``, the result table that holds all rows and columns.

    Notes
    -----
    Nothing in a cell is interpreted, and what cannot be seen stands as an escape. ``—`` is null, ``""`` the empty text.
    """
    publish_html(*frame_table(frame, caption=caption, rows=rows, table_name=table, columns=columns))


def facts(frame: pd.DataFrame, caption: str = "", *, table: str = "") -> None:
    """What is known of each of these few: the columns of the frame one below the other, a column for each of its rows?

    The first column of the frame names its rows. Where there are more than four, it is shown as any other table.
    """
    if not 0 < len(frame) <= MOST_SIDE_BY_SIDE:
        publish_html(*frame_table(frame, caption=caption, rows=50, table_name=table))
        return
    head, *names = [str(name) for name in frame.columns]
    rows = [[Cell(visible(name), soft=True), *map(as_cell, frame[name].tolist())] for name in names]
    columns = [Column(head, one_line=True), *(Column(as_text(subject)) for subject in frame[head].tolist())]
    publish_html(*render(columns, rows, caption=caption))


def frame_table(
    frame: pd.DataFrame,
    *,
    caption: str,
    rows: int,
    table_name: str = "",
    columns: Sequence[str] | None = None,
    note: str = "",
) -> tuple[str, str]:
    """How does this frame read as a table, in HTML and as text, with a note of what it leaves out and this one?"""
    names = list(frame.columns if columns is None else columns)
    head = frame[names].head(rows)
    values = [[as_cell(value) for value in head[name].tolist()] for name in names]
    shown = [column_of(str(name), head[name].tolist(), cells) for name, cells in zip(names, values, strict=True)]
    total = max(int(frame.attrs.get("rows", 0)), len(frame))  # a frame may be the head of a longer answer
    cut_rows = f"Only the first {len(head):,} of {total:,} rows are shown." if len(head) < total else ""
    cut_columns = f"{len(names)} of {len(frame.columns)} columns are shown." if len(names) < len(frame.columns) else ""
    whole = "The whole table" if cut_rows or cut_columns else "The table"
    place = f"{whole}: tables/{table_name}.parquet, made by {made_by(table_name)}" if table_name else ""
    counts = f"{len(head):,} of {total:,} rows" if cut_rows else counted(total, "row")
    title = f"{caption} ({counts})" if caption else counts
    rows_of_cells = list(zip(*values, strict=True))
    return render(shown, rows_of_cells, caption=title, note=joined(cut_rows, cut_columns, place, note))


def render(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, caption: str, note: str = ""
) -> tuple[str, str]:
    """How do these cells read as a table, in HTML and as text?"""
    headings = ""
    for column in columns:
        kind = ' class="number"' if column.number else ""
        width = f' style="min-width:{column.min_width}"' if column.min_width else ""
        headings += f'<th scope="col"{kind}{width}>{as_html(column.heading)}</th>'
    body = "".join(f"<tr>{''.join(map(cell_html, row, columns))}</tr>\n" for row in rows)
    if not rows:
        body = f'<tr><td colspan="{max(len(columns), 1)}" class="soft">no rows</td></tr>\n'
    below = f'<p class="soft" style="font-size:0.85em">{as_html(note)}</p>' if note else ""
    html = (
        f'{STYLE}<div class="ir-kit mathjax_ignore tex2jax_ignore"><table><caption>{as_html(visible(caption))}</caption>\n'
        f"<thead><tr>{headings}</tr></thead>\n<tbody>\n{body}</tbody></table>{below}</div>"
    )
    lines = [[column.heading for column in columns], *([cell.text for cell in row] for row in rows)]
    widths = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
    aligned = [
        "  ".join(
            text.rjust(width) if column.number else text.ljust(width)
            for text, width, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in lines
    ]
    return html, "\n".join([visible(caption), *aligned, *([] if rows else ["no rows"]), *([note] if note else [])])


def column_of(heading: str, values: Sequence[Any], cells: Sequence[Cell]) -> Column:
    """How do the cells of this column stand: numbers to the right, short words and times on one line?"""
    present = [value for value in values if not is_null(value)]
    longest = max((len(cell.text) for cell in cells), default=0)
    words = any(" " in cell.text for cell in cells)
    times = bool(present) and all(isinstance(value, (date, datetime)) for value in present)
    kinds = (int, float, np.integer, np.floating)
    number = bool(present) and all(isinstance(value, kinds) and not isinstance(value, bool) for value in present)
    one_line = times or number or (longest <= SHORT and not words)
    room = f"{min(max(longest * 0.55, 6), 15):.0f}em"
    return Column(visible(heading), number=number, one_line=one_line, min_width="" if one_line else room)


def as_cell(value: Any) -> Cell:
    """A value as a cell; no value, the empty text and the empty list stand back from what a log says."""
    many = isinstance(value, (list, tuple, np.ndarray))
    soft = is_null(value) or (isinstance(value, (str, list, tuple, np.ndarray)) and len(value) == 0)
    html = "<br>".join(as_html(as_text(item)) for item in value) if many and len(value) > 1 else ""
    return Cell(as_text(value), html=html, soft=soft)


def cell_html(cell: Cell, column: Column) -> str:
    """A cell of this column, its blanks kept."""
    kinds = " ".join(name for name, wanted in (("number", column.number), ("soft", cell.soft)) if wanted)
    style = "white-space:nowrap" if column.one_line else ""
    if not cell.html and ("  " in cell.text or cell.text != cell.text.strip()):
        style = "white-space:pre-wrap"
    attributes = (f' class="{kinds}"' if kinds else "") + (f' style="{style}"' if style else "")
    return f"<td{attributes}>{cell.html or as_html(cell.text)}</td>"
