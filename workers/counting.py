"""Counting opens and clicks that wait, for as long as a worker works."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import structlog

from app.context import Deps
from app.services import tracking

log = structlog.get_logger()

# Seconds between two looks at a list that is empty, or held by another worker.
POLL_SECONDS = 0.2
_PAUSE = 1.0


async def keep_counting(deps: Deps) -> None:
    """Count what waits until cancelled; another worker may then begin at once.

    It may be cancelled, or killed, at any moment: what is not counted goes on waiting.
    """
    holder = uuid4().hex
    try:
        while True:
            await _count(deps, holder)
    finally:
        with suppress(ConnectionError):
            await deps.waiting_hits.leave(holder)


async def _count(deps: Deps, holder: str) -> None:
    try:
        counted = await tracking.count_waiting(deps, holder)
    except Exception as error:
        log.warning("hits.uncounted", error=type(error).__name__, exc_info=_unless_away(error))
        await asyncio.sleep(_PAUSE)
    else:
        if not counted:
            await asyncio.sleep(POLL_SECONDS)


def _unless_away(error: Exception) -> Exception | None:
    return None if isinstance(error, ConnectionError) else error
