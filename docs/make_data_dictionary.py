"""Write docs/data_dictionary.md from the columns as the package declares them."""

from __future__ import annotations

from pathlib import Path

from ir_kit.ingest.columns import VIEWS
from ir_kit.tables import PLAYBOOKS, made_by, tables_of

PAGE = Path(__file__).parent / "data_dictionary.md"


def dictionary() -> str:
    """The page's text."""
    lines = [
        "# Data dictionary",
        "",
        "Generated from `ir_kit/ingest/columns.py` and each room's `tables.py` by `make docs`.",
        "",
        "All times are UTC. In the views they carry no zone; in result tables they carry UTC.",
        "",
        "## Views: what questions are asked of",
    ]
    for view, columns in VIEWS.items():
        lines += ["", f"### `{view}`", "", "| column | type | |", "|---|---|---|"]
        lines += [f"| `{column.name}` | {column.sql_type} | {_cell(column.meaning)} |" for column in columns]
    lines += ["", "## Result tables: what a run leaves"]
    for table, result in ((table, one) for room in PLAYBOOKS for table, one in tables_of(room).items()):
        lines += ["", f"### `{table}`", "", f"Made by `{made_by(table)}`.", "", "| column | type | |", "|---|---|---|"]
        lines += [f"| `{column.name}` | {column.sql_type} | {_cell(column.meaning)} |" for column in result]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(dictionary(), encoding="utf-8")
