"""The worker as the process it is."""

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.context import Deps
from app.documents.communications import Communication
from app.documents.vocabulary import CommunicationStatus
from app.embedded import start_redis
from app.embedded.servers import RunningServer
from app.queue import ArqQueue
from tests.fakes.relay import Relay

Send = Callable[..., Awaitable[Communication]]
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
HasStatus = Callable[[Communication, CommunicationStatus], Callable[[], Awaitable[bool]]]

SENT = CommunicationStatus.SENT


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[list[RunningServer]]:
    """A queue of this test's own; whichever server is last in the list is stopped in the end."""
    servers = [start_redis(tmp_path / "redis")]
    yield servers
    servers[-1].stop()


@pytest.fixture
def process(
    deps: Deps, own_redis: list[RunningServer], tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "LETTERBOX_MONGO_URL": deps.settings.mongo_url,
        "LETTERBOX_MONGO_DATABASE": deps.settings.mongo_database,
        "LETTERBOX_REDIS_URL": own_redis[0].url,
        "LETTERBOX_SMTP_PORT": str(deps.settings.smtp_port),
        "LETTERBOX_SWEEP_INTERVAL": "1",
    }
    with (tmp_path / "worker.log").open("wb") as log:
        command = [
            sys.executable,
            "-c",
            "from workers.settings import *; run_worker(Settings())",
        ]
        with subprocess.Popen(  # noqa: S603 - our own program
            command, env=environment, stdout=log, stderr=log
        ) as process:
            yield process
            process.kill()


async def test_a_worker_outlives_its_queue(
    deps: Deps,
    own_redis: list[RunningServer],
    process: subprocess.Popen[bytes],
    send: Send,
    until: Until,
    has_status: HasStatus,
    relay: Relay,
    tmp_path: Path,
) -> None:
    queue = ArqQueue(own_redis[0].url)
    over = replace(deps, queue=queue)
    first = await send(over=over)
    await until(has_status(first, SENT))

    async def noticed() -> bool:
        return b"worker.queue_lost" in (tmp_path / "worker.log").read_bytes()

    own_redis[0].stop()
    await until(noticed)
    second = await send(over=over)
    own_redis.append(start_redis(tmp_path / "redis"))
    assert own_redis[1].url == own_redis[0].url
    await until(has_status(second, SENT))
    third = await send(over=over)
    await until(has_status(third, SENT))

    assert len(relay.taken) == 3
    assert process.poll() is None
    await queue.close()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_ends_when_asked(
    process: subprocess.Popen[bytes],
    own_redis: list[RunningServer],
    deps: Deps,
    send: Send,
    until: Until,
    has_status: HasStatus,
    tmp_path: Path,
    stop: signal.Signals,
) -> None:
    queue = ArqQueue(own_redis[0].url)
    await until(has_status(await send(over=replace(deps, queue=queue)), SENT))

    process.send_signal(stop)

    assert process.wait(10) == 0
    log = (tmp_path / "worker.log").read_text()
    assert "worker.stopped" in log
    assert "Traceback" not in log
    await queue.close()


async def test_a_worker_killed_between_accept_and_send_loses_nothing(
    process: subprocess.Popen[bytes],
    own_redis: list[RunningServer],
    deps: Deps,
    send: Send,
    relay: Relay,
) -> None:
    # Killed at once, before it is even up: the mail and its job are still there.
    process.kill()
    process.wait(10)
    queue = ArqQueue(own_redis[0].url)
    record = await send(over=replace(deps, queue=queue))

    assert await Communication.status_of(record.id) == CommunicationStatus.PENDING
    assert [row[0] for row in await Communication.due(deps.now(), 10)] == [str(record.id)]
    assert relay.taken == []
    await queue.close()
