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

from ir_kit.display.text import visible
from ir_kit.display.workbench.grid_table import GridTable, View

HERE, DATATABLES = files(__package__), files("itables") / "html"
STYLE = (HERE / "grid.css").read_text(encoding="utf-8")
NO_MARKUP = str.maketrans({"<": "‹", ">": "›", "&": "＆", '"': "″", "'": "′"})
"""DataTables builds labels of its buttons from headings."""


class Grid(anywidget.AnyWidget):  # type: ignore[misc]
    """A table of a frame's rows that the browser pages, sorts, filters and searches.

    Its `columns` are on view at first, in this order; the others can be brought in.

    Attributes
    ----------
    chosen : int
        The place in the frame of the row that is chosen; -1 where none is.
    searched : callable
        Takes what is searched for, each time that the browser asks for a page.
    """

    _esm = (HERE / "grid.js").read_text(encoding="utf-8")
    _css = (DATATABLES / "dt_bundle.css").read_text(encoding="utf-8") + STYLE
    _bundle = traitlets.Unicode((DATATABLES / "dt_bundle.js").read_text(encoding="utf-8")).tag(sync=True)
    _version = traitlets.Unicode(version("itables")).tag(sync=True)
    _columns = traitlets.List(traitlets.Dict()).tag(sync=True)
    _caption = traitlets.Unicode().tag(sync=True)
    _generation = traitlets.Int(0).tag(sync=True)
    _edits = traitlets.Int(0).tag(sync=True)
    _search = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)

    def __init__(self, frame: pd.DataFrame, columns: Sequence[str], *, caption: str = "", search: str = "") -> None:
        self.table = GridTable(frame, [*columns, *(str(name) for name in frame.columns if name not in columns)])
        self.searched: Callable[[str], None] = lambda search: None
        texts = [visible(str(name)).translate(NO_MARKUP) for name in self.table.columns]
        headings = [
            {"heading": text, "number": self.table.is_number(name), "visible": name in columns}
            for name, text in zip(self.table.columns, texts, strict=True)
        ]
        super().__init__(_columns=headings, _caption=visible(caption), _search=search)
        self.on_msg(self.answer)

    def show(self, view: View) -> None:
        """Show the rows of this view alone, from the first page."""
        self.table.view = view
        self.chosen = -1
        self._generation += 1

    def label(self, mask: npt.NDArray[np.bool_], value: str) -> None:
        """Write this label of these rows, on the page that is open."""
        self.table.label("label", mask, value)
        self._edits += 1

    def answer(self, _: Any, content: Any, __: Any) -> None:
        """Send the page that the browser asks for."""
        if isinstance(content, dict) and content.get("kind") == "page":
            question = content["question"]
            self.send({"kind": "page", "draw": int(question["draw"]), **self.table.page(question)})
            self.searched(str(question["search"]["value"]))


class TextPane(anywidget.AnyWidget):  # type: ignore[misc]
    """A text of so many lines to be read and taken along, with a button that copies it where `copy` names one."""

    _esm = (HERE / "pane.js").read_text(encoding="utf-8")
    _css = STYLE
    text = traitlets.Unicode().tag(sync=True)
    _label = traitlets.Unicode().tag(sync=True)
    _rows = traitlets.Int(1).tag(sync=True)
    _copy = traitlets.Unicode().tag(sync=True)

    def __init__(self, label: str, *, rows: int = 1, copy: str = "") -> None:
        super().__init__(_label=label, _rows=rows, _copy=copy)
