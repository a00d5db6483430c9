"""The inbox: one entry for each conversation in which something was received.

What its messages tell (how many are unread, the latest) is counted anew whenever they change, so
that an entry that missed a change is right again with the next. What people decide (who sees to
it) stands in the entry alone.
"""

from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument

from app.documents.base import TenantDocument
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import InboundStatus

_TENANT = ("tenantId", ASCENDING)
_LATEST_FIRST = [("latestReceived", DESCENDING), ("_id", DESCENDING)]


class InboxEntry(TenantDocument):
    """A conversation as an inbox shows it; `unread` counts its messages that are NEW."""

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    conversation_id: str
    subject: str | None = None
    from_email: str | None = None
    unread: int = 0
    received: int = 0
    latest_received: datetime
    assignee: str | None = None
    related_entity_type: str | None = None
    related_entity_id: str | None = None
    updated: datetime

    class Settings:
        name = "inbox"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel([_TENANT, ("conversationId", ASCENDING)], unique=True),
            IndexModel([_TENANT, *_LATEST_FIRST]),
            IndexModel([_TENANT, ("assignee", ASCENDING), *_LATEST_FIRST]),
            IndexModel(
                [
                    _TENANT,
                    ("relatedEntityType", ASCENDING),
                    ("relatedEntityId", ASCENDING),
                    *_LATEST_FIRST,
                ]
            ),
        ]

    @classmethod
    async def of_conversations(cls, tenant: str, ids: list[str]) -> dict[str, Self]:
        """The tenant's entries, by the ids of their conversations."""
        criteria = cls.owned(tenant, {"conversationId": {"$in": ids}})
        cursor = cls.get_motor_collection().find(criteria)
        return {row["conversationId"]: cls.model_validate(row) async for row in cursor}

    @classmethod
    async def counted_anew(cls, tenant: str, conversation_id: str, *, now: datetime) -> Self | None:
        """Count a conversation's messages anew; without any its entry is gone, and None given."""
        criteria = cls.owned(tenant, {"conversationId": conversation_id})
        counted = await _counted(tenant, conversation_id)
        if counted is None:
            await cls.get_motor_collection().delete_one(criteria)
            return None
        kept = {name: value for name, value in counted.items() if value is not None}
        update: dict[str, Any] = {
            "$set": {**kept, "updated": now},
            "$setOnInsert": {"_id": PydanticObjectId(), "created": now},
        }
        if gone := dict.fromkeys(counted.keys() - kept.keys(), ""):
            update["$unset"] = gone
        row = await cls.get_motor_collection().find_one_and_update(
            criteria, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        anew: Self = cls.model_validate(row)
        return anew

    @classmethod
    async def assign(
        cls, tenant: str, conversation_id: str, assignee: str | None, *, now: datetime
    ) -> Self | None:
        """Say who sees to it, or that nobody does; None for a conversation without an entry."""
        change = {"$unset": {"assignee": ""}} if assignee is None else {}
        values = {"updated": now} if assignee is None else {"updated": now, "assignee": assignee}
        row = await cls.get_motor_collection().find_one_and_update(
            cls.owned(tenant, {"conversationId": conversation_id}),
            {**change, "$set": values},
            return_document=ReturnDocument.AFTER,
        )
        return None if row is None else cls.model_validate(row)


async def _counted(tenant: str, conversation_id: str) -> dict[str, Any] | None:
    stages: list[dict[str, Any]] = [
        {"$match": InboundMessage.owned(tenant, {"conversationId": conversation_id})},
        {
            "$project": {
                "receivedAt": 1, "status": 1, "subject": 1, "fromEmail": 1,
                "relatedEntityType": 1, "relatedEntityId": 1,
            }
        },
        {"$sort": {"receivedAt": ASCENDING, "_id": ASCENDING}},
        {
            "$group": {
                "_id": None,
                "received": {"$sum": 1},
                "unread": {"$sum": {"$cond": [{"$eq": ["$status", InboundStatus.NEW]}, 1, 0]}},
                "latestReceived": {"$last": "$receivedAt"},
                "subject": {"$first": "$subject"},
                "fromEmail": {"$last": "$fromEmail"},
                "relatedEntityType": {"$last": "$relatedEntityType"},
                "relatedEntityId": {"$last": "$relatedEntityId"},
            }
        },
        {"$unset": "_id"},
    ]  # fmt: skip
    rows = await InboundMessage.get_motor_collection().aggregate(stages).to_list(None)
    return rows[0] if rows else None
