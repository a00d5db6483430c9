import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from app.bootstrap import utc_now
from app.context import Deps

LETTERBOX = Path(sys.executable).with_name("letterbox")


@pytest.fixture
def start_worker(deps: Deps, redis: Redis, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Starts `letterbox worker` processes on the test's database, queue and relay."""
    settings = deps.settings
    environment = {
        **os.environ,
        "LETTERBOX_MONGO_URL": settings.mongo_url,
        "LETTERBOX_MONGO_DATABASE": settings.mongo_database,
        "LETTERBOX_REDIS_URL": settings.redis_url,
        "LETTERBOX_SMTP_PORT": str(settings.smtp_port),
        "LETTERBOX_LEASE": "2",
        "LETTERBOX_SWEEP_INTERVAL": "1",
        "LETTERBOX_RETRY_DELAY": "1",
    }
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / f"worker-{len(started)}.log").open("wb") as log:
            worker = subprocess.Popen(  # noqa: S603 - our own program
                [LETTERBOX, "worker"], env=environment, stderr=log
            )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


@pytest.fixture
def real_time(deps: Deps) -> Deps:
    return replace(deps, now=utc_now)
