"""Moves of several documents that are made together, or not at all."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from beanie import Document
from motor.motor_asyncio import AsyncIOMotorClientSession

Result = TypeVar("Result")


class LostError(Exception):
    """Another mover was first: all that was written is taken back."""


async def together(
    of: type[Document], moves: Callable[[AsyncIOMotorClientSession], Awaitable[Result]]
) -> Result | None:
    """Make moves by one transaction; None when one of them raised LostError.

    They are made again from the start when another transaction writes the same documents.
    """
    client = of.get_motor_collection().database.client
    try:
        async with await client.start_session() as session:
            done: Result = await session.with_transaction(moves)
            return done
    except LostError:
        return None
