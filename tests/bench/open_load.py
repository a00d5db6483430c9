"""Load that does not wait for answers: `python -m tests.bench.open_load`, a plan on stdin.

As many requests as the plan says begin in each second, however slow the answers are: each on a
connection that is free, or on a new one. Latencies count from when a request was due.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any

import uvloop

from tests.bench.load import Exchange

# More connections would be the client's trouble, not the server's.
_MOST_CONNECTIONS = 4000
_TICK = 0.002
# What was not answered so long after the end counts as never answered.
_PATIENCE = 30.0
_Latencies = dict[str, list[float]]


@dataclass(frozen=True)
class OpenPlan:
    """`rate` requests a second, in turns, for so many `seconds`."""

    port: int
    requests: list[str]
    seconds: float
    rate: float


@dataclass(frozen=True)
class OpenRun:
    """`latencies` of the answers by status, in ms, from the shortest.

    `drained` is how many seconds after the last was asked the last was answered.
    """

    asked: int
    drained: float
    latencies: _Latencies

    @property
    def other(self) -> int:
        """Requests that were neither answered nor refused."""
        told = sum(len(self.latencies.get(status, ())) for status in ("200", "503"))
        return self.asked - told


class _Connection(Exchange):
    """One of those that are `open`, and among the `free` ones while it waits for no answer."""

    def __init__(
        self, open_: set["_Connection"], free: list["_Connection"], latencies: _Latencies
    ) -> None:
        super().__init__()
        self._open, self._free, self._latencies = open_, free, latencies

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        # Servers end those that nobody uses for a while.
        self._open.discard(self)
        if self in self._free:
            self._free.remove(self)

    def ask(self, request: bytes, due: float) -> None:
        self._due = due
        self.begin(request)

    def answered(self, status: str) -> None:
        self._latencies[status].append((time.perf_counter() - self._due) * 1000)
        self._free.append(self)


async def run(plan: OpenPlan) -> OpenRun:
    loop = asyncio.get_running_loop()
    all_: set[_Connection] = set()
    free: list[_Connection] = []
    latencies: _Latencies = defaultdict(list)
    opening = set[asyncio.Task[None]]()
    requests = cycle([request.encode("latin-1") for request in plan.requests])
    begun, asked = time.perf_counter(), 0

    async def on_a_new_one(request: bytes, due: float) -> None:
        _, connection = await loop.create_connection(
            lambda: _Connection(all_, free, latencies), "127.0.0.1", plan.port
        )
        connection.ask(request, due)

    while (now := time.perf_counter()) < begun + plan.seconds:
        while (due := begun + asked / plan.rate) <= now:
            asked += 1
            if free:
                free.pop().ask(next(requests), due)
            elif len(all_) + len(opening) < _MOST_CONNECTIONS:
                task = loop.create_task(on_a_new_one(next(requests), due))
                opening.add(task)
                task.add_done_callback(opening.discard)
        await asyncio.sleep(_TICK)
    ended = time.perf_counter()
    while (opening or len(free) < len(all_)) and time.perf_counter() < ended + _PATIENCE:
        await asyncio.sleep(_TICK)
    drained = time.perf_counter() - ended
    return OpenRun(asked, drained, {status: sorted(them) for status, them in latencies.items()})


async def flood(plan: OpenPlan) -> OpenRun:
    """Have the plan carried out by another process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.open_load"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    if process.returncode:
        raise RuntimeError("the load ended with an error")
    came: dict[str, Any] = json.loads(told)
    return OpenRun(**came)


if __name__ == "__main__":
    wanted = OpenPlan(**json.load(sys.stdin))
    print(json.dumps(asdict(uvloop.run(run(wanted)))))
