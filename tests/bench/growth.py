"""How each case changes as the records of the tenant grow: from 10,000 to as many as SCALE says.

It is told as processor time, of the API and of MongoDB together: that tells the same on a machine
that others use too.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.comparisons import cases_of, seeded
from tests.bench.figures import Figure
from tests.bench.load import Plan, load
from tests.bench.seed import scale
from tests.processes import Processes, Servers

FEW = 10_000
ROUNDS = 3


@dataclass(frozen=True)
class Took:
    """What an answer takes of a processor, in ms, and how many came in a second."""

    processor: float
    rate: float


async def growth() -> list[Figure]:
    many = scale()
    few_taken, many_taken = await _at(FEW), await _at(many)
    print(f"| case | ms of a processor at {FEW:,} | at {many:,} | times |")
    print("|---|---|---|---|")
    figures = []
    for name, few in few_taken.items():
        more = many_taken[name]
        times = more.processor / few.processor
        print(f"| {name} | {few.processor:.2f} | {more.processor:.2f} | {times:.2f} |")
        figures.append(Figure(f"{name}: at {many:,}", more.rate, "req/s", f"{few.rate:.0f}"))
    return figures


async def _at(rows: int) -> dict[str, Took]:
    with tempfile.TemporaryDirectory(prefix="letterbox-growth-") as folder:
        servers = Servers(Path(folder))
        await servers.start("mongod")
        await servers.start("redis")
        processes = Processes(servers, Path(folder), "growth", {})
        try:
            await seeded(processes, rows)
            cases = await cases_of(processes, processes.client().headers["Authorization"])
            pids = [processes.running["api"].pid, servers.running["mongod"].child.pid]
            taken: dict[str, Took] = {}
            for case in cases.values():
                plan = Plan(processes.port, list(case.product), case.seconds, case.connections)
                await load(plan)
                before = _seconds(pids)
                runs = [await load(plan) for _ in range(ROUNDS)]
                count = sum(run.count for run in runs)
                rate = max(run.rate for run in runs)
                taken[case.name] = Took((_seconds(pids) - before) / count * 1000, rate)
            return taken
        finally:
            processes.stop()
            servers.stop()


def _seconds(pids: list[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(one.user + one.system for one in times))
