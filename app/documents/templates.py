from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.documents.base import Filter, HideableDocument, object_id_of
from app.documents.names import NAMES
from app.documents.vocabulary import CommunicationType
from app.errors import ConflictError, FieldError

# MongoDB ends a document at 16 MB; a template's body stands inside it.
STORED_BODY_LIMIT = 15 * 1024 * 1024


class Template(HideableDocument):
    """A subject and an HTML body to be filled in; `revision` counts its changes."""

    # Records that name it keep its id and name.
    visible: ClassVar[Filter] = {"deletedAt": None}

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    name: str
    subject: str
    body: str = ""
    description: str | None = None
    type: CommunicationType | None = None
    revision: int = 1
    created_by: str
    updated: datetime
    updated_by: str
    deleted_at: datetime | None = None

    class Settings:
        name = "templates"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [("tenantId", ASCENDING), ("name", ASCENDING)],
                name="tenantId_1_name_1",
                unique=True,
                collation=NAMES,
                partialFilterExpression={"deletedAt": None},
            ),
        ]

    async def store(self) -> None:
        """Insert it. Raises ConflictError for a name that is taken."""
        try:
            await self.insert()
        except DuplicateKeyError as error:
            raise _name_taken() from error

    @classmethod
    async def name_of(cls, tenant: str, id_: str) -> str | None:
        """The name of the tenant's template, None when it has none with this id."""
        object_id = object_id_of(id_)
        row = await cls.get_motor_collection().find_one(
            cls.owned(tenant, {"_id": object_id}), {"name": 1}
        )
        return None if row is None else row["name"]

    @classmethod
    async def change(
        cls,
        tenant: str,
        id_: PydanticObjectId,
        changes: dict[str, Any],
        *,
        revision: int | None,
        now: datetime,
        author: str,
    ) -> Self | None:
        """Set the stored fields in `changes`, null ones to nothing.

        None when it is gone, or `revision` is given and not its own. Raises ConflictError for a
        name that is taken.
        """
        leaving = cls.owned(tenant, {} if revision is None else {"revision": revision})
        update = {**cls.setting(changes, now=now, author=author), "$inc": {"revision": 1}}
        try:
            return await cls.move(id_, leaving=leaving, update=update)
        except DuplicateKeyError as error:
            raise _name_taken() from error


def _name_taken() -> ConflictError:
    fault = FieldError("name", "is the name of another template")
    return ConflictError(f"{fault.path}: {fault.message}", fields=[fault])
