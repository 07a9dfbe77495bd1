"""Limits of a share that was counted."""

from __future__ import annotations

import math
from collections.abc import Callable

CONFIDENCE = 0.95


def clopper_pearson(count: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Within which limits may the true share lie, when `count` of `of` were counted?

    Returns
    -------
    tuple of float
        Each limit holds by itself with this confidence (one-sided); 0 and 1 where nothing was counted.

    Notes
    -----
    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial"
    (1934).
    """
    if of <= 0:
        return 0.0, 1.0
    tail = 1.0 - confidence
    lower = 0.0 if count == 0 else _root(lambda share: 1.0 - at_most(count - 1, of, share) - tail)
    upper = 1.0 if count == of else _root(lambda share: tail - at_most(count, of, share))
    return lower, upper


def at_most(count: int, of: int, share: float) -> float:
    """The chance of at most `count` out of `of`, for a count below `of` and a share between 0 and 1."""
    odds = math.log(share) - math.log1p(-share)
    chance = math.lgamma(of + 1) - math.lgamma(count + 1) - math.lgamma(of - count + 1)
    chance += count * odds + of * math.log1p(-share)
    total = 0.0
    for number in range(count, -1, -1):  # from the largest down, until what is added no longer matters
        total += math.exp(chance)
        if number < of * share and math.exp(chance) < total * 1e-17:
            break
        chance += math.log(number or 1) - math.log(of - number + 1) - odds
    return min(total, 1.0)


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
