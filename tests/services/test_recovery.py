"""What a worker that dies, hangs or is stopped leaves to the others."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId
from redis.asyncio import Redis

from app.bootstrap import utc_now
from app.context import Deps
from app.documents import dispatches
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import (
    AttemptOutcome,
    CommunicationStatus,
    DeliveryStatus,
    EventType,
    ProviderType,
)
from app.providers.base import EmailProvider
from app.queue import JobName
from app.services import delivery, envelopes
from tests.fakes.clock import Clock
from tests.fakes.messages import octets_of
from tests.fakes.relay import Relay

Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
Queued = Callable[[], Awaitable[dict[str, float]]]
Adjusted = Callable[..., Deps]


async def test_a_dead_workers_dispatch_is_taken_over_after_its_lease(
    deps: Deps, send: Send, stored: Stored, relay: Relay, clock: Clock
) -> None:
    record = await send()
    now, lease = clock.now(), deps.settings.lease
    assert await dispatches.begin(str(record.id), now=now, until=now + lease)

    clock.advance(lease - timedelta(milliseconds=1))
    await delivery.dispatch(deps, str(record.id))
    assert relay.taken == []
    clock.advance(timedelta(milliseconds=1))
    assert await delivery.sweep(deps) == 1
    await delivery.dispatch(deps, str(record.id))

    assert len(relay.taken) == 1
    assert (await stored(record.id)).status == CommunicationStatus.SENT
    assert (await stored(record.id)).dispatches == 2


async def test_a_dead_workers_delivery_is_taken_over_after_its_lease(
    deps: Deps,
    claimed: Callable[..., Awaitable[Delivery]],
    stored: Stored,
    relay: Relay,
    clock: Clock,
) -> None:
    row = await claimed()

    clock.advance(deps.settings.lease - timedelta(milliseconds=1))
    await delivery.deliver(deps, str(row.id))
    assert relay.taken == []
    clock.advance(timedelta(milliseconds=1))
    await delivery.deliver(deps, str(row.id))

    assert [mail.content for mail in relay.taken] == [await octets_of(row)]
    assert (await stored(row.communication_id)).status == CommunicationStatus.SENT


async def test_a_dispatch_done_twice_makes_one_delivery(
    deps: Deps, send: Send, relay: Relay, clock: Clock
) -> None:
    record = await send()
    now = clock.now()
    begun = await dispatches.begin(str(record.id), now=now, until=now)
    assert begun is not None
    first = await (await envelopes.prepare(deps, begun)).store_once()
    second = await (await envelopes.prepare(deps, begun)).store_once()

    await delivery.dispatch(deps, str(record.id))

    assert second.id == first.id
    assert second.message == first.message
    assert await Delivery.count() == 1
    assert [mail.content for mail in relay.taken] == [await octets_of(first)]


async def test_a_worker_that_died_with_a_new_delivery_in_hand_may_have_sent_it(
    deps: Deps,
    send: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
) -> None:
    record = await send()
    now, lease = clock.now(), deps.settings.lease
    begun = await dispatches.begin(str(record.id), now=now, until=now + lease)
    assert begun is not None
    prepared = await envelopes.prepare(deps, begun)
    prepared.hold(lease="dead", until=now + lease)
    row = await prepared.store_once()

    assert (row.lease, row.due_at, row.claims) == ("dead", now + lease, 1)
    await delivery.deliver(deps, str(row.id))
    assert relay.taken == []

    clock.advance(lease)
    assert await delivery.sweep(deps) == 2
    await delivery.dispatch(deps, str(record.id))
    await delivery.deliver(deps, str(row.id))

    assert [mail.content for mail in relay.taken] == [await octets_of(row)]
    after = await delivery_of(record.id)
    assert (after.status, after.claims, after.abandoned) == (DeliveryStatus.SENT, 2, True)
    ended = await stored(record.id)
    assert (ended.status, ended.dispatch_at) == (CommunicationStatus.SENT, None)
    assert await delivery.sweep(deps) == 0


async def test_a_record_whose_delivery_waits_is_not_dispatched_again_and_again(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    relay: Relay,
    clock: Clock,
) -> None:
    relay.data_replies = ["451 later"]
    record = await dispatched()
    # Its worker died between giving back the delivery and telling the record.
    await Communication.get_motor_collection().update_one(
        {"_id": record.id},
        {"$set": {"status": CommunicationStatus.SENDING, "dispatchAt": clock.now()}},
    )

    await delivery.dispatch(deps, str(record.id))

    assert (await stored(record.id)).dispatch_at is None
    assert await Delivery.count() == 1
    assert await delivery.sweep(deps) == 0
    assert relay.taken == []


async def test_a_worker_stopped_as_the_delivery_is_stored_gives_the_mail_back(
    deps: Deps,
    send: Send,
    stored: Stored,
    relay: Relay,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = await send()
    store_once = Delivery.store_once

    async def stopped(row: Delivery) -> Delivery:
        await store_once(row)
        raise asyncio.CancelledError

    monkeypatch.setattr(Delivery, "store_once", stopped)
    with pytest.raises(asyncio.CancelledError):
        await delivery.dispatch(deps, str(record.id))
    monkeypatch.undo()

    back = await stored(record.id)
    assert (back.status, back.dispatch_at) == (CommunicationStatus.PENDING, clock.now())
    await delivery.dispatch(deps, str(record.id))

    assert len(relay.taken) == 1
    assert (await stored(record.id)).status == CommunicationStatus.SENT


async def test_a_worker_stopped_in_the_middle_gives_the_delivery_back(
    deps: Deps,
    send: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
    caught_sending: Callable[[Deps, Communication], Awaitable[asyncio.Task[None]]],
) -> None:
    record = await send()
    job = await caught_sending(deps, record)

    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job

    row = await delivery_of(record.id)
    assert (await stored(record.id)).status == CommunicationStatus.SENDING
    assert row.status == DeliveryStatus.QUEUED
    assert (row.due_at, row.lease) == (clock.now(), None)
    assert [(a.outcome, a.detail) for a in row.attempts] == [(AttemptOutcome.INTERRUPTED, None)]
    assert relay.taken == []

    relay.on_data = None
    assert await delivery.sweep(deps) == 1
    await delivery.deliver(deps, str(row.id))
    assert [mail.content for mail in relay.taken] == [await octets_of(row)]
    assert (await stored(record.id)).status == CommunicationStatus.SENT


async def test_an_interruption_is_no_attempt(
    deps: Deps,
    send: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    caught_sending: Callable[[Deps, Communication], Awaitable[asyncio.Task[None]]],
) -> None:
    record = await send()
    job = await caught_sending(deps, record)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    relay.on_data = None
    relay.data_replies = ["451 later"]

    await delivery.deliver(deps, str((await delivery_of(record.id)).id))

    assert (await stored(record.id)).error_message == "Attempt 1 of 3 failed: 451 later"


async def test_a_worker_stopped_once_the_mail_is_out_records_it_first(
    deps: Deps,
    send: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    stopping_provider: EmailProvider,
) -> None:
    record = await send()
    stopped = replace(deps, providers={ProviderType.SMTP: stopping_provider})

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(delivery.dispatch(stopped, str(record.id)))

    assert len(relay.taken) == 1
    assert (await stored(record.id)).status == CommunicationStatus.SENT
    row = await delivery_of(record.id)
    assert [a.outcome for a in row.attempts] == [AttemptOutcome.SENT]
    assert await delivery.sweep(deps) == 0


@pytest.mark.parametrize(
    ("record_status", "expected"),
    [
        (CommunicationStatus.SENT, DeliveryStatus.SENT),
        (CommunicationStatus.DELIVERED, DeliveryStatus.SENT),
        (CommunicationStatus.BOUNCED, DeliveryStatus.SENT),
        (CommunicationStatus.COMPLAINED, DeliveryStatus.SENT),
        (CommunicationStatus.FAILED, DeliveryStatus.FAILED),
        (CommunicationStatus.CANCELLED, DeliveryStatus.CANCELLED),
        (None, DeliveryStatus.CANCELLED),
    ],
)
async def test_a_delivery_whose_record_is_settled_is_closed_without_a_mail(
    deps: Deps,
    claimed: Callable[..., Awaitable[Delivery]],
    relay: Relay,
    clock: Clock,
    record_status: CommunicationStatus | None,
    expected: DeliveryStatus,
) -> None:
    row = await claimed()
    records = Communication.get_motor_collection()
    if record_status is None:
        await records.delete_one({"_id": row.communication_id})
    else:
        await records.update_one({"_id": row.communication_id}, {"$set": {"status": record_status}})
    before = await records.find_one({"_id": row.communication_id})
    clock.advance(deps.settings.lease)

    await delivery.deliver(deps, str(row.id))

    after = await Delivery.get(row.id)
    assert after is not None
    assert after.status == expected
    assert (after.due_at, after.lease, after.attempts) == (None, None, [])
    assert await records.find_one({"_id": row.communication_id}) == before
    assert relay.connections == 0
    assert await delivery.sweep(deps) == 0


async def test_a_cancelled_record_is_not_sent(
    deps: Deps, send: Send, relay: Relay, footprint: Footprint
) -> None:
    record = await send()
    await Communication.get_motor_collection().update_one(
        {"_id": record.id}, {"$set": {"status": CommunicationStatus.CANCELLED}}
    )
    before = await footprint()

    await delivery.dispatch(deps, str(record.id))

    assert await footprint() == before
    assert relay.connections == 0


async def test_a_slow_send_keeps_its_lease(
    open_relay: Callable[..., Deps],
    send: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
) -> None:
    opened = open_relay(lease=timedelta(seconds=2), smtp_data_timeout=timedelta(seconds=20))
    deps = replace(opened, now=utc_now)

    async def slow(_: object) -> None:
        await asyncio.sleep(3)

    relay.on_data = slow
    record = await send(over=deps)
    job = asyncio.create_task(delivery.dispatch(deps, str(record.id)))
    while not job.done():
        await delivery.dispatch(deps, str(record.id))
        if (row := await Delivery.of_communication(record.id, 1)) is not None:
            await delivery.deliver(deps, str(row.id))
        await asyncio.sleep(0.05)
    await job

    assert len(relay.taken) == 1
    assert (await stored(record.id)).status == CommunicationStatus.SENT
    assert (await delivery_of(record.id)).claims == 1


async def test_a_lease_outlives_a_renewal_that_fails(
    open_relay: Callable[..., Deps],
    send: Send,
    delivery_of: DeliveryOf,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = open_relay(lease=timedelta(seconds=2), smtp_data_timeout=timedelta(seconds=20))
    deps = replace(opened, now=utc_now)
    extend = Delivery.extend
    failures = [ConnectionError("MongoDB is away for a moment")]

    async def failing_once(row: Delivery, until: datetime) -> bool:
        if failures:
            raise failures.pop()
        return await extend(row, until)

    async def slow(_: object) -> None:
        await asyncio.sleep(3)

    monkeypatch.setattr(Delivery, "extend", failing_once)
    relay.on_data = slow
    record = await send(over=deps)
    job = asyncio.create_task(delivery.dispatch(deps, str(record.id)))
    while not job.done():
        if (row := await Delivery.of_communication(record.id, 1)) is not None:
            await delivery.deliver(deps, str(row.id))
        await asyncio.sleep(0.05)

    assert failures == []
    assert len(relay.taken) == 1
    assert (await delivery_of(record.id)).claims == 1


async def test_who_lost_the_lease_records_what_was_sent_all_the_same(
    deps: Deps,
    send: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
) -> None:
    record = await send()

    async def taken_over(_: object) -> None:
        clock.advance(deps.settings.lease)
        row = await delivery_of(record.id)
        now = clock.now()
        assert await Delivery.claim(str(row.id), lease="other", now=now, until=now)

    relay.on_data = taken_over
    await delivery.dispatch(deps, str(record.id))

    assert (await stored(record.id)).status == CommunicationStatus.SENT
    assert (await delivery_of(record.id)).status == DeliveryStatus.SENT


@pytest.mark.parametrize("reply", ["554 spam", "451 later"])
async def test_who_lost_the_lease_leaves_a_refusal_to_the_other(
    deps: Deps,
    send: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
    reply: str,
) -> None:
    record = await send()

    async def taken_over(_: object) -> None:
        clock.advance(deps.settings.lease)
        row = await delivery_of(record.id)
        now = clock.now()
        assert await Delivery.claim(str(row.id), lease="other", now=now, until=now)

    relay.on_data = taken_over
    relay.data_replies = [reply]
    await delivery.dispatch(deps, str(record.id))

    assert (await stored(record.id)).status == CommunicationStatus.SENDING
    row = await delivery_of(record.id)
    assert (row.status, row.lease, row.attempts) == (DeliveryStatus.QUEUED, "other", [])


async def test_a_record_that_cannot_be_prepared_fails_in_the_end(
    deps: Deps, send: Send, stored: Stored, relay: Relay, clock: Clock
) -> None:
    record = await send()
    await Communication.get_motor_collection().update_one(
        {"_id": record.id}, {"$set": {"recipients": ["no address"]}}
    )

    for _ in range(delivery.FAULT_LIMIT - 1):
        await delivery.dispatch(deps, str(record.id))
        assert (await stored(record.id)).status == CommunicationStatus.PENDING
        clock.advance(deps.settings.lease)
    await delivery.dispatch(deps, str(record.id))

    failed = await stored(record.id)
    assert failed.status == CommunicationStatus.FAILED
    assert failed.error_message == "This mail could not be prepared for sending."
    assert failed.events[-1].type == EventType.FAIL
    assert failed.dispatch_at is None
    assert await delivery.sweep(deps) == 0
    assert (relay.connections, await Delivery.count()) == (0, 0)


async def test_the_sweep_queues_what_is_due_and_nothing_else(
    deps: Deps,
    send: Send,
    dispatched: Send,
    delivery_of: DeliveryOf,
    claimed: Callable[..., Awaitable[Delivery]],
    relay: Relay,
    clock: Clock,
    queued: Queued,
    redis: Redis,
) -> None:
    await dispatched()
    held = await claimed()
    relay.replies = {"jan@customer.test": "451 later"}
    waiting = await delivery_of((await dispatched()).id)
    accepted = await send()
    await redis.flushdb()

    assert await delivery.sweep(deps) == 1
    assert list(await queued()) == [f"dispatch:{accepted.id}:0"]
    assert [key async for key in redis.scan_iter("arq:job:*")] == [
        f"arq:job:dispatch:{accepted.id}:0".encode()
    ]

    clock.advance(timedelta(seconds=12))
    assert await delivery.sweep(deps) == 2
    clock.advance(deps.settings.lease)
    assert await delivery.sweep(deps) == 3
    window = int(deps.now().timestamp() // deps.settings.lease.total_seconds())
    assert set(await queued()) == {
        f"dispatch:{accepted.id}:0",
        f"dispatch:{accepted.id}:0-{window}",
        f"deliver:{waiting.id}:1",
        f"deliver:{waiting.id}:1-{window}",
        f"deliver:{held.id}:1",
    }


async def test_the_sweep_starts_with_what_waits_longest(
    adjusted: Adjusted,
    send: Send,
    clock: Clock,
    redis: Redis,
    queued: Queued,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deps = adjusted()
    records = []
    for _ in range(3):
        records.append(await send())
        clock.advance(timedelta(seconds=1))
    await redis.flushdb()
    # A thousand and one records would take longer than they would tell.
    monkeypatch.setattr(delivery, "SWEEP_LIMIT", 2)

    assert await delivery.sweep(deps) == 2

    assert set(await queued()) == {f"dispatch:{record.id}:0" for record in records[:2]}


async def test_two_sweeps_queue_nothing_twice(
    deps: Deps, send: Send, queued: Queued, redis: Redis
) -> None:
    record = await send()

    await asyncio.gather(*(delivery.sweep(deps) for _ in range(5)))

    assert list(await queued()) == [f"dispatch:{record.id}:0"]
    assert len([key async for key in redis.scan_iter("arq:job:*")]) == 1


async def test_the_retry_queued_and_the_sweep_are_the_same_job(
    deps: Deps,
    dispatched: Send,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
    queued: Queued,
) -> None:
    relay.data_replies = ["451 later"]
    record = await dispatched()
    row = await delivery_of(record.id)
    assert row.due_at is not None
    clock.advance(timedelta(seconds=12))

    await delivery.sweep(deps)

    jobs = await queued()
    assert set(jobs) == {f"dispatch:{record.id}:0", f"deliver:{row.id}:1"}
    assert jobs[f"deliver:{row.id}:1"] == pytest.approx(row.due_at.timestamp() * 1000)


async def test_job_names_are_those_in_the_queue(deps: Deps, queued: Queued) -> None:
    for job in JobName:
        await deps.queue.enqueue(job, "x", turn=7)

    assert set(await queued()) == {f"{job}:x:7" for job in JobName}
