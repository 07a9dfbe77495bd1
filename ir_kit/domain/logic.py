"""Three values: what is so, what is not, and what the evidence does not settle. Kleene's logic.

The words sort as the logic does (no, unknown, yes): *and* is ``min``, *or* is ``max``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

Status: TypeAlias = Literal["yes", "no", "unknown"]
NO: Final = "no"
UNKNOWN: Final = "unknown"
YES: Final = "yes"


def any_of(statuses: Iterable[str]) -> str:
    """Does any of these hold? No where there is none."""
    return max(statuses, default=NO)


def all_of(statuses: Iterable[str]) -> str:
    """Do all of these hold? Yes where there is none."""
    return min(statuses, default=YES)


def negation(status: Status) -> Status:
    """What is so where this is not."""
    return NO if status == YES else YES if status == NO else UNKNOWN


class Present:
    """The key is in the request, and nobody knows its value."""


PRESENT: Final = Present()
ABSENT: Final[tuple[str, ...]] = ()

Known: TypeAlias = tuple[str, ...] | Present  # ABSENT is the empty tuple
Context: TypeAlias = Mapping[str, Known]  # by the key in lower case; a key that is not in it is not known


def known_of(context: Context, key: str) -> Known | None:
    """What is known of a request key, in lower case; None where nothing is.

    ``aws:principaltag/*`` stands for every tag that is not given, and so for others with a name after a slash.
    """
    known = context.get(key)
    return context.get(key.partition("/")[0] + "/*") if known is None and "/" in key else known
