"""The listener or MongoDB dies while mail is handed over: it is tried again, and kept once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from app.embedded.ports import free_port
from tests.fakes.mail_server import connected
from tests.fakes.messages import message
from tests.faults.crm import Crm
from tests.processes import LETTERBOX, Processes, Servers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

MAILS = 60
KEPT = "query { inboundMessages(first: 100) { nodes { internetMessageId } } }"


class Listener:
    """`letterbox inbound` of a scenario."""

    def __init__(self, processes: Processes) -> None:
        self._processes, self.port = processes, free_port()

    def start(self) -> None:
        self._processes.start("inbound", LETTERBOX, "inbound", "--port", str(self.port))

    def kill(self) -> None:
        self._processes.kill("inbound")

    async def terminate(self) -> None:
        await self._processes.terminate("inbound")


@pytest.fixture
def listener(processes: Processes, servers: Servers) -> Listener:
    """A listener that runs, for mail to acme.test."""
    bound = {"name": "acme.test", "tenantId": processes.tenant, "created": datetime.now(UTC)}
    with MongoClient[dict[str, Any]](servers.running["mongod"].url) as client:
        client[processes.database]["inboundDomains"].insert_one(bound)
    listener = Listener(processes)
    listener.start()
    return listener


class Queue:
    """What a mail server does: each mail is tried until it is taken."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.taken: list[int] = []
        self.refusals: list[str] = []

    async def hand_over(self) -> None:
        while len(self.taken) < MAILS:
            try:
                await self._connection()
            except (OSError, TimeoutError, AssertionError):
                await asyncio.sleep(0.05)

    async def until(self, count: int) -> None:
        while len(self.taken) < count:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.005)

    async def _connection(self) -> None:
        async with connected(self._port) as server:
            assert (await server.hear()).startswith("220")
            while len(self.taken) < MAILS:
                number = len(self.taken)
                [answer] = await server.begin("sales@acme.test")
                assert answer[:3] in {"250", "451"}
                if answer.startswith("250"):
                    raw = message(f"<{number}@customer.test>", text="x" * 50_000)
                    [answer] = await server.hand_over(raw)
                if answer.startswith("250"):
                    self.taken.append(number)
                else:
                    assert answer[:3] in {"451", "421"}
                    self.refusals.append(answer)
                    await asyncio.sleep(0.05)


@pytest.fixture
def deliver(listener: Listener, crm: Crm) -> Callable[..., Awaitable[Queue]]:
    """Hands mail over while something happens; every mail must be kept, each once."""

    async def run(happen: Callable[[], Awaitable[None]]) -> Queue:
        queue = Queue(listener.port)
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            group.create_task(queue.hand_over())
            await queue.until(10)
            await happen()
        answer = (await crm.client.post("/graphql", json={"query": KEPT})).json()
        kept = [one["internetMessageId"] for one in answer["data"]["inboundMessages"]["nodes"]]
        assert sorted(kept) == sorted(f"<{number}@customer.test>" for number in range(MAILS))
        return queue

    return run


Deliver = Callable[..., Awaitable[Queue]]


async def test_listener_is_killed(deliver: Deliver, listener: Listener) -> None:
    async def kill() -> None:
        for _ in range(3):
            listener.kill()
            listener.start()
            await asyncio.sleep(0.3)

    await deliver(kill)


async def test_listener_is_asked_to_end(deliver: Deliver, listener: Listener) -> None:
    async def terminate() -> None:
        await listener.terminate()
        listener.start()

    await deliver(terminate)


async def test_mongod_is_killed_under_the_listener(deliver: Deliver, servers: Servers) -> None:
    async def kill() -> None:
        servers.kill("mongod")
        await asyncio.sleep(1)
        await servers.start("mongod")

    queue = await deliver(kill)

    assert {answer[:9] for answer in queue.refusals} <= {"451 4.3.0"}
