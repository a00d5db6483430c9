"""What recipients say by means of a mail: kept, and counted on its record."""

from dataclasses import dataclass
from datetime import datetime

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.documents.communication_indexes import FLAG
from app.documents.communications import Communication, Event
from app.documents.preferences import Preference, Word
from app.documents.transactions import LostError, together


@dataclass(frozen=True)
class Unsubscribe:
    """What `Preference.say` needs, the record `of` the mail, and what its audit trail is told."""

    tenant: str
    address: str
    topic_id: PydanticObjectId | None
    word: Word
    overruled: datetime | None
    of: PydanticObjectId
    event: Event


async def unsubscribe(asked: Unsubscribe) -> Preference | None:
    """Do what `Preference.say` does, and count it on the record, together or not at all.

    A recipient counts once, whatever they leave and come back to by the mail. The first one's
    event goes into the record's audit trail: those of a campaign would fill it.
    """
    tenant, address = asked.tenant, asked.address

    async def moves(session: AsyncIOMotorClientSession) -> Preference:
        counted = await Preference.left_by(tenant, address, asked.of, session=session)
        said = await Preference.say(
            tenant,
            address,
            asked.topic_id,
            asked.word,
            overruled=asked.overruled,
            session=session,
        )
        if said is None:
            raise LostError
        if not counted:
            record = Communication.owned(tenant, {"_id": asked.of})
            await _count(record, asked.event, session)
        return said

    return await together(Preference, moves)


async def _count(
    record: dict[str, object], event: Event, session: AsyncIOMotorClientSession
) -> None:
    """Count one more, where the record is still there. A move out of every state."""
    collection = Communication.get_motor_collection()
    counted = {
        "$inc": {"unsubscribeCount": 1},
        "$set": {"updated": event.date},
        "$unset": {"updatedBy": ""},
    }
    first = {
        **counted,
        "$set": {**FLAG, "updated": event.date, "unsubscribedAt": event.date},
        "$push": {"events": event.stored()},
    }
    done = await collection.update_one({**record, "unsubscribedAt": None}, first, session=session)
    if not done.matched_count:
        await collection.update_one(record, counted, session=session)
