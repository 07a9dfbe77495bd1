"""Whole processes, measured: seconds by the clock, CPU seconds, and the most memory that the process and its descendants held.

CPU is user and system time of the process and of every descendant that it waited for. Memory is the sum of the resident sets of the whole
tree, sampled 50 times a second; pages that two processes share count twice, so the figure errs on the high side.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
INTERVAL = 0.02


@dataclass(frozen=True)
class Measured:
    """One run of one contender."""

    wall: float
    cpu: float
    peak: int
    output: str


@dataclass
class Contender:
    """A command, made anew for each round; ``rounds`` at most (the slow ones run once)."""

    name: str
    command: Callable[[], Sequence[str | Path]]
    rounds: int = 3
    stdin: Path | None = None
    results: list[Measured] = field(default_factory=list)

    @property
    def wall(self) -> float:
        return min(result.wall for result in self.results)

    @property
    def cpu(self) -> float:
        return min(result.cpu for result in self.results)

    @property
    def peak(self) -> int:
        return max(result.peak for result in self.results)


def environment(cache: Path) -> dict[str, str]:
    """The environment of every contender: byte code is kept, as an installation keeps it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    root = str(Path(__file__).parents[1])
    return kept | {"PYTHONPYCACHEPREFIX": str(cache / "pycache"), "PYTHONPATH": root, "TZ": "UTC"}


def measure(command: Sequence[str | Path], cache: Path, stdin: Path | None = None) -> Measured:
    """Run this command once.

    Raises
    ------
    SystemExit
        It failed; its output is printed.
    """
    with tempfile.TemporaryFile() as output, open(stdin or os.devnull, "rb") as given:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(cache),
        )
        peak = 0
        while True:
            peak = max(peak, _resident(process.pid))
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            time.sleep(INTERVAL)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        sys.exit(f"{' '.join(str(word) for word in command[:4])} ... failed:\n{text[-2000:]}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, peak, text)


def _resident(root: int) -> int:
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
            for task in os.listdir(f"/proc/{pid}/task"):
                waiting += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
        except (OSError, IndexError, ValueError):
            continue
    return total


def alternate(contenders: Sequence[Contender], cache: Path) -> None:
    """Run the contenders in turn, round by round, so that what else the machine does meets them all."""
    for number in range(max(contender.rounds for contender in contenders)):
        for contender in contenders:
            if number < contender.rounds:
                contender.results.append(measure(contender.command(), cache, contender.stdin))
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def table(title: str, contenders: Sequence[Contender]) -> None:
    """Print what was measured: the best of the rounds for time (other load only adds), the worst for memory."""
    print(f"\n{title}")
    print(f"  {'':44}{'wall s':>9}{'CPU s':>9}{'peak GB':>9}{'rounds':>8}")
    for contender in contenders:
        print(
            f"  {contender.name:44}{contender.wall:9.2f}{contender.cpu:9.2f}{contender.peak / 1e9:9.2f}{len(contender.results):8}"
        )


def verdict(text: str, value: float, target: float, *, at_least: bool) -> bool:
    """Print a ratio against its target; whether it holds."""
    holds = value >= target if at_least else value <= target
    print(
        f"  {text:44}{value:9.2f}   target {'>=' if at_least else '<='} {target:g}   {'holds' if holds else 'DOES NOT HOLD'}"
    )
    return holds


def prepared(folder: Path, make: Callable[[Path], None]) -> Path:
    """A folder of data, made unless a run before this one kept it."""
    mark = folder.with_suffix(".done")
    if not mark.exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"making {folder.name}", file=sys.stderr)
        make(folder)
        mark.touch()
    return folder


def fresh_incident(cache: Path, kind: str, source: Path) -> Path:
    """A folder of incidents with one, ``bench``, that names this source and has loaded nothing."""
    from ir_kit.incident import new_incident

    runs = cache / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    window = {"start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"}
    fields = {"access_keys": ["AKIAIOSFODNN7EXAMPLE"], "window": window, "sources": {kind: [str(source)]}}
    new_incident(runs, "bench", fields)
    return runs


def ingest(cache: Path, kind: str, source: Path) -> list[str | Path]:
    """The command that loads this source into a fresh store."""
    return [sys.executable, "-m", "ir_kit", "ingest", "bench", "--runs", fresh_incident(cache, kind, source)]
