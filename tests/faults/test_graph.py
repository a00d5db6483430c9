"""Workers are killed while mails go out by a Microsoft 365 mailbox.

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
