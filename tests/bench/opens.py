"""A flood of opens, such as follows a mail to many: pictures a second, and how long one takes."""

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx2

from app.mail.engagement.hits import EngagementKind, EngagementSource, Hit
from app.mail.engagement.rules import judge
from tests.bench.figures import Figure
from tests.fakes.visits import CHROME
from tests.stack import Stack

BASE = "/api/v1/communications"
MAIL = {"subject": "News", "body": "<p>News</p>", "recipients": ["customer@acme.test"]}
MAILS = 50
OPENS = 2000
ALONE = 100
AT_A_TIME = 50
_NUMBERS = count()


async def opens(stack: Stack) -> list[Figure]:
    async with stack.client() as client:
        records = [await _sent(client) for _ in range(MAILS)]
        paths = [_picture(record) for record in records]
        begun = time.perf_counter()
        alone = [await _seconds(client, paths[0]) for _ in range(ALONE)]
        one = await _flood(client, paths[:1])
        many = await _flood(client, paths)
        await _all_are_counted(client, [record["id"] for record in records])
        counted = time.perf_counter() - begun
    return [
        Figure("an open alone, median", statistics.median(alone) * 1000, "ms", "-"),
        Figure("opens of one mail", OPENS / one, "per s", "-"),
        Figure(f"opens of {MAILS} mails", OPENS / many, "per s", "-"),
        Figure("opens until all are counted", (ALONE + 2 * OPENS) / counted, "per s", "-"),
        Figure("a verdict", _verdict() * 1_000_000, "us", "-"),
    ]


async def _sent(client: httpx2.AsyncClient) -> dict[str, Any]:
    """Send a mail; its record once it is out."""
    record: dict[str, Any] = (await client.post(f"{BASE}/send", json=MAIL)).json()
    while record["status"] not in {"SENT", "FAILED"}:
        await asyncio.sleep(0.02)
        record = (await client.get(f"{BASE}/find/{record['id']}")).json()
    return record


def _picture(record: dict[str, Any]) -> str:
    start = record["body"].index(f"{BASE}/track/")
    return str(record["body"][start : record["body"].index('"', start)])


async def _all_are_counted(client: httpx2.AsyncClient, ids: list[str]) -> None:
    """Return once each open is: who asked for a picture did so once, by an address of its own."""
    counted = 0
    while counted < ALONE + 2 * OPENS:
        await asyncio.sleep(0.05)
        found = (await client.get(f"{BASE}/find", params={"ids": ",".join(ids)})).json()
        counted = sum(record["openCount"] for record in found)


async def _seconds(client: httpx2.AsyncClient, path: str) -> float:
    """How long one takes, by somebody who was not there before."""
    number = next(_NUMBERS)
    headers = {
        "User-Agent": CHROME,
        "X-Forwarded-For": f"10.{number // 256}.{number % 256}.1",
    }
    begun = time.perf_counter()
    response = await client.get(path, headers=headers)
    response.raise_for_status()
    return time.perf_counter() - begun


async def _flood(client: httpx2.AsyncClient, paths: list[str]) -> float:
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int) -> None:
        async with turns:
            await _seconds(client, paths[number % len(paths)])

    begun = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(OPENS)))
    return time.perf_counter() - begun


def _verdict() -> float:
    now = datetime.now(UTC)
    hit = Hit("1", EngagementKind.OPEN, EngagementSource.OWN, now, "GET", user_agent=CHROME,
              address="192.0.2.0/24", since_delivery=timedelta(hours=1))  # fmt: skip
    begun = time.perf_counter()
    for _ in range(10_000):
        judge([hit], timedelta(seconds=5))
    return (time.perf_counter() - begun) / 10_000
