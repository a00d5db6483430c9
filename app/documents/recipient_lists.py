from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.documents.base import Filter, HideableDocument, object_id_of
from app.documents.list_members import ListMember
from app.documents.names import NAMES
from app.errors import ConflictError, FieldError


class RecipientList(HideableDocument):
    """A name under which a tenant keeps addresses; the addresses are ListMembers."""

    # Hidden at once; its members are removed when it is purged.
    visible: ClassVar[Filter] = {"deletedAt": None}

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    name: str
    description: str | None = None
    created_by: str
    updated: datetime
    updated_by: str
    deleted_at: datetime | None = None

    class Settings:
        name = "recipientLists"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [("tenantId", ASCENDING), ("name", ASCENDING)],
                name="tenantId_1_name_1",
                unique=True,
                collation=NAMES,
                partialFilterExpression={"deletedAt": None},
            ),
            IndexModel([("deletedAt", ASCENDING)], sparse=True),
        ]

    async def store(self) -> None:
        """Insert it. Raises ConflictError for a name that is taken."""
        try:
            await self.insert()
        except DuplicateKeyError as error:
            raise _name_taken() from error

    @classmethod
    async def exists(cls, tenant: str, id_: str) -> bool:
        """Whether the tenant has a list with this id."""
        found = await cls.get_motor_collection().find_one(
            cls.owned(tenant, {"_id": object_id_of(id_)}), {"_id": 1}
        )
        return found is not None

    @classmethod
    async def change(
        cls,
        tenant: str,
        id_: PydanticObjectId,
        changes: dict[str, Any],
        *,
        now: datetime,
        author: str,
    ) -> Self | None:
        """Set the stored fields in `changes`, null ones to nothing; None when it is gone.

        Raises ConflictError for a name that is taken.
        """
        update = cls.setting(changes, now=now, author=author)
        try:
            return await cls.move(id_, leaving=cls.owned(tenant, {}), update=update)
        except DuplicateKeyError as error:
            raise _name_taken() from error

    @classmethod
    async def purge(cls, now: datetime) -> int:
        """Remove for good what was deleted, members first; how many lists that were."""
        collection = cls.get_motor_collection()
        rows = [row async for row in collection.find({"deletedAt": {"$lte": now}}, {"_id": 1})]
        for row in rows:
            await ListMember.remove_all(row["_id"])
            await collection.delete_one({"_id": row["_id"]})
        return len(rows)


def _name_taken() -> ConflictError:
    fault = FieldError("name", "is the name of another list")
    return ConflictError(f"{fault.path}: {fault.message}", fields=[fault])
