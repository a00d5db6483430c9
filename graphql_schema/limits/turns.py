"""Requests of one caller are read one after the other, and whoever sends dear ones waits.

Reading a request (its JSON, its document, whether that is valid) is work of the processor alone:
while it is done nobody else is served. One caller with many connections would leave others hardly
a gap, so each has one turn at a time, and after a long one the next begins only when the others had
twice as long.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from datetime import timedelta

from app.context import Caller

# What requests of programs take, and more.
FREE = timedelta(milliseconds=2)
_SHARE_OF_OTHERS = 2
# A mail of many megabytes is no attack.
_LONGEST = timedelta(milliseconds=200)


class Turns:
    def __init__(self) -> None:
        self._locks: dict[Hashable, asyncio.Lock] = {}
        self._waiting: dict[Hashable, int] = {}

    @asynccontextmanager
    async def taken(self, caller: Caller | None) -> AsyncIterator[None]:
        """Have a turn of this caller; all who are nobody share theirs.

        What is done in it must not wait for anything.
        """
        key = None if caller is None else (caller.tenant, caller.key_id or caller.user)
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            async with lock:
                begun = time.thread_time()
                try:
                    yield
                finally:
                    await self._leave_to_others(time.thread_time() - begun)
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key], self._locks[key]

    @property
    def callers(self) -> int:
        """How many have a turn or wait for one."""
        return len(self._locks)

    async def _leave_to_others(self, seconds: float) -> None:
        if seconds > FREE.total_seconds():
            await asyncio.sleep(min(seconds * _SHARE_OF_OTHERS, _LONGEST.total_seconds()))


TURNS = Turns()
