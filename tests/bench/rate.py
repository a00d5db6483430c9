"""How fast one worker delivers, beside a bare loop that sends the same mail to the same relay."""

import asyncio
import sys
import tempfile
from pathlib import Path

import httpx2

from app.settings import Settings
from tests.bench.figures import Figure
from tests.processes import Processes, Servers, SinkControl
from tests.stack import Stack

MAILS = 2000
AT_A_TIME = 20
BODY = '<p>Dear customer, <a href="https://acme.test/offer?id=7">your offer</a> is ready.</p>'


async def rate(_: Stack) -> list[Figure]:
    """Every part is a process of its own here: what sends may use a processor for itself."""
    with tempfile.TemporaryDirectory(prefix="letterbox-rate-") as folder:
        servers = Servers(Path(folder))
        await asyncio.gather(servers.start("mongod"), servers.start("redis"))
        processes = Processes(servers, Path(folder), "rate", {})
        try:
            return await _measure(processes)
        finally:
            processes.stop()
            servers.stop()


async def _measure(processes: Processes) -> list[Figure]:
    sink = SinkControl(processes.control_port)
    processes.start("sink")
    processes.start("api")
    await processes.ready(f"http://127.0.0.1:{processes.control_port}/counts")
    await processes.ready(f"http://127.0.0.1:{processes.port}/readyz")
    async with processes.client() as client:
        await _accept(client)
    processes.start("worker")
    ours = await _arriving(sink, 0)
    connections = Settings().smtp_connections
    sending = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bare_loop"),
        *map(str, (processes.smtp_port, MAILS, connections)),
        stdin=asyncio.subprocess.PIPE,
    )
    await sending.communicate(await sink.last())
    bare = await _arriving(sink, MAILS)
    return [
        Figure(f"one worker, {connections} connections", ours, "mails/s", "-"),
        Figure("a bare loop with as many", bare, "mails/s", "-"),
        Figure("  the worker's share of it", ours / bare, "", ">= 0.5"),
    ]


async def _accept(client: httpx2.AsyncClient) -> None:
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int) -> None:
        mail = {"subject": f"Rate {number}", "body": BODY, "recipients": ["customer@acme.test"]}
        async with turns:
            response = await client.post("/api/v1/communications/send", json=mail)
            response.raise_for_status()

    await asyncio.gather(*(one(number) for number in range(MAILS)))


async def _arriving(sink: SinkControl, already: int) -> float:
    """Mails a second, from the first to the last that came beyond those `already` there."""
    while (await sink.counts())["arrived"] < already + MAILS:
        await asyncio.sleep(0.25)
    times: list[float] = [arrival["at"] for arrival in (await sink.arrivals())[already:]]
    return (len(times) - 1) / (max(times) - min(times))
