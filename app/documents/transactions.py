"""Moves of several documents that are made together, or not at all."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from typing import TypeVar

from beanie import Document
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.documents.base import StoreUnavailableError

Result = TypeVar("Result")
Moves = Callable[[AsyncIOMotorClientSession], Awaitable[Result]]

# Others' transactions last milliseconds. One whose process died is in the way until MongoDB ends it
# (`transactionLifetimeLimitSeconds`).
PATIENCE = timedelta(seconds=5)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.25


class LostError(Exception):
    """Another mover was first: all that was written is taken back."""


class BusyError(StoreUnavailableError):
    """What is to be written is in the hands of a transaction that does not end: later it may be."""


async def together(
    of: type[Document], moves: Moves[Result], *, patience: timedelta = PATIENCE
) -> Result | None:
    """Make moves by one transaction; None when one of them raised LostError.

    They are made again from the start when another transaction writes the same documents. Raises
    BusyError when `patience` is over before none does.
    """
    client = of.get_motor_collection().database.client
    try:
        async with await client.start_session() as session:
            done: Result = await session.with_transaction(_tried(moves, patience))
            return done
    except LostError:
        return None


def _tried(moves: Moves[Result], patience: timedelta) -> Moves[Result]:
    """Wait before each try but the first: the driver itself would go on at once, for minutes."""
    until, tries = time.monotonic() + patience.total_seconds(), count()

    async def one(session: AsyncIOMotorClientSession) -> Result:
        if number := next(tries):
            if time.monotonic() > until:
                raise BusyError("another transaction does not end")
            longest = min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE)
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - no secret
        return await moves(session)

    return one
