"""The moves of a communication that goes to a recipient list.

It is SENDING from its first delivery to its last. Meanwhile `dispatch_at` says when somebody must
see to it next, and `dispatches` counts the turns in which somebody did: whoever sends for an older
turn stops. Paused, it has no `dispatch_at`.
"""

from datetime import datetime
from typing import Any

from beanie import PydanticObjectId

from app.documents.base import Filter, object_id_of
from app.documents.communication_indexes import FLAG
from app.documents.communications import Communication, Event
from app.documents.list_progress import FanOut, Progress
from app.documents.vocabulary import CommunicationStatus

_WAITING = [CommunicationStatus.SCHEDULED, CommunicationStatus.PENDING]
_UNDER_WAY = [CommunicationStatus.PENDING, CommunicationStatus.SENDING]
_OF_LIST: Filter = {"recipientListId": {"$exists": True}}
# It goes on: what a worker looks for before it sends.
_GOING: Filter = {
    **_OF_LIST,
    "status": CommunicationStatus.SENDING,
    "pausedAt": None,
    **Communication.visible,
}


async def begin_turn(id_: str, *, now: datetime, until: datetime) -> Communication | None:
    """Take it in hand until `until`, SENDING or CANCELLED; None when it is not due or settled."""
    object_id = object_id_of(id_)
    if object_id is None:
        return None
    due: Filter = {**_OF_LIST, "dispatchAt": {"$lte": now}}
    turn: dict[str, Any] = {"$inc": {"dispatches": 1}}
    sending = [*_WAITING, CommunicationStatus.SENDING]
    moved = await Communication.move(
        object_id,
        leaving={**due, "status": {"$in": sending}, "pausedAt": None, **Communication.visible},
        update={**turn, "$set": {"status": CommunicationStatus.SENDING, "dispatchAt": until}},
    )
    if moved is not None:
        return moved
    return await Communication.move(
        object_id,
        leaving={**due, "status": CommunicationStatus.CANCELLED},
        update={**turn, "$set": {"dispatchAt": until}},
    )


async def advance(
    communication: Communication, fan_out: FanOut, *, until: datetime
) -> Communication | None:
    """Write down how far the fan-out came; None when it is in other hands, or halted."""
    before = communication.fan_out
    cursor = None if before is None else before.cursor
    return await Communication.move(
        communication.id,
        leaving={**_GOING, "dispatches": communication.dispatches, "fanOut.cursor": cursor},
        update={
            "$set": {
                "fanOut": fan_out.model_dump(by_alias=True, exclude_none=True),
                "dispatchAt": until,
            }
        },
    )


async def going(id_: str, turn: int) -> Communication | None:
    """The record while it is sent in this turn, else None."""
    row = await Communication.get_motor_collection().find_one(
        {"_id": object_id_of(id_), **_GOING, "dispatches": turn}
    )
    return None if row is None else Communication.model_validate(row)


async def goes_on(id_: PydanticObjectId) -> bool:
    """Whether it may be sent still: not paused, cancelled or deleted."""
    found = await Communication.get_motor_collection().find_one({"_id": id_, **_GOING}, {"_id": 1})
    return found is not None


async def hasten(id_: PydanticObjectId, now: datetime) -> bool:
    """Have it seen to at once: all that was laid down is settled, or it was called off."""
    collection = Communication.get_motor_collection()
    ended = {"$or": [{**_GOING, "fanOut.done": True}, {"status": CommunicationStatus.CANCELLED}]}
    done = await collection.update_one({"_id": id_, **ended}, {"$set": {"dispatchAt": now}})
    return bool(done.matched_count)


async def wait(communication: Communication, at: datetime, progress: Progress) -> bool:
    """Show the progress, and have it seen to again at `at`; False when it was moved meanwhile."""
    moved = await Communication.move(
        communication.id,
        leaving=_same_turn(communication),
        update={"$set": {"dispatchAt": at, "progress": _stored(progress)}},
    )
    return moved is not None


async def conclude(
    communication: Communication,
    status: CommunicationStatus,
    *,
    progress: Progress,
    event: Event,
    remark: str | None,
    is_withheld: bool = False,
) -> Communication | None:
    """Settle it as SENT or FAILED (`is_withheld`: nobody wanted it): nothing is left to send."""
    settled: dict[str, Any] = {
        **FLAG,
        "status": status,
        "progress": _stored(progress),
        "updated": event.date,
    }
    if status is CommunicationStatus.SENT:
        settled["sentAt"] = event.date
    if remark is not None:
        settled["errorMessage"] = remark
    if is_withheld:
        settled["isWithheld"] = True
    return await Communication.move(
        communication.id,
        leaving=_same_turn(communication),
        update={
            "$set": settled,
            "$unset": {"dispatchAt": "", "updatedBy": ""},
            "$push": {"events": event.stored()},
        },
    )


async def conclude_cancelled(communication: Communication, progress: Progress) -> None:
    """Let it rest: all that was not out when it was called off is settled."""
    await Communication.move(
        communication.id,
        leaving=_same_turn(communication),
        update={"$set": {"progress": _stored(progress)}, "$unset": {"dispatchAt": ""}},
    )


async def release(communication: Communication, now: datetime) -> None:
    """Give it back at once: the worker that has it in hand is going down."""
    await Communication.move(
        communication.id, leaving=_same_turn(communication), update={"$set": {"dispatchAt": now}}
    )


# What users do.


async def pause(tenant: str, id_: PydanticObjectId, event: Event) -> Communication | None:
    """Hold it; None when it is not under way, or paused already."""
    return await _move(
        tenant,
        id_,
        leaving={**_OF_LIST, "status": {"$in": _UNDER_WAY}, "pausedAt": None},
        update={"$set": {"pausedAt": event.date}, "$unset": {"dispatchAt": ""}},
        event=event,
    )


async def resume(tenant: str, id_: PydanticObjectId, event: Event) -> Communication | None:
    """Let it go on; None when it is not paused."""
    return await _move(
        tenant,
        id_,
        leaving={**_OF_LIST, "status": {"$in": _UNDER_WAY}, "pausedAt": {"$ne": None}},
        update={"$set": {"dispatchAt": event.date}, "$unset": {"pausedAt": ""}},
        event=event,
    )


async def cancel(tenant: str, id_: PydanticObjectId, event: Event) -> Communication | None:
    """Call off what is not out yet, also while it is sent; None when it is not SENDING."""
    return await _move(
        tenant,
        id_,
        leaving={**_OF_LIST, "status": CommunicationStatus.SENDING},
        update={
            "$set": {"status": CommunicationStatus.CANCELLED, "dispatchAt": event.date},
            "$unset": {"pausedAt": ""},
        },
        event=event,
    )


async def _move(
    tenant: str,
    id_: PydanticObjectId,
    *,
    leaving: Filter,
    update: dict[str, Any],
    event: Event,
) -> Communication | None:
    author = {"updated": event.date, "updatedBy": event.author_id}
    moved = await Communication.move(
        id_,
        leaving=Communication.owned(tenant, leaving),
        update={
            **update,
            "$set": {**update["$set"], **author},
            "$push": {"events": event.stored()},
        },
    )
    if moved is not None:
        await moved.load_content()
    return moved


def _same_turn(communication: Communication) -> Filter:
    return {
        "status": communication.status,
        "dispatches": communication.dispatches,
        "pausedAt": None,
    }


def _stored(progress: Progress) -> dict[str, Any]:
    stored: dict[str, Any] = progress.model_dump(by_alias=True)
    return stored
