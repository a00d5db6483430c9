"""The API, the queue and the store are killed and come back."""

import asyncio

import pytest

from tests.faults.crm import ACCEPTED
from tests.faults.scenario import IN_HAND, Scenario
from tests.processes import Processes, Servers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


async def test_api_is_killed(scenario: Scenario, processes: Processes) -> None:
    async def kill() -> None:
        processes.kill("api")
        await asyncio.sleep(1)
        processes.start("api")
        await processes.ready(f"http://127.0.0.1:{processes.port}/readyz")

    books = await scenario.run(kill)

    assert books.delivered == books.accepted
    assert books.again == 0


async def test_queue_is_killed_and_loses_its_data(scenario: Scenario, servers: Servers) -> None:
    async def lose() -> None:
        servers.kill("redis")
        await asyncio.sleep(2)
        servers.forget("redis")
        await servers.start("redis")

    books = await scenario.run(lose)

    assert books.delivered == books.accepted
    assert books.again == 0
    # Mail is accepted without its alarm clock.
    assert set(books.answers) == {ACCEPTED}


async def test_store_is_killed_for_ten_seconds(scenario: Scenario, servers: Servers) -> None:
    async def stop() -> None:
        servers.kill("mongod")
        await asyncio.sleep(10)
        await servers.start("mongod")

    books = await scenario.run(stop)

    assert books.delivered == books.accepted
    # Both workers had mails in hand that nobody could write down.
    assert books.again == len(books.doubled) <= 2 * IN_HAND
    assert {"503", "UNAVAILABLE"} <= set(books.answers)
