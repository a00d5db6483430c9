from collections.abc import Iterable
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.documents.base import TenantDocument
from app.documents.vocabulary import SuppressionReason


class Suppression(TenantDocument):
    """An address, in lower case, that gets no mail of this tenant any more.

    `detail` holds the provider's words, or a user's; `communication_id` names the mail that led
    to it. `created_by` is None for what the service did by itself.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    address: str
    reason: SuppressionReason
    detail: str | None = None
    communication_id: PydanticObjectId | None = None
    created_by: str | None = None

    class Settings:
        name = "suppressions"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel([("tenantId", ASCENDING), ("address", ASCENDING)], unique=True),
            IndexModel([("tenantId", ASCENDING), ("created", DESCENDING), ("_id", DESCENDING)]),
        ]

    async def store_once(self) -> Self:
        """Insert; the earlier one, untouched, where the address is suppressed already."""
        try:
            await self.insert()
        except DuplicateKeyError:
            earlier = await self.of_addresses(self.tenant_id, [self.address])
            return earlier.get(self.address, self)
        return self

    @classmethod
    async def of_addresses(cls, tenant: str, addresses: Iterable[str]) -> dict[str, Self]:
        """What the tenant suppresses of these addresses, by the address in lower case."""
        wanted = sorted({address.lower() for address in addresses})
        cursor = cls.get_motor_collection().find(cls.owned(tenant, {"address": {"$in": wanted}}))
        found = [cls.model_validate(row) async for row in cursor]
        return {suppression.address: suppression for suppression in found}

    @classmethod
    async def delete_once(cls, tenant: str, id_: PydanticObjectId) -> bool:
        """Remove it; False when it is gone already."""
        result = await cls.get_motor_collection().delete_one(cls.owned(tenant, {"_id": id_}))
        return result.deleted_count > 0
