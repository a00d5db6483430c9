"""Something breaks while one mail goes to the thousand members of a list."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.faults.crm import BODY, FINAL, Crm, address, subject
from tests.faults.operations import ADD, CREATE, LOOK, SEND, ask
from tests.faults.scenario import BEFORE, MAILS, SETTLING_LIMIT
from tests.processes import Processes, Servers, SinkControl

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

# LETTERBOX_LIST_JOBS batches of 100: more than these a worker never has in hand.
IN_HAND = 3 * 100

Run = Callable[[Callable[[], Awaitable[None]]], Awaitable[int]]


@pytest.fixture
async def listed(crm: Crm) -> str:
    """The id of a list of `MAILS` members, each with a number."""
    created = await ask(crm.client, CREATE, input={"name": "Customers"})
    members = [{"email": address(n), "variables": {"number": n}} for n in range(MAILS)]
    added = await ask(crm.client, ADD, id=created["id"], members=members)
    assert {one["error"] for one in added} == {None}
    return str(created["id"])


@pytest.fixture
def run(
    listed: str,
    crm: Crm,
    sink: SinkControl,
    tell: Callable[[str], None],
) -> Run:
    """Sends to the list and lets a fault happen meanwhile; gives how many copies were too many."""

    async def sending(fault: Callable[[], Awaitable[None]]) -> int:
        mail = {"subject": "Offer {{ number }}", "body": BODY, "recipientListId": listed}
        id_ = (await ask(crm.client, SEND, input=mail))["id"]
        await sink.until(lambda counts: counts["arrived"] >= BEFORE)
        await fault()
        over = time.monotonic()
        shown: dict[str, Any] = {"status": None}
        while shown["status"] not in FINAL and time.monotonic() < over + SETTLING_LIMIT:
            await asyncio.sleep(0.25)
            shown = await ask(crm.client, LOOK, id=id_) or shown
        seconds = time.monotonic() - over
        copies = Counter(one["subject"] for one in await sink.arrivals())
        again = copies.total() - len(copies)
        lost = {subject(n) for n in range(MAILS)} - set(copies)
        tell(
            f"members {MAILS}  delivered {len(copies)}  doubled {again}"
            f"  lost {len(lost)}  settled after {seconds:.1f} s"
        )
        assert lost == set()
        assert shown["status"] == "SENT"
        assert shown["progress"] == {
            "total": MAILS,
            "queued": 0,
            "sent": MAILS,
            "failed": 0,
            "suppressed": 0,
            "cancelled": 0,
        }
        return again

    return sending


async def test_worker_is_killed_in_a_list(run: Run, processes: Processes) -> None:
    async def kill() -> None:
        processes.kill("worker-1")

    assert await run(kill) <= IN_HAND


async def test_worker_is_asked_to_end_in_a_list(run: Run, processes: Processes) -> None:
    async def terminate() -> None:
        assert await processes.terminate("worker-1") < 10

    assert await run(terminate) == 0


async def test_queue_loses_its_data_in_a_list(run: Run, servers: Servers) -> None:
    async def lose() -> None:
        servers.kill("redis")
        servers.forget("redis")
        await servers.start("redis")

    assert await run(lose) == 0


async def test_store_is_killed_in_a_list(run: Run, servers: Servers) -> None:
    async def stop() -> None:
        servers.kill("mongod")
        await asyncio.sleep(10)
        await servers.start("mongod")

    assert await run(stop) <= 2 * IN_HAND


async def test_relay_drops_connections_in_a_list(run: Run, sink: SinkControl) -> None:
    async def drop() -> None:
        await sink.behave("drop")
        await sink.until(lambda counts: counts["dropped"] >= 30)
        await sink.behave("take")

    assert await run(drop) == (await sink.counts())["dropped"]
