"""Changes reach who follows them by another API process, and an orderly end closes all."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx2
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
FOLLOWED = "subscription ($id: ID!) { communicationChanged(of: { id: $id }) { events { type } } }"


async def types_heard(socket: ClientConnection) -> list[str]:
    message = orjson.loads(await socket.recv())
    return [event["type"] for event in message["payload"]["data"]["communicationChanged"]["events"]]


async def test_two_processes_tell_of_what_either_does(
    start_api: Callable[[], "tuple[subprocess.Popen[bytes], int]"],
    token: Callable[..., str],
    mail: dict[str, Any],
) -> None:
    (first, port), (_, other_port) = start_api(), start_api()
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token()}"}) as client:
        for one in (port, other_port):
            while not await answers(client, one):  # noqa: ASYNC110 - another process is waited for
                await asyncio.sleep(0.05)
        base = f"http://127.0.0.1:{other_port}/api/v1/communications"
        sent = (await client.post(f"{base}/send", json=mail)).json()
        address = f"ws://127.0.0.1:{port}/graphql"
        async with connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            await socket.send(orjson.dumps(
                {"type": "connection_init", "payload": {"token": token()}}
            ).decode())  # fmt: skip
            await socket.recv()
            payload = {"query": FOLLOWED, "variables": {"id": sent["id"]}}
            message = {"type": "subscribe", "id": "1", "payload": payload}
            await socket.send(orjson.dumps(message).decode())
            at_first = await types_heard(socket)
            (await client.post(f"{base}/{sent['id']}/comment", json="Hello")).raise_for_status()
            while "COMMENT" not in await types_heard(socket):
                pass
            first.send_signal(signal.SIGTERM)
            with suppress(ConnectionClosed):
                while True:
                    await socket.recv()
        code = await asyncio.to_thread(first.wait)

    assert at_first == ["CREATE"]
    assert socket.close_code == 1012
    # After its orderly end uvicorn sends itself the signal.
    assert code == -signal.SIGTERM


async def answers(client: httpx2.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    except httpx2.TransportError:
        return False
