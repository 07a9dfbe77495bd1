"""A scope of requests, and the state of logging for it: would they have been recorded, and is the record in the evidence?

A state is one of `logged`, `uncertain`, `lost` (recorded, and gone), `unknown`, `not_logged`; of several trails the best
counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from ir_kit.coverage.selectors import Coverage, SelectorSet, coverage_of_bucket, coverage_of_region

RANK = {"not_logged": 0, "unknown": 1, "lost": 2, "uncertain": 3, "logged": 4}
CLASSES = ("management", "data_read", "data_write")


@dataclass(frozen=True)
class State:
    """The state of a scope: why, in words; which part is left out or in doubt; by which trail."""

    state: str
    basis: str
    left_out: tuple[str, ...] = ()
    where: str | None = None
    steady: bool = field(default=True, compare=False)  # follows from settings alone, so that it lasts as they do


class Scope(NamedTuple):
    """A class of requests on a bucket, or (without one) of a Region."""

    record_class: str
    bucket: str | None
    aws_region: str | None

    def coverage(self, selectors: SelectorSet | None) -> Coverage | None:
        """How much of it these selectors record; None where they are not known."""
        if selectors is None:
            return None
        if self.bucket is None:
            return coverage_of_region(selectors)
        return coverage_of_bucket(selectors, self.bucket, self.record_class)


def best(states: Iterable[State]) -> State:
    """The state of what several trails would each have recorded."""
    listed = list(states)
    top = max(listed, key=lambda state: RANK[state.state])
    equal = [state for state in listed if state.state == top.state]
    if top.state == "logged":  # a trail that records all of it says so; others add nothing
        return next((state for state in equal if not state.left_out), top)
    basis = "; ".join(dict.fromkeys(state.basis for state in equal if state.basis))
    left_out = tuple(dict.fromkeys(part for state in equal for part in state.left_out))
    return State(top.state, basis, left_out, top.where)
