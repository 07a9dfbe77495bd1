"""(e) A whole `ir-kit run` of three playbooks on the sample, its evidence loaded, against three runs of papermill's command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from measuring import Contender, alternate, measure, prepared, table, verdict

ROOT = Path(__file__).parents[1]
# what the playbooks import, and one chart
CELLS = [
    "import boto3, duckdb, pandas as pd, papermill, plotly.graph_objects as go, pyarrow, pydantic, ipywidgets",
    "frame = pd.DataFrame({'hour': range(24), 'events': range(24)})\n"
    "go.Figure(go.Bar(x=frame['hour'], y=frame['events'])).show(renderer='plotly_mimetype')",
]


def _notebook(path: Path) -> None:
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "id": f"c{n}", "execution_count": None, "metadata": {}, "outputs": [], "source": text}
        for n, text in enumerate(CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")


def _sample(runs: Path) -> None:
    from ir_kit.incident import new_incident
    from simulator import incident_fields, make_sample

    make_sample(runs / "sample")
    new_incident(runs, "sample", incident_fields())


def playbooks(cache: Path, scale: float) -> bool:
    """(e) three playbooks; the sample is the sample, whatever the scale."""
    runs = prepared(cache / "sample-runs", _sample)
    measure([sys.executable, "-m", "ir_kit", "ingest", "sample", "--runs", runs], cache)
    three = sorted(path.stem for path in (ROOT / "playbooks").glob("*.ipynb"))[:3]
    if len(three) < 3:
        print("\n(e) not run: there are not three playbooks here")
        return True
    notebook = cache / "empty.ipynb"
    _notebook(notebook)
    papermill = f"'{sys.executable}' -m papermill '{notebook}' '{cache / 'executed.ipynb'}'"
    kit = Contender(
        "ir-kit run, three playbooks", lambda: [sys.executable, "-m", "ir_kit", "run", "sample", *three, "--runs", runs]
    )
    bare = Contender("papermill, three notebooks", lambda: ["sh", "-c", " && ".join([papermill] * 3)])
    alternate([kit, bare], cache)
    table("(e) three playbooks on the sample, evidence loaded", [kit, bare])
    return verdict("ir-kit / papermill, by the clock", kit.wall / bare.wall, 1.5, at_least=False)
