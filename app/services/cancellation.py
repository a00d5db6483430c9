"""What becomes of a job that is cancelled while MongoDB is doing what it asked for."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Given = TypeVar("Given")


async def heard(asked: Awaitable[Given]) -> Given:
    """Give what `asked` gives; a cancellation that comes meanwhile is raised by the next await.

    For what takes something in hand: MongoDB does what it was asked for, whether or not somebody
    listens, and who did not hear of it could not give it back.
    """
    task = asyncio.ensure_future(asked)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        given = await task
        _cancel_again()
        return given


def _cancel_again() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.cancel()
