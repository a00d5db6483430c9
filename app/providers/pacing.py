"""Sending no faster than a service says it takes."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from app.providers.base import ParkedError

# A turn that is farther off is not waited for: the worker has other mail to send meanwhile.
PATIENCE = 2.0
_LONGEST_INTERVAL = 60.0
_LONGEST_PAUSE = 24 * 3600.0


class Pace:
    """Turns at one account, evenly spaced, for all mails of this process.

    It begins without a limit and learns it from what the service answers. Whoever does not get a
    turn at once is told when to come back, each a little later than the one before, so that those
    who wait do not come all at once. `clock` counts seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._interval = 0.0
        self._next = 0.0
        self._last_told = 0.0

    async def turn(self) -> None:
        """Wait for a turn. Raises ParkedError for one that is more than 2 seconds off."""
        now = self._clock()
        begins = max(self._next, now)
        if begins - now > PATIENCE:
            raise ParkedError(
                "the account's sending rate is used up", retry_after=self.come_back_after()
            )
        self._next = begins + self._interval
        if begins > now:
            await asyncio.sleep(begins - now)

    def come_back_after(self) -> timedelta:
        """Tell one more mail when its turn may be."""
        now = self._clock()
        self._last_told = max(self._last_told + self._interval, self._next, now)
        return timedelta(seconds=self._last_told - now)

    def learn(self, requests: float, seconds: float) -> None:
        """Take at most so many requests in so many seconds from now on."""
        self._interval = min(seconds / requests, _LONGEST_INTERVAL)

    def pause(self, seconds: float) -> None:
        """Give no turn for so long."""
        self._next = max(self._next, self._clock() + min(seconds, _LONGEST_PAUSE))
