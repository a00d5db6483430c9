from collections.abc import Sequence
from datetime import datetime

from beanie import PydanticObjectId
from pymongo import UpdateOne

from app.documents.base import Change
from app.documents.communication_indexes import FLAG
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
    change = _recording(reply, now)
    return await Communication.move(parent, leaving=change.leaving, update=change.update)


async def record_replies(replies: Sequence[InboundMessage], *, now: datetime) -> None:
    """Do what `record_reply` does for each that answers a record, in one call."""
    changes = [
        (reply.parent_communication_id, _recording(reply, now))
        for reply in replies
        if reply.parent_communication_id is not None and reply.is_reply
    ]
    writes = [UpdateOne({"_id": id_, **one.leaving}, one.update) for id_, one in changes]
    if writes:
        await Communication.get_motor_collection().bulk_write(writes, ordered=False)


def _recording(reply: InboundMessage, now: datetime) -> Change:
    event = Event(
        id=str(reply.id),
        type=EventType.REPLY,
        date=now,
        description=f"from {reply.from_email[:_DESCRIBED]}",
    )
    return Change(
        Communication.owned(reply.tenant_id, {"events.id": {"$ne": event.id}}),
        {
            "$push": {"events": event.stored()},
            "$set": {**FLAG, "updated": now},
            "$inc": {"replyCount": 1},
            "$min": {"repliedAt": now},
            "$unset": {"updatedBy": ""},
        },
    )
