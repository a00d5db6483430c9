"""A worker and the events that providers tell."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from arq.worker import Worker
from redis.asyncio import Redis

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import CommunicationStatus
from app.services import inbound
from tests.fakes import reports

Send = Callable[..., Awaitable[Communication]]
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
HasStatus = Callable[[Communication, CommunicationStatus], Callable[[], Awaitable[bool]]]
Working = Callable[[Deps], AbstractAsyncContextManager[Worker]]


async def test_a_bounce_that_comes_in_moves_its_record(
    deps: Deps, caller: Caller, send: Send, working: Working, until: Until, has_status: HasStatus
) -> None:
    async with working(deps):
        record = await send(over=deps)
        await until(has_status(record, CommunicationStatus.SENT))
        row = await Delivery.of_communication(record.id, 1)
        assert row is not None

        await inbound.ingest(deps, caller, reports.postfix(row.message_id))

        await until(has_status(record, CommunicationStatus.BOUNCED))


async def test_what_the_queue_lost_is_found_by_the_sweep(
    deps: Deps,
    caller: Caller,
    send: Send,
    working: Working,
    until: Until,
    has_status: HasStatus,
    redis: Redis,
) -> None:
    async with working(deps):
        record = await send(over=deps)
        await until(has_status(record, CommunicationStatus.SENT))
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None
    await inbound.ingest(deps, caller, reports.postfix(row.message_id))
    await redis.flushdb()

    async with working(deps):
        await until(has_status(record, CommunicationStatus.BOUNCED))
