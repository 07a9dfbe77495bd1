"""`python -m simulator FOLDER`: write the sample incident as the demo ships it."""

from __future__ import annotations

import argparse
from pathlib import Path

from simulator.shipped import ship


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("folder", type=Path)
    ship(parser.parse_args().folder)


if __name__ == "__main__":
    main()
