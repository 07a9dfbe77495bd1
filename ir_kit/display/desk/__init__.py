"""The analyst's desk: a result table to choose from, look behind and label, where JupyterLab is open; else its static table.

What is chosen here decides nothing: tables and findings are the same with the desk and without it, and the line that it
gives for the parameters cell makes a choice reproducible. Labels alone leave the desk, as lines of ``labels.csv``.

In reading order: `live` (is there anybody?), `view` (what is chosen), `rows` (the frame behind the grid), `grid`,
`moments` (the timeline), `places` (from a row to its raw record), `saying` (labels), `panel` (all of it), `opening`.
Widgets are imported only where there is somebody to use them.
"""

from ir_kit.display.desk.opening import desk

__all__ = ["desk"]
