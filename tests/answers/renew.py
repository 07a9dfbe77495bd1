"""Write ``golden/`` anew from whole runs: ``python tests/answers/renew.py [WORLD ...]``. Each line that changes is to be
explained in the changelog.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from answers.record import compare, dump, record  # noqa: E402
from answers.runs import GOLDEN, whole_run  # noqa: E402
from answers.worlds import available  # noqa: E402


def main(names: list[str]) -> None:
    for name in names or available():
        golden = GOLDEN / f"{name}.json"
        with tempfile.TemporaryDirectory() as folder:
            found = record(whole_run(name, Path(folder))[0])
        kept = json.loads(golden.read_text(encoding="utf-8")) if golden.exists() else {}
        changed = compare(kept, found)
        print(f"{name}: {len(changed)} facts changed of {len(found)}", flush=True)
        golden.write_text(dump(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
