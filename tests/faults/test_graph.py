"""Workers are killed while mails go out by a Microsoft 365 mailbox, and while others come in.

Thirty mails a minute is all that a mailbox may send, so they are few.
"""

import asyncio
import base64
import sys
from collections import Counter
from collections.abc import AsyncIterator

import httpx2
import pytest

from app.embedded.ports import free_port
from tests.faults.crm import Crm, subject
from tests.faults.scenario import SETTINGS
from tests.processes import Processes
from tests.world import GRAPH

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

MAILS = 24
RECEIVED = 180
# What befalls the reading of the mailbox while mail comes in, in three rounds.
FAULTS = [
    [
        {"status": 429, "code": "ApplicationThrottled", "headers": {"Retry-After": "1"},
         "on": "/delta"},
        {"status": 410, "code": "syncStateNotFound", "on": "deltatoken"},
    ],
    [{"end": "drop", "on": "/delta"}, {"status": 500, "on": "/$value"}],
    [{"end": "drop", "on": "/$value"}, {"status": 503, "on": "/$value"}],
]  # fmt: skip
CREATE = (
    "mutation($input: CreateProviderAccountInput!) { createProviderAccount(input: $input) { id } }"
)


@pytest.fixture
def graph_port() -> int:
    return free_port()


@pytest.fixture
def variables(graph_port: int) -> dict[str, str]:
    address = f"http://127.0.0.1:{graph_port}"
    return {
        **SETTINGS,
        "LETTERBOX_GRAPH_URL": f"{address}/v1.0",
        "LETTERBOX_GRAPH_LOGIN_URL": address,
        "LETTERBOX_GRAPH_POLL_INTERVAL": "1",
        "LETTERBOX_SECRET_KEYS": base64.b64encode(bytes(range(32))).decode(),
    }


@pytest.fixture
async def graph(processes: Processes, graph_port: int) -> AsyncIterator[httpx2.AsyncClient]:
    """The fake Graph's `/_fake`; each of its answers takes a moment."""
    processes.start("graph", sys.executable, "-m", "tests.fakes.graph", "--port", str(graph_port))
    address = f"http://127.0.0.1:{graph_port}"
    await processes.ready(f"{address}/_fake")
    async with httpx2.AsyncClient(base_url=address, timeout=20) as client:
        await client.post("/_fake", json={"seconds": 0.15})
        yield client


async def test_workers_are_killed_one_after_the_other(
    processes: Processes, crm: Crm, graph: httpx2.AsyncClient
) -> None:
    account = {"name": "Box", "settings": {"graph": GRAPH}}
    created = await crm.client.post(
        "/graphql", json={"query": CREATE, "variables": {"input": account}}
    )
    assert "errors" not in created.json()
    crm.extra = {"providerType": "GRAPH"}
    crm.go_on.set()

    await crm.hand_in(MAILS)
    for number, worker in enumerate(("worker-1", "worker-2", "worker-3"), 1):
        while len((await graph.get("/_fake")).json()["mails"]) < 5 * number:  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.05)
        processes.kill(worker)
        processes.start(f"worker-{number + 2}")
    records = await crm.settled(120)

    mails = (await graph.get("/_fake")).json()["mails"]
    sent = Counter(mail["subject"] for mail in mails)
    assert sent == Counter(subject(number) for number in range(MAILS))
    assert {record["status"] for record in records.values()} == {"SENT"}
    named = {mail["subject"]: mail["message_id"] for mail in mails}
    assert named == {
        subject(number): record["internetMessageId"] for number, record in records.items()
    }


async def taken_in(crm: Crm, count: int) -> None:
    """Wait until so many are."""
    async with asyncio.timeout(90):
        while len(await crm.received()) < count:  # noqa: ASYNC110 - a process is waited for
            await asyncio.sleep(0.1)


async def test_what_a_mailbox_receives_comes_in_once_whoever_is_killed(
    processes: Processes, crm: Crm, graph: httpx2.AsyncClient
) -> None:
    """Graph tells of nothing (there is no https here), forgets, is busy and breaks in between."""
    part = {**GRAPH, "receivesMail": True}
    account = {"name": "Box", "settings": {"graph": part}}
    created = await crm.client.post(
        "/graphql", json={"query": CREATE, "variables": {"input": account}}
    )
    assert "errors" not in created.json()
    ids = [f"<{number}@customer.test>" for number in range(RECEIVED)]
    await graph.post("/_fake", json={"seconds": 0.02, "inboxes": {"size": 7, "repeats": True}})

    some = RECEIVED // len(FAULTS)
    for number, faults in enumerate(FAULTS):
        arriving = ids[number * some : (number + 1) * some]
        await graph.post("/_fake", json={"receive": arriving, "faults": faults})
        await taken_in(crm, number * some + some // 2)
        processes.kill(f"worker-{number + 1}")
        processes.start(f"worker-{number + 3}")
    await taken_in(crm, RECEIVED)
    # Some more looks, which find nothing that is not there already.
    await asyncio.sleep(3)

    assert Counter(await crm.received()) == Counter(ids)
