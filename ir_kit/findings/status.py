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
    unsure : bool
        Whether something beside the scope was blind that bears on it, so that a zero is not sure.
    """

    whole: bool | None
    blind: str = ""
    access_logs_only: bool = False
    unsure: bool = False


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
    part, or a zero is unsure for what lies beside its scope, ``medium`` at most.
    """
    confidence: Confidence = "medium" if inferred or partly_inferred else "high"
    if count == 0:
        confidence = "high" if scope.whole is True else "low"
    capped = scope.access_logs_only or (scope.unsure and count == 0)
    return at_most(confidence, "medium") if capped else confidence


def at_most(confidence: Confidence, limit: Confidence) -> Confidence:
    """The lesser of two confidences."""
    return min(confidence, limit, key=_ORDER.index)


def limits_of(scope: Scope, *more: str) -> list[str]:
    """The limits of a finding: what was blind, then what else; none twice, none empty."""
    return list(dict.fromkeys(text for text in (scope.blind, *more) if text))
