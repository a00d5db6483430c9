"""The stage of the fault tests: processes that may be killed, and mails that go on coming."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.faults.crm import Crm
from tests.faults.scenario import SETTINGS, Scenario
from tests.faults.stage import Stage
from tests.processes import Outside, Processes, Servers, SinkControl

BOOKS = "books"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line for each scenario, in whichever process it was."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    lines = [str(line) for one in reports for kind, line in one.user_properties if kind == BOOKS]
    if lines:
        terminalreporter.section("what became of the mails")
        for line in sorted(lines):
            terminalreporter.line(line)


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


@pytest.fixture(scope="session")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(servers, tmp_path_factory.mktemp("stage"))
    yield stage
    stage.clear()


@pytest.fixture
async def processes(
    stage: Stage,
    variables: dict[str, str],
    workers: dict[str, list[str]],
    request: pytest.FixtureRequest,
) -> AsyncIterator[Processes]:
    """API, SMTP relay and workers, for a tenant that has nothing yet."""
    failed = request.session.testsfailed
    try:
        yield await stage.set(variables, workers)
    finally:
        if request.session.testsfailed > failed:
            # Nobody knows in what state they are.
            stage.clear()


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
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Have pytest say, at its end, what came of the mails of this scenario."""
    name = request.node.name.removeprefix("test_").replace("_", " ")
    return lambda words: request.node.user_properties.append((BOOKS, f"{name:<54} {words}"))


@pytest.fixture
def scenario(crm: Crm, outside: Outside, tell: Callable[[str], None]) -> Scenario:
    return Scenario(crm, outside, tell)
