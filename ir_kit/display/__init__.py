"""What does an answer look like: tables, charts and findings in a notebook, static and safe to look at.

Nothing that stands in a log is interpreted here: not as HTML, markdown or a formula, not as a label's markup.
Only this package imports plotly, ipywidgets and ``IPython.display``.

In reading order: `show` (what a notebook calls), `text` (a value as text), `tables`, `incident`, `findings`; `style`
(colours, patterns, sizes), `charts` (what all charts share), `timeline`, `activity`, `held` and `coverage`, `lineage`;
`publish` (hands it to the notebook).
"""

from ir_kit.display import show

__all__ = ["show"]
