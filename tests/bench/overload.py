"""Twice as much as the API can answer: what it answers still, and how soon the rush is over."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx2
import psutil

from tests.bench.comparisons import TWENTY, operations, seeded
from tests.bench.figures import Figure
from tests.bench.load import Plan, load
from tests.bench.open_load import OpenPlan, flood
from tests.processes import Processes, Servers

ROWS = 2000
CONNECTIONS = 16
ALONE_SECONDS = 5.0
SECONDS = 10.0
# Idle again: it answers about as fast as with nothing else to do.
QUICK = 3
PATIENCE = 60


async def overload() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="letterbox-overload-") as folder:
        servers = Servers(Path(folder))
        await asyncio.gather(servers.start("mongod"), servers.start("redis"))
        processes = Processes(servers, Path(folder), "overload", {})
        try:
            await seeded(processes, ROWS)
            return await _measured(processes)
        finally:
            processes.stop()
            servers.stop()


async def _measured(processes: Processes) -> list[Figure]:
    api = psutil.Process(processes.running["api"].pid)
    async with processes.client() as client:
        asked = operations(client.headers["Authorization"], TWENTY)
        plan = Plan(processes.port, asked, ALONE_SECONDS, CONNECTIONS)
        await load(plan)
        alone = await load(plan)
        idle = statistics.median([await _seconds(client) for _ in range(20)])
        before = api.memory_info().rss / 1e6
        watch = asyncio.create_task(_peak(api))
        worked = _processor(api)
        rush = await flood(OpenPlan(processes.port, asked, SECONDS, 2 * alone.rate))
        worked = _processor(api) - worked
        recovered = rush.drained + await _until_quick(client, QUICK * idle)
        watch.cancel()
        peak = await watch
    answered, refused = rush.latencies.get("200", [0.0]), rush.latencies.get("503", [0.0])
    rate = len(answered) / (SECONDS + rush.drained)
    return [
        Figure("answered a second, alone", alone.rate, "req/s", "-"),
        Figure("asked a second, in the rush", rush.asked / SECONDS, "req/s", "-"),
        Figure("  answered", rate, "req/s", "-"),
        Figure("  its share of what is answered alone", rate / alone.rate, "", ">= 0.9"),
        Figure("  p99 of the answers", _p99(answered), "ms", "-"),
        Figure("  refused by 503", 100 * len(refused) / rush.asked, "%", "-"),
        Figure("  p99 of the refusals", _p99(refused), "ms", "-"),
        Figure("  answered otherwise or never", rush.other, "req", "0"),
        Figure("  of a processor", worked / (SECONDS + rush.drained), "", "-"),
        Figure("resident before", before, "MB", "-"),
        Figure("  at most in the rush", peak, "MB", "-"),
        Figure("after the rush as fast as before", recovered, "s", "< 5"),
    ]


def _processor(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _p99(latencies: list[float]) -> float:
    return latencies[int(0.99 * (len(latencies) - 1))]


async def _peak(process: psutil.Process) -> float:
    """Give the most that was resident, in MB, once it is cancelled."""
    most = 0.0
    try:
        while True:
            most = max(most, process.memory_info().rss / 1e6)
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return most


async def _seconds(client: httpx2.AsyncClient) -> float:
    begun = time.perf_counter()
    (await client.post("/graphql", json={"query": TWENTY})).raise_for_status()
    return time.perf_counter() - begun


async def _until_quick(client: httpx2.AsyncClient, limit: float) -> float:
    """Ask one after the other until an answer comes within `limit`; the seconds until then."""
    begun = time.perf_counter()
    async with asyncio.timeout(PATIENCE):
        while await _seconds(client) > limit:
            await asyncio.sleep(0.02)
    return time.perf_counter() - begun
