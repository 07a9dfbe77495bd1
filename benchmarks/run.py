"""The kit side by side with what people use today: each contender a whole process, in turn, on data made from a seed.

``python benchmarks/run.py [--quick] [--only a,b,c,d,e] [--keep] [--folder DIR]``. The full run needs 3 GB of disk, 12 GB of memory and about
half an hour; ``--quick`` takes a tenth of the data, and its ratios are lower, for starting a process then weighs more. Exit status 1: a
target does not hold.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench_access_log import access_logs
from bench_cloudtrail import a_million_events, many_small_files, memory
from bench_run import playbooks

BENCHMARKS = {"a": a_million_events, "b": many_small_files, "c": access_logs, "d": memory, "e": playbooks}


def main() -> int:
    """Run what was asked for; 0 where every target holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--only", default="a,b,c,d,e", metavar="LETTERS", help="which benchmarks (default: all)")
    parser.add_argument("--keep", action="store_true", help="keep the data for the next run")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "ir-kit-bench", help="where the data goes"
    )
    given = parser.parse_args()
    chosen = given.only.split(",")
    unknown = [letter for letter in chosen if letter not in BENCHMARKS]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    scale = 0.1 if given.quick else 1.0
    cache = given.folder / ("quick" if given.quick else "full")
    cache.mkdir(parents=True, exist_ok=True)
    root = Path(__file__).parents[1]
    sys.path[:0] = [str(root), str(root / "tests")]
    load = os.getloadavg()[0]
    print(
        f"{os.cpu_count()} cores, load {load:.1f}"
        + (" (other work is running: repeat on a quiet machine)" if load > 0.5 else "")
    )
    print("time: the best of the rounds; memory: the most that a whole process tree held at once")
    try:
        holds = [BENCHMARKS[letter](cache, scale) for letter in chosen]
    finally:
        if not given.keep:
            shutil.rmtree(cache, ignore_errors=True)
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
