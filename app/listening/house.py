"""All connections of one listener: how many, how much they hold, and how they end."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from app.listening.owners import Owners


class Guest(Protocol):
    is_busy: bool

    def dismiss(self) -> None: ...


class Room:
    """What one message takes of the memory that all share."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self.taken = 0
        self.is_refused = False

    def grow(self, octets: int) -> bool:
        """Take so many octets more; False when there is no room for them."""
        if self._house.taken + octets > self._house.room_limit:
            self.is_refused = True
            return False
        self.taken += octets
        self._house.taken += octets
        return True


class House:
    """`name` is how it greets, `owners` what it knows of addresses.

    At most `limit` guests, whose messages take `room_limit` octets.
    """

    def __init__(self, name: str, *, limit: int, room_limit: int) -> None:
        self.name, self._limit, self.room_limit = name, limit, room_limit
        self.owners = Owners()
        self.taken = 0
        self.is_closing = False
        self._guests: set[Guest] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def enter(self, guest: Guest) -> bool:
        if self.is_closing or len(self._guests) >= self._limit:
            return False
        self._guests.add(guest)
        self._empty.clear()
        return True

    def leave(self, guest: Guest) -> None:
        self._guests.discard(guest)
        if not self._guests:
            self._empty.set()

    @contextmanager
    def room(self) -> Iterator[Room]:
        """Lend room for one message."""
        room = Room(self)
        try:
            yield room
        finally:
            self.taken -= room.taken

    async def close(self, grace: timedelta) -> None:
        """Send everybody away: who is busy may finish within `grace`."""
        self.is_closing = True
        for guest in list(self._guests):
            if not guest.is_busy:
                guest.dismiss()
        try:
            async with asyncio.timeout(grace.total_seconds()):
                await self._empty.wait()
        except TimeoutError:
            for guest in list(self._guests):
                guest.dismiss()
