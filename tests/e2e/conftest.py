import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from app.bootstrap import utc_now
from app.context import Deps
from app.embedded.ports import free_port
from tests.conftest import SECRET
from tests.stack import Stack

LETTERBOX = Path(sys.executable).with_name("letterbox")


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack as a reader of the README starts it; each test leaves it running."""
    with running_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="package")
def hasty_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One where links may be followed at once, as only scanners do it otherwise."""
    with running_stack(tmp_path_factory.mktemp("hasty"), LETTERBOX_SCAN_DELAY="0") as stack:
        yield stack


@contextmanager
def running_stack(data: Path, **settings: str) -> Iterator[Stack]:
    stack = Stack(data, settings)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def start(deps: Deps, redis: Redis, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts `letterbox` commands as processes on the test's database, queue and relay."""
    settings = deps.settings
    environment = {
        **os.environ,
        "LETTERBOX_MONGO_URL": settings.mongo_url,
        "LETTERBOX_MONGO_DATABASE": settings.mongo_database,
        "LETTERBOX_REDIS_URL": settings.redis_url,
        "LETTERBOX_SMTP_PORT": str(settings.smtp_port),
        "LETTERBOX_DEFAULT_SENDER_EMAIL": "crm@acme.test",
        "LETTERBOX_JWT_SECRET": SECRET,
        "LETTERBOX_LEASE": "2",
        "LETTERBOX_SWEEP_INTERVAL": "1",
        "LETTERBOX_RETRY_DELAY": "1",
    }
    started: list[subprocess.Popen[bytes]] = []

    def begin(*command: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{command[0]}-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [LETTERBOX, *command], env=environment, stderr=log
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def start_worker(start: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: start("worker")


@pytest.fixture
def start_api(start: Callable[..., Any]) -> Callable[[], Any]:
    """Starts an API; its process and port."""

    def begin() -> tuple[Any, int]:
        port = free_port()
        return start("serve", "--port", str(port)), port

    return begin


@pytest.fixture
def real_time(deps: Deps) -> Deps:
    return replace(deps, now=utc_now)
