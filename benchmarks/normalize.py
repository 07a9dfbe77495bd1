"""What people do with CloudTrail today: every record through `pandas.json_normalize`, in one frame. Nothing is stored.

``python normalize.py at-once|by-file`` reads the files' names from standard input.
"""

from __future__ import annotations

import gzip
import json
import sys

import pandas as pd


def main(way: str) -> None:
    """Normalise all the records at once, or file by file."""
    paths = sys.stdin.read().split("\n")
    documents = (_document(path) for path in paths if path)
    if way == "at-once":
        frame = pd.json_normalize([record for document in documents for record in document["Records"]])
    else:
        frame = pd.concat([pd.json_normalize(document["Records"]) for document in documents], ignore_index=True)
    print(len(frame))


def _document(path: str) -> dict[str, list[dict[str, object]]]:
    with gzip.open(path) as file:
        document: dict[str, list[dict[str, object]]] = json.load(file)
    return document


if __name__ == "__main__":
    main(sys.argv[1])
