"""The moves of a communication to one mail while a worker sees to it being sent.

They are those of the state: each names the states it leaves; None means that another was first.
"""

from datetime import datetime

from beanie import PydanticObjectId

from app.documents.base import Filter, object_id_of
from app.documents.communications import Communication
from app.documents.vocabulary import CommunicationStatus

_TO_BE_SENT = [
    CommunicationStatus.SCHEDULED,
    CommunicationStatus.PENDING,
    CommunicationStatus.SENDING,
]


async def begin(id_: str, *, now: datetime, until: datetime) -> Communication | None:
    """Take it to be sent until `until`; unless that is heard of, the sweep finds it again then.

    SENDING is left for SENDING where it was not heard of: its worker may have died. List mail is
    not dispatched but fanned out.
    """
    object_id = object_id_of(id_)
    if object_id is None:
        return None
    return await Communication.move(
        object_id,
        leaving={
            "status": {"$in": _TO_BE_SENT},
            "dispatchAt": {"$lte": now},
            "recipientListId": None,
            **Communication.visible,
        },
        update={
            "$set": {"status": CommunicationStatus.SENDING, "dispatchAt": until, "updated": now},
            "$unset": {"updatedBy": ""},
            "$inc": {"dispatches": 1},
        },
    )


async def release(communication: Communication, now: datetime) -> None:
    """Give it back at once: the worker that took it is going down."""
    back = {"status": CommunicationStatus.PENDING, "dispatchAt": now}
    await Communication.move(
        communication.id, leaving=same_turn(communication), update={"$set": back}
    )


async def end(communication: Communication) -> None:
    """Leave the rest to its delivery, which was there before."""
    await Communication.move(
        communication.id,
        leaving=same_turn(communication),
        update={"$unset": {"dispatchAt": ""}},
    )


async def count_fault(communication: Communication) -> int:
    """Count a failed dispatch, and let it wait for another; how many there were."""
    moved = await Communication.move(
        communication.id,
        leaving=same_turn(communication),
        update={"$inc": {"faults": 1}, "$set": {"status": CommunicationStatus.PENDING}},
    )
    return 0 if moved is None else moved.faults


async def continue_(id_: PydanticObjectId, now: datetime) -> Communication | None:
    """Take it for another attempt at its delivery, from whose due time on it is seen to."""
    # SENDING may be left for SENDING: the worker that went there may have died on the way.
    leaving = [CommunicationStatus.PENDING, CommunicationStatus.SENDING]
    return await Communication.move(
        id_,
        leaving={"status": {"$in": leaving}, **Communication.visible},
        update={
            "$set": {"status": CommunicationStatus.SENDING, "updated": now},
            "$unset": {"dispatchAt": "", "updatedBy": ""},
        },
    )


def same_turn(communication: Communication) -> Filter:
    """What leaves it to the worker that began this dispatch of it."""
    return {
        "status": CommunicationStatus.SENDING,
        "dispatches": communication.dispatches,
        **Communication.visible,
    }
