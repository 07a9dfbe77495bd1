"""How quick is the workbench with 100,000 rows: what the kernel takes for each question, and what a person waits for in a browser.

``python benchmarks/bench_workbench.py [--rows N]``. The browser's part needs Chromium and playwright and starts JupyterLab on a folder of its
own; without them the kernel's part alone is told. Times are medians, in milliseconds; the browser's are from the key or click to the
table that shows it.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CHROMIUM = Path("/usr/bin/chromium")
ROUNDS = 5

FRAME = """
import numpy as np, pandas as pd
number = np.arange({rows})
frame = pd.DataFrame({{
    "event_time": pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(number * 5, unit="s"),
    "event_name": np.where(number % 3 == 0, "GetObject", "PutObject"),
    "access_key_id": np.where(number % 2 == 0, "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"),
    "source_ip_address": pd.Series(number % 250).map("198.51.100.{{}}".format),
    "user_agent": "aws-cli/2.15.30 Python/3.11.8 Linux/5.10 exe/x86_64 prompt/off command/s3.cp",
    "bucket": np.where(number % 5 == 0, "customer-records", "logs"),
    "key": pd.Series(number).map("data/{{:07d}}.csv".format),
    "bytes_sent": number * 7,
}})
"""
WORKBENCH = """
from types import SimpleNamespace
from pathlib import Path
import tempfile
from ir_kit.display import show
folder = Path(tempfile.mkdtemp())
incident = SimpleNamespace(incident="bench", folder=folder / "bench")
case = SimpleNamespace(incident=incident, staging=folder)
show.workbench(case, frame, "Events", rows=5, table="key_activity/events")
"""


def milliseconds(act: Callable[[], Any]) -> float:
    """The median of some rounds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


def kernel(rows: int) -> None:
    """What the kernel takes to answer the grid."""
    from ir_kit.display.workbench.grid_table import GridTable

    space: dict[str, Any] = {}
    exec(FRAME.format(rows=rows), space)
    frame = space["frame"]

    def question(search: str = "", order: int | None = None, column: tuple[int, str] | None = None) -> dict[str, Any]:
        columns: list[dict[str, Any]] = [{} for _ in frame.columns]
        if column:
            columns[column[0]] = {"columnControl": {"search": {"logic": "contains", "value": column[1]}}}
        by = [] if order is None else [{"column": order, "dir": "desc"}]
        return {"start": 50, "length": 10, "search": {"value": search}, "order": by, "columns": columns}

    asked = {
        "a page": question(),
        "search, two words": question("getobject 198.51.100.7"),
        "sort by text": question(order=6),
        "sort by number": question(order=7),
        "filter of a column": question(column=(6, "0001")),
        "search and sort": question("customer", order=0),
    }
    fresh = milliseconds(lambda: GridTable(frame, list(frame.columns)).page(asked["search, two words"]))
    table = GridTable(frame, list(frame.columns))
    print(f"kernel, {rows:,} rows of {len(frame.columns)} columns")
    print(f"  {'the first search':<24}{fresh:8.0f} ms")
    for name, each in asked.items():
        print(f"  {name:<24}{milliseconds(lambda each=each: table.page(each)):8.0f} ms")  # type: ignore[misc]


def browser(rows: int) -> None:
    """What a person waits for."""
    from playwright.sync_api import sync_playwright

    from ir_kit.record.lab import lab_command, lab_environment

    with tempfile.TemporaryDirectory(prefix="ir-kit-bench-") as name, socket.socket() as free:
        folder = Path(name)
        cell = {"cell_type": "code", "id": "only", "metadata": {}, "outputs": [], "execution_count": None}
        python = {"display_name": "Python 3", "language": "python", "name": "python3"}
        notebook = {
            "cells": [cell | {"source": FRAME.format(rows=rows) + WORKBENCH}],
            "metadata": {"kernelspec": python},
        }
        (folder / "workbench.ipynb").write_text(json.dumps(notebook | {"nbformat": 4, "nbformat_minor": 5}))
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        own = {name: str(folder / name) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
        own |= {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "PYTHONPATH": str(ROOT)}
        command = lab_command(folder, "workbench.ipynb")
        command += ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--allow-root", "--IdentityProvider.token="]
        environment = {**lab_environment(folder, ""), **own}
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as server:
            try:
                _wait(f"http://127.0.0.1:{port}")
                with sync_playwright() as playwright:
                    page = playwright.chromium.launch(
                        executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
                    ).new_page(viewport={"width": 1400, "height": 1200})
                    page.goto(f"http://127.0.0.1:{port}/lab/tree/workbench.ipynb?reset")
                    _work(page, rows)
            finally:
                server.terminate()


def _work(page: Any, rows: int) -> None:
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.get_by_text("| Idle").wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    began = time.perf_counter()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    workbench = page.locator(".ir-kit-workbench")

    def until(text: str) -> None:
        workbench.locator(".dt-info", has_text=text).wait_for(timeout=120_000)

    until(f"of {rows:,}")
    print(f"browser, {rows:,} rows; the cell with the workbench {time.perf_counter() - began:.1f} s")
    search, last = workbench.locator(".dt-search input"), workbench.locator(".dt-paging-button.last")
    first, credential = workbench.locator(".dt-paging-button.first"), workbench.get_by_label("credential", exact=True)

    def there_and_back(there: Callable[[], Any], text: str, back: Callable[[], Any]) -> float:
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            there()
            until(text)
            took.append(1000 * (time.perf_counter() - began))
            back()
            until(f"1 to 10 of {rows:,}")
        return statistics.median(took)

    acts = {
        "search": there_and_back(lambda: search.fill("data/0000123"), "of 1 entr", lambda: search.fill("")),
        "the last page": there_and_back(last.click, f"to {rows:,} of", first.click),
        "a credential": there_and_back(
            lambda: credential.select_option(index=1), f"of {rows // 2:,}", lambda: credential.select_option(index=0)
        ),
    }
    for name, took in acts.items():
        print(f"  {name:<24}{took:8.0f} ms")


def _wait(address: str) -> None:
    for _ in range(300):
        try:
            with urlopen(f"{address}/api/status", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("JupyterLab did not start")


def main() -> int:
    """Measure both parts, the browser's where there is one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    kernel(given.rows)
    if CHROMIUM.exists():
        browser(given.rows)
    else:
        print(f"no browser here: {CHROMIUM} is absent")
    return 0


if __name__ == "__main__":
    sys.exit(main())
