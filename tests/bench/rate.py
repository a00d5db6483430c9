"""How fast one worker delivers, beside a bare loop that sends the same mail to the same relay."""

import asyncio
import sys
import tempfile
from pathlib import Path

import httpx2

from app.settings import Settings
from tests.bench.figures import Figure
from tests.processes import Processes, Servers, SinkControl

MAILS = 1500
AT_A_TIME = 20
BODY = '<p>Dear customer, <a href="https://acme.test/offer?id=7">your offer</a> is ready.</p>'


async def rate() -> list[Figure]:
    """Every part is a process of its own here: what sends may use a processor for itself."""
    return [*await _beside("that answers at once", 0), *await _beside("that takes 20 ms", 0.02)]


async def _beside(relay: str, pause: float) -> list[Figure]:
    """Measure with a relay that keeps each mail for `pause` seconds, as one that syncs to disk."""
    with tempfile.TemporaryDirectory(prefix="letterbox-rate-") as folder:
        servers = Servers(Path(folder))
        await asyncio.gather(servers.start("mongod"), servers.start("redis"))
        processes = Processes(servers, Path(folder), "rate", {})
        try:
            ours, bare = await _measure(processes, pause)
        finally:
            processes.stop()
            servers.stop()
    return [
        Figure(f"one worker, to a relay {relay}", ours, "mails/s", "-"),
        Figure("  a bare loop, as many connections", bare, "mails/s", "-"),
        Figure("  the worker's share of it", ours / bare, "", ">= 0.5"),
    ]


async def _measure(processes: Processes, pause: float) -> tuple[float, float]:
    """Give the rates of the worker and of the bare loop."""
    sink = SinkControl(processes.control_port)
    processes.start("sink")
    processes.start("api")
    await processes.ready(f"http://127.0.0.1:{processes.control_port}/counts")
    await processes.ready(f"http://127.0.0.1:{processes.port}/readyz")
    await sink.behave("take", pause=pause)
    async with processes.client() as client:
        await _accept(client)
    processes.start("worker")
    ours = await _arriving(sink, 0)
    sending = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bare_loop"),
        *map(str, (processes.smtp_port, MAILS, Settings().smtp_connections)),
        stdin=asyncio.subprocess.PIPE,
    )
    await sending.communicate(await sink.last())
    return ours, await _arriving(sink, MAILS)


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
