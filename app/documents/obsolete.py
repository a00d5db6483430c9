"""What earlier versions left in a database, and this one cannot do with."""

from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import OperationFailure

# Collections and indexes. The first allowed one delivery of each sending: list mail has many.
_INDEXES = [("deliveries", "communicationId_1_sending_1")]
_NOT_THERE = {26, 27}


async def drop_obsolete(database: AsyncIOMotorDatabase[Any]) -> None:
    """Remove indexes that would refuse what is stored today; does nothing where there are none."""
    for collection, index in _INDEXES:
        try:
            await database[collection].drop_index(index)
        except OperationFailure as error:
            if error.code not in _NOT_THERE:
                raise
