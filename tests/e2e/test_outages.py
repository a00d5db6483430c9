"""A server goes away in the middle of a hand-over and comes back: one mail, one copy."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.smtp import SMTP
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.auth import issue_token
from app.context import Scope
from app.embedded import start_mongod, start_redis
from app.embedded.ports import free_port
from app.embedded.servers import RunningServer
from app.settings import Settings
from tests.doors import RestDoor
from tests.fakes.relay import Relay, running_relay

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
LETTERBOX = Path(sys.executable).with_name("letterbox")
FOLLOWED = (
    "subscription ($id: ID!) "
    "{ communicationChanged(of: { id: $id }) { events { type description } } }"
)
SECRET = "a secret of the outage tests, long enough"


@dataclass
class Servers:
    """MongoDB and Valkey, which tests may stop and start; each leaves them running."""

    folder: Path
    mongod: RunningServer
    redis: RunningServer

    async def restart_mongod(self, after: float) -> None:
        await asyncio.to_thread(self.mongod.stop)
        await asyncio.sleep(after)
        self.mongod = await asyncio.to_thread(start_mongod, self.folder / "mongod")

    async def restart_redis(self, after: float) -> None:
        await asyncio.to_thread(self.redis.stop)
        await asyncio.sleep(after)
        self.redis = await asyncio.to_thread(start_redis, self.folder / "redis")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("servers")
    servers = Servers(folder, start_mongod(folder / "mongod"), start_redis(folder / "redis"))
    yield servers
    servers.mongod.stop()
    servers.redis.stop()


@pytest.fixture(scope="module")
async def kept_relay() -> AsyncIterator[Relay]:
    async with running_relay() as relay:
        yield relay


@pytest.fixture
def relay(kept_relay: Relay) -> Relay:
    """The relay of the worker, as it is at first."""
    kept_relay.on_data = None
    kept_relay.taken.clear()
    return kept_relay


@pytest.fixture(scope="module")
def served_port(servers: Servers, kept_relay: Relay) -> Iterator[int]:
    """The API, on this port, and one worker as processes on these servers, for all tests."""
    port = free_port()
    settings = {
        "LETTERBOX_MONGO_URL": servers.mongod.url,
        "LETTERBOX_REDIS_URL": servers.redis.url,
        "LETTERBOX_SMTP_PORT": str(kept_relay.port),
        "LETTERBOX_PORT": str(port),
        "LETTERBOX_JWT_SECRET": SECRET,
        "LETTERBOX_DEFAULT_SENDER_EMAIL": "crm@acme.test",
        "LETTERBOX_LEASE": "5",
        "LETTERBOX_RETRY_DELAY": "1",
    }
    processes = [
        subprocess.Popen(  # noqa: S603 - our own program
            [LETTERBOX, command], env={**os.environ, **settings}, stderr=subprocess.DEVNULL
        )
        for command in ("serve", "worker")
    ]
    yield port
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
async def door(served_port: int) -> AsyncIterator[RestDoor]:
    token = issue_token(
        Settings.model_validate({"jwt_secret": SECRET}),
        tenant="acme",
        user="alice",
        scopes=list(Scope),
        lifetime=timedelta(hours=1),
    )
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{served_port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    ) as client:
        while not await answers(client):  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.05)
        yield RestDoor(client)


async def answers(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx2.TransportError:
        return False


async def until_sent(door: RestDoor, id_: str) -> dict[str, Any]:
    while True:
        answer = await door.find(id_)
        if answer.code is None and answer.record["status"] == "SENT":
            record: dict[str, Any] = answer.record
            return record
        await asyncio.sleep(0.1)


@pytest.fixture
def in_hand(relay: Relay) -> tuple[asyncio.Event, asyncio.Event]:
    """The relay says when it has a mail, and confirms it only when told to."""
    taken, confirm = asyncio.Event(), asyncio.Event()

    async def hold(server: SMTP) -> None:
        taken.set()
        await confirm.wait()

    relay.on_data = hold
    return taken, confirm


async def test_the_queue_goes_away_with_a_mail_in_hand(
    door: RestDoor,
    servers: Servers,
    relay: Relay,
    mail: dict[str, Any],
    in_hand: tuple[asyncio.Event, asyncio.Event],
) -> None:
    taken, confirm = in_hand
    accepted = await door.send(mail)
    await taken.wait()

    await servers.restart_redis(after=3)
    # Longer than a worker that gives up on its jobs would wait.
    await asyncio.sleep(9)
    confirm.set()
    record = await until_sent(door, accepted.record["id"])
    later = await door.send({**mail, "subject": "After the outage"})
    await until_sent(door, later.record["id"])

    assert [str(one.message["Subject"]) for one in relay.taken] == [
        mail["subject"],
        "After the outage",
    ]
    assert record["events"][-1]["type"] == "SEND"


async def test_mongodb_goes_away_with_a_mail_in_hand(
    door: RestDoor,
    servers: Servers,
    relay: Relay,
    mail: dict[str, Any],
    in_hand: tuple[asyncio.Event, asyncio.Event],
) -> None:
    taken, confirm = in_hand
    accepted = await door.send(mail)
    await taken.wait()

    outage = asyncio.create_task(servers.restart_mongod(after=7))
    await asyncio.sleep(2)
    refused = await door.find(accepted.record["id"])
    confirm.set()
    await outage
    await until_sent(door, accepted.record["id"])
    # Long enough for whoever would take it for lost.
    await asyncio.sleep(6)

    assert refused.code == "UNAVAILABLE"
    assert len(relay.taken) == 1


async def test_who_follows_a_mail_is_told_over_restarts_of_both(
    door: RestDoor, servers: Servers, served_port: int, mail: dict[str, Any]
) -> None:
    accepted = await door.send(mail)
    id_ = accepted.record["id"]
    await until_sent(door, id_)
    async with connect(
        f"ws://127.0.0.1:{served_port}/graphql",
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers={"Authorization": door.client.headers["Authorization"]},
    ) as socket:
        await socket.send('{"type": "connection_init"}')
        await socket.recv()
        payload = {"query": FOLLOWED, "variables": {"id": id_}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        await socket.recv()

        await door.comment(id_, "just before")
        await asyncio.gather(servers.restart_mongod(after=1), servers.restart_redis(after=1))
        await until_told(socket, "just before")
        while (await door.comment(id_, "after")).code is not None:  # noqa: ASYNC110 - it comes back
            await asyncio.sleep(0.1)
        await until_told(socket, "after")


async def until_told(socket: ClientConnection, comment: str) -> None:
    while True:
        message = json.loads(await socket.recv())
        assert message["type"] == "next", message
        events = message["payload"]["data"]["communicationChanged"]["events"]
        if any(event["description"] == comment for event in events):
            return
