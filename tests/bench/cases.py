"""What is measured: each case gives its figures, with what is wanted of them."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import httpx2

from tests.bench.abuse import abuse
from tests.bench.conversations import conversations
from tests.bench.figures import Figure
from tests.bench.growth import growth
from tests.bench.idle import idle
from tests.bench.inbound import inbound
from tests.bench.lists import lists
from tests.bench.live import live
from tests.bench.opens import opens
from tests.bench.overload import overload
from tests.bench.pair import pair
from tests.bench.rate import rate
from tests.bench.reading import reading
from tests.bench.startup import startup
from tests.bench.templates import templates
from tests.stack import Stack

BODY = '<p>Dear customer, <a href="https://acme.test/offer?id=7">your offer</a> is ready.</p>'
AT_A_TIME = 20
SETTLED = {"SENT", "FAILED"}


async def _send(client: httpx2.AsyncClient, subject: str) -> str:
    mail = {"subject": subject, "body": BODY, "recipients": ["customer@acme.test"]}
    response = await client.post("/api/v1/communications/send", json=mail)
    response.raise_for_status()
    return str(response.json()["id"])


async def _status(client: httpx2.AsyncClient, id_: str) -> str:
    response = await client.get(f"/api/v1/communications/find/{id_}")
    return str(response.json()["status"])


async def _send_many(client: httpx2.AsyncClient, prefix: str, count: int) -> list[str]:
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int) -> str:
        async with turns:
            return await _send(client, f"{prefix} {number}")

    return await asyncio.gather(*(one(number) for number in range(count)))


async def _settled(client: httpx2.AsyncClient, ids: list[str], limit: float) -> int:
    """How many are settled, at the latest when `limit` seconds are over."""
    waiting, end = set(ids), time.monotonic() + limit
    while waiting and time.monotonic() < end:
        for id_ in list(waiting):
            if await _status(client, id_) in SETTLED:
                waiting.discard(id_)
        await asyncio.sleep(0.05)
    return len(ids) - len(waiting)


async def start(stack: Stack) -> list[Figure]:
    return [Figure("ready on a data folder that exists", stack.ready_seconds, "s", "< 8")]


async def latency(stack: Stack) -> list[Figure]:
    """One mail at a time on an idle stack, from the POST to SENT."""
    seconds: list[float] = []
    async with stack.client() as client:
        for number in range(20):
            begun = time.perf_counter()
            id_ = await _send(client, f"latency {number}")
            while await _status(client, id_) not in SETTLED:
                await asyncio.sleep(0.005)
            seconds.append(time.perf_counter() - begun)
    return [
        Figure("POST to SENT when idle, median", statistics.median(seconds), "s", "< 1"),
        Figure("POST to SENT when idle, slowest of 20", max(seconds), "s", "< 1"),
    ]


async def memory(stack: Stack) -> list[Figure]:
    async with stack.client() as client:
        ids = await _send_many(client, "memory", 1000)
        await _settled(client, ids, 120)
    return [
        Figure("API resident after 1,000 sends", stack.resident_megabytes("api"), "MB", "< 150"),
        Figure("worker resident after them", stack.resident_megabytes("worker"), "MB", "-"),
    ]


async def delivery(stack: Stack) -> list[Figure]:
    """500 mails: what arrived, by the subjects that stand in the inbox."""
    count = 500
    async with stack.client() as client:
        begun = time.perf_counter()
        ids = await _send_many(client, "delivery", count)
        accepted = time.perf_counter() - begun
        settled = await _settled(client, ids, 120)
        seconds = time.perf_counter() - begun
    subjects = {f"delivery {number}" for number in range(count)}
    copies = Counter(str(mail["Subject"]) for mail in stack.inbox())
    return [
        Figure("accepted a second", count / accepted, "mails/s", "-"),
        Figure("accepted and delivered a second", settled / seconds, "mails/s", "-"),
        Figure("accepted", len(ids), "mails", str(count)),
        Figure("lost", len(subjects - copies.keys()), "mails", "0"),
        Figure("doubled", sum(max(copies[s] - 1, 0) for s in subjects), "mails", "0"),
    ]


CASES: dict[str, Callable[[Stack], Awaitable[list[Figure]]]] = {
    "start": start,
    "idle": idle,
    "latency": latency,
    "memory": memory,
    "delivery": delivery,
    "lists": lists,
    "opens": opens,
    "inbound": inbound,
    "reading": reading,
    "templates": templates,
    "conversations": conversations,
    "abuse": abuse,
    "live": live,
}
# These start what they measure themselves, so that nothing else runs beside it.
ALONE: dict[str, Callable[[], Coroutine[Any, Any, list[Figure]]]] = {
    "startup": startup,
    "overload": overload,
    "processes": pair,
    "growth": growth,
    "rate": rate,
}
