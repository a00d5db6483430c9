"""What requests cost that are made to tire us, and how another client fares meanwhile."""

import asyncio
import itertools
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context

import httpx2
import orjson
import psutil
import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.figures import Figure
from tests.graphql_schema.bad_requests import BAD_REQUESTS, BadRequest
from tests.stack import Stack

ROUNDS = 20
MANY = 1000
SECONDS = 10.0
HEADERS = {"Content-Type": "application/json"}
SUBSCRIPTION = "subscription { inboundReceived { id } }"
Attack = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """`rounds` times the attack is what is measured; the figures are of one."""

    name: str
    attack: Attack
    rounds: int = ROUNDS


async def abuse(stack: Stack) -> list[Figure]:
    api = psutil.Process(int((stack.data / "run" / "api.pid").read_text()))
    async with stack.client() as client:
        cases = [*_requests(client), *_sockets(stack, client)]
        # Whatever is loaded or cached once is no cost of an attack.
        for case in cases:
            await case.attack()
        figures = [figure for case in cases for figure in await _cost(api, case)]
        alone = await _served(client, asyncio.sleep(SECONDS))
        meanwhile = await _served(client, _all_at_once(cases))
    return [
        *figures,
        *_waits("another client alone", alone),
        *_waits("another client, four attackers beside", meanwhile),
    ]


def _waits(name: str, waits: list[float]) -> list[Figure]:
    slow = waits[int(len(waits) * 0.99)]
    return [
        Figure(f"{name}, median", statistics.median(waits), "ms", "-"),
        Figure(f"{name}, p99", slow, "ms", "-"),
        Figure(f"{name}, answers", len(waits), "", "-"),
    ]


def _requests(client: httpx2.AsyncClient) -> list[Case]:
    def case(bad: BadRequest) -> Case:
        async def attack() -> None:
            answer = await client.post("/graphql", content=bad.body, headers=HEADERS)
            assert answer.json()["errors"]

        return Case(bad.name, attack)

    return [case(bad) for bad in BAD_REQUESTS]


def _sockets(stack: Stack, client: httpx2.AsyncClient) -> list[Case]:
    authorization = client.headers["Authorization"]
    init = {"type": "connection_init", "payload": {"Authorization": authorization}}

    @asynccontextmanager
    async def opened() -> AsyncIterator[ClientConnection]:
        address = f"ws://127.0.0.1:{stack.port}/graphql"
        async with connect(address, subprotocols=[PROTOCOL], max_queue=None) as socket:
            yield socket

    async def subscriptions() -> None:
        async with opened() as socket:
            await _say(socket, init)
            await socket.recv()
            for number in range(MANY):
                await _say(socket, {
                    "id": str(number), "type": "subscribe", "payload": {"query": SUBSCRIPTION},
                })  # fmt: skip
            await _quiet(socket)

    async def inits() -> None:
        async with opened() as socket:
            for _ in range(MANY):
                await _say(socket, init)
            await _quiet(socket)

    async def half_open() -> None:
        sockets = [opened() for _ in range(100)]
        for socket in sockets:
            await socket.__aenter__()
        for socket in sockets:
            await socket.__aexit__(None, None, None)

    return [
        Case(f"{MANY} subscriptions on a socket", subscriptions, rounds=5),
        Case(f"{MANY} connection_init on a socket", inits, rounds=5),
        Case("100 sockets of nobody", half_open, rounds=3),
    ]


PROTOCOL = websockets.Subprotocol("graphql-transport-ws")


async def _say(socket: ClientConnection, message: object) -> None:
    with suppress(websockets.ConnectionClosed):
        await socket.send(orjson.dumps(message).decode())


async def _quiet(socket: ClientConnection) -> None:
    """Read until nothing comes any more, or the socket is closed."""
    with suppress(TimeoutError, websockets.ConnectionClosed):
        while True:
            async with asyncio.timeout(0.3):
                await socket.recv()


async def _cost(api: psutil.Process, case: Case) -> list[Figure]:
    """Processor time of one attack, and by how much the process grew at most during all."""
    before, resident = _processor_seconds(api), api.memory_info().rss
    highest = resident
    for _ in range(case.rounds):
        await case.attack()
        highest = max(highest, api.memory_info().rss)
    spent = (_processor_seconds(api) - before) / case.rounds
    return [
        Figure(case.name, spent * 1000, "ms", "<= 100"),
        Figure(
            f"  more memory for it, {case.rounds} times", (highest - resident) / 1e6, "MB", "<= 50"
        ),
    ]


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _all_at_once(cases: list[Case]) -> None:
    """Every attack over and over, four at a time, for as long as is measured."""
    end = time.monotonic() + SECONDS
    waiting = itertools.cycle(cases)

    async def attacker() -> None:
        while time.monotonic() < end:
            await next(waiting).attack()

    await asyncio.gather(*(attacker() for _ in range(4)))


async def _served(client: httpx2.AsyncClient, meanwhile: Awaitable[None]) -> list[float]:
    """What a client in a process of its own waits for answers, in ms, while something goes on."""
    asked = (
        f"{str(client.base_url).rstrip('/')}/api/v1/communications/page?size=5",
        client.headers["Authorization"],
    )
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        waits = asyncio.get_running_loop().run_in_executor(pool, waited, *asked, SECONDS)
        await meanwhile
        return await waits


def waited(address: str, authorization: str, seconds: float) -> list[float]:
    """Ask again and again, and tell how long each answer took, the quickest first."""
    waits, end = [], time.monotonic() + seconds
    with httpx2.Client(headers={"Authorization": authorization}, timeout=30) as client:
        while time.monotonic() < end:
            begun = time.perf_counter()
            client.get(address).raise_for_status()
            waits.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.01)
    return sorted(waits)
