"""Turns: one process at a time does what several must not do at once, for one tenant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4
from weakref import WeakValueDictionary

from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.documents.base import TenantDocument

# A holder that died loses its turn after this; living ones are done in a fraction of it.
LEASE_MILLISECONDS = 30_000
_PAUSE_SECONDS = 0.02
_queues: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()


class Turn(TenantDocument):
    """Who may go on with `name` (a kind of work), until when by MongoDB's own clock."""

    name: str
    holder: str | None = None
    until: datetime

    class Settings:
        name = "turns"
        indexes: ClassVar = [
            IndexModel([("tenantId", ASCENDING), ("name", ASCENDING)], unique=True)
        ]


@dataclass
class Held:
    """Whether the turn was held to its end; it shows when it is given back."""

    to_its_end: bool = False


@asynccontextmanager
async def turn(tenant: str, name: str) -> AsyncIterator[Held]:
    """Wait until nobody else is at this work of this tenant, in any process, and hold others off.

    Whoever dies holds it for 30 seconds more; so what is done in it must bear being done again.
    Whoever takes longer may have lost it to others meanwhile.
    """
    # Within a process they queue here, so that one of them asks MongoDB at a time.
    async with _queues.setdefault((tenant, name), asyncio.Lock()):
        holder = uuid4().hex
        while not await _take(tenant, name, holder):  # noqa: ASYNC110 - others are processes
            await asyncio.sleep(_PAUSE_SECONDS)
        held = Held()
        try:
            yield held
        finally:
            given_back = await _collection().update_one(
                Turn.owned(tenant, {"name": name, "holder": holder}),
                [{"$set": {"holder": None, "until": "$$NOW"}}],
            )
            held.to_its_end = given_back.matched_count == 1


async def _take(tenant: str, name: str, holder: str) -> bool:
    is_free = {"$lte": [{"$ifNull": ["$until", "$$NOW"]}, "$$NOW"]}
    ends = {"$add": ["$$NOW", LEASE_MILLISECONDS]}
    taken: dict[str, Any] = {
        "created": {"$ifNull": ["$created", "$$NOW"]},
        "holder": {"$cond": [is_free, {"$literal": holder}, "$holder"]},
        "until": {"$cond": [is_free, ends, "$until"]},
    }
    try:
        row = await _collection().find_one_and_update(
            Turn.owned(tenant, {"name": name}),
            [{"$set": taken}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
    except DuplicateKeyError:
        # Two made it at the same moment.
        return False
    return row is not None and row["holder"] == holder


def _collection() -> Any:
    return Turn.get_motor_collection()
