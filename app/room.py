"""Room for what is large: it bounds how much of it is in memory at a time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Room:
    """At most `octets` are in hand at a time; what is larger has all the room to itself.

    Whoever asks first comes first, so that something large is not passed by for ever.
    """

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self._free = octets
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def taken(self, octets: int) -> AsyncIterator[None]:
        """Wait for that much room and hold it while the block runs."""
        share = min(octets, self._octets)
        await self._take(share)
        try:
            yield
        finally:
            self._free += share
            self._let_in()

    async def _take(self, share: int) -> None:
        if share == 0:
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((share, turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._free += share
            self._let_in()
            raise

    def _let_in(self) -> None:
        while self._waiting:
            share, turn = self._waiting[0]
            if not turn.cancelled():
                if share > self._free:
                    return
                self._free -= share
                turn.set_result(None)
            self._waiting.popleft()
