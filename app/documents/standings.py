"""What was decided of conversations and holds for mail that is still to come in them.

A conversation that a mail of ours began is named by its record, which moves along with it. Those of
a list's members are worked out from the list mail: where such went since, and what it was linked
to, stands here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from beanie import PydanticObjectId
from pymongo import ASCENDING, IndexModel

from app.documents.base import Filter, TenantDocument

Entity = tuple[str, str] | None
# Of list mail that was moved: the conversation in which it was sent.
_SENT_IN = "sentInConversationId"
# Part of an update, as a pipeline, that moves mail of ours.
KEEPING_SENT_IN: Filter = {
    _SENT_IN: {
        "$cond": [
            {"$gt": ["$recipientListId", None]},
            {"$ifNull": [f"${_SENT_IN}", "$conversationId"]},
            "$$REMOVE",
        ]
    }
}
# What is read of list mail.
OF_LIST_MAIL: Filter = {_SENT_IN: 1}


class ConversationStanding(TenantDocument):
    """`into` is the conversation that it is part of now; one that `is_linked` has this entity."""

    conversation_id: str
    into: str | None = None
    is_linked: bool = False
    related_entity_type: str | None = None
    related_entity_id: str | None = None
    updated: datetime

    class Settings:
        name = "conversationStandings"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel([("tenantId", ASCENDING), ("conversationId", ASCENDING)], unique=True),
            IndexModel(
                [("tenantId", ASCENDING), ("into", ASCENDING)],
                partialFilterExpression={"into": {"$exists": True}},
            ),
        ]


@dataclass(frozen=True)
class Standing:
    """Where mail of a conversation belongs; one that `is_linked` to this entity, or to none."""

    conversation_id: str
    is_linked: bool
    entity: Entity


def member_conversation(row: Mapping[str, Any], member_id: PydanticObjectId) -> str:
    """Name the conversation of a list's member, of the stored list mail."""
    sent_in = row.get(_SENT_IN, row["conversationId"])
    return uuid5(NAMESPACE_URL, f"{sent_in}/{member_id}").hex


async def note_move(tenant: str, conversation_id: str, into: str, *, now: datetime) -> None:
    """Have what is still to come in a conversation become part of another. Done twice it is it."""
    await ConversationStanding.get_motor_collection().update_many(
        ConversationStanding.owned(tenant, {"into": conversation_id}),
        {"$set": {"into": into, "updated": now}},
    )
    await _note(tenant, conversation_id, {"into": into}, now)
    # One that mail is moved to is there itself, wherever it went before.
    await ConversationStanding.get_motor_collection().update_one(
        ConversationStanding.owned(tenant, {"conversationId": into}), {"$unset": {"into": ""}}
    )


async def note_link(tenant: str, conversation_id: str, entity: Entity, *, now: datetime) -> None:
    """Have what is still to come in a conversation belong to an entity (type, id), or to none."""
    type_, id_ = entity or (None, None)
    link = {"isLinked": True, "relatedEntityType": type_, "relatedEntityId": id_}
    await _note(tenant, conversation_id, link, now)


async def standings(tenant: str, conversation_ids: Collection[str]) -> dict[str, Standing]:
    """Tell of which of these conversations something was decided, and what."""
    rows = await _rows(tenant, conversation_ids)
    moved = {row["into"] for row in rows.values() if row.get("into")}
    links = rows if moved <= rows.keys() else {**rows, **await _rows(tenant, moved)}
    return {
        id_: _standing(row.get("into") or id_, links.get(row.get("into") or id_, {}))
        for id_, row in rows.items()
    }


async def _rows(tenant: str, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    criteria = ConversationStanding.owned(tenant, {"conversationId": {"$in": list(ids)}})
    cursor = ConversationStanding.get_motor_collection().find(criteria)
    return {row["conversationId"]: row async for row in cursor}


def _standing(conversation_id: str, row: dict[str, Any]) -> Standing:
    type_, id_ = row.get("relatedEntityType"), row.get("relatedEntityId")
    entity = None if type_ is None or id_ is None else (type_, id_)
    return Standing(conversation_id, is_linked=row.get("isLinked", False), entity=entity)


async def _note(tenant: str, conversation_id: str, said: dict[str, Any], now: datetime) -> None:
    await ConversationStanding.get_motor_collection().update_one(
        ConversationStanding.owned(tenant, {"conversationId": conversation_id}),
        {
            "$set": {**said, "updated": now},
            "$setOnInsert": {"_id": PydanticObjectId(), "created": now},
        },
        upsert=True,
    )
