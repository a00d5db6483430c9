"""Mails are opened in floods while something breaks: who got a picture is counted, once."""

import asyncio
from collections.abc import Callable

import pytest
from redis import Redis

from app.waiting_hits import HOLDER
from tests.faults.crm import Crm
from tests.faults.readers import Readers, network
from tests.processes import Processes, Servers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.fixture
def readers(servers: Servers, processes: Processes, crm: Crm) -> Readers:
    return Readers(servers, processes, crm)


@pytest.fixture
def tell_of(tell: Callable[[str], None]) -> Callable[[Readers, int, int], None]:
    def say(readers: Readers, kept: int, opens: int) -> None:
        answers = ", ".join(f"{n} {answer}" for answer, n in sorted(readers.answers.items()))
        tell(f"opened {len(readers.answered)}  kept {kept}  counted {opens}  ({answers})")

    return say


async def settle(readers: Readers, tell_of: Callable[[Readers, int, int], None]) -> None:
    """Hold that all who were answered are counted, nobody twice, and that the counts agree."""
    kept, opens = await readers.counted()
    tell_of(readers, kept.total(), opens)
    assert {network(number) for number in readers.answered} - kept.keys() == set()
    assert set(kept.values()) == {1}
    assert opens == kept.total()


async def test_api_is_killed_in_a_flood(
    readers: Readers, processes: Processes, tell_of: Callable[[Readers, int, int], None]
) -> None:
    async def kill() -> None:
        processes.kill("api")
        processes.start("api")
        await processes.ready(f"http://127.0.0.1:{processes.port}/readyz")

    await readers.read_while(kill)

    await settle(readers, tell_of)
    assert readers.answers.keys() == {"200", "no answer"}


async def test_workers_are_killed_while_they_count(
    readers: Readers, servers: Servers, processes: Processes,
    tell_of: Callable[[Readers, int, int], None],
) -> None:  # fmt: skip
    async def kill() -> None:
        for _ in range(3):
            with Redis.from_url(servers.running["redis"].url) as redis:
                while not redis.exists(HOLDER):  # noqa: ASYNC110 - Redis tells of nothing
                    await asyncio.sleep(0)
            for name in ("worker-1", "worker-2"):
                processes.kill(name)
            await readers.until_answered(100)
            for name in ("worker-1", "worker-2"):
                processes.start(name)

    await readers.read_while(kill)

    await settle(readers, tell_of)
    assert readers.answers.keys() == {"200"}


async def test_queue_and_store_are_killed_in_a_flood(
    readers: Readers, servers: Servers, tell_of: Callable[[Readers, int, int], None]
) -> None:
    async def kill() -> None:
        # With what waits in it: it has written that down before it said so.
        servers.kill("redis")
        await readers.until_answered(20)
        await servers.start("redis")
        # The API asks Redis again after a second.
        await asyncio.sleep(1.5)
        await readers.until_answered(100)
        servers.kill("mongod")
        await readers.until_answered(100)
        await servers.start("mongod")

    await readers.read_while(kill)

    await settle(readers, tell_of)
    assert readers.answers.keys() == {"200"}
