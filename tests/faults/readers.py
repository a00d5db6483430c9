"""People who open mails, whatever breaks, and the books of what they were given."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
from pymongo import MongoClient
from redis import Redis

from app.waiting_hits import HITS
from tests.fakes.visits import CHROME
from tests.faults.crm import Crm
from tests.processes import Processes, Servers

BASE = "/api/v1/communications"
MAILS = 20
AT_A_TIME = 8
COUNTED_LIMIT = 60.0


def network(number: int) -> str:
    """What is kept of this reader's address."""
    return f"10.{number // 250}.{number % 250}.0/24"


@dataclass
class Readers:
    """`answered` are those who got a picture: each has an address of its own, and opens once."""

    servers: Servers
    processes: Processes
    crm: Crm
    answered: set[int] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)

    async def read_while(self, fault: Callable[[], Awaitable[None]]) -> None:
        """Open mails in a flood until the `fault` has happened, and for a while after it."""
        self.crm.go_on.set()
        await self.crm.hand_in(MAILS)
        records = await self.crm.settled(60)
        pictures = [_picture(record) for record in records.values()]
        stop, numbers = asyncio.Event(), count()

        async def one_after_the_other() -> None:
            while not stop.is_set():
                await self._open(next(numbers), pictures)

        async with asyncio.TaskGroup() as clients:
            for _ in range(AT_A_TIME):
                clients.create_task(one_after_the_other())
            await self.until_answered(100)
            await fault()
            await self.until_answered(100)
            stop.set()

    async def until_answered(self, more: int) -> None:
        wanted = len(self.answered) + more
        while len(self.answered) < wanted:  # noqa: ASYNC110 - other processes answer
            await asyncio.sleep(0.01)

    async def _open(self, number: int, pictures: list[str]) -> None:
        headers = {"User-Agent": CHROME, "X-Forwarded-For": network(number).split("/")[0]}
        try:
            answer = await self.crm.client.get(pictures[number % MAILS], headers=headers)
        except httpx2.TransportError:
            self.answers["no answer"] += 1
            await asyncio.sleep(0.05)
        else:
            self.answers[str(answer.status_code)] += 1
            self.answered.add(number)

    async def counted(self) -> tuple[Counter[str], int]:
        """Tell how often each reader is kept, and what the records count, once all is counted."""
        async with asyncio.timeout(COUNTED_LIMIT):
            while self.waiting():  # noqa: ASYNC110 - a worker counts
                await asyncio.sleep(0.05)
        url = self.servers.running["mongod"].url
        with MongoClient[dict[str, Any]](url) as client:
            database = client[self.processes.database]
            kept = Counter(hit["address"] for hit in database["engagements"].find())
            opens = sum(row["openCount"] for row in database["communications"].find())
        return kept, opens

    def waiting(self) -> int:
        with Redis.from_url(self.servers.running["redis"].url) as redis:
            return int(redis.llen(HITS))


def _picture(record: dict[str, Any]) -> str:
    start = record["body"].index(f"{BASE}/track/")
    path: str = record["body"][start : record["body"].index('"', start)]
    return path
