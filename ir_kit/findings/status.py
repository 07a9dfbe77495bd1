"""The rules of status and confidence, decided here and nowhere else.

A zero is ``not_observed`` only where the question's whole scope was logged, else ``not_knowable``. Above zero a
finding is ``observed`` where rows show it and ``inferred`` where it is reasoned from rows; its limits name the part
of the scope that was blind.
"""

from __future__ import annotations

from dataclasses import dataclass

from ir_kit.findings.model import Confidence, Status


@dataclass(frozen=True)
class Scope:
    """How much of a question's scope was logged.

    Parameters
    ----------
    whole : bool or None
        True: all of it, as configuration and delivered files show. False: a part is known to be missing. None: not
        looked into.
    blind : str
        The part that was blind or was not looked into, in a sentence; empty where the whole scope was logged.
    access_logs_only : bool
        Whether a part was covered by access logs alone, which are delivered on a best-effort basis.
    """

    whole: bool | None
    blind: str = ""
    access_logs_only: bool = False


NOT_REPLAYED = Scope(
    None,
    "Whether logging was on throughout has not been established (no replay of logging yet): what happened while "
    "nothing was recorded is not in this number.",
)
"""Every scope until the logging settings are replayed over time."""

CONFIGURATION = Scope(True)
"""What AWS answered when it was asked: nothing had to be logged for it."""

_ORDER: tuple[Confidence, ...] = ("low", "medium", "high")


def status_of(count: int, scope: Scope, *, inferred: bool = False) -> Status:
    """Which status has a finding?

    Parameters
    ----------
    count : int
        What was found.
    scope : Scope
    inferred : bool
        Whether what was found is reasoned from rows and not shown by them.
    """
    if count > 0:
        return "inferred" if inferred else "observed"
    return "not_observed" if scope.whole is True else "not_knowable"


def confidence_of(count: int, scope: Scope, *, inferred: bool = False, partly_inferred: bool = False) -> Confidence:
    """How sure is a finding?

    Notes
    -----
    What rows show is ``high``, what is reasoned from them ``medium``, a count of both ``medium``. A zero is ``high``
    over a scope that was logged whole, ``low`` where that is not known or not so. Where access logs alone covered a
    part, ``medium`` at most.
    """
    confidence: Confidence = "medium" if inferred or partly_inferred else "high"
    if count == 0:
        confidence = "high" if scope.whole is True else "low"
    return at_most(confidence, "medium") if scope.access_logs_only else confidence


def at_most(confidence: Confidence, limit: Confidence) -> Confidence:
    """The lesser of two confidences."""
    return min(confidence, limit, key=_ORDER.index)


def limits_of(scope: Scope, *more: str) -> list[str]:
    """The limits of a finding: what was blind, then what else; none twice, none empty."""
    return list(dict.fromkeys(text for text in (scope.blind, *more) if text))
