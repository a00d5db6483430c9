from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from app.documents.base import Filter, StoredModel, TenantDocument, write_faults
from app.documents.searching import SEARCH_TIME
from app.documents.vocabulary import PreferenceSource, PreferenceState

# Of one address and topic; the oldest are forgotten beyond it.
WORDS_KEPT = 200


class Word(StoredModel):
    """What was said of an address and a topic, when, and how.

    `communication_id` names the mail that led to it. `author_id` is the user who wrote it down,
    with where it came from in `detail`; None where the recipient said it.
    """

    state: PreferenceState
    date: datetime
    via: PreferenceSource
    communication_id: PydanticObjectId | None = None
    author_id: str | None = None
    detail: str | None = None


class Preference(TenantDocument):
    """The latest word of an address, in lower case, about a topic, with those before it.

    Without a `topic_id` it is about all mail that one can be unsubscribed from. An address without
    one said nothing. `words` are the latest 200, oldest first; the last is repeated above them.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    address: str
    topic_id: PydanticObjectId | None = None
    state: PreferenceState
    date: datetime
    via: PreferenceSource
    communication_id: PydanticObjectId | None = None
    author_id: str | None = None
    detail: str | None = None
    words: list[Word] = Field(default_factory=list)

    class Settings:
        name = "preferences"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [("tenantId", ASCENDING), ("address", ASCENDING), ("topicId", ASCENDING)],
                unique=True,
            ),
            # In the orders in which they are listed, all of them and those of one topic.
            IndexModel([("tenantId", ASCENDING), ("address", ASCENDING), ("_id", ASCENDING)]),
            IndexModel([("tenantId", ASCENDING), ("date", DESCENDING), ("_id", DESCENDING)]),
            IndexModel(
                [
                    ("tenantId", ASCENDING),
                    ("topicId", ASCENDING),
                    ("state", ASCENDING),
                    ("date", DESCENDING),
                    ("_id", DESCENDING),
                ]
            ),
            # Those that a mail led to.
            IndexModel(
                [
                    ("tenantId", ASCENDING),
                    ("communicationId", ASCENDING),
                    ("date", DESCENDING),
                    ("_id", DESCENDING),
                ],
                partialFilterExpression={"communicationId": {"$exists": True}},
            ),
        ]

    @classmethod
    async def of_address(cls, tenant: str, address: str) -> list[Self]:
        """All that an address said, about all mail first; each without its words."""
        found = await cls.of_addresses(tenant, [address])
        return found.get(address.lower(), [])

    @classmethod
    async def of_addresses(
        cls,
        tenant: str,
        addresses: Collection[str],
        topics: Collection[PydanticObjectId | None] | None = None,
    ) -> dict[str, list[Self]]:
        """What these addresses said, by the address in lower case; of `topics` only, if given."""
        wanted = sorted({address.lower() for address in addresses})
        criteria: Filter = {"address": {"$in": wanted}}
        if topics is not None:
            criteria["topicId"] = {"$in": list(topics)}
        cursor = (
            cls.get_motor_collection()
            .find(cls.owned(tenant, criteria), {"words": 0}, **SEARCH_TIME.of_find())
            .sort([("address", ASCENDING), ("topicId", ASCENDING)])
        )
        found: dict[str, list[Self]] = {}
        async for row in cursor:
            found.setdefault(row["address"], []).append(cls.model_validate(row))
        return found

    @classmethod
    async def one(cls, tenant: str, address: str, topic_id: PydanticObjectId | None) -> Self | None:
        """What an address, in lower case, said of a topic."""
        owned = cls.owned(tenant, {"address": address, "topicId": topic_id})
        row = await cls.get_motor_collection().find_one(owned)
        return None if row is None else cls.model_validate(row)

    @classmethod
    async def say(
        cls,
        tenant: str,
        address: str,
        topic_id: PydanticObjectId | None,
        word: Word,
        *,
        overruled: datetime | None = None,
        session: AsyncIOMotorClientSession | None = None,
    ) -> Self | None:
        """Write a word down, as the latest; None when that is what the address said already.

        A move out of the other state, and out of the same one when it was said by `overruled`.
        None, too, when another wrote the first word just now. That ends the transaction of a
        `session`.
        """
        leaving, update = cls.saying(tenant, address, topic_id, word, overruled=overruled)
        try:
            row = await cls.get_motor_collection().find_one_and_update(
                leaving,
                update,
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
        except DuplicateKeyError:
            return None
        said: Self = cls.model_validate(row)
        return said

    @classmethod
    async def left_by(
        cls,
        tenant: str,
        address: str,
        communication_id: PydanticObjectId,
        *,
        session: AsyncIOMotorClientSession,
    ) -> bool:
        """Whether an address, in lower case, ever unsubscribed from anything by this mail."""
        left = {"communicationId": communication_id, "state": PreferenceState.UNSUBSCRIBED}
        owned = cls.owned(tenant, {"address": address, "words": {"$elemMatch": left}})
        row = await cls.get_motor_collection().find_one(owned, {"_id": 1}, session=session)
        return row is not None

    @classmethod
    async def say_all(
        cls,
        tenant: str,
        topic_id: PydanticObjectId | None,
        words: Mapping[str, tuple[Word, datetime | None]],
    ) -> int:
        """Do what `say` does for many addresses, each with its word and what it overrules.

        How many of them said something else before.
        """
        collection = cls.get_motor_collection()
        waiting = [
            cls.saying(tenant, address, topic_id, word, overruled=overruled)
            for address, (word, overruled) in words.items()
        ]
        changed = 0
        done: Mapping[str, Any]
        for upsert in (True, False):
            if not waiting:
                break
            writes = [UpdateOne(*one, upsert=upsert) for one in waiting]
            try:
                done = (await collection.bulk_write(writes, ordered=False)).bulk_api_result
                waiting = []
            except BulkWriteError as error:
                faults = write_faults(error)
                if not all(faults.values()):
                    raise
                done, waiting = error.details or {}, [waiting[place] for place in faults]
            changed += int(done["nUpserted"]) + int(done["nModified"])
        return changed

    @classmethod
    def saying(
        cls,
        tenant: str,
        address: str,
        topic_id: PydanticObjectId | None,
        word: Word,
        *,
        overruled: datetime | None,
    ) -> tuple[Filter, dict[str, Any]]:
        """Write the filter and the update of `say`; upserted, it fails where nothing is to do."""
        leaving: list[Filter] = [{"state": {"$ne": word.state}}]
        if overruled is not None:
            leaving.append({"date": {"$lte": overruled}})
        owned = cls.owned(tenant, {"address": address, "topicId": topic_id, "$or": leaving})
        said = word.model_dump(by_alias=True, exclude_none=True)
        names = (field.alias or name for name, field in Word.model_fields.items())
        update: dict[str, Any] = {
            "$set": said,
            "$push": {"words": {"$each": [said], "$slice": -WORDS_KEPT}},
            "$setOnInsert": {"created": word.date},
        }
        if unsaid := [name for name in names if name not in said]:
            update["$unset"] = dict.fromkeys(unsaid, "")
        return owned, update
