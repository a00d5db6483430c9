from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.documents.base import Filter, HideableDocument, StoredModel
from app.documents.searching import SEARCH_TIME
from app.documents.vocabulary import TopicDefault
from app.errors import ConflictError, FieldError


class TopicWords(StoredModel):
    """What a topic is called in another language; `locale` is a tag of BCP 47."""

    locale: str
    name: str
    description: str | None = None


class Topic(HideableDocument):
    """What mail is about, as recipients choose it: `newsletter`, `offers`.

    `key` is the tenant's only one and never changes. `default` is whether those who said nothing
    get its mail. No new mail takes an archived one, and recipients do not see it; what they said
    of it stays. It is never deleted: their words name it.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    key: str
    name: str
    description: str | None = None
    translations: list[TopicWords] = Field(default_factory=list)
    default: TopicDefault
    created_by: str
    updated: datetime
    updated_by: str
    archived_at: datetime | None = None

    class Settings:
        name = "topics"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel([("tenantId", ASCENDING), ("key", ASCENDING)], unique=True),
        ]

    async def store(self) -> None:
        """Insert it. Raises ConflictError for a key that is taken."""
        try:
            await self.insert()
        except DuplicateKeyError as error:
            fault = FieldError("key", "is the key of another topic")
            message = f"{fault.path}: {fault.message}"
            raise ConflictError(message, fields=[fault]) from error

    @classmethod
    def put_away(cls, *, archived: bool | None) -> Filter:
        """Select archived ones, the others, or both for None."""
        return {} if archived is None else {"archivedAt": {"$ne": None} if archived else None}

    @classmethod
    async def count_of(cls, tenant: str) -> int:
        """How many the tenant has, archived ones too."""
        return await cls.get_motor_collection().count_documents(
            cls.owned(tenant, {}), **SEARCH_TIME.of_command()
        )

    @classmethod
    async def all_of(cls, tenant: str, *, archived: bool | None = False) -> list[Self]:
        """The tenant's topics by their keys; archived ones, the others, or both for None."""
        owned = cls.owned(tenant, cls.put_away(archived=archived))
        cursor = cls.get_motor_collection().find(owned, **SEARCH_TIME.of_find())
        return [cls.model_validate(row) async for row in cursor.sort("key", ASCENDING)]

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
        """Set the stored fields in `changes`, null ones to nothing; None for another tenant's."""
        update = cls.setting(changes, now=now, author=author)
        return await cls.move(id_, leaving=cls.owned(tenant, {}), update=update)

    @classmethod
    async def archive(
        cls, tenant: str, id_: PydanticObjectId, *, now: datetime, author: str
    ) -> Self | None:
        """Put it away; None when it is away already."""
        return await cls.move(
            id_,
            leaving=cls.owned(tenant, {"archivedAt": None}),
            update={"$set": {"archivedAt": now, "updated": now, "updatedBy": author}},
        )

    @classmethod
    async def unarchive(
        cls, tenant: str, id_: PydanticObjectId, *, now: datetime, author: str
    ) -> Self | None:
        """Take it out again; None when it is not put away."""
        return await cls.move(
            id_,
            leaving=cls.owned(tenant, {"archivedAt": {"$ne": None}}),
            update={
                "$set": {"updated": now, "updatedBy": author},
                "$unset": {"archivedAt": ""},
            },
        )
