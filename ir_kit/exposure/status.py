"""Three values, and how several of them make one: yes, no, and what cannot be known."""

from __future__ import annotations

from collections.abc import Iterable

YES, NO, UNKNOWN = "yes", "no", "unknown"


def any_of(statuses: Iterable[str]) -> str:
    """Does one of these hold? Yes if one does, unknown if one may, else no."""
    found = set(statuses)
    return YES if YES in found else UNKNOWN if UNKNOWN in found else NO


def all_of(statuses: Iterable[str]) -> str:
    """Do all of these hold? No if one does not, unknown if one may not, else yes."""
    found = set(statuses)
    return NO if NO in found else UNKNOWN if UNKNOWN in found else YES
