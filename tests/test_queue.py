import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.embedded.ports import free_port
from app.queue import QUEUE_NAME, ArqQueue, JobName, connect

Queued = Callable[[], Awaitable[dict[str, float]]]


@pytest.fixture
async def queue(redis_url: str, queued: Queued) -> AsyncIterator[ArqQueue]:
    opened = ArqQueue(redis_url)
    yield opened
    await opened.close()


@pytest.fixture
async def unreachable() -> AsyncIterator[ArqQueue]:
    opened = ArqQueue(f"redis://127.0.0.1:{free_port()}/0")
    yield opened
    await opened.close()


@pytest.fixture
async def silent() -> AsyncIterator[ArqQueue]:
    """A queue whose server takes connections and never says a word."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    opened = ArqQueue(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    yield opened
    await opened.close()
    server.close()
    await asyncio.sleep(0.05)


async def test_a_job_is_due_at_once(queue: ArqQueue, queued: Queued, redis: Redis) -> None:
    before = datetime.now(UTC)

    await queue.enqueue(JobName.DISPATCH, "1", turn=0)

    (score,) = (await queued()).values()
    assert before.timestamp() * 1000 - 1 <= score <= datetime.now(UTC).timestamp() * 1000 + 1
    job = orjson.loads(await redis.get("arq:job:dispatch:1:0"))
    assert (job["f"], job["a"], job["k"]) == ("dispatch", ["1"], {})


async def test_a_job_is_due_when_told(queue: ArqQueue, queued: Queued, redis: Redis) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)

    await queue.enqueue(JobName.DELIVER, "1", turn=2, at=at)

    assert await queued() == {"deliver:1:2": at.timestamp() * 1000}
    # It must not be forgotten before it is due.
    assert await redis.pttl("arq:job:deliver:1:2") > timedelta(days=3) / timedelta(milliseconds=1)


@pytest.mark.parametrize("late", [timedelta(seconds=1), timedelta(days=3)])
async def test_an_overdue_job_is_due_at_once(
    queue: ArqQueue, queued: Queued, redis: Redis, late: timedelta
) -> None:
    await queue.enqueue(JobName.DELIVER, "1", turn=0, at=datetime.now(UTC) - late)

    assert (await queued())["deliver:1:0"] <= datetime.now(UTC).timestamp() * 1000 + 1
    # It must not be forgotten before a worker comes by.
    assert await redis.pttl("arq:job:deliver:1:0") > timedelta(hours=23) / timedelta(milliseconds=1)


async def test_a_turn_is_queued_once(queue: ArqQueue, queued: Queued) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    await queue.enqueue(JobName.DELIVER, "1", turn=0, at=at)

    await asyncio.gather(*(queue.enqueue(JobName.DELIVER, "1", turn=0) for _ in range(10)))

    assert await queued() == {"deliver:1:0": at.timestamp() * 1000}


async def test_it_writes_what_arq_writes(queue: ArqQueue, redis: Redis, redis_url: str) -> None:
    arq = connect(redis_url)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    expected = []
    for due in (None, at):
        await redis.flushdb()
        await arq.enqueue_job(
            "deliver", "7", _job_id="deliver:7:1", _defer_until=due, _queue_name=QUEUE_NAME
        )
        expected.append(await written(redis))
    await arq.aclose(close_connection_pool=True)

    for due, (job, score, ttl) in zip((None, at), expected, strict=True):
        await redis.flushdb()
        await queue.enqueue(JobName.DELIVER, "7", turn=1, at=due)
        ours, our_score, our_ttl = await written(redis)
        assert {**ours, "et": 0} == {**job, "et": 0}
        assert abs(our_score - score) < (10_000 if due is None else 1)
        assert abs(our_ttl - ttl) < 10_000


async def written(redis: Redis) -> tuple[dict[str, Any], float, int]:
    """The one job in the queue, its score, and for how long it is kept, in ms."""
    ((name, score),) = await redis.zrange(QUEUE_NAME, 0, -1, withscores=True)
    key = f"arq:job:{name.decode()}"
    assert sorted(await redis.keys("*")) == sorted([key.encode(), QUEUE_NAME.encode()])
    return orjson.loads(await redis.get(key)), score, await redis.pttl(key)


async def test_jobs_that_come_together_are_all_queued(queue: ArqQueue, queued: Queued) -> None:
    await asyncio.gather(
        *(queue.enqueue(JobName.DISPATCH, str(number % 30), turn=0) for number in range(90))
    )

    assert set(await queued()) == {f"dispatch:{number}:0" for number in range(30)}


async def test_a_job_that_is_being_done_is_not_queued_again(
    queue: ArqQueue, queued: Queued, redis: Redis
) -> None:
    await queue.enqueue(JobName.DELIVER, "1", turn=0)
    (before,) = (await queued()).values()
    await redis.set("arq:in-progress:deliver:1:0", b"1")

    await queue.enqueue(JobName.DELIVER, "1", turn=0, at=datetime.now(UTC) + timedelta(days=1))

    assert await queued() == {"deliver:1:0": before}


async def test_another_turn_job_or_id_is_queued_beside_it(queue: ArqQueue, queued: Queued) -> None:
    await queue.enqueue(JobName.DELIVER, "1", turn=0)
    await queue.enqueue(JobName.DELIVER, "1", turn=1)
    await queue.enqueue(JobName.DISPATCH, "1", turn=0)
    await queue.enqueue(JobName.DELIVER, "2", turn=0)

    assert set(await queued()) == {"deliver:1:0", "deliver:1:1", "dispatch:1:0", "deliver:2:0"}


async def test_jobs_have_a_queue_of_their_own(queue: ArqQueue, redis: Redis) -> None:
    await queue.enqueue(JobName.DELIVER, "1", turn=0)

    assert {key async for key in redis.scan_iter("*")} == {
        QUEUE_NAME.encode(),
        b"arq:job:deliver:1:0",
    }


async def test_an_unreachable_queue_is_logged_not_raised(unreachable: ArqQueue) -> None:
    with capture_logs() as logs:
        await unreachable.enqueue(JobName.DISPATCH, "1", turn=0)

    assert logs == [
        {
            "event": "queue.unreachable",
            "log_level": "warning",
            "job": "dispatch",
            "id": "1",
            "error": "ConnectionError",
        }
    ]


async def test_a_silent_queue_is_given_up_soon(silent: ArqQueue) -> None:
    with capture_logs() as logs:
        await asyncio.wait_for(silent.enqueue(JobName.DISPATCH, "1", turn=0), 5)

    assert [(log["event"], log["error"]) for log in logs] == [("queue.unreachable", "TimeoutError")]


async def test_a_queue_that_cannot_write_is_logged_not_raised(
    queue: ArqQueue, redis: Redis, queued: Queued
) -> None:
    await redis.set(QUEUE_NAME, "not a queue")

    with capture_logs() as logs:
        await queue.enqueue(JobName.DISPATCH, "1", turn=0)

    assert [(log["event"], log["error"]) for log in logs] == [
        ("queue.unreachable", "ResponseError")
    ]
    await redis.flushdb()


async def test_a_queue_that_answers(queue: ArqQueue) -> None:
    await queue.ping()


async def test_a_queue_that_does_not_answer(unreachable: ArqQueue) -> None:
    with pytest.raises(ConnectionError, match="the queue does not answer"):
        await unreachable.ping()


async def test_a_queue_that_says_nothing(silent: ArqQueue) -> None:
    with pytest.raises(ConnectionError, match="the queue does not answer"):
        await asyncio.wait_for(silent.ping(), 5)
