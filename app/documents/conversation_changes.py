"""What people do to conversations: each is a move of all its messages, which may be done twice."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from beanie import PydanticObjectId

from app.documents.base import Filter, object_ids_of
from app.documents.communications import Communication, Event
from app.documents.inbound_indexes import FLAG
from app.documents.inbound_messages import InboundMessage
from app.documents.standings import KEEPING_SENT_IN
from app.documents.trails import told
from app.documents.vocabulary import InboundStatus

_DOCUMENTS: tuple[type[Communication] | type[InboundMessage], ...] = (Communication, InboundMessage)


async def exists(tenant: str, conversation_id: str) -> bool:
    """Whether any message of the tenant is part of it."""
    for document in _DOCUMENTS:
        criteria = document.owned(tenant, {"conversationId": conversation_id})
        if await document.get_motor_collection().find_one(criteria, {"_id": 1}) is not None:
            return True
    return False


async def holds_placed(tenant: str, conversation_id: str) -> bool:
    """Whether a user put any of its received messages there."""
    criteria = {"conversationId": conversation_id, "isPlaced": True}
    owned = InboundMessage.owned(tenant, criteria)
    return await InboundMessage.get_motor_collection().find_one(owned, {"_id": 1}) is not None


async def members(tenant: str, conversation_id: str, ids: Collection[str]) -> set[str]:
    """Those of these ids that are messages of the conversation, sent or received."""
    wanted = object_ids_of(ids)
    found: set[PydanticObjectId] = set()
    for document in _DOCUMENTS:
        criteria: Filter = {"conversationId": conversation_id, "_id": {"$in": [*wanted.values()]}}
        cursor = document.get_motor_collection().find(document.owned(tenant, criteria), {"_id": 1})
        found |= {row["_id"] async for row in cursor}
    return {text for text, id_ in wanted.items() if id_ in found}


async def link(
    tenant: str, conversation_id: str, entity: tuple[str, str] | None, event: Event
) -> None:
    """Let all messages belong to a CRM entity (type, id), or to none."""
    type_, id_ = entity or (None, None)
    change = {"relatedEntityType": type_, "relatedEntityId": id_}
    await _change(tenant, {"conversationId": conversation_id}, change, event)


async def move(tenant: str, conversation_id: str, into: str, event: Event) -> None:
    """Let all messages be part of another conversation, whatever they answer."""
    await _keep(tenant, {"conversationId": conversation_id})
    await _change(tenant, {"conversationId": conversation_id}, {"conversationId": into}, event)


async def split(
    tenant: str, conversation_id: str, ids: Collection[PydanticObjectId], into: str, event: Event
) -> None:
    """Let these messages be part of another conversation, and what is received stay there."""
    criteria = {"conversationId": conversation_id, "_id": {"$in": list(ids)}}
    await _keep(tenant, criteria)
    await _change(tenant, criteria, {"conversationId": into}, event)


async def following(
    tenant: str, conversation_id: str, ids: Collection[PydanticObjectId]
) -> set[PydanticObjectId]:
    """These messages of a conversation, and those of it that answer them, and those that do them.

    A mail of ours follows what it was written in reply to.
    """
    criteria: Filter = {"conversationId": conversation_id}
    shown = {"internetMessageId": 1, "answered": 1, "parentCommunicationId": 1, "inReplyTo": 1}
    rows: list[dict[str, Any]] = []
    for document in _DOCUMENTS:
        cursor = document.get_motor_collection().find(document.owned(tenant, criteria), shown)
        rows += [row async for row in cursor]
    answers = defaultdict[Any, list[PydanticObjectId]](list)
    for row in rows:
        answers[_answered(row)].append(row["_id"])
    message_ids = {row["_id"]: row.get("internetMessageId") for row in rows}
    taken, waiting = set(ids), list(ids)
    while waiting:
        id_ = waiting.pop()
        # What names nothing is in no list but that of None.
        names = {id_, message_ids.get(id_)} - {None}
        more = {one for name in names for one in answers.get(name, ())} - taken
        taken |= more
        waiting += more
    return taken


def _answered(row: dict[str, Any]) -> Any:
    """What it answers: the Message-ID that it names as the nearest, else the id of its record."""
    named: str | None = (row.get("answered") or [row.get("inReplyTo")])[0]
    return row.get("parentCommunicationId") if named is None else named


async def mark(tenant: str, criteria: Filter, status: InboundStatus, event: Event) -> list[str]:
    """Give received messages a status; in which conversations any had another."""
    collection = InboundMessage.get_motor_collection()
    owned = InboundMessage.owned(tenant, {**criteria, "status": {"$ne": status}})
    touched: list[str] = await collection.distinct("conversationId", owned)
    await collection.update_many(owned, [{"$set": {**FLAG, "status": status, **told(event)}}])
    return touched


async def _keep(tenant: str, criteria: Filter) -> None:
    """Have no later evidence move received messages, from before they are where they shall stay.

    List mail keeps the name by which the conversations of its members are known.
    """
    outbound = Communication.owned(tenant, criteria)
    await Communication.get_motor_collection().update_many(outbound, [{"$set": KEEPING_SENT_IN}])
    inbound = InboundMessage.owned(tenant, criteria)
    await InboundMessage.get_motor_collection().update_many(inbound, {"$set": {"isPlaced": True}})


async def _change(
    tenant: str, criteria: Filter, change: Mapping[str, str | None], event: Event
) -> None:
    """Change messages in both directions; whoever did it, and what, is in their audit trails."""
    values = {
        name: "$$REMOVE" if value is None else {"$literal": value} for name, value in change.items()
    }
    for document in _DOCUMENTS:
        flag = FLAG if document is InboundMessage else {}
        owned = document.owned(tenant, {**criteria, "events.id": {"$ne": event.id}})
        update = [{"$set": {**values, **told(event), **flag}}]
        await document.get_motor_collection().update_many(owned, update)
