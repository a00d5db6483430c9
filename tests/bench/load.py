"""The load of the bench, by a process of its own: `python -m tests.bench.load`, a plan on stdin.

It says what it has to in one write and reads answers by no more than their length, so that it is
never what is slow: it makes several times the requests that any server here can answer.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import Any, cast

import uvloop

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_CHUNKED = b"transfer-encoding: chunked"
_LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True)
class Plan:
    """What is asked, and how: `requests` are whole HTTP/1.1 requests, taken in turns.

    `seconds` is how long it goes on, `connections` how many ask at a time.
    """

    port: int
    requests: list[str]
    seconds: float
    connections: int


@dataclass(frozen=True)
class Run:
    """What came of it: latencies in ms; `statuses` counts answers by their status."""

    count: int
    seconds: float
    p50: float
    p95: float
    p99: float
    octets: int
    statuses: dict[str, int]

    @property
    def rate(self) -> float:
        return self.count / self.seconds


class Exchange(asyncio.Protocol):
    """Asks on one connection, and reads an answer by no more than its length."""

    def __init__(self) -> None:
        self.octets = 0
        self._buffer = bytearray()
        self._size: int | None = None
        self._chunked = False
        self._status = ""

    def begin(self, request: bytes) -> None:
        self._buffer.clear()
        self._size, self._chunked = None, False
        self.transport.write(request)

    def answered(self, status: str) -> None:
        """Be told that the answer is whole."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.octets += len(data)
        self._buffer += data
        if self._size is None and not self._chunked:
            self._read_head()
        if self._is_whole():
            self.answered(self._status)

    def _read_head(self) -> None:
        end = self._buffer.find(_END)
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        self._status = head[9:12].decode()
        self._chunked = _CHUNKED in head
        if not self._chunked:
            at = head.find(_LENGTH)
            length = 0 if at < 0 else int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
            self._size = end + len(_END) + length

    def _is_whole(self) -> bool:
        if self._chunked:
            return self._buffer.endswith(_LAST_CHUNK)
        return self._size is not None and len(self._buffer) >= self._size


class _Connection(Exchange):
    """Asks, waits for the answer, and asks again until the time is over."""

    def __init__(self, requests: Iterator[bytes], end: float) -> None:
        super().__init__()
        self._requests, self._end = requests, end
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def answered(self, status: str) -> None:
        self.statuses[status] += 1
        self.latencies.append(time.perf_counter() - self._asked)
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        if self._asked >= self._end:
            self.done.set_result(None)
            self.transport.close()
            return
        self.begin(next(self._requests))


async def run(plan: Plan) -> Run:
    """Ask for as long as the plan says."""
    loop, begun = asyncio.get_running_loop(), time.perf_counter()
    requests = cycle([request.encode("latin-1") for request in plan.requests])
    end = begun + plan.seconds
    connections = []
    for _ in range(plan.connections):
        _, connection = await loop.create_connection(
            lambda: _Connection(requests, end), "127.0.0.1", plan.port
        )
        connections.append(connection)
    await asyncio.gather(*(connection.done for connection in connections))
    return _run_of(connections, time.perf_counter() - begun)


def _run_of(connections: list[_Connection], seconds: float) -> Run:
    latencies = sorted(one for connection in connections for one in connection.latencies)
    statuses: Counter[str] = Counter()
    for connection in connections:
        statuses += connection.statuses

    def share(of: float) -> float:
        return latencies[min(int(of * len(latencies)), len(latencies) - 1)] * 1000

    octets = sum(connection.octets for connection in connections)
    return Run(
        len(latencies), seconds, share(0.5), share(0.95), share(0.99), octets, dict(statuses)
    )


async def load(plan: Plan) -> Run:
    """Have the plan carried out by another process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.load"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    if process.returncode:
        raise RuntimeError("the load ended with an error")
    came: dict[str, Any] = json.loads(told)
    return Run(**came)


if __name__ == "__main__":
    asked = Plan(**json.load(sys.stdin))
    print(json.dumps(asdict(uvloop.run(run(asked)))))
