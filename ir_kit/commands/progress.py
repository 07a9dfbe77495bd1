"""How far reading has come: a bar on a terminal, a line for each tenth elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ir_kit.commands.base import say

Tell = Callable[[int, int], None]
"""Called with the bytes read so far and the bytes to read."""


@contextmanager
def reading() -> Iterator[Tell]:
    """Shows on standard error how far reading has come, for as long as the block lasts."""
    if not sys.stderr.isatty():
        yield _tenths()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tenths() -> Tell:
    told: set[int] = set()

    def tell(done: int, total: int) -> None:
        tenth = 10 * done // total if total else 10
        if tenth not in told:
            told.add(tenth)
            say(f"read {done / 1e6:,.1f} of {total / 1e6:,.1f} MB")

    return tell
