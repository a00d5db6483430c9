"""The data of the comparisons: one tenant with as many communications as SCALE says."""

import asyncio
import os
import random
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient

from tests.bench.reading import BODY, varied
from tests.fakes.messages import message
from tests.processes import Processes

TRACKED = 1000
PER_CONVERSATION = 5
_AT_A_TIME = 2000
_SCALE = re.compile(r"([0-9]+)([km]?)", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
_SETTLED = {"SENT", "FAILED"}


def scale() -> int:
    """Read how many records are wanted: SCALE=10k, 100k (the default) or 1m."""
    found = _SCALE.fullmatch(os.environ.get("SCALE") or "100k")
    if found is None:
        raise SystemExit("SCALE must be a number of records, such as 10k, 100k or 1m.")
    return int(found[1]) * _FACTORS[found[2].lower()]


async def seed(processes: Processes, rows: int) -> None:
    """Fill the database with rows like one mail that was really sent and one that was received.

    Mails are five to a conversation, of which the third was answered; the first thousand have
    deliveries and links of their own. Takes a running API, worker and sink; ends the worker.
    """
    async with processes.client() as client:
        mail = {"subject": "Your offer", "body": BODY, "recipients": ["customer@acme.test"],
                "relatedEntityType": "deal", "relatedEntityId": "1"}  # fmt: skip
        record = (await client.post("/api/v1/communications/send", json=mail)).json()
        while record["status"] not in _SETTLED:
            await asyncio.sleep(0.05)
            record = (await client.get(f"/api/v1/communications/find/{record['id']}")).json()
        content, headers = message(text="Fine.\r\n" * 40), {"Content-Type": "message/rfc822"}
        kept = await client.post("/api/v1/inbound/mime", content=content, headers=headers)
        kept.raise_for_status()
    # Only what is measured has the processors; and it would look for work without indexes.
    await processes.terminate("worker")
    db = database_of(processes)
    # Not what is noted of one only: how it is counted.
    whole = {"isUncounted": 0, "counted": 0}
    sent = await db["communications"].find_one({"_id": ObjectId(record["id"])}, whole)
    delivery = await db["deliveries"].find_one({"communicationId": sent["_id"]})
    received = await db["inboundMessages"].find_one({})
    for one in ("communications", "deliveries", "inboundMessages"):
        await db[one].delete_many({})
    async with _without_indexes(db):
        await _fill(db, rows, sent, received, delivery)


async def _fill(
    db: Any, rows: int, sent: dict[str, Any], received: dict[str, Any], delivery: dict[str, Any]
) -> None:
    chance = random.Random(7)  # noqa: S311 - the same rows each time
    for start in range(0, rows, _AT_A_TIME):
        numbers = range(start, min(start + _AT_A_TIME, rows))
        mails = [varied(sent, number, chance) for number in numbers]
        await db["communications"].insert_many(mails, ordered=False)
        answers = [_answer(received, mail) for mail in mails[2::PER_CONVERSATION]]
        await db["inboundMessages"].insert_many(answers, ordered=False)
        if start < TRACKED:
            envelopes = [_envelope(delivery, mail) for mail in mails[: TRACKED - start]]
            await db["deliveries"].insert_many(envelopes, ordered=False)


@asynccontextmanager
async def _without_indexes(db: Any) -> AsyncIterator[None]:
    """Have the indexes made when the rows are there: in a third of the time."""
    indexes = {}
    for name in ("communications", "inboundMessages"):
        found = await db[name].list_indexes().to_list(None)
        indexes[name] = [dict(one) for one in found if one["name"] != "_id_"]
        for one in indexes[name]:
            await db[name].drop_index(one["name"])
    yield
    for name, specifications in indexes.items():
        await db.command({"createIndexes": name, "indexes": specifications})


def database_of(processes: Processes) -> Any:
    """Give the database of these processes, for reading and filling it past the product."""
    url = processes.variables["LETTERBOX_MONGO_URL"]
    client: AsyncIOMotorClient[Any] = AsyncIOMotorClient(url, tz_aware=True, w="majority")
    return client[processes.database]


def _envelope(delivery: Mapping[str, Any], mail: dict[str, Any]) -> dict[str, Any]:
    return {
        **delivery,
        "_id": ObjectId(),
        "communicationId": mail["_id"],
        "trackingId": mail["trackingId"],
    }


def _answer(received: Mapping[str, Any], mail: Mapping[str, Any]) -> dict[str, Any]:
    id_ = ObjectId()
    names = ("conversationId", "relatedEntityType", "relatedEntityId")
    return {
        **received,
        **{name: mail[name] for name in names},
        "_id": id_,
        "key": f"<{id_}@customer.test>",
        "internetMessageId": f"<{id_}@customer.test>",
        "parentCommunicationId": mail["_id"],
        "receivedAt": mail["sentAt"] + timedelta(hours=1),
    }
