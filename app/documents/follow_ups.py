"""Mail that waits for its time and is not to go out once its conversation is answered."""

from collections.abc import Collection

from beanie import PydanticObjectId

from app.documents.communications import Communication, Event
from app.documents.deliveries import Delivery
from app.documents.dispatches import same_turn
from app.documents.inbound_messages import InboundMessage
from app.documents.lifecycle import cancel
from app.documents.vocabulary import CommunicationStatus
from app.mail.kinds import InboundKind

_WAITING = [CommunicationStatus.SCHEDULED, CommunicationStatus.PENDING]


async def conversations_waiting(tenant: str, ids: Collection[str]) -> set[str]:
    """Those of these conversations in which mail waits that an answer calls off."""
    criteria = {
        "conversationId": {"$in": list(ids)},
        "cancelOnReply": True,
        "status": {"$in": _WAITING},
    }
    owned = Communication.owned(tenant, criteria)
    return set(await Communication.get_motor_collection().distinct("conversationId", owned))


async def cancel_answered(reply: InboundMessage, event: Event) -> int:
    """Call off what waits in the conversation of this reply since before it came; how many."""
    rows = Communication.get_motor_collection().find(
        Communication.owned(
            reply.tenant_id,
            {
                "conversationId": reply.conversation_id,
                "cancelOnReply": True,
                "status": {"$in": _WAITING},
                "created": {"$lte": reply.created},
            },
        ),
        {"_id": 1},
    )
    moved = [await cancel(reply.tenant_id, row["_id"], event) async for row in rows]
    return sum(one is not None for one in moved)


async def reply_to(communication: Communication) -> PydanticObjectId | None:
    """Find a person's answer that came into its conversation since it was written."""
    row = await InboundMessage.get_motor_collection().find_one(
        InboundMessage.owned(
            communication.tenant_id,
            {
                "conversationId": communication.conversation_id,
                "kind": InboundKind.PERSONAL,
                "created": {"$gte": communication.created},
            },
        ),
        {"_id": 1},
    )
    return None if row is None else row["_id"]


async def cancel_dispatch(communication: Communication, event: Event) -> Communication | None:
    """Call off what a worker has begun to send and not made a delivery of.

    None when it has one: the mail may be out.
    """
    if await Delivery.of_communication(communication.id, communication.sending) is not None:
        return None
    return await Communication.move(
        communication.id,
        leaving=same_turn(communication),
        update={
            "$set": {"status": CommunicationStatus.CANCELLED, "updated": event.date},
            "$unset": {"dispatchAt": "", "updatedBy": ""},
            "$push": {"events": event.stored()},
        },
    )
