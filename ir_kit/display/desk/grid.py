"""The grid: DataTables, from the offline bundle that `itables` carries, its rows asked of the kernel page by page.

So 100,000 rows cost the browser no more than one page does. Cells, headings and the caption are put on the page as text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import anywidget
import numpy as np
import numpy.typing as npt
import pandas as pd
import traitlets

from ir_kit.display.desk.grid_rows import Rows
from ir_kit.display.text import visible

__all__ = ["Grid", "Pane"]

_HERE = files(__package__)
_DATATABLES = files("itables") / "html"
_NO_MARKUP = str.maketrans({"<": "‹", ">": "›", "&": "＆", '"': "″", "'": "′"})


class Grid(anywidget.AnyWidget):  # type: ignore[misc]
    """A table of a frame's rows that the browser pages, sorts, filters and searches.

    Parameters
    ----------
    frame : DataFrame
    columns : sequence of str
        Those on view at first, in this order; the others can be brought in.
    caption : str
    search : str
        What is searched for to begin with.

    Attributes
    ----------
    chosen : int
        The place in the frame of the row that is chosen; -1 where none is.
    searched : callable
        Told what is searched for, each time that the browser asks for a page.
    """

    _esm = (_HERE / "grid.js").read_text(encoding="utf-8")
    _css = (_DATATABLES / "dt_bundle.css").read_text(encoding="utf-8") + (_HERE / "grid.css").read_text(
        encoding="utf-8"
    )
    _bundle = traitlets.Unicode((_DATATABLES / "dt_bundle.js").read_text(encoding="utf-8")).tag(sync=True)
    _version = traitlets.Unicode(version("itables")).tag(sync=True)
    _columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    _caption = traitlets.Unicode().tag(sync=True)
    _generation = traitlets.Int(0).tag(sync=True)
    _touched = traitlets.Int(0).tag(sync=True)
    _search = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)

    def __init__(self, frame: pd.DataFrame, columns: Sequence[str], *, caption: str = "", search: str = "") -> None:
        self.rows = Rows(frame, [*columns, *(str(name) for name in frame.columns if name not in columns)])
        self.searched: Callable[[str], None] = lambda search: None
        shown = [
            {"heading": as_heading(name), "number": self.rows.is_number(name), "visible": name in columns}
            for name in self.rows.columns
        ]
        super().__init__(_columns=shown, _caption=visible(caption), _search=search)
        self.on_msg(self._asked)

    def among(self, mask: npt.NDArray[np.bool_] | None) -> None:
        """Show these rows alone, from the first page."""
        self.rows.among(mask)
        self.chosen = -1
        self._generation += 1

    def mark(self, name: str, mask: npt.NDArray[np.bool_], value: str) -> None:
        """Write this value into a column of these rows, on the page that is open."""
        self.rows.mark(name, mask, value)
        self._touched += 1

    def _asked(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and content.get("kind") == "page":
            question = content["question"]
            page = self.rows.page(question)
            draw = int(question["draw"])
            self.send({"kind": "page", "draw": draw, "total": page.total, "found": page.found, "rows": page.rows})
            self.searched(str(question["search"]["value"]))
            self.rows.prepare()


class Pane(anywidget.AnyWidget):  # type: ignore[misc]
    """A text to be read and taken along.

    Parameters
    ----------
    label : str
        What it is: in our own words.
    rows : int
        How many lines are on view.
    copy : str
        What the button says that copies it; none where it is empty.
    """

    _esm = (_HERE / "pane.js").read_text(encoding="utf-8")
    _css = (_HERE / "grid.css").read_text(encoding="utf-8")
    text = traitlets.Unicode().tag(sync=True)
    _label = traitlets.Unicode().tag(sync=True)
    _rows = traitlets.Int(1).tag(sync=True)
    _copy = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, *, rows: int = 1, copy: str = "") -> None:
        super().__init__(_label=label, _rows=rows, _copy=copy)


def as_heading(name: object) -> str:
    """A column's name without what could be taken for markup: DataTables builds labels of its buttons from headings."""
    return visible(str(name)).translate(_NO_MARKUP)
