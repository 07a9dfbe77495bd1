"""How many requests at a time, and how long to wait before the next try: less when AWS asks for it, more when it goes well."""

from __future__ import annotations

import asyncio
import random
from collections import deque

__all__ = ["Pace", "backoff"]

FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0


def backoff(attempt: int, chance: random.Random, retry_after: str | None = None) -> float:
    """How many seconds before try number `attempt` + 1? Anything up to a bound that doubles; longer where AWS says so.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (full jitter).
    """
    bound = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 10))
    asked = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0.0
    return max(chance.uniform(0, bound), min(asked, 2 * LONGEST_WAIT))


class Pace:
    """A gate that lets as many through at a time as goes well: halved on each wave of refusals, then one more a round.

    Parameters
    ----------
    most : int
        The most at a time.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.allowed = float(most)
        self._running = 0
        self._rest = 0  # answers to requests that were under way at the last halving
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Wait for a place."""
        while self._running >= int(self.allowed):
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            await place
        self._running += 1

    def leave(self, throttled: bool) -> None:
        """Give the place back, and say whether AWS asked for less."""
        self._running -= 1
        if throttled and not self._rest:
            self.allowed = max(1.0, self.allowed / 2)
            self._rest = self._running
        else:
            self._rest = max(0, self._rest - 1)
        if not throttled:
            self.allowed = min(float(self.most), self.allowed + 1 / self.allowed)
        free = int(self.allowed) - self._running
        while free > 0 and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1
