"""The inbox: one entry for each conversation in which something was received.

What its messages tell (how many are unread, the latest) is brought up to date whenever they change,
see `inbox_counts`. What people decide (who sees to it) stands in the entry alone.
"""

from datetime import datetime
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument

from app.documents.base import TenantDocument

_TENANT = ("tenantId", ASCENDING)
_LATEST_FIRST = [("latestReceived", DESCENDING), ("_id", DESCENDING)]


class InboxEntry(TenantDocument):
    """A conversation as an inbox shows it; `unread` counts its messages that are NEW.

    `first_id` and what is named alike is its first received message, `latest_id` its last.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    conversation_id: str
    subject: str | None = None
    from_email: str | None = None
    unread: int = 0
    received: int = 0
    first_id: PydanticObjectId | None = None
    first_received: datetime | None = None
    latest_id: PydanticObjectId | None = None
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
            # What nobody has read: few, however much is kept.
            IndexModel(
                [_TENANT, *_LATEST_FIRST],
                name="unread",
                partialFilterExpression={"unread": {"$gt": 0}},
            ),
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
