from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Self

from beanie import Document, PydanticObjectId
from bson.errors import InvalidId
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pymongo import ReturnDocument
from pymongo.errors import BulkWriteError, ConnectionFailure, ExecutionTimeout

from app.documents.views import as_document, projection_of
from app.documents.volume import counted

Filter = dict[str, Any]
# MongoDB does not answer, or has no primary at the moment: the same call may succeed later.
StoreUnavailableError = ConnectionFailure
# MongoDB ended a search that took longer than `SEARCH_TIME`.
SearchTimeoutError = ExecutionTimeout
_DUPLICATE = 11000
# With more fields left out of a document it is shorter to name those that are read.
_MANY = 8


@dataclass(frozen=True)
class Change:
    """A move that is worked out and not made yet: which states it leaves, and what it sets."""

    leaving: Filter
    update: dict[str, Any]


def stored_name(name: str) -> str:
    """The documented camelCase name is the stored one; `_id` is MongoDB's."""
    return "_id" if name == "id" else to_camel(name)


class StoredModel(BaseModel):
    """A part of a document."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class StoredDocument(Document):
    model_config = ConfigDict(alias_generator=stored_name, populate_by_name=True)

    @classmethod
    async def move(
        cls,
        id_: PydanticObjectId,
        *,
        leaving: Filter,
        update: dict[str, Any] | list[dict[str, Any]],
    ) -> Self | None:
        """The document after `update`, or None when it no longer matches `leaving`.

        One `find_one_and_update`: of several movers exactly one wins.
        """
        row = await cls.get_motor_collection().find_one_and_update(
            {"_id": id_, **leaving}, update, return_document=ReturnDocument.AFTER
        )
        return None if row is None else cls.model_validate(row)

    def written(self) -> dict[str, Any]:
        """The document as MongoDB is to store it, without what is null."""
        row: dict[str, Any] = self.model_dump(by_alias=True, exclude_none=True)
        return row

    @classmethod
    async def make(cls, id_: PydanticObjectId, change: Change) -> Self | None:
        """Make a move that was worked out; the document after it, or None."""
        return await cls.move(id_, leaving=change.leaving, update=change.update)


class TenantDocument(StoredDocument):
    """A document of one tenant. `owned` is the only place where the tenant filter is made.

    `visible` is what a document must match to exist for its tenant. `unseen` are stored fields that
    are long and never shown.
    """

    visible: ClassVar[Filter] = {}
    unseen: ClassVar[tuple[str, ...]] = ()

    tenant_id: str
    created: datetime

    @classmethod
    def owned(cls, tenant: str, criteria: Filter) -> Filter:
        return {**criteria, **cls.visible, "tenantId": tenant}

    @classmethod
    async def of_tenant(cls, tenant: str, id_: str) -> Self | None:
        """The tenant's document with this id; None for unknown, malformed and others' ids."""
        object_id = object_id_of(id_)
        if object_id is None:
            return None
        row = await cls.get_motor_collection().find_one(cls.owned(tenant, {"_id": object_id}))
        return None if row is None else cls.model_validate(counted(row))

    @classmethod
    async def with_ids(
        cls, tenant: str, ids: Collection[str], *, without: Collection[str] = ()
    ) -> dict[str, Self]:
        """The tenant's documents with these ids, by them.

        Where the stored fields `without` are not read, they are to be shown only.
        """
        wanted = object_ids_of(ids)
        make = partial(as_document, cls) if without else cls.model_validate
        hidden = frozenset([*cls.unseen, *without])
        cursor = cls.get_motor_collection().find(
            cls.owned(tenant, {"_id": {"$in": list(wanted.values())}}),
            projection_of(cls, hidden) if len(hidden) > _MANY else dict.fromkeys(hidden, 0),
            # At first MongoDB gives 101 otherwise.
            batch_size=len(wanted) + 1,
        )
        found = {row["_id"]: make(counted(row)) for row in await cursor.to_list(None)}
        return {text: found[id_] for text, id_ in wanted.items() if id_ in found}


class HideableDocument(TenantDocument):
    """A tenant's document that users change and delete; deleting hides it."""

    @classmethod
    def setting(
        cls, changes: dict[str, Any], *, now: datetime, author: str
    ) -> dict[str, dict[str, Any]]:
        """Write the update that sets the stored fields in `changes`, null ones to nothing."""
        kept = {name: value for name, value in changes.items() if value is not None}
        update: dict[str, dict[str, Any]] = {"$set": {**kept, "updated": now, "updatedBy": author}}
        if cleared := dict.fromkeys(changes.keys() - kept.keys(), ""):
            update["$unset"] = cleared
        return update

    @classmethod
    async def delete_once(
        cls, tenant: str, id_: PydanticObjectId, *, now: datetime, author: str
    ) -> bool:
        """Hide it; False when it is gone already."""
        deleted = await cls.move(
            id_,
            leaving=cls.owned(tenant, {}),
            update={"$set": {"deletedAt": now, "updated": now, "updatedBy": author}},
        )
        return deleted is not None


def object_id_of(text: str) -> PydanticObjectId | None:
    """The id that `text` spells in 24 hexadecimal digits, else None."""
    try:
        return PydanticObjectId(text)
    except (InvalidId, TypeError):
        return None


def object_ids_of(texts: Collection[str]) -> dict[str, PydanticObjectId]:
    """The ids that these spell, by their spelling; what spells none is left out."""
    return {text: id_ for text in texts if (id_ := object_id_of(text)) is not None}


def write_faults(error: BulkWriteError) -> dict[int, bool]:
    """Tell which of many writes failed, by their places, and whether as duplicates.

    Raises StoreUnavailableError where it is not sure what was written.
    """
    details = error.details or {}
    if details.get("writeConcernErrors"):
        raise StoreUnavailableError("it is not sure what was written") from error
    return {fault["index"]: fault["code"] == _DUPLICATE for fault in details["writeErrors"]}
