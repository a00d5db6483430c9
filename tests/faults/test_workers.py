"""A worker is killed, or asked to end, with mails in hand."""

import asyncio

import pytest

from tests.faults.scenario import IN_HAND, Scenario
from tests.processes import Processes, SinkControl

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


async def test_worker_is_killed(
    scenario: Scenario, processes: Processes, sink: SinkControl
) -> None:
    async def kill() -> None:
        # Mails that the relay has and did not confirm yet are in hand.
        await sink.behave("take", pause=0.05)
        await asyncio.sleep(0.5)
        processes.kill("worker-1")
        await sink.behave("take")

    books = await scenario.run(kill)

    assert books.delivered == books.accepted
    assert books.again == len(books.doubled) <= IN_HAND


@pytest.fixture
def patient(variables: dict[str, str]) -> None:
    """Leases outlive the test: what is not given back would not go out."""
    variables["LETTERBOX_LEASE"] = "300"


async def test_worker_is_asked_to_end(
    patient: None, scenario: Scenario, processes: Processes, sink: SinkControl
) -> None:
    async def terminate() -> None:
        await sink.behave("take", pause=0.3)
        assert await processes.terminate("worker-1") < 10
        await sink.behave("take")

    books = await scenario.run(terminate)

    assert books.delivered == books.accepted
    assert books.again == 0


async def test_worker_is_asked_to_end_while_the_relay_hangs(
    patient: None, scenario: Scenario, processes: Processes, sink: SinkControl
) -> None:
    async def terminate() -> None:
        await sink.behave("hang")
        await sink.until(lambda counts: counts["hung"] > 0)
        assert await processes.terminate("worker-1") < 10
        await sink.behave("take")

    books = await scenario.run(terminate)

    assert books.delivered == books.accepted
    assert books.again == 0
