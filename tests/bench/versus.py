"""Cases beside their floors, measured in turns in the same run."""

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from tests.bench.load import Plan, Run, load
from tests.processes import Processes

ROUNDS = 5
SECONDS = 2.0
WARM_UP = 1.0
CONNECTIONS = 16


@dataclass(frozen=True)
class Comparison:
    """What is asked of the product and of the floor: whole HTTP requests, taken in turns.

    `wanted` is the ratio of their rates that is to be reached; `only` the one status that counts;
    `beside` is which process `floor` is asked of, the floor or the API.
    """

    name: str
    wanted: float
    product: Sequence[str]
    floor: Sequence[str]
    only: str = "200"
    seconds: float = SECONDS
    connections: int = CONNECTIONS
    beside: str = "floor"


@dataclass(frozen=True)
class Measured:
    """Medians over the rounds; `ratio` is that of each round's own ratio. Times are in ms.

    `answers` is how many were given in all, those of the warm-up too.
    """

    name: str
    rate: float
    floor: float
    ratio: float
    wanted: float
    p50: float
    p95: float
    p99: float
    processor: float
    floor_processor: float
    peak_megabytes: float
    answers: int

    def line(self) -> str:
        return (
            f"{self.name:<40} {self.rate:>9.1f} {self.floor:>9.1f} {self.ratio:>6.2f} "
            f"{self.wanted:>6.2f} {self.p50:>7.1f} {self.p95:>7.1f} {self.p99:>7.1f} "
            f"{self.processor:>7.2f} {self.floor_processor:>6.2f} {self.peak_megabytes:>5.0f}"
        )

    def told(self) -> dict[str, Any]:
        return asdict(self)


HEAD = (
    f"{'case':<40} {'per s':>9} {'floor':>9} {'ratio':>6} {'wanted':>6} {'p50 ms':>7} "
    f"{'p95':>7} {'p99':>7} {'cpu ms':>7} {'floor':>6} {'MB':>5}"
)


@asynccontextmanager
async def floor_of(processes: Processes) -> AsyncIterator[int]:
    """Have the floor serve the same database; its port."""
    port = processes.resend_port
    variables = processes.variables
    processes.start(
        "floor", sys.executable, "-m", "tests.bench.floor", str(port),
        variables["LETTERBOX_MONGO_URL"], processes.database, variables["LETTERBOX_REDIS_URL"],
    )  # fmt: skip
    await processes.ready(f"http://127.0.0.1:{port}/empty")
    try:
        yield port
    finally:
        processes.kill("floor")


async def client_line(floor: int) -> str:
    """Tell what asks, and how many answers of nothing it takes: more than any case has."""
    request = "GET /empty HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    run = await load(Plan(floor, [request], WARM_UP, CONNECTIONS))
    return f"asked by tests.bench.load, in Python: {run.rate:,.0f} empty answers a second"


async def compare(processes: Processes, floor: int, case: Comparison) -> Measured:
    """Measure a case and its floor in turns. Raises RuntimeError for any other answer."""
    ours = _Side(processes, "api", processes.port, case, case.product)
    port = floor if case.beside == "floor" else processes.port
    bare = _Side(processes, case.beside, port, case, case.floor)
    for side in (ours, bare):
        await side.run(WARM_UP)
    ours.forget()
    bare.forget()
    for _ in range(ROUNDS):
        for side in (ours, bare):
            await side.run(case.seconds)
    ratios = [one.rate / other.rate for one, other in zip(ours.runs, bare.runs, strict=True)]
    return Measured(
        name=case.name,
        rate=ours.median(lambda run: run.rate),
        floor=bare.median(lambda run: run.rate),
        ratio=statistics.median(ratios),
        wanted=case.wanted,
        p50=ours.median(lambda run: run.p50),
        p95=ours.median(lambda run: run.p95),
        p99=ours.median(lambda run: run.p99),
        processor=ours.processor,
        floor_processor=bare.processor,
        peak_megabytes=ours.peak,
        answers=ours.answers,
    )


class _Side:
    """The product or the floor in one case; `peak` is its most resident memory in MB."""

    def __init__(
        self, processes: Processes, name: str, port: int, case: Comparison, asked: Sequence[str]
    ) -> None:
        self._process = psutil.Process(processes.running[name].process.pid)
        self._case, self._port, self._asked = case, port, list(asked)
        self.answers = 0
        self.forget()

    def forget(self) -> None:
        self.runs: list[Run] = []
        self.peak, self._seconds = 0.0, 0.0

    async def run(self, seconds: float) -> None:
        before = self._processor_seconds()
        watch = asyncio.create_task(self._watch())
        case = self._case
        run = await load(Plan(self._port, self._asked, seconds, case.connections))
        watch.cancel()
        if set(run.statuses) != {case.only}:
            raise RuntimeError(f"{case.name}: answered {run.statuses}, not {case.only} only")
        self._seconds += self._processor_seconds() - before
        self.runs.append(run)
        self.answers += run.count

    def median(self, of: Callable[[Run], float]) -> float:
        return statistics.median(of(run) for run in self.runs)

    @property
    def processor(self) -> float:
        """Milliseconds of a processor that one request took."""
        return self._seconds / sum(run.count for run in self.runs) * 1000

    def _processor_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    async def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, self._process.memory_info().rss / 1e6)
            await asyncio.sleep(0.05)
