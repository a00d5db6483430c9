"""Providers' events as they come in: kept first, looked into by a worker afterwards."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.inbound_messages import InboundMessage
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventSource
from app.queue import JobName

log = structlog.get_logger()

# A queue that cannot be reached takes its time to say so.
_WOKEN = 20
APART = timedelta(milliseconds=50)


async def keep(deps: Deps, event: ProviderEvent) -> bool:
    """Store an event that is due and wake a worker; False when it was told before."""
    if not await event.store_once():
        log.info("event.told_before", source=event.source)
        return False
    await deps.queue.enqueue(JobName.EVENT, str(event.id), turn=event.claims)
    return True


async def keep_all(deps: Deps, events: Sequence[ProviderEvent]) -> int:
    """Store events that are due; how many were not told before.

    Workers are woken for the first of them at once. The others become due one after another, as
    fast as a mailbox may be read: workers have other things to do meanwhile.
    """
    for index, event in enumerate(events[_WOKEN:]):
        event.due_at = deps.now() + index * APART
    new = await ProviderEvent.store_new(events)
    await asyncio.gather(
        *(
            deps.queue.enqueue(JobName.EVENT, str(event.id), turn=event.claims)
            for event in new[:_WOKEN]
        )
    )
    return len(new)


async def keep_report(deps: Deps, message: InboundMessage) -> None:
    """Keep a report that came as mail; a worker lets what it is about follow."""
    now = deps.now()
    await keep(
        deps,
        ProviderEvent(
            tenant_id=message.tenant_id,
            source=EventSource.MAIL,
            event_id=message.key,
            inbound_id=message.id,
            created=now,
            due_at=now,
            expires=now + deps.settings.event_retention,
        ),
    )


async def wake(deps: Deps, delivery_id: PydanticObjectId) -> None:
    """Have workers look into what waited for this delivery to be settled."""
    for event in await ProviderEvent.waiting_for(delivery_id, deps.now()):
        await deps.queue.enqueue(JobName.EVENT, str(event.id), turn=event.claims)


def pause(faults: int) -> timedelta:
    """Wait after a fault: doubling from 15 seconds to an hour."""
    return timedelta(seconds=min(15 * 2 ** min(faults, 10), 3600))
