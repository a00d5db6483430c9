"""Writing down what happened to many deliveries, as it happens, in few operations."""

import asyncio
from contextlib import suppress

import structlog

from app.documents import list_deliveries
from app.documents.base import Change, StoreUnavailableError
from app.documents.deliveries import Delivery

log = structlog.get_logger()

_STORE_PAUSE = 0.25
# Mails that are out and not written down yet are sent again if the worker dies: few, for so long.
_GATHERED = 0.1


class Recorder:
    """Makes the moves it is given, in order of their coming, until it is closed.

    Mails may be out: unrecorded, they would be sent again. So it goes on while MongoDB is away for
    a while, and `close` sees it through even when its caller is cancelled.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Delivery, Change]] = []
        self._something = asyncio.Event()
        self._closed = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def add(self, delivery: Delivery, change: Change) -> None:
        self._waiting.append((delivery, change))
        self._something.set()

    async def close(self) -> None:
        """Return when all is written down."""
        self._closed.set()
        self._something.set()
        try:
            await asyncio.shield(self._task)
        except asyncio.CancelledError:
            await self._task
            raise

    async def _run(self) -> None:
        while self._waiting or not self._closed.is_set():
            await self._something.wait()
            self._something.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_GATHERED):
                    await self._closed.wait()
            gathered, self._waiting = self._waiting, []
            if gathered:
                await _written(gathered)


async def _written(changes: list[tuple[Delivery, Change]]) -> None:
    while True:
        try:
            await list_deliveries.make(changes)
        except StoreUnavailableError as error:
            log.warning("batch.unrecorded", count=len(changes), error=type(error).__name__)
            await asyncio.sleep(_STORE_PAUSE)
        else:
            return
