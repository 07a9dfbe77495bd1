"""Whole runs of worlds through the command line, as an analyst gives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from answers.worlds import Made, make

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
OPTIONS = {"buckets": "--bucket", "sensitive_buckets": "--sensitive-bucket"}


def ir_kit(*arguments: str, cwd: Path) -> str:
    """What a command writes to standard output; an error where it does not end well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "IR_KIT_"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-m", "ir_kit", *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise AssertionError(f"ir-kit {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout


def open_options(fields: dict[str, Any], folder: Path) -> list[str]:
    """The options of ``ir-kit open`` that say what these fields say; paths as they are seen from `folder`."""
    options = [f"--access-key={key}" for key in fields["access_keys"]]
    options += [f"--start={fields['window']['start']}", f"--end={fields['window']['end']}"]
    if "baseline" in fields:
        options.append(f"--baseline-start={fields['baseline']['start']}")
    sources = fields["sources"]
    options += [f"--cloudtrail={folder / path}" for path in sources.get("cloudtrail", ())]
    options += [f"--access-logs={folder / path}" for path in sources.get("access_logs", ())]
    if "configuration" in sources:
        options.append(f"--configuration={folder / sources['configuration']}")
    return options + [f"{option}={bucket}" for name, option in OPTIONS.items() for bucket in fields.get(name, ())]


def add_fields(path: Path, fields: dict[str, Any]) -> None:
    """Write into an incident file what ``ir-kit open`` has no option for."""
    more = {name: fields[name] for name in ("title", "known_good", "responders") if name in fields}
    if more:
        written = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # times stay text
        path.write_text(yaml.safe_dump(written | more, sort_keys=False), encoding="utf-8")


def whole_run(name: str, runs: Path) -> tuple[Path, Made]:
    """The data folder of a sealed run of this world, and the world."""
    folder = runs / name
    folder.mkdir(parents=True)
    made = make(name, folder)
    ir_kit("open", name, "--runs", str(runs), *open_options(made.fields, folder), cwd=runs)
    add_fields(folder / "incident.yaml", made.fields)
    ir_kit("ingest", name, "--runs", str(runs), cwd=runs)
    told = ir_kit("run", name, "--runs", str(runs), cwd=runs)
    return Path(told.splitlines()[-1]) / "data", made
