from datetime import datetime

from beanie import PydanticObjectId

from app.documents.communications import Communication, Event
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import EventType

# Characters of an address that the audit trail repeats.
_DESCRIBED = 320


async def record_reply(
    reply: InboundMessage, parent: PydanticObjectId, *, now: datetime
) -> Communication | None:
    """Write a reply into the audit trail of the record it answers.

    A move out of every state. Done twice it is there once: the event has the reply's id. None
    then, for a record that is deleted, and for what no person wrote, which is no reply.
    """
    if not reply.is_reply:
        return None
    event = Event(
        id=str(reply.id),
        type=EventType.REPLY,
        date=now,
        description=f"from {reply.from_email[:_DESCRIBED]}",
    )
    return await Communication.move(
        parent,
        leaving=Communication.owned(reply.tenant_id, {"events.id": {"$ne": event.id}}),
        update={
            "$push": {"events": event.stored()},
            "$set": {"updated": now},
            "$inc": {"replyCount": 1},
            "$min": {"repliedAt": now},
            "$unset": {"updatedBy": ""},
        },
    )
