"""Records of a batch, written together."""

from collections.abc import Sequence

from beanie import PydanticObjectId
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
