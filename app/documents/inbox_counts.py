"""Counting the inbox: what changes of a message is added to its entry once, and nothing read again.

Whatever changes what the inbox says of a message (it is stored, moved, marked) flags it with the
same write (`isUncounted`). A transaction then takes it from the entry that counted it (`countedIn`,
`countedUnread`), adds it to the entry of its conversation and takes the flag away. So the cost
follows what changed, however long a conversation is, and what is cut off is found by its flag.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ASCENDING, DESCENDING, DeleteOne, UpdateOne

from app.documents.base import Filter
from app.documents.inbound_indexes import FLAG, UNCOUNTED
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.transactions import BusyError, together
from app.documents.vocabulary import InboundStatus

Row = Mapping[str, Any]

# What one transaction counts.
_AT_ONCE = 1000
# What is flagged so long is in nobody's hands any more.
FORGOTTEN = timedelta(minutes=1)
# How long counting waits for others who write the same.
PATIENCE = timedelta(seconds=2)
_COUNTS = ("conversationId", "status", "countedIn", "countedUnread")
_OF_FIRST = ("subject",)
_OF_LATEST = ("fromEmail", "relatedEntityType", "relatedEntityId")
_SHOWN = dict.fromkeys(("receivedAt", *_COUNTS, *_OF_FIRST, *_OF_LATEST), 1)
_COUNTED: list[Filter] = [
    {
        "$set": {
            "countedIn": "$conversationId",
            "countedUnread": {"$eq": ["$status", InboundStatus.NEW.value]},
        }
    },
    {"$unset": [*FLAG]},
]
# Flagged, and in no entry but another conversation's.
_UNCOUNTED: list[Filter] = [
    {
        "$set": {
            **FLAG,
            "countedIn": {
                "$cond": [{"$eq": ["$countedIn", "$conversationId"]}, "$$REMOVE", "$countedIn"]
            },
        }
    },
]


async def count(tenant: str, conversation_ids: Collection[str], *, now: datetime) -> None:
    """Bring the entries of these conversations up to date, and those that messages left for them.

    A conversation without received messages has no entry. What a process that died has in its
    hands keeps its flag and is counted later, so that nobody waits for it.
    """
    ids = list(conversation_ids)
    try:
        await _count_all(tenant, ids, now, patience=PATIENCE)
    except BusyError:
        for id_ in ids:
            with suppress(BusyError):
                await _count_all(tenant, [id_], now, patience=PATIENCE / 10)


async def _count_all(tenant: str, ids: list[str], now: datetime, *, patience: timedelta) -> None:
    moves = partial(_count, tenant=tenant, ids=ids, now=now)
    while await together(InboundMessage, moves, patience=patience):
        pass


async def forgotten(*, now: datetime, limit: int) -> dict[str, set[str]]:
    """Find conversations whose counting was cut off, by their tenants."""
    rows = (
        InboundMessage.get_motor_collection()
        .find(
            {**FLAG, "updated": {"$lt": now - FORGOTTEN}},
            dict.fromkeys(("tenantId", "conversationId"), 1),
        )
        .limit(limit)
    )
    found: dict[str, set[str]] = {}
    async for row in rows:
        found.setdefault(row["tenantId"], set()).add(row["conversationId"])
    return found


@dataclass
class _Sum:
    """What is to be added to an entry, and of which messages that came or changed."""

    received: int = 0
    unread: int = 0
    has_lost: bool = False
    rows: list[Row] = field(default_factory=list)


async def _count(
    session: AsyncIOMotorClientSession, *, tenant: str, ids: Sequence[str], now: datetime
) -> bool:
    """Count some of what is flagged; whether there may be more."""
    messages = InboundMessage.get_motor_collection()
    flagged = InboundMessage.owned(tenant, {**FLAG, "conversationId": {"$in": ids}})
    cursor = messages.find(flagged, _SHOWN, batch_size=_AT_ONCE + 1, session=session).hint(
        UNCOUNTED
    )
    rows: list[Row] = await cursor.limit(_AT_ONCE).to_list(None)
    if not rows:
        return False
    sums = _sums(rows)
    entries = await _entries(tenant, [*sums], session)
    if unknown := list({row["conversationId"] for row in rows} - entries.keys()):
        # What is there may be older than this way of counting.
        them = InboundMessage.owned(tenant, {"conversationId": {"$in": unknown}})
        anew = await messages.update_many(them, _UNCOUNTED, session=session)
        if anew.modified_count:
            return True
    of_rows = InboundMessage.owned(tenant, {"_id": {"$in": [row["_id"] for row in rows]}})
    await messages.update_many(of_rows, _COUNTED, session=session)
    entry_of = partial(_write, session=session, tenant=tenant, now=now)
    writes = [
        await entry_of(id_, sum_, entries.get(id_))
        for id_, sum_ in sums.items()
        if id_ in entries or sum_.rows
    ]
    await InboxEntry.get_motor_collection().bulk_write(writes, session=session)
    return len(rows) == _AT_ONCE


def _sums(rows: Sequence[Row]) -> dict[str, _Sum]:
    sums: dict[str, _Sum] = {}
    for row in rows:
        conversation, before = row["conversationId"], row.get("countedIn")
        if before is not None:
            left = sums.setdefault(before, _Sum())
            left.received -= 1
            left.unread -= row["countedUnread"]
            left.has_lost = left.has_lost or before != conversation
        now = sums.setdefault(conversation, _Sum())
        now.received += 1
        now.unread += row["status"] == InboundStatus.NEW
        now.rows.append(row)
    return sums


async def _entries(
    tenant: str, ids: Sequence[str], session: AsyncIOMotorClientSession
) -> dict[str, Row]:
    # One without `firstId` was counted in another way.
    counted = InboxEntry.owned(
        tenant, {"conversationId": {"$in": ids}, "firstId": {"$exists": True}}
    )
    cursor = InboxEntry.get_motor_collection().find(
        counted, batch_size=len(ids) + 1, session=session
    )
    return {row["conversationId"]: row async for row in cursor}


async def _write(
    id_: str,
    sum_: _Sum,
    entry: Row | None,
    *,
    session: AsyncIOMotorClientSession,
    tenant: str,
    now: datetime,
) -> UpdateOne | DeleteOne:
    criteria = InboxEntry.owned(tenant, {"conversationId": id_})
    before: Row = entry or {"received": 0, "unread": 0}
    received = before["received"] + sum_.received
    messages = InboundMessage.owned(tenant, {"conversationId": id_})
    ends = await _ends(session, messages, sum_, entry) if received > 0 else None
    if ends is None:
        return DeleteOne(criteria)
    unread = before["unread"] + sum_.unread
    values = {"received": received, "unread": unread, "updated": now, **ends}
    update = {
        "$set": {name: value for name, value in values.items() if value is not None},
        "$setOnInsert": {"_id": PydanticObjectId(), "created": now},
        "$unset": {name: "" for name, value in values.items() if value is None},
    }
    return UpdateOne(criteria, {name: part for name, part in update.items() if part}, upsert=True)


async def _ends(
    session: AsyncIOMotorClientSession, messages: Filter, sum_: _Sum, entry: Row | None
) -> Filter | None:
    """Tell what the first and the latest message say, where these are others or say other things.

    The messages that stay are looked at only where some have left; None when there are none.
    """
    if sum_.has_lost or any(_is_shifted(row, entry) for row in sum_.rows):
        first, latest = [await _end(session, messages, way) for way in (ASCENDING, DESCENDING)]
        return None if first is None or latest is None else {**_first(first), **_latest(latest)}
    first, latest = min(sum_.rows, key=_standing), max(sum_.rows, key=_standing)
    if entry is None:
        return {**_first(first), **_latest(latest)}
    is_first = _standing(first) <= (entry["firstReceived"], entry["firstId"])
    is_latest = _standing(latest) >= (entry["latestReceived"], entry["latestId"])
    return {**(_first(first) if is_first else {}), **(_latest(latest) if is_latest else {})}


def _is_shifted(row: Row, entry: Row | None) -> bool:
    """Whether it was an end of the conversation, and was received at another time, we know now."""
    ends = {} if entry is None else {
        entry["firstId"]: entry["firstReceived"], entry["latestId"]: entry["latestReceived"],
    }  # fmt: skip
    return row["_id"] in ends and ends[row["_id"]] != row["receivedAt"]


def _standing(row: Row) -> tuple[datetime, PydanticObjectId]:
    return row["receivedAt"], row["_id"]


async def _end(session: AsyncIOMotorClientSession, messages: Filter, way: int) -> Row | None:
    row: Row | None = await InboundMessage.get_motor_collection().find_one(
        messages, _SHOWN, sort=[("receivedAt", way), ("_id", way)], session=session
    )
    return row


def _first(row: Row) -> Filter:
    return {"firstId": row["_id"], "firstReceived": row["receivedAt"], **_said(row, _OF_FIRST)}


def _latest(row: Row) -> Filter:
    return {"latestId": row["_id"], "latestReceived": row["receivedAt"], **_said(row, _OF_LATEST)}


def _said(row: Row, names: Sequence[str]) -> Filter:
    return {name: row.get(name) for name in names}
