"""Where a received message belongs, by what it tells of what it answers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from beanie import PydanticObjectId
from pymongo import DESCENDING

from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.standings import OF_LIST_MAIL, Standing, member_conversation, standings

_PLACE = {"conversationId": 1, "relatedEntityType": 1, "relatedEntityId": 1}
_RECEIVED = {**_PLACE, "parentCommunicationId": 1}
# Of a conversation in a mailbox, so many mails are asked who took part in it.
_LATEST = 100
_DELIVERED = {"communicationId": 1, "memberId": 1}


@dataclass(frozen=True)
class Place:
    """Where an answer belongs: its conversation, the record it answers, that record's entity."""

    conversation_id: str
    parent: PydanticObjectId | None
    related_entity_type: str | None
    related_entity_id: str | None

    @classmethod
    def of(cls, message: InboundMessage) -> "Place":
        return cls(
            message.conversation_id,
            message.parent_communication_id,
            message.related_entity_type,
            message.related_entity_id,
        )

    def give(self, message: InboundMessage) -> None:
        """Let a message that is not stored yet stand here."""
        message.conversation_id = self.conversation_id
        message.parent_communication_id = self.parent
        message.related_entity_type = self.related_entity_type
        message.related_entity_id = self.related_entity_id


@dataclass(frozen=True)
class _Evidence:
    """Where mail stands, by its Message-ID and by the id of its delivery; `placed` by users."""

    placed: Mapping[Any, Place]
    found: Mapping[Any, Place]


async def place_of(message: InboundMessage) -> Place | None:
    """Find where a message belongs by its evidence, the surest first; None when it tells nothing.

    What it answers nearest, where a user put that where it stands; an address of ours that names
    what is answered; the Message-IDs that it answers, the nearest
    first; Graph's conversation, within its mailbox. Only mail of its tenant counts: what was sent
    (also by an earlier sending of a record that was sent again) and what was received. Never its
    subject: two people may write the same.
    """
    [place] = await places_of(message.tenant_id, [message])
    return place


async def places_of(tenant: str, messages: Sequence[InboundMessage]) -> list[Place | None]:
    """Do what `place_of` does for messages of one tenant, in as few questions as for one."""
    evidence = await _evidence(tenant, messages)
    return [_told(evidence, message) or await _of_graph(message) for message in messages]


def _told(evidence: _Evidence, message: InboundMessage) -> Place | None:
    nearest = message.answered[:1]
    places = (
        *(evidence.placed.get(id_) for id_ in nearest),
        *(evidence.found.get(id_) for id_ in (message.answered_delivery_id, *message.answered)),
    )
    return next((place for place in places if place is not None), None)


async def _evidence(tenant: str, messages: Sequence[InboundMessage]) -> _Evidence:
    ids = {id_ for message in messages for id_ in message.answered}
    deliveries = {message.answered_delivery_id for message in messages} - {None}
    if not ids and not deliveries:
        return _Evidence({}, {})
    named: Filter = {"$in": list(ids)}
    # The id under which it went out may be ours, or one that the provider made.
    names: dict[str, set[Any]] = {"messageId": ids, "internetMessageId": ids, "_id": deliveries}
    either = [
        Delivery.owned(tenant, {name: {"$in": list(some)}}) for name, some in names.items() if some
    ]
    (placed, received), sent, delivered = await asyncio.gather(
        _received(tenant, named),
        _sent(tenant, {"internetMessageId": named}, "internetMessageId"),
        _delivered(tenant, {"$or": either}, [*names]),
    )
    # Last: a record keeps the id of its last sending only, and knows of no members.
    return _Evidence(placed, {**received, **sent, **delivered})


async def _of_graph(message: InboundMessage) -> Place | None:
    """Find mail of the same conversation in the same mailbox, of which its author was a part.

    Exchange joins by subject, too, where it knows nothing better. Only the latest mails are looked
    at, so that it takes no longer in a conversation that never ends.
    """
    if message.graph_conversation_id is None or message.graph_mailbox is None:
        return None
    author = message.from_email
    there = {
        "graphConversationId": message.graph_conversation_id,
        "graphMailbox": message.graph_mailbox,
    }
    rows = await _latest(
        InboundMessage,
        InboundMessage.owned(message.tenant_id, there),
        {
            "_id": {"$ne": message.id},
            "$or": [{name: author} for name in ("fromEmail", "recipients", "cc")],
        },
        _RECEIVED,
    )
    if rows:
        return _place(rows[0], rows[0].get("parentCommunicationId"))
    sent: Filter = {
        "providerConversationId": message.graph_conversation_id,
        "accountId": message.provider_account_id,
    }
    rows = await _latest(
        Delivery,
        Delivery.owned(message.tenant_id, sent),
        {"recipients.address": author},
        {**_DELIVERED, "providerConversationId": 1},
    )
    found = await _places_of(message.tenant_id, rows, ("providerConversationId",))
    return found.get(message.graph_conversation_id)


