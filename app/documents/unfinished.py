"""Received messages that whoever took them in left in the middle of it."""

from datetime import datetime

from app.documents.inbound_indexes import FLAG
from app.documents.inbound_messages import UNSEEN, InboundMessage
from app.documents.inbox_counts import FORGOTTEN


async def some(now: datetime, limit: int) -> list[InboundMessage]:
    """Give some, of all tenants, without their bodies: those that no inbox ever counted."""
    cursor = (
        InboundMessage.get_motor_collection()
        .find(
            {**FLAG, "countedIn": None, "updated": {"$lt": now - FORGOTTEN}},
            {**UNSEEN, "bodyText": 0, "bodyHtml": 0},
        )
        .limit(limit)
    )
    return [InboundMessage.model_validate(row) async for row in cursor]
