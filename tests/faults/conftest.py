"""The stage of the fault tests: processes that may be killed, and mails that go on coming."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from tests.faults.crm import Crm
from tests.faults.scenario import SETTINGS, Scenario
from tests.faults.tally import Tally
from tests.processes import Outside, Processes, Servers, SinkControl


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    servers = Servers(tmp_path_factory.mktemp("servers"))
    await asyncio.gather(servers.start("mongod"), servers.start("redis"))
    yield servers
    servers.stop()


@pytest.fixture
def variables() -> dict[str, str]:
    """Settings of this scenario; a test module may have its own."""
    return dict(SETTINGS)


@pytest.fixture
def workers() -> dict[str, list[str]]:
    """Workers by name, with the command that starts it; none for the usual one."""
    return {"worker-1": [], "worker-2": []}


@pytest.fixture
async def processes(
    servers: Servers, variables: dict[str, str], workers: dict[str, list[str]], tmp_path: Path
) -> AsyncIterator[Processes]:
    """API, SMTP relay and workers, on empty servers."""
    with Redis.from_url(servers.running["redis"].url) as redis:
        redis.flushall()
    processes = Processes(servers, tmp_path, f"faults-{uuid4().hex}", variables)
    for name, command in {"sink": [], "api": [], **workers}.items():
        processes.start(name, *command)
    try:
        await processes.ready(f"http://127.0.0.1:{processes.control_port}/counts")
        await processes.ready(f"http://127.0.0.1:{processes.port}/readyz")
        yield processes
    finally:
        processes.stop()


@pytest.fixture
async def sink(processes: Processes) -> AsyncIterator[SinkControl]:
    control = SinkControl(processes.control_port)
    yield control
    await control.client.aclose()


@pytest.fixture
async def crm(processes: Processes) -> AsyncIterator[Crm]:
    async with processes.client() as client:
        yield Crm(client)


@pytest.fixture
def outside(sink: SinkControl) -> Outside:
    """Where the mails go."""
    return sink


@pytest.fixture
def scenario(
    crm: Crm,
    outside: Outside,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> Scenario:
    """Prints a line for the scenario, whatever pytest captures."""
    name = request.node.name.removeprefix("test_").replace("_", " ")

    def tell(books: Tally) -> None:
        with capsys.disabled():
            print(f"\n{books.line(name)}", flush=True)

    return Scenario(crm, outside, tell)
