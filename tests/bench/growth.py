"""How each case changes as the records of the tenant grow: from 10,000 to as many as SCALE says."""

import tempfile
from pathlib import Path

from tests.bench.comparisons import cases_of, seeded
from tests.bench.figures import Figure
from tests.bench.load import Plan, Run, load
from tests.bench.seed import scale
from tests.processes import Processes, Servers

FEW = 10_000
ROUNDS = 3


async def growth() -> list[Figure]:
    many = scale()
    few_runs, many_runs = await _at(FEW), await _at(many)
    print(f"| case | a second at {FEW:,} | at {many:,} | median ms at {FEW:,} | at {many:,} |")
    print("|---|---|---|---|---|")
    figures = []
    for name, few in few_runs.items():
        more = many_runs[name]
        print(f"| {name} | {few.rate:.1f} | {more.rate:.1f} | {few.p50:.1f} | {more.p50:.1f} |")
        figures.append(Figure(f"{name}: at {many:,} of {FEW:,}", more.rate / few.rate, "", "-"))
    return figures


async def _at(rows: int) -> dict[str, Run]:
    """Measure each case with so many records: the best of some rounds."""
    with tempfile.TemporaryDirectory(prefix="letterbox-growth-") as folder:
        servers = Servers(Path(folder))
        await servers.start("mongod")
        await servers.start("redis")
        processes = Processes(servers, Path(folder), "growth", {})
        try:
            await seeded(processes, rows)
            cases = await cases_of(processes, processes.client().headers["Authorization"])
            runs: dict[str, Run] = {}
            for case in cases.values():
                plan = Plan(processes.port, list(case.product), case.seconds, case.connections)
                rounds = [await load(plan) for _ in range(ROUNDS)]
                runs[case.name] = max(rounds, key=lambda run: run.rate)
            return runs
        finally:
            processes.stop()
            servers.stop()
