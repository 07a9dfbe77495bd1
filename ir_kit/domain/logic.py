"""Three values: what is so, what is not, and what the evidence does not settle. Kleene's logic: and is ``min``, or is ``max``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Truth: TypeAlias = int
NO: Final[Truth] = 0
UNKNOWN: Final[Truth] = 1
YES: Final[Truth] = 2

Status: TypeAlias = Literal["yes", "no", "unknown"]
STATUS: Final[tuple[Status, Status, Status]] = ("no", "unknown", "yes")

ABSENT: Final[tuple[str, ...]] = ()


class Present:
    """The key is in the request, and nobody knows its value."""

    def __repr__(self) -> str:
        return "PRESENT"


PRESENT: Final = Present()

Known: TypeAlias = tuple[str, ...] | Present  # ABSENT is the empty tuple
Context: TypeAlias = Mapping[str, Known]  # by the key in lower case; a key that is not in it is not known


def known_of(context: Context, key: str) -> Known | None:
    """What is known of a key, in lower case; None where nothing is.

    ``aws:principaltag/*`` stands for every tag that is not given, and so for others with a name after a slash.
    """
    found = context.get(key)
    if found is None and "/" in key:
        return context.get(key.partition("/")[0] + "/*")
    return found


def negation(value: Truth) -> Truth:
    """What is so where this is not."""
    return 2 - value
