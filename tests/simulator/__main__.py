"""`python -m simulator FOLDER [--seed N]`: write the sample incident somewhere, to look at it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from simulator import make_sample


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    truth = make_sample(given.folder, given.seed, scale=given.scale)
    print(json.dumps(truth.counts, indent=1))


if __name__ == "__main__":
    main()
