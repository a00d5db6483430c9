"""The application behind uvicorn, as `letterbox serve` sets it up: sockets over the network."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from socket import create_connection
from typing import Any

import httpx2
import orjson
import pytest
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.context import Deps
from app.documents.communications import Communication
from app.documents.engagement.hits import Engagement
from app.main import create_app
from app.services import delivery
from app.serving import ApiServer, Rush, api_server
from tests.fetching import count_all
from tests.graphql_schema.live_app import FOLLOWED

PATIENCE = 40.0
Send = Callable[..., Awaitable[Communication]]
PROTOCOL = Subprotocol("graphql-transport-ws")


class Served:
    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self._running = asyncio.ensure_future(server.serve())

    @property
    def port(self) -> int:
        port: int = self.server.servers[0].sockets[0].getsockname()[1]
        return port

    async def begin(self) -> None:
        while not self.server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        self.server.should_exit = True
        await self._running


@pytest.fixture
async def served(deps: Deps) -> AsyncIterator[Served]:
    """A server that pings often, and takes messages of 4 kB."""
    settings = deps.settings.model_copy(update={"port": 0, "socket_message_limit": 4096})
    served = Served(api_server(create_app(deps.settings, deps), settings, ping_seconds=0.2))
    async with asyncio.timeout(PATIENCE):
        await served.begin()
        yield served
        await served.end()


@pytest.fixture
async def socket(served: Served, token: Callable[..., str]) -> AsyncIterator[ClientConnection]:
    """A socket of alice of acme, acknowledged."""
    address = f"ws://127.0.0.1:{served.port}/graphql"
    async with connect(address, subprotocols=[PROTOCOL]) as socket:
        await say(socket, {"type": "connection_init", "payload": {"token": token()}})
        assert await heard(socket) == {"type": "connection_ack"}
        yield socket


async def say(socket: ClientConnection, message: Any) -> None:
    await socket.send(orjson.dumps(message).decode())


async def heard(socket: ClientConnection) -> Any:
    return orjson.loads(await socket.recv())


async def follow(socket: ClientConnection, record: Communication) -> None:
    payload = {"query": FOLLOWED, "variables": {"id": str(record.id)}}
    await say(socket, {"type": "subscribe", "id": "live", "payload": payload})
    assert (await heard(socket))["type"] == "next"


async def code_of_end(socket: ClientConnection) -> int | None:
    with suppress(ConnectionClosed):
        while True:
            await socket.recv()
    return socket.close_code


async def is_alive(served: Served) -> bool:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as client:
        return (await client.get("/healthz")).status_code == 200


async def test_changes_come_over_the_network(socket: ClientConnection, send: Send) -> None:
    await follow(socket, await send())

    assert socket.subprotocol == PROTOCOL


async def test_text_that_is_not_utf_8_is_closed(served: Served, socket: ClientConnection) -> None:
    await socket.send(b'{"type": "ping\xff"}', text=True)

    # By the server: RFC 6455, section 8.1.
    assert await code_of_end(socket) == 1007
    assert await is_alive(served)


async def test_binary_frames_are_closed(served: Served, socket: ClientConnection) -> None:
    await socket.send(b'{"type": "ping"}')

    assert await code_of_end(socket) == 4400
    assert await is_alive(served)


async def test_a_message_too_large_is_closed_before_it_is_whole(
    served: Served, socket: ClientConnection
) -> None:
    await socket.send("x" * 5000)

    assert await code_of_end(socket) == 1009
    assert await is_alive(served)


@pytest.mark.parametrize(
    ("proxies", "kept"), [("127.0.0.0/8", "203.0.113.0/24"), ("192.0.2.1", "127.0.0.0/24")]
)
async def test_a_client_is_known_behind_proxies_that_are_trusted(
    deps: Deps, send: Send, proxies: str, kept: str
) -> None:
    record = await send()
    await delivery.dispatch(deps, str(record.id))
    settings = deps.settings.model_copy(update={"port": 0, "trusted_proxies": proxies})
    served = Served(api_server(create_app(deps.settings, deps), settings))
    async with asyncio.timeout(PATIENCE):
        await served.begin()
        base = f"http://127.0.0.1:{served.port}/api/v1/communications"
        async with httpx2.AsyncClient(headers={"X-Forwarded-For": "203.0.113.9"}) as client:
            await client.get(f"{base}/track/{record.tracking_id}")
        await served.end()
    await count_all(deps)

    [hit] = await Engagement.find_all().to_list()
    assert hit.address == kept


async def test_a_socket_on_another_path_is_refused(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(handshake("/other"))
    answer = await reader.readline()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 403")


async def test_who_answers_no_ping_is_gone(
    served: Served, token: Callable[..., str], send: Send, deps: Deps
) -> None:
    record = await send()
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(handshake("/graphql"))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(frame({"type": "connection_init", "payload": {"token": token()}}))
    payload = {"query": FOLLOWED, "variables": {"id": str(record.id)}}
    writer.write(frame({"type": "subscribe", "id": "1", "payload": payload}))
    while not deps.feed.followers_of("acme"):  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)

    # It reads, but as a program would that has no idea of WebSockets.
    while await reader.read(1000):
        pass
    while deps.feed.followers_of("acme"):  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    writer.close()


async def test_an_orderly_end_closes_sockets_and_streams(
    served: Served, socket: ClientConnection, send: Send, token: Callable[..., str]
) -> None:
    record = await send()
    await follow(socket, record)
    async with (
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{served.port}") as client,
        client.stream(
            "POST",
            "/graphql",
            json={"query": FOLLOWED, "variables": {"id": str(record.id)}},
            headers={"Authorization": f"Bearer {token()}", "Accept": "text/event-stream"},
        ) as response,
    ):
        lines = response.aiter_lines()
        while not (await anext(lines)).startswith("data"):
            pass
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(served.end(), read_out(lines))
        took = asyncio.get_running_loop().time() - begun

    assert await code_of_end(socket) == 1012
    # Not as long as uvicorn would wait for them.
    assert took < 9


async def read_out(lines: AsyncIterator[str]) -> None:
    async for _ in lines:
        pass


def handshake(path: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: api.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n\r\n"
    ).encode()


def frame(message: Any) -> bytes:
    """Write a masked text frame (RFC 6455, section 5.2); the mask changes nothing."""
    octets = orjson.dumps(message)
    return b"\x81" + bytes([0x80 | 126]) + len(octets).to_bytes(2) + bytes(4) + octets


async def _turns_until_taken(count: int) -> int:
    """Open so many connections at once; in how many turns of its loop they are all taken."""
    loop, taken = asyncio.get_running_loop(), 0

    class Counted(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            nonlocal taken
            taken += 1

    server = await loop.create_server(Counted, "127.0.0.1", 0, backlog=count)
    rush = Rush(Counted)
    rush.begin(server.sockets)
    clients = [create_connection(server.sockets[0].getsockname()) for _ in range(count)]
    turns = 0
    while taken < count:
        turns += 1
        await asyncio.sleep(0)
    for client in clients:
        client.close()
    rush.end()
    server.close()
    return turns


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_connections_that_come_at_once_are_taken_at_once(run: Callable[[Any], int]) -> None:
    """By itself uvloop takes one in a turn."""
    assert run(_turns_until_taken(100)) < 20
