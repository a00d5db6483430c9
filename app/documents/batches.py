"""Records of a batch, written together."""

from collections.abc import Sequence

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo.errors import BulkWriteError

from app.documents import content
from app.documents.communications import Communication

_DUPLICATE = 11000


async def store_all(records: Sequence[Communication]) -> set[PydanticObjectId]:
    """Insert records in as few writes as MongoDB takes; the ids of those that are there now by us.

    The others were there before. Raises pymongo.errors.BulkWriteError when some could not be
    written for another reason; the rest is.
    """
    if not records:
        return set()
    rows = [await record.outsourced() for record in records]
    stored = {row.id: row for row in rows}
    try:
        await Communication.insert_many(rows, ordered=False)
    except BulkWriteError as error:
        faults = (error.details or {})["writeErrors"]
        if any(fault["code"] != _DUPLICATE for fault in faults):
            raise
        for fault in faults:
            earlier = stored.pop(rows[fault["index"]].id)
            if earlier.content_id is not None:
                await content.remove(Communication, earlier.content_id)
    return set(stored)


async def store_together(records: Sequence[Communication]) -> bool:
    """Insert all records by one transaction, or none; False when some were there before.

    Raises pymongo.errors.BulkWriteError when they could not be written for another reason.
    """
    rows = [await record.outsourced() for record in records]

    async def insert(session: AsyncIOMotorClientSession) -> None:
        await Communication.insert_many(rows, session=session)

    client = Communication.get_motor_collection().database.client
    try:
        async with await client.start_session() as session:
            await session.with_transaction(insert)
    except BulkWriteError as error:
        for row in rows:
            if row.content_id is not None:
                await content.remove(Communication, row.content_id)
        if any(fault["code"] != _DUPLICATE for fault in (error.details or {})["writeErrors"]):
            raise
        return False
    return True
