"""What earlier versions left in a database, and this one cannot do with."""

from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import OperationFailure

# Collections and indexes. The first allowed one delivery of each sending: list mail has many. The
# others have successors that end in the id.
_INDEXES = [
    ("deliveries", "communicationId_1_sending_1"),
    ("communications", "tenantId_1_conversationId_1"),
    ("deliveries", "tenantId_1_providerConversationId_1"),
    ("inboundMessages", "tenantId_1_graphMailbox_1_graphConversationId_1"),
    ("inboundMessages", "tenantId_1_receivedAt_-1"),
    ("inboundMessages", "tenantId_1_conversationId_1"),
    ("inboundMessages", "tenantId_1_status_1_receivedAt_-1"),
    ("inboundMessages", "tenantId_1_relatedEntityType_1_relatedEntityId_1_receivedAt_-1"),
]
_NOT_THERE = {26, 27}


async def drop_obsolete(database: AsyncIOMotorDatabase[Any]) -> None:
    """Remove indexes that nothing needs, or that refuse what is stored today, where they are."""
    for collection, index in _INDEXES:
        try:
            await database[collection].drop_index(index)
        except OperationFailure as error:
            if error.code not in _NOT_THERE:
                raise
