"""Conversations: mail that went out and mail that came in, joined by their Message-IDs.

A conversation is an id that its members carry, not a document of its own.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from pymongo import DESCENDING

from app.documents.base import Filter
from app.documents.communications import Communication
from app.documents.inbound_indexes import FLAG
from app.documents.inbound_messages import UNSEEN, InboundMessage
from app.documents.searching import SEARCH_TIME
from app.documents.standings import KEEPING_SENT_IN
from app.documents.volume import counted
from app.documents.whereabouts import Place

# Of each direction, the latest: what one answer holds in memory.
MEMBERS_LIMIT = 2000
_BARE = {**UNSEEN, "bodyHtml": 0, "bodyText": 0, "contentId": 0}
_TIMELINE = {"originalBody": 0, "variables": 0, "clickedLinks": 0, "events": 0, "searchText": 0}


async def answers_to(tenant: str, message_id: str, *, outside: str) -> list[InboundMessage]:
    """Find received messages that answer this Message-ID and are not in conversation `outside`.

    Those that a user put elsewhere stay there. Their bodies are left out.
    """
    criteria = {
        "answered": message_id,
        "conversationId": {"$ne": outside},
        "isPlaced": {"$ne": True},
    }
    return await _inbound(tenant, criteria, _BARE)


async def answers_ours(tenant: str, conversation_id: str) -> bool:
    """Whether any of its received messages answers a record of ours."""
    criteria = {"conversationId": conversation_id, "parentCommunicationId": {"$type": "objectId"}}
    owned = InboundMessage.owned(tenant, criteria)
    return await InboundMessage.get_motor_collection().find_one(owned, {"_id": 1}) is not None


async def answered_by(message: InboundMessage) -> list[InboundMessage]:
    """Find loose mail that a message answers and that is not in its conversation, without bodies.

    Loose is what answers no record of ours, and stands where no user put it.
    """
    criteria = {
        "internetMessageId": {"$in": message.answered},
        "conversationId": {"$ne": message.conversation_id},
        "parentCommunicationId": None,
        "isPlaced": {"$ne": True},
    }
    return await _inbound(message.tenant_id, criteria, _BARE)


async def where_answered(
    tenant: str, message_ids: Collection[str]
) -> defaultdict[str | None, set[str]]:
    """Tell in which conversations these Message-IDs are answered; as `answers_to`, of many.

    Where more answers than can be looked at here might stand elsewhere, "" is one of them.
    """
    found = defaultdict[str | None, set[str]](set)
    if not message_ids:
        return found
    wanted = set(message_ids)
    criteria = {"answered": {"$in": list(wanted)}, "isPlaced": {"$ne": True}}
    shown = {"answered": 1, "conversationId": 1}
    cursor = InboundMessage.get_motor_collection().find(
        InboundMessage.owned(tenant, criteria), shown, limit=MEMBERS_LIMIT
    )
    rows = await cursor.to_list(None)
    for row in rows:
        for id_ in wanted.intersection(row["answered"]):
            found[id_].add(row["conversationId"])
    if len(rows) == MEMBERS_LIMIT:
        for id_ in wanted:
            found[id_].add("")
    return found


async def answering_none(tenant: str, conversation_id: str) -> list[InboundMessage]:
    """Find received messages of a conversation that answer no record of ours, without bodies."""
    criteria = {"conversationId": conversation_id, "parentCommunicationId": None}
    return await _inbound(tenant, criteria, _BARE)


async def merge(tenant: str, conversation_id: str, into: Place) -> None:
    """Let all members of a conversation belong to another; whoever has no parent gets its.

    Done twice it is the same.
    """
    place: dict[str, Any] = {"conversationId": into.conversation_id, **FLAG}
    if into.parent is not None:
        entity = {
            "relatedEntityType": into.related_entity_type,
            "relatedEntityId": into.related_entity_id,
        }
        place["parentCommunicationId"] = into.parent
        place |= {name: value for name, value in entity.items() if value is not None}
    inbound = InboundMessage.get_motor_collection()
    members = InboundMessage.owned(tenant, {"conversationId": conversation_id})
    outbound = Communication.owned(tenant, {"conversationId": conversation_id})
    moved = {"conversationId": into.conversation_id}
    await inbound.update_many({**members, "parentCommunicationId": None}, {"$set": place})
    await inbound.update_many(members, {"$set": {**moved, **FLAG}})
    await Communication.get_motor_collection().update_many(
        outbound,
        [{"$set": {**KEEPING_SENT_IN, "conversationId": {"$literal": into.conversation_id}}}],
    )


async def move_alone(message: InboundMessage, into: Place) -> None:
    """Let one message belong to another conversation, without those beside it."""
    place = {
        "conversationId": into.conversation_id,
        "parentCommunicationId": into.parent,
        "relatedEntityType": into.related_entity_type,
        "relatedEntityId": into.related_entity_id,
    }
    kept = {name: value for name, value in place.items() if value is not None}
    await message.move(
        message.id, leaving={"isPlaced": {"$ne": True}}, update={"$set": {**kept, **FLAG}}
    )


async def outbound_of(tenant: str, conversation_id: str) -> list[Communication]:
    """Read what went out in a conversation, in full; its latest 2000."""
    return await _outbound(tenant, {"conversationId": conversation_id}, {"searchText": 0})


async def inbound_of(tenant: str, conversation_id: str) -> list[InboundMessage]:
    """Read what came in, in full; its latest 2000."""
    return await _inbound(tenant, {"conversationId": conversation_id})


async def outbound_about(tenant: str, entity_type: str, entity_id: str) -> list[Communication]:
    """Read what went out about an entity, as a timeline shows it; its latest 2000.

    Original bodies, variables, links and events are left out.
    """
    return await _outbound(tenant, _entity(entity_type, entity_id), _TIMELINE)


async def inbound_about(tenant: str, entity_type: str, entity_id: str) -> list[InboundMessage]:
    """Read what came in about an entity, in full; its latest 2000."""
    return await _inbound(tenant, _entity(entity_type, entity_id))


def _entity(entity_type: str, entity_id: str) -> Filter:
    return {"relatedEntityType": entity_type, "relatedEntityId": entity_id}


async def _outbound(tenant: str, criteria: Filter, seen: Filter) -> list[Communication]:
    cursor = (
        Communication.get_motor_collection()
        .find(Communication.owned(tenant, criteria), seen, **SEARCH_TIME.of_find())
        .sort([("created", DESCENDING), ("_id", DESCENDING)])
        .limit(MEMBERS_LIMIT)
    )
    found = [Communication.model_validate(counted(row)) async for row in cursor]
    for record in found:
        await record.load_content()
    return found


async def _inbound(tenant: str, criteria: Filter, seen: Filter = UNSEEN) -> list[InboundMessage]:
    cursor = (
        InboundMessage.get_motor_collection()
        .find(InboundMessage.owned(tenant, criteria), seen, **SEARCH_TIME.of_find())
        .sort("receivedAt", DESCENDING)
        .limit(MEMBERS_LIMIT)
    )
    found = [InboundMessage.model_validate(counted(row)) async for row in cursor]
    for message in found:
        await message.load_content()
    return found
