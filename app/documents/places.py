"""Where a received message belongs, by what it tells of what it answers."""

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


async def place_of(message: InboundMessage) -> Place | None:
    """Find where a message belongs by its evidence, the surest first; None when it tells nothing.

    What it answers nearest, where a user put that where it stands; an address of ours that names
    what is answered; the Message-IDs that it answers, the nearest
    first; Graph's conversation, within its mailbox. Only mail of its tenant counts: what was sent
    (also by an earlier sending of a record that was sent again) and what was received. Never its
    subject: two people may write the same.
    """
    return (
        await _of_placed(message)
        or await _of_address(message)
        or await _of_ids(message.tenant_id, message.answered)
        or await _of_graph(message)
    )


async def _of_placed(message: InboundMessage) -> Place | None:
    if not message.answered:
        return None
    nearest = {"internetMessageId": message.answered[0], "isPlaced": True}
    row = await InboundMessage.get_motor_collection().find_one(
        InboundMessage.owned(message.tenant_id, nearest), _RECEIVED
    )
    return None if row is None else _place(row, row.get("parentCommunicationId"))


async def _of_address(message: InboundMessage) -> Place | None:
    if message.answered_delivery_id is None:
        return None
    criteria = Delivery.owned(message.tenant_id, {"_id": message.answered_delivery_id})
    found = await _delivered(message.tenant_id, criteria, ("_id",))
    return found.get(message.answered_delivery_id)


async def _of_ids(tenant: str, answered: Sequence[str]) -> Place | None:
    if not answered:
        return None
    ids = {"$in": list(answered)}
    # The id under which it went out may be ours, or one that the provider made.
    names = ("messageId", "internetMessageId")
    either: Filter = {"$or": [Delivery.owned(tenant, {name: ids}) for name in names]}
    places = {
        **await _received(tenant, ids),
        **await _sent(tenant, {"internetMessageId": ids}, "internetMessageId"),
        # Last: a record keeps the id of its last sending only, and knows of no members.
        **await _delivered(tenant, either, names),
    }
    return next((places[id_] for id_ in answered if id_ in places), None)


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


async def _received(tenant: str, ids: Filter) -> Mapping[str, Place]:
    cursor = InboundMessage.get_motor_collection().find(
        InboundMessage.owned(tenant, {"internetMessageId": ids}),
        {**_RECEIVED, "internetMessageId": 1},
    )
    return {
        row["internetMessageId"]: _place(row, row.get("parentCommunicationId"))
        async for row in cursor
    }


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