async def _latest(
    document: type[InboundMessage] | type[Delivery], there: Filter, wanted: Filter, shown: Filter
) -> list[dict[str, Any]]:
    """Find the latest that is wanted, among the latest that are there."""
    time = "receivedAt" if document is InboundMessage else "_id"
    stages: list[dict[str, Any]] = [
        {"$match": there},
        {"$sort": {time: DESCENDING}},
        {"$limit": _LATEST},
        {"$match": wanted},
        {"$limit": 1},
        {"$project": shown},
    ]
    found: list[dict[str, Any]] = (
        await document.get_motor_collection().aggregate(stages).to_list(None)
    )
    return found


async def _received(tenant: str, ids: Filter) -> tuple[Mapping[str, Place], Mapping[str, Place]]:
    """Find received mail: what users placed, and all."""
    cursor = InboundMessage.get_motor_collection().find(
        InboundMessage.owned(tenant, {"internetMessageId": ids}),
        {**_RECEIVED, "internetMessageId": 1, "isPlaced": 1},
    )
    placed, found = dict[str, Place](), dict[str, Place]()
    async for row in cursor:
        place = _place(row, row.get("parentCommunicationId"))
        found[row["internetMessageId"]] = place
        if row.get("isPlaced"):
            placed[row["internetMessageId"]] = place
    return placed, found


async def _delivered(tenant: str, criteria: Filter, names: Sequence[str]) -> Mapping[Any, Place]:
    """Find by deliveries, under each of their `names`."""
    rows = [
        row
        async for row in Delivery.get_motor_collection().find(
            criteria, {**_DELIVERED, **dict.fromkeys(names, 1)}
        )
    ]
    return await _places_of(tenant, rows, names)


async def _places_of(
    tenant: str, rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> Mapping[Any, Place]:
    if not rows:
        return {}
    criteria: Filter = {"_id": {"$in": [row["communicationId"] for row in rows]}}
    records = await _records(tenant, criteria, "_id")
    known = [row for row in rows if row["communicationId"] in records]
    places = {
        row["_id"]: _own(records[row["communicationId"]], row.get("memberId")) for row in known
    }
    of_members = [places[row["_id"]].conversation_id for row in known if "memberId" in row]
    decided = await standings(tenant, of_members) if of_members else {}
    return {
        row[name]: _standing(places[row["_id"]], decided)
        for row in known
        for name in names
        if name in row
    }


def _own(record: Mapping[str, Any], member_id: PydanticObjectId | None) -> Place:
    """A member of a list answers for itself: each has a conversation of its own."""
    place = _place(record, record["_id"])
    if member_id is None:
        return place
    return replace(place, conversation_id=member_conversation(record, member_id))


def _standing(place: Place, decided: Mapping[str, Standing]) -> Place:
    standing = decided.get(place.conversation_id)
    if standing is None:
        return place
    moved = replace(place, conversation_id=standing.conversation_id)
    type_, id_ = standing.entity or (None, None)
    linked = replace(moved, related_entity_type=type_, related_entity_id=id_)
    return linked if standing.is_linked else moved


async def _sent(tenant: str, criteria: Filter, name: str) -> Mapping[Any, Place]:
    rows = await _records(tenant, criteria, name)
    return {key: _place(row, row["_id"]) for key, row in rows.items()}


async def _records(tenant: str, criteria: Filter, name: str) -> Mapping[Any, Mapping[str, Any]]:
    cursor = Communication.get_motor_collection().find(
        Communication.owned(tenant, criteria), {**_PLACE, **OF_LIST_MAIL, name: 1}
    )
    return {row[name]: row async for row in cursor}


def _place(row: Mapping[str, Any], parent: PydanticObjectId | None) -> Place:
    return Place(
        row["conversationId"],
        None if parent is None else PydanticObjectId(parent),
        row.get("relatedEntityType"),
        row.get("relatedEntityId"),
    )
