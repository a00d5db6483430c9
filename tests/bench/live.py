"""How soon changes reach who follows them, and what followers weigh."""

import asyncio
import json
import statistics
import time
from contextlib import AsyncExitStack
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.bench.figures import Figure
from tests.stack import Stack

SOCKETS, FOLLOWERS = 10, 100
FOLLOWED = "subscription ($id: ID!) { communicationChanged(of: { id: $id }) { id status updated } }"
MAIL = {"subject": "live", "body": "<p>Hello</p>", "recipients": ["customer@acme.test"]}


async def live(stack: Stack) -> list[Figure]:
    """One record, at first with one follower, then with a thousand on ten sockets."""
    async with stack.client() as client, AsyncExitStack() as sockets:
        sent = await client.post("/api/v1/communications/schedule", json={
            **MAIL, "scheduledAt": "2999-01-01T00:00:00Z",
        })  # fmt: skip
        id_ = sent.raise_for_status().json()["id"]
        opened = [await sockets.enter_async_context(_socket(stack, client)) for _ in range(SOCKETS)]
        for socket in opened:
            await _say(socket, {"type": "connection_init"})
            await socket.recv()
        await _follow(opened[0], id_, "one")
        alone = [await _told(client, id_, opened[:1], 1) for _ in range(50)]
        await _say(opened[0], {"type": "complete", "id": "one"})
        before = stack.resident_megabytes("api")
        for socket in opened:
            for number in range(FOLLOWERS):
                await _follow(socket, id_, str(number))
        grown = stack.resident_megabytes("api") - before
        together = await _told(client, id_, opened, FOLLOWERS)
    return [
        Figure("change to event, one follower, median", statistics.median(alone), "s", "< 0.1"),
        Figure("change to event, slowest of 50", max(alone), "s", "< 1"),
        Figure("change to the last of 1,000 followers", together, "s", "< 5"),
        Figure("API resident for 1,000 followers", grown, "MB", "< 50"),
    ]


def _socket(stack: Stack, client: httpx2.AsyncClient) -> connect:
    return connect(
        f"ws://127.0.0.1:{stack.port}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers={"Authorization": client.headers["Authorization"]},
    )


async def _say(socket: ClientConnection, message: dict[str, Any]) -> None:
    await socket.send(json.dumps(message))


async def _follow(socket: ClientConnection, id_: str, name: str) -> None:
    """Begin, and take the record as it is."""
    payload = {"query": FOLLOWED, "variables": {"id": id_}}
    await _say(socket, {"type": "subscribe", "id": name, "payload": payload})
    await socket.recv()


async def _told(
    client: httpx2.AsyncClient, id_: str, sockets: list[ClientConnection], followers: int
) -> float:
    """Comment on the record; the seconds until all followers were told."""

    async def take(socket: ClientConnection) -> None:
        for _ in range(followers):
            await socket.recv()

    begun = time.perf_counter()
    comment = client.post(f"/api/v1/communications/{id_}/comment", json="Hello")
    await asyncio.gather(comment, *map(take, sockets))
    return time.perf_counter() - begun
