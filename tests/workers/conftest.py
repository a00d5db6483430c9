import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from arq.worker import Worker

from app.bootstrap import utc_now
from app.context import Deps
from app.documents.communications import Communication
from app.documents.vocabulary import CommunicationStatus
from workers.settings import close_worker, create_worker


@pytest.fixture
async def deps(deps: Deps, queued: Callable[[], Awaitable[dict[str, float]]]) -> Deps:
    """Queue and workers live by the real clock; the queue is empty."""
    return replace(
        deps,
        now=utc_now,
        settings=deps.settings.model_copy(update={"sweep_interval": timedelta(seconds=60)}),
    )


@pytest.fixture
def working() -> Callable[[Deps], AbstractAsyncContextManager[Worker]]:
    """A worker in this process that works until the block ends."""

    @asynccontextmanager
    async def run(deps: Deps) -> AsyncIterator[Worker]:
        worker = create_worker(deps)
        running = asyncio.create_task(worker.async_run())
        try:
            yield worker
            assert not running.done()
        finally:
            await close_worker(worker)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    return run


@pytest.fixture
def until() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Waits for a condition, at most thirty seconds."""

    async def wait(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(30):
            while not await condition():  # noqa: ASYNC110 - what is asked is in MongoDB
                await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def has_status() -> Callable[[Communication, CommunicationStatus], Callable[[], Awaitable[bool]]]:
    def of(record: Communication, status: CommunicationStatus) -> Callable[[], Awaitable[bool]]:
        async def ask() -> bool:
            return await Communication.status_of(record.id) == status

        return ask

    return of
