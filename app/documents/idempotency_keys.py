from datetime import datetime
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.documents.base import TenantDocument


class IdempotencyKey(TenantDocument):
    """A caller's Idempotency-Key: the body it came with and the record it stands for.

    It is written before the record and names the record's id, so that whoever comes again with
    the same key after a crash in between completes the very same record. `further_ids` are those of
    the other records of a batch.
    """

    key: str
    fingerprint: str
    communication_id: PydanticObjectId
    further_ids: list[PydanticObjectId] = Field(default_factory=list)
    expires: datetime

    class Settings:
        name = "idempotencyKeys"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel([("tenantId", ASCENDING), ("key", ASCENDING)], unique=True),
            IndexModel([("expires", ASCENDING)], expireAfterSeconds=0),
        ]

    @classmethod
    async def of_key(cls, tenant: str, key: str, now: datetime) -> Self | None:
        """The tenant's key, if it has not expired."""
        row = await cls.get_motor_collection().find_one(
            cls.owned(tenant, {"key": key, "expires": {"$gt": now}})
        )
        return None if row is None else cls.model_validate(row)

    async def reserve(self) -> Self:
        """Store it, unless the tenant's key is taken; the one that holds now.

        An expired key is replaced.
        """
        collection = self.get_motor_collection()
        replaceable = self.owned(
            self.tenant_id, {"key": self.key, "expires": {"$lte": self.created}}
        )
        values = self.model_dump(by_alias=True, exclude={"id", "revision_id"})
        try:
            row = await collection.find_one_and_update(
                replaceable, {"$set": values}, upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:
            row = await collection.find_one(self.owned(self.tenant_id, {"key": self.key}))
        return self if row is None else self.model_validate(row)
