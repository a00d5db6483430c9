from collections.abc import Sequence
from typing import ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.documents.base import TenantDocument


class InboundDomain(TenantDocument):
    """A domain, or one address, whose mail is a tenant's.

    `name` is as `app.mail.routing.receiving_name` writes it, and no two tenants have the same.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    name: str

    class Settings:
        name = "inboundDomains"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel([("name", ASCENDING)], unique=True),
            IndexModel([("tenantId", ASCENDING)]),
        ]

    async def store_once(self) -> Self:
        """Insert; where somebody has the name already, give the one that does."""
        try:
            await self.insert()
        except DuplicateKeyError:
            return await self.of_names([self.name]) or self
        return self

    @classmethod
    async def of_names(cls, names: Sequence[str]) -> Self | None:
        """The first of these names that anyone has."""
        cursor = cls.get_motor_collection().find({"name": {"$in": list(names)}})
        found = [cls.model_validate(row) async for row in cursor]
        return min(found, key=lambda one: names.index(one.name), default=None)

    @classmethod
    async def of_all(cls, tenant: str | None = None) -> list[Self]:
        """Those of a tenant, or of every one, by name."""
        criteria = {} if tenant is None else cls.owned(tenant, {})
        cursor = cls.get_motor_collection().find(criteria).sort("name", ASCENDING)
        return [cls.model_validate(row) async for row in cursor]

    @classmethod
    async def remove(cls, name: str) -> bool:
        """Remove it; False when nobody has it."""
        removed = await cls.get_motor_collection().delete_one({"name": name})
        return removed.deleted_count == 1
