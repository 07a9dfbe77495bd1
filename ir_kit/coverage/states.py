"""What is asked about, and what is said of it: a scope of requests, and the state that they would have been in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ir_kit.coverage.deliveries import Delivered
from ir_kit.coverage.selector_coverage import Coverage, coverage_of_bucket, coverage_of_region
from ir_kit.coverage.selectors import SelectorSet

RANK = {"not_logged": 0, "unknown": 1, "lost": 2, "uncertain": 3, "logged": 4}
CLASSES = ("management", "data_read", "data_write")


@dataclass(frozen=True)
class State:
    """What would have become of a request: `state`, why in words, and which part is left out."""

    state: str
    basis: str
    left_out: tuple[str, ...] = ()
    where: str | None = None


@dataclass(frozen=True)
class Scope:
    """What is asked about: a class of requests on a bucket, or (without one) of a Region."""

    record_class: str
    bucket: str | None
    aws_region: str | None

    def coverage(self, selectors: SelectorSet | None) -> Coverage | None:
        if selectors is None:
            return None
        if self.bucket is None:
            return coverage_of_region(selectors)
        return coverage_of_bucket(selectors, self.bucket, self.record_class)


def best(states: Iterable[State]) -> State:
    """The state of what several trails would each have recorded."""
    listed = list(states)
    top = max(listed, key=lambda one: RANK[one.state])
    same = [one for one in listed if one.state == top.state]
    if top.state == "logged":
        # one that records all of it says so; others add nothing
        whole = [one for one in same if not one.left_out]
        return (whole or same)[0]
    basis = "; ".join(dict.fromkeys(one.basis for one in same if one.basis))
    left_out = tuple(dict.fromkeys(part for one in same for part in one.left_out))
    return State(top.state, basis, left_out, top.where)


def shows(scope: Scope, row: Delivered) -> bool:
    """Is this delivery of the class that is asked about? Management events of any Region show what a trail selects of
    them.
    """
    if scope.record_class == "management":
        return row.record_class == "management"
    return (row.record_class, row.bucket, row.aws_region) == (scope.record_class, scope.bucket, scope.aws_region)


def proven(scope: Scope, rows: list[Delivered], name: str | None) -> State:
    """What these records show of a class: all of it, or that part of it alone that they are of."""
    count = sum(row.records for row in rows)
    of = f" of {name}" if name else ""
    basis = f"{count} records{of} were delivered while no setting changed"
    if scope.record_class == "management":
        reads = sum(row.reads for row in rows)
        if reads in (0, count):
            return State(
                "uncertain", f"{basis}, {'all' if reads else 'none'} of them read-only", ("read_only",), name or "files"
            )
        return State("logged", basis, (), name or "files")
    folders = {row.folder for row in rows if row.keys}
    if not folders:
        return State("uncertain", f"{basis}, none of them on an object", ("objects",), name or "files")
    if None not in folders and len({str(one).partition("/")[0] for one in folders}) == 1:
        return State("uncertain", f"{basis}, all below {next(iter(folders))}/", ("prefix",), name or "files")
    return State("logged", basis, (), name or "files")


def watched(found: State, rows: Iterable[Delivered]) -> State:
    """Records prove a setting between them where a change of it would have been recorded too: by management events."""
    if found.state != "logged" or any(row.record_class == "management" for row in rows):
        return found
    words = f"{found.basis}, but no management event that would show a change"
    return State("uncertain", words, ("unseen_change",), found.where)


def scope_of(row: Delivered) -> Scope:
    """The scope that a delivery is of."""
    return Scope(row.record_class, row.bucket, row.aws_region)
