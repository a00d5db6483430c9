"""Conversations as they are shown: what went out and what came in as one, of many at once.

A conversation is an id that its messages carry. A message stands in it by its date: when it was
received; when it was sent, else is to be sent, else was accepted.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from beanie import PydanticObjectId
from pymongo import ASCENDING, DESCENDING

from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.searching import SEARCH_TIME
from app.documents.views import as_document, projection_of
from app.documents.volume import counted

# A conversation shows no more of who took part in it.
PEOPLE_LIMIT = 100
_BATCH = 10_000
_SENT: Filter = {"date": {"$ifNull": ["$sentAt", "$scheduledAt", "$created"]}}
_RECEIVED: Filter = {"date": "$receivedAt"}


@dataclass(frozen=True)
class Overview:
    """`subject` is that of the first message; `latest` is when one was last sent or received."""

    subject: str | None
    outbound: int
    inbound: int
    started: datetime
    latest: datetime


@dataclass(frozen=True)
class Hidden:
    """The stored fields that are not read of messages that were sent, and of those received."""

    sent: frozenset[str]
    received: frozenset[str]

    @property
    def bodies(self) -> bool:
        """Whether no bodies are read, which may be long and stand elsewhere."""
        return "contentId" in self.sent and "contentId" in self.received


@dataclass(frozen=True)
class Moment:
    """Where a message stands; `sent` tells a Communication from an InboundMessage.

    `record` is the message, to be shown, where it was read along.
    """

    id: PydanticObjectId
    date: datetime
    sent: bool
    record: Communication | InboundMessage | None = field(default=None, compare=False)


async def overviews(tenant: str, ids: Collection[str]) -> dict[str, Overview]:
    """The tenant's conversations with these ids, in one call; those without a message left out."""
    sent = {**_SENT, "subject": 1, "at": {"$ifNull": ["$sentAt", "$created"]}}
    stages = [
        *_messages(tenant, ids, sent, {**_RECEIVED, "subject": 1, "at": "$receivedAt"}),
        {"$sort": {"date": ASCENDING, "_id": ASCENDING}},
        {
            "$group": {
                "_id": "$conversationId",
                "subject": {"$first": "$subject"},
                "outbound": {"$sum": {"$cond": ["$sent", 1, 0]}},
                "inbound": {"$sum": {"$cond": ["$sent", 0, 1]}},
                "started": {"$min": "$at"},
                "latest": {"$max": "$at"},
            }
        },
    ]
    return {row.pop("_id"): Overview(**row) for row in await _rows(stages)}


async def people(tenant: str, ids: Collection[str]) -> dict[str, list[str]]:
    """Who wrote and was written to in each conversation, as it stands there, the first first.

    Blind recipients and members of lists are left out.
    """
    sent = {**_SENT, "who": _everybody("$senderEmail")}
    stages = [
        *_messages(tenant, ids, sent, {**_RECEIVED, "who": _everybody("$fromEmail")}),
        {"$unwind": "$who"},
        {
            "$group": {
                "_id": {"conversation": "$conversationId", "who": {"$toLower": "$who"}},
                "date": {"$min": "$date"},
            }
        },
        {"$sort": {"date": ASCENDING, "_id.who": ASCENDING}},
        {"$group": {"_id": "$_id.conversation", "who": {"$push": "$_id.who"}}},
        {"$project": {"who": {"$slice": ["$who", PEOPLE_LIMIT]}}},
    ]
    return {row["_id"]: row["who"] for row in await _rows(stages)}


async def moments(
    tenant: str, ids: Collection[str], bounds: Collection[Filter], *, ascending: bool, limit: int
) -> dict[str, list[Moment]]:
    """Where the first messages of each conversation stand that meet all `bounds` (`behind`)."""
    row = {"id": "$_id", "date": "$date", "sent": "$sent"}
    stages = [
        *_messages(tenant, ids, _SENT, _RECEIVED),
        *_in_order(bounds, ascending=ascending),
        {"$group": {"_id": "$conversationId", "rows": {"$firstN": {"input": row, "n": limit}}}},
    ]
    return {found["_id"]: [Moment(**one) for one in found["rows"]] for found in await _rows(stages)}


async def moments_with_records(
    tenant: str,
    id_: str,
    bounds: Collection[Filter],
    *,
    ascending: bool,
    limit: int,
    hidden: Hidden,
) -> dict[str, list[Moment]]:
    """As `moments`, of one conversation and with the messages themselves, without bodies."""
    sent = {**projection_of(Communication, hidden.sent), **_SENT}
    received = {**projection_of(InboundMessage, hidden.received), **_RECEIVED}
    stages = [
        *_messages(tenant, [id_], sent, received),
        *_in_order(bounds, ascending=ascending),
        {"$limit": limit},
    ]
    return {id_: [_with_record(counted(row)) for row in await _rows(stages)]}


def _in_order(bounds: Collection[Filter], *, ascending: bool) -> list[Filter]:
    direction = ASCENDING if ascending else DESCENDING
    matches: list[Filter] = [{"$match": bound} for bound in bounds]
    return [*matches, {"$sort": {"date": direction, "_id": direction}}]


def _with_record(row: Filter) -> Moment:
    document = Communication if row["sent"] else InboundMessage
    return Moment(row["_id"], row["date"], row["sent"], as_document(document, row))


def behind(date: datetime, id_: PydanticObjectId, *, ascending: bool, itself: bool) -> Filter:
    """Select what stands behind a place, as the list goes, perhaps with what stands there."""
    operator = "$gt" if ascending else "$lt"
    tie = f"{operator}e" if itself else operator
    return {"$or": [{"date": {operator: date}}, {"date": date, "_id": {tie: id_}}]}


def _messages(
    tenant: str, ids: Collection[str], sent: Filter, received: Filter
) -> list[dict[str, Any]]:
    of_them = {"conversationId": {"$in": list(ids)}}
    common = {"conversationId": 1}
    inbound = [
        {"$match": InboundMessage.owned(tenant, of_them)},
        {"$project": {**common, "sent": {"$literal": False}, **received}},
    ]
    coll = InboundMessage.get_motor_collection().name
    return [
        {"$match": Communication.owned(tenant, of_them)},
        {"$project": {**common, "sent": {"$literal": True}, **sent}},
        {"$unionWith": {"coll": coll, "pipeline": inbound}},
    ]


def _everybody(author: str) -> Filter:
    return {"$concatArrays": [[author], {"$ifNull": ["$recipients", []]}, {"$ifNull": ["$cc", []]}]}


async def _rows(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    collection = Communication.get_motor_collection()
    cursor = collection.aggregate(stages, batchSize=_BATCH, **SEARCH_TIME.of_command())
    rows: list[dict[str, Any]] = await cursor.to_list(None)
    return rows
