"""What does an answer look like: tables, charts and findings in a notebook, static and safe to look at.

Nothing that stands in a log is interpreted here: not as HTML, markdown or a formula, not as a label's markup.
Only this package imports plotly, ipywidgets and ``IPython.display``. In reading order: `show` (what a notebook calls),
`text` (a value as text), `tables` and `case_tables`, `charts` (what all charts share) and the charts, `publish`.
"""
