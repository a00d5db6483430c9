import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.bootstrap import utc_now
from app.context import Deps
from app.documents.communications import Communication
from app.documents.engagement.hits import Engagement
from app.embedded.ports import free_port
from app.services import delivery, tracking
from app.waiting_hits import HOLDER, WaitingHits
from tests.fakes.visits import ON_PHONE, PERSON
from workers.counting import keep_counting

Send = Callable[..., Awaitable[Communication]]
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
async def counting(deps: Deps, redis: Redis) -> AsyncIterator[Callable[[Deps], None]]:
    """Starts the part of a worker that counts, over an empty Redis."""
    await redis.flushdb()
    tasks: list[asyncio.Task[None]] = []
    yield lambda over: tasks.append(asyncio.create_task(keep_counting(over)))
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert await redis.get(HOLDER) is None


async def test_what_waits_and_what_comes_is_counted(
    deps: Deps, counting: Callable[[Deps], None], send: Send, until: Until
) -> None:
    record = await send()
    await delivery.dispatch(deps, str(record.id))
    came = utc_now()
    await tracking.record_open(deps, record.tracking_id, PERSON)
    waiting = await Engagement.count()

    async def are_counted(opens: int) -> bool:
        found = await Communication.get(record.id)
        return found is not None and found.open_count == opens

    # Of several, one counts.
    for _ in range(2):
        counting(deps)
    await until(lambda: are_counted(1))
    await tracking.record_open(deps, record.tracking_id, ON_PHONE)
    await until(lambda: are_counted(2))

    assert waiting == 0
    first, _ = await Engagement.find_all().sort("created").to_list()
    assert first.created - came < timedelta(seconds=5)


async def test_a_redis_that_is_away_is_waited_for(
    deps: Deps, counting: Callable[[Deps], None], until: Until
) -> None:
    away = WaitingHits(f"redis://127.0.0.1:{free_port()}/0")

    with capture_logs() as logs:
        counting(replace(deps, waiting_hits=away))

        async def is_told() -> bool:
            return bool(logs)

        await until(is_told)

    assert (logs[0]["event"], logs[0]["error"]) == ("hits.uncounted", "ConnectionError")
    await away.close()
