"""Reading from a tenant with 100,000 communications: pages, searches, exports."""

import asyncio
import random
import statistics
import time
from datetime import timedelta
from typing import Any

import httpx2
import psutil
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection

from app.mail.search_text import search_text
from tests.bench.figures import Figure
from tests.stack import Stack

BASE = "/api/v1/communications"
ROWS = 100_000
AT_A_TIME = 2000
PARAGRAPH = (
    "<p>Thank you for the talk of last week. As agreed you will find our proposal behind the "
    "link below, with the prices that we went through together and the dates we suggest.</p>"
)
BODY = (
    "<html><body><p>Dear customer,</p>" + PARAGRAPH * 4 +
    '<p><a href="https://acme.test/offer?id=7">Your offer</a></p><p>Kind regards,<br>Alice</p>'
    "</body></html>"
)  # fmt: skip
STATUSES = ["SENT"] * 14 + ["DELIVERED"] * 3 + ["FAILED", "BOUNCED", "CANCELLED"]
TYPES = ["OFFERTE", "FACTUUR", "HERINNERING", "AFSPRAAK", None]


async def reading(stack: Stack) -> list[Figure]:
    async with stack.client() as client:
        await fill(stack, client)
        figures = [
            await median_of(client, "/page", {}),
            await median_of(client, "/page", {"page": "2500"}),
            await median_of(client, "/dynamic-search", {"filters": '{"status": "FAILED"}'}),
            await median_of(client, "/dynamic-search", {"filters": '{"relatedEntityId": "17", '
                                                      '"relatedEntityType": "deal"}'}),
            await median_of(client, "/dynamic-search", {"filters": '{"recipients": '
                                                      '"person17@customer.test"}'}),
            await median_of(client, "/dynamic-search", {"filters": '{"created": {"gte": '
                                                      '"2026-01-01", "lt": "2026-02-01"}}'}),
            await median_of(client, "/dynamic-search", {"search": "offer 777"}, wanted="-"),
        ]  # fmt: skip
        figures += await _connections(client)
        # All of find-all is too much for one reader of JSON; 10,000 are what it must stand.
        figures += await _streamed(stack, client, "/csv-export", ROWS)
        await communications(stack).delete_many({"bench": {"$gte": 10_000}})
        return figures + await _streamed(stack, client, "/find-all", 10_000)


def communications(stack: Stack) -> AsyncIOMotorCollection[Any]:
    mongod = psutil.Process(int((stack.data / "run" / "mongod.pid").read_text()))
    arguments = mongod.cmdline()
    port = arguments[arguments.index("--port") + 1]
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(
        f"mongodb://127.0.0.1:{port}/?directConnection=true", tz_aware=True
    )
    return client["letterbox"]["communications"]


async def fill(stack: Stack, client: httpx2.AsyncClient) -> None:
    """Store rows like one that was really sent, with what a year of a CRM would vary."""
    mail = {"subject": "Your offer", "body": BODY, "recipients": ["customer@acme.test"]}
    response = await client.post(f"{BASE}/send", json=mail)
    id_ = response.raise_for_status().json()["id"]
    while (await client.get(f"{BASE}/find/{id_}")).json()["status"] != "SENT":
        await asyncio.sleep(0.05)
    collection = communications(stack)
    sent = await collection.find_one({"_id": ObjectId(id_)})
    assert sent is not None
    chance = random.Random(7)  # noqa: S311 - the same rows each time
    for start in range(0, ROWS, AT_A_TIME):
        rows = [varied(sent, number, chance) for number in range(start, start + AT_A_TIME)]
        await collection.insert_many(rows, ordered=False)
    await collection.delete_one({"_id": sent["_id"]})


def varied(sent: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    """Make a row like `sent`, with what a year of a CRM would vary; `bench` is its number."""
    shift = timedelta(seconds=chance.randrange(365 * 86400))
    recipient = f"person{chance.randrange(5000)}@customer.test"
    subject = f"Your offer {number}"
    times = ("created", "updated", "sentAt")
    return {
        **sent,
        **{name: sent[name] - shift for name in times},
        "_id": ObjectId(),
        "bench": number,
        "subject": subject,
        "status": chance.choice(STATUSES),
        "type": chance.choice(TYPES),
        "recipients": [recipient],
        "conversationId": f"conversation-{number // 5}",
        "trackingId": f"bench-tracking-{number}",
        "relatedEntityType": "deal",
        "relatedEntityId": str(chance.randrange(2000)),
        "events": [{**event, "date": event["date"] - shift} for event in sent["events"]],
        "searchText": search_text([subject, sent["senderEmail"], recipient], BODY),
    }


async def median_of(
    client: httpx2.AsyncClient, path: str, params: dict[str, str], wanted: str = "< 50"
) -> Figure:
    seconds: list[float] = []
    for _ in range(25):
        begun = time.perf_counter()
        (await client.get(BASE + path, params=params)).raise_for_status()
        seconds.append(time.perf_counter() - begun)
    asked = " ".join(f"{name}={value}" for name, value in params.items())
    name = f"{path} {asked}".replace('"', "").strip()
    return Figure(name[:44], statistics.median(seconds) * 1000, "ms", wanted)


async def _connections(client: httpx2.AsyncClient) -> list[Figure]:
    """The first part of a connection, and one behind 50,000 records."""
    ahead: str | None = None
    for _ in range(250):
        page = await _part(client, 200, ahead, "id")
        ahead = page["pageInfo"]["endCursor"]
    return [
        Figure(f"communications(first: 50) {place}", await _median(client, cursor), "ms", "< 50")
        for place, cursor in (("from the start", None), ("behind 50,000", ahead))
    ]


async def _median(client: httpx2.AsyncClient, cursor: str | None) -> float:
    seconds: list[float] = []
    for _ in range(25):
        begun = time.perf_counter()
        await _part(client, 50, cursor, "id subject status recipients sentAt")
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds) * 1000


async def _part(
    client: httpx2.AsyncClient, first: int, after: str | None, fields: str
) -> dict[str, Any]:
    query = (
        "query($first: Int, $after: String) { communications(first: $first, after: $after) "
        f"{{ nodes {{ {fields} }} pageInfo {{ endCursor hasNextPage }} }} }}"
    )
    asked = {"query": query, "variables": {"first": first, "after": after}}
    response = (await client.post("/graphql", json=asked)).raise_for_status()
    part: dict[str, Any] = response.json()["data"]["communications"]
    return part


async def _streamed(stack: Stack, client: httpx2.AsyncClient, path: str, rows: int) -> list[Figure]:
    octets, resident = 0, 0.0
    begun = time.perf_counter()
    async with client.stream("GET", BASE + path) as response:
        response.raise_for_status()
        async for chunk in response.aiter_raw():
            if octets // 10**7 != (octets + len(chunk)) // 10**7:
                resident = max(resident, stack.resident_megabytes("api"))
            octets += len(chunk)
    seconds = time.perf_counter() - begun
    wanted = ">= 10000" if path == "/csv-export" else "-"
    return [
        Figure(f"{path} of {rows}", rows / seconds, "rows/s", wanted),
        Figure(f"{path} of {rows}, in all", octets / 1e6, "MB", "-"),
        Figure(f"API resident at most during {path}", resident, "MB", "< 250"),
    ]
