import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest
from arq.worker import Worker
from redis.asyncio import Redis

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import AttemptOutcome, CommunicationStatus, DeliveryStatus
from app.embedded.ports import free_port
from app.queue import QUEUE_NAME, ArqQueue, JobName
from app.services import delivery
from tests.fakes.relay import Relay, never_answer
from workers import settings as worker_settings
from workers.settings import FUNCTIONS, HEALTH_KEY, close_worker, create_list_worker, create_worker

Send = Callable[..., Awaitable[Communication]]
Working = Callable[[Deps], AbstractAsyncContextManager[Worker]]
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
HasStatus = Callable[[Communication, CommunicationStatus], Callable[[], Awaitable[bool]]]
Queued = Callable[[], Awaitable[dict[str, float]]]

SENT = CommunicationStatus.SENT


@pytest.fixture
async def worker(deps: Deps) -> Worker:
    return create_worker(deps)


def test_every_job_name_has_its_function(worker: Worker) -> None:
    of_lists = create_list_worker(worker.ctx["deps"]).functions
    assert {*worker.functions, *of_lists} == {name.value for name in JobName}
    assert set(of_lists) == {"fan-out", "batch"}
    assert {name: job.__name__ for name, job in FUNCTIONS.items()} == {
        JobName.DISPATCH: "dispatch",
        JobName.DELIVER: "deliver",
        JobName.EVENT: "event",
        JobName.IDENTIFY: "identify",
        JobName.MAILBOX: "mailbox",
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_job_leaves_no_result_and_may_always_be_tried_again(worker: Worker, name: str) -> None:
    function: Any = worker.functions[name]

    assert (function.keep_result_s, function.max_tries) == (0, 1_000_000)


async def test_a_queued_mail_is_sent(
    deps: Deps, send: Send, working: Working, until: Until, has_status: HasStatus, relay: Relay,
    queued: Queued, redis: Redis,
) -> None:  # fmt: skip
    record = await send()

    async with working(deps):
        await until(has_status(record, SENT))

    assert [mail.recipients for mail in relay.taken] == [("jan@customer.test",)]
    assert f"dispatch:{record.id}:0" not in await queued()
    assert [key async for key in redis.scan_iter("arq:result:*")] == []
    assert [key async for key in redis.scan_iter("arq:job:dispatch:*")] == []


async def test_a_mail_sent_while_the_worker_runs(
    deps: Deps, send: Send, working: Working, until: Until, has_status: HasStatus
) -> None:
    async with working(deps):
        first = await send()
        await until(has_status(first, SENT))
        second = await send()
        await until(has_status(second, SENT))


async def test_a_job_carries_an_id_and_nothing_else(deps: Deps, send: Send, redis: Redis) -> None:
    record = await send({"subject": "Secret"})

    job = orjson.loads(await redis.get(f"arq:job:dispatch:{record.id}:0"))

    assert {key: value for key, value in job.items() if key != "et"} == {
        "t": None,
        "f": "dispatch",
        "a": [str(record.id)],
        "k": {},
    }
    assert set(job) == {"t", "f", "a", "k", "et"}


async def test_a_retry_carries_an_id_and_nothing_else(
    deps: Deps, send: Send, redis: Redis, relay: Relay
) -> None:
    relay.data_replies = ["451 later"]
    record = await send()
    await delivery.dispatch(deps, str(record.id))
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None

    job = orjson.loads(await redis.get(f"arq:job:deliver:{row.id}:1"))

    assert (job["f"], job["a"], job["k"]) == ("deliver", [str(row.id)], {})


async def test_a_job_that_raises_does_not_stop_the_worker(
    deps: Deps, send: Send, working: Working, until: Until, has_status: HasStatus
) -> None:
    bad = await send()
    await Communication.get_motor_collection().update_one(
        {"_id": bad.id}, {"$set": {"recipients": "not a list, which nobody can read"}}
    )

    async with working(deps) as worker:

        async def failed() -> bool:
            return worker.jobs_failed == 1

        await until(failed)
        good = await send()
        await until(has_status(good, SENT))

    # It is seen to again when its lease ends, as after a worker that died.
    assert await Communication.status_of(bad.id) == CommunicationStatus.SENDING


async def test_what_is_not_ours_in_the_queue_does_not_stop_the_worker(
    deps: Deps, send: Send, working: Working, until: Until, has_status: HasStatus, redis: Redis
) -> None:
    await redis.set("arq:job:garbage", b"\x80not json")
    await redis.set("arq:job:unknown", orjson.dumps({"t": 1, "f": "x", "a": [], "k": {}, "et": 1}))
    await redis.zadd(QUEUE_NAME, {"garbage": 1, "unknown": 1})
    record = await send()

    async with working(deps):
        await until(has_status(record, SENT))


async def test_what_expired_in_the_queue_is_found_by_the_sweep(
    deps: Deps, send: Send, working: Working, until: Until, has_status: HasStatus, redis: Redis
) -> None:
    record = await send()
    job = f"dispatch:{record.id}:0"
    await redis.delete(f"arq:job:{job}")

    async with working(deps):

        async def gone() -> bool:
            return await redis.zscore(QUEUE_NAME, job) is None

        await until(gone)
        assert await redis.exists(f"arq:result:{job}") == 0
        await delivery.sweep(deps)
        await until(has_status(record, SENT))


async def test_a_worker_that_starts_sweeps_what_never_reached_the_queue(
    deps: Deps, send: Send, working: Working, until: Until, has_status: HasStatus, queued: Queued
) -> None:
    unreachable = ArqQueue(f"redis://127.0.0.1:{free_port()}/0")
    record = await send(over=replace(deps, queue=unreachable))
    assert await queued() == {}

    async with working(deps):
        await until(has_status(record, SENT))

    await unreachable.close()


async def test_two_workers_share_the_work(
    deps: Deps, send: Send, working: Working, until: Until, relay: Relay
) -> None:
    records = [await send() for _ in range(30)]

    async def all_sent() -> bool:
        return await Communication.find({"status": SENT}).count() == 30

    async with working(deps) as first, working(deps) as second:
        await until(all_sent)
        await asyncio.gather(*(delivery.dispatch(deps, str(record.id)) for record in records))

    assert len(relay.taken) == 30
    assert len({mail.message["Message-ID"] for mail in relay.taken}) == 30
    assert first.jobs_failed == second.jobs_failed == 0


async def test_a_living_worker_is_seen_in_the_queue(
    deps: Deps, working: Working, until: Until, redis: Redis
) -> None:
    async def seen() -> bool:
        return bool(await redis.exists(HEALTH_KEY))

    async with working(deps):
        await until(seen)

    assert not await seen()


async def test_closing_lets_jobs_in_hand_finish_and_takes_no_more(
    deps: Deps, send: Send, relay: Relay, queued: Queued
) -> None:
    reached = asyncio.Event()

    async def slow(_: object) -> None:
        reached.set()
        await asyncio.sleep(0.5)

    relay.on_data = slow
    record = await send()
    worker = create_worker(deps)
    running = asyncio.create_task(worker.async_run())
    await asyncio.wait_for(reached.wait(), 5)

    closing = asyncio.create_task(close_worker(worker))
    await asyncio.sleep(0)
    late = await send()
    await closing
    await asyncio.gather(running, return_exceptions=True)

    assert await Communication.status_of(record.id) == SENT
    assert await Communication.status_of(late.id) == CommunicationStatus.PENDING
    assert f"dispatch:{late.id}:0" in await queued()
    assert len(relay.taken) == 1


async def test_closing_waits_for_jobs_that_are_just_being_taken(
    deps: Deps, send: Send, relay: Relay, redis: Redis
) -> None:
    for step in range(12):
        record = await send()
        worker = create_worker(deps)
        running = asyncio.create_task(worker.async_run())
        await asyncio.sleep(step * 0.002)

        await close_worker(worker)
        await asyncio.gather(running, return_exceptions=True)

        assert await redis.keys("arq:in-progress:d*") == []
        rows = await Delivery.find({"communicationId": record.id}).to_list()
        assert [(row.status, row.attempts[-1].outcome) for row in rows] in (
            [],
            [(DeliveryStatus.SENT, AttemptOutcome.SENT)],
        )
        # Taken or not taken, but never begun and cut off.
        status = await Communication.status_of(record.id)
        assert status == (SENT if rows else CommunicationStatus.PENDING)


async def test_closing_ends_a_worker_whose_cancellation_was_lost(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_settings, "CANCEL_SECONDS", 0.05)
    cancelled = 0

    async def poll() -> None:
        nonlocal cancelled
        while cancelled < 2:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            cancelled += 1

    worker = create_worker(deps)
    worker.main_task = asyncio.create_task(poll())
    await asyncio.sleep(0)

    await asyncio.wait_for(close_worker(worker), 5)

    assert (worker.main_task.done(), cancelled) == (True, 2)


async def test_closing_gives_back_what_does_not_finish(
    deps: Deps,
    send: Send,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
    working: Working,
    until: Until,
    has_status: HasStatus,
) -> None:
    monkeypatch.setattr(worker_settings, "SHUTDOWN_SECONDS", 0.1)
    relay.on_data = never_answer
    record = await send()

    async with working(deps):
        await until(has_status(record, CommunicationStatus.SENDING))

    row = await Delivery.of_communication(record.id, 1)
    assert row is not None
    assert [attempt.outcome for attempt in row.attempts] == [AttemptOutcome.INTERRUPTED]
    assert row.lease is None
    assert relay.taken == []
    relay.on_data = None
    await delivery.sweep(deps)
    async with working(deps):
        await until(has_status(record, SENT))
    assert len(relay.taken) == 1
