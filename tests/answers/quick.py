"""The answers of every world against ``golden/``, without kernels: for whoever changes the kit.

    python tests/answers/quick.py [--cache DIR] [--fresh] [--jobs N] [WORLD ...]

Evidence is made and read once into the cache, and made anew with ``--fresh``. The playbooks' cells are executed in
one process, with nothing drawn, and everything that was kept of answers is removed before. Where a table differs,
rows that came and went are shown against those of the last time that the world agreed. Ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
import time
import traceback
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from answers.record import compare, lines, record, table_name  # noqa: E402
from answers.runs import GOLDEN, add_fields, open_options  # noqa: E402
from answers.worlds import WORLDS, available, make  # noqa: E402

SHOWN = 6


class _Blank(ModuleType):
    """Stands for what draws: any name, called or not, is nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Blank(name)

    def __call__(self, *arguments: Any, **named: Any) -> None:
        return None


def command(*arguments: str) -> None:
    """One command of the kit, in this process and without a word."""
    from ir_kit.cli import app

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            app(list(arguments), standalone_mode=True)
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"ir-kit {arguments[0]} ended with {ended.code}: {said.getvalue()}") from None


def prepare(name: str, runs: Path, fresh: bool) -> None:
    """The world's incident in the cache, its evidence read."""
    folder = runs / name
    if fresh or not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        made = make(name, folder)
        command("open", name, "--runs", str(runs), *open_options(made.fields, folder))
        add_fields(folder / "incident.yaml", made.fields)
        (folder / "ready").touch()
    command("ingest", name, "--runs", str(runs))


def execute(name: str, runs: Path) -> Path:
    """The staging folder of a run of all playbooks."""
    folder = runs / name
    staging = folder / "staging"
    for old in (staging, folder / "evidence" / "answers"):
        shutil.rmtree(old, ignore_errors=True)
    staging.mkdir()
    os.environ["IR_KIT_STAGING"] = str(staging)
    for path in sorted((ROOT / "playbooks").glob("[0-9]*.ipynb")):
        names: dict[str, Any] = {}
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), f"{path.name}, {cell.get('id')}", "exec"), names)
                if "parameters" in cell["metadata"].get("tags", ()):
                    names |= {"incident": name, "runs": str(runs)}
    return staging


def rows_changed(staging: Path, kept: Path, tables: set[str]) -> list[str]:
    """Rows that came and went in these tables since the world last agreed with what is kept."""
    told = []
    for path in sorted((staging / "tables").rglob("*.parquet")):
        table = table_name(staging, path)
        before = kept / f"{table.replace('/', '.')}.jsonl"
        if table in tables and before.exists():
            old, new = set(before.read_text(encoding="utf-8").splitlines()), set(lines(path, table))
            for sign, rows in (("-", sorted(old - new)), ("+", sorted(new - old))):
                told += [f"      {sign} {row}" for row in rows[:SHOWN]]
                told += [f"      {sign} and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return told


def keep_rows(staging: Path, kept: Path) -> None:
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    for path in sorted((staging / "tables").rglob("*.parquet")):
        table = table_name(staging, path)
        (kept / f"{table.replace('/', '.')}.jsonl").write_text("\n".join(lines(path, table)), encoding="utf-8")


def check(name: str, runs: Path, fresh: bool) -> list[str]:
    """What differs from what is kept."""
    try:
        prepare(name, runs, fresh)
        staging = execute(name, runs)
    except Exception:
        return ["failed:", *traceback.format_exc().splitlines()]
    golden = GOLDEN / f"{name}.json"
    if not golden.exists():
        return [f"no {golden.name} is kept: make golden"]
    changed = compare(json.loads(golden.read_text(encoding="utf-8")), record(staging))
    agreed = runs / name / "agreed"
    if not changed:
        keep_rows(staging, agreed)
        return []
    tables = {line.partition(" ")[0] for line in changed}
    return changed + rows_changed(staging, agreed, tables)


def timed_check(name: str, runs: Path, fresh: bool) -> tuple[str, list[str], float]:
    began = time.monotonic()
    return name, check(name, runs, fresh), time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("worlds", nargs="*", metavar="WORLD", help=f"of: {', '.join(WORLDS)}")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "ir-kit-answers", metavar="DIR")
    parser.add_argument("--fresh", action="store_true", help="make and read the evidence anew")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many worlds at a time")
    given = parser.parse_args()
    runs = given.cache.absolute()
    runs.mkdir(parents=True, exist_ok=True)
    sys.modules["ir_kit.display"] = _Blank("ir_kit.display")
    os.environ["TZ"] = "UTC"
    differing = 0
    names = given.worlds or available()
    with Pool(min(given.jobs, len(names))) as pool:
        for name, changed, seconds in pool.imap(partial(timed_check, runs=runs, fresh=given.fresh), names):
            differing += bool(changed)
            print(f"{name}: {'differs' if changed else 'same'} ({seconds:.1f} s)", flush=True)
            for line in changed:
                print(f"   {line}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
