"""Two API processes beside one, and two floors beside one, on the same cores.

The client and MongoDB use the same processors, so two cannot answer twice as much on two cores.
What they could at most is told, from the processor time that a request takes of each of the three.
"""

import asyncio
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.embedded.ports import free_port
from tests.bench.comparisons import TWENTY, operations, seeded
from tests.bench.figures import Figure
from tests.bench.load import Plan, load
from tests.processes import LETTERBOX, Processes, Servers

ROWS = 2000
ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 16


@dataclass(frozen=True)
class Took:
    """What one round came to: answers a second, and ms of a processor that each took of whom."""

    rate: float
    server: float
    mongo: float
    client: float


async def pair() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="letterbox-pair-") as folder:
        servers = Servers(Path(folder))
        await asyncio.gather(servers.start("mongod"), servers.start("redis"))
        processes = Processes(servers, Path(folder), "pair", {})
        try:
            await seeded(processes, ROWS)
            apis = {"api": processes.port, "api2": free_port()}
            processes.start("api2", LETTERBOX, "serve", "--port", str(apis["api2"]))
            floors = {"floor": free_port(), "floor2": free_port()}
            for name, port in floors.items():
                _start_floor(processes, name, port)
            for port in (*apis.values(), *floors.values()):
                await _open(port)
            return await _compared(processes, servers, apis, floors)
        finally:
            processes.stop()
            servers.stop()


def _start_floor(processes: Processes, name: str, port: int) -> None:
    variables = processes.variables
    processes.start(
        name, sys.executable, "-m", "tests.bench.floor", str(port),
        variables["LETTERBOX_MONGO_URL"], processes.database, variables["LETTERBOX_REDIS_URL"],
    )  # fmt: skip


async def _open(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def _compared(
    processes: Processes, servers: Servers, apis: dict[str, int], floors: dict[str, int]
) -> list[Figure]:
    asked = operations(processes.client().headers["Authorization"], TWENTY)
    mongod = servers.running["mongod"].child.pid
    sides = [dict([*apis.items()][:1]), apis, dict([*floors.items()][:1]), floors]
    rounds: list[list[Took]] = [[] for _ in sides]
    for number in range(ROUNDS + 1):
        for side, taken in zip(sides, rounds, strict=True):
            pids = [processes.running[name].pid for name in side]
            took = await _round([*side.values()], asked, pids, mongod)
            if number:
                taken.append(took)
    one, two, bare, bares = (
        [statistics.median(getattr(took, name) for took in taken) for name in Took.__annotations__]
        for taken in rounds
    )
    ratio = statistics.median(b.rate / a.rate for a, b in zip(rounds[0], rounds[1], strict=True))
    floor_ratio = statistics.median(
        b.rate / a.rate for a, b in zip(rounds[2], rounds[3], strict=True)
    )
    most = (os.cpu_count() or 1) * one[1] / sum(one[1:])
    return [
        Figure("one API process", one[0], "req/s", "-"),
        Figure("two", two[0], "req/s", "-"),
        Figure("  times what one answers", ratio, "", ">= 1.6"),
        Figure("  at most on these cores, by processor time", most, "", "-"),
        Figure("  ms of a processor of the API, one", one[1], "ms", "-"),
        Figure("  ms of a processor of the API, two", two[1], "ms", "-"),
        Figure("  of MongoDB", one[2], "ms", "-"),
        Figure("  of the client", one[3], "ms", "-"),
        Figure("one floor", bare[0], "req/s", "-"),
        Figure("two", bares[0], "req/s", "-"),
        Figure("  times what one answers", floor_ratio, "", "-"),
    ]


async def _round(ports: Sequence[int], asked: list[str], pids: Sequence[int], mongod: int) -> Took:
    before = [_seconds(pids), _seconds([mongod]), _of_clients()]
    runs = await asyncio.gather(*(load(Plan(port, asked, SECONDS, CONNECTIONS)) for port in ports))
    after = [_seconds(pids), _seconds([mongod]), _of_clients()]
    count = sum(run.count for run in runs)
    each = [(b - a) / count * 1000 for a, b in zip(before, after, strict=True)]
    return Took(sum(run.rate for run in runs), *each)


def _seconds(pids: Sequence[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(one.user + one.system for one in times))


def _of_clients() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
