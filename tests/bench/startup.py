"""From a command to the first that it does, and what it holds when it has nothing to do."""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

from tests.bench.figures import Figure
from tests.processes import Processes, Servers, SinkControl

TIMES = 5
IDLE_SECONDS = 5
QUERY = {"query": "{ me { user } }"}
MAIL = {"subject": "First", "body": "<p>Your <b>offer</b>.</p>", "recipients": ["a@acme.test"]}


@dataclass(frozen=True)
class Began:
    """How a start went: seconds on the clock and of a processor, and megabytes when idle."""

    seconds: float
    processor: float
    megabytes: float


async def startup() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="letterbox-startup-") as folder:
        servers = Servers(Path(folder))
        await asyncio.gather(servers.start("mongod"), servers.start("redis"))
        processes = Processes(servers, Path(folder), "startup", {})
        try:
            return await _measured(processes)
        finally:
            processes.stop()
            servers.stop()


async def _measured(processes: Processes) -> list[Figure]:
    processes.start("sink")
    await processes.ready(f"http://127.0.0.1:{processes.control_port}/counts")
    # The first start makes the indexes and writes the byte code.
    await _serve(processes)
    served = [await _serve(processes) for _ in range(TIMES)]
    worked = [await _work(processes) for _ in range(TIMES)]
    bare = [await _bare(processes) for _ in range(TIMES)]
    return [
        *await _imports("python -c pass", "pass"),
        *await _imports("import of the API", "import app.main"),
        *await _imports("import of the worker", "import workers.settings"),
        *_told("letterbox serve to its first answer", served, "< 2", "< 120"),
        *_told("letterbox worker to its first mail", worked, "< 2", "< 120"),
        *_told("bare Starlette and motor", bare, "-", "-"),
    ]


def _told(name: str, began: Sequence[Began], seconds: str, megabytes: str) -> list[Figure]:
    return [
        Figure(name, statistics.median(one.seconds for one in began), "s", seconds),
        Figure("  of a processor", statistics.median(one.processor for one in began), "s", seconds),
        Figure("  resident when idle", max(one.megabytes for one in began), "MB", megabytes),
    ]


async def _imports(name: str, code: str) -> list[Figure]:
    seconds = []
    for _ in range(TIMES + 1):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", f"import time\n{code}\nprint(time.process_time())",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        told, _ = await process.communicate()
        seconds.append(float(told))
    return [Figure(f"{name}, of a processor", statistics.median(seconds[1:]), "s", "-")]


async def _serve(processes: Processes) -> Began:
    async with processes.client() as client:
        return await _begun(processes, "api", [], lambda: _answered(client))


async def _bare(processes: Processes) -> Began:
    url = processes.variables["LETTERBOX_MONGO_URL"]
    command = [sys.executable, "-m", "tests.bench.bare_server", str(processes.port), url]
    async with processes.client() as client:
        return await _begun(processes, "bare", command, lambda: _answered(client))


async def _work(processes: Processes) -> Began:
    """Have a mail wait in the queue, and start the worker that sends it."""
    sink = SinkControl(processes.control_port)
    before = (await sink.counts())["arrived"]
    processes.start("api")
    await processes.ready(f"http://127.0.0.1:{processes.port}/readyz")
    async with processes.client() as client:
        (await client.post("/api/v1/communications/send", json=MAIL)).raise_for_status()
    processes.kill("api")
    return await _begun(
        processes, "worker", [], lambda: sink.until(lambda n: n["arrived"] > before)
    )


async def _answered(client: httpx2.AsyncClient) -> None:
    while True:
        try:
            (await client.post("/graphql", json=QUERY)).raise_for_status()
        except httpx2.TransportError:
            await asyncio.sleep(0.005)
        else:
            return


async def _begun(
    processes: Processes, name: str, command: Sequence[str], first: Callable[[], Awaitable[None]]
) -> Began:
    """Start it, wait for the first that it does, leave it alone for a while, and end it."""
    begun = time.perf_counter()
    processes.start(name, *command)
    await first()
    seconds = time.perf_counter() - begun
    process = psutil.Process(processes.running[name].pid)
    times = process.cpu_times()
    await asyncio.sleep(IDLE_SECONDS)
    megabytes = process.memory_info().rss / 1e6
    processes.kill(name)
    return Began(seconds, times.user + times.system, megabytes)
