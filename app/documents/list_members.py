from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import BulkWriteError, DuplicateKeyError

from app.documents.base import Filter, TenantDocument, object_ids_of
from app.documents.searching import SEARCH_TIME
from app.errors import ConflictError, FieldError

_DUPLICATE = 11000


@dataclass(frozen=True)
class Addressee:
    """What a mail to a member needs to know of it."""

    email: str
    name: str | None
    variables: Mapping[str, Any]


class ListMember(TenantDocument):
    """One address of a recipient list, with what a mail to it can be filled in with.

    `email` is in lower case, its domain in ASCII: a list has each address once. Members stand in
    the order of their ids, which is the order in which they came.
    """

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    list_id: PydanticObjectId
    email: str
    name: str | None = None
    variables: dict[str, Any] = Field(default_factory=dict)
    updated: datetime

    class Settings:
        name = "listMembers"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [("tenantId", ASCENDING), ("listId", ASCENDING), ("email", ASCENDING)], unique=True
            ),
            IndexModel([("tenantId", ASCENDING), ("listId", ASCENDING), ("_id", ASCENDING)]),
            # Purging a list asks by the list alone.
            IndexModel([("listId", ASCENDING)]),
        ]

    @classmethod
    async def add(cls, members: Sequence[Self]) -> set[int]:
        """Insert them; the places in `members` of those whose address the list has already."""
        rows = [_row(member) for member in members]
        try:
            await cls.get_motor_collection().insert_many(rows, ordered=False)
        except BulkWriteError as error:
            faults = (error.details or {}).get("writeErrors", [])
            if any(fault["code"] != _DUPLICATE for fault in faults):
                raise
            return {fault["index"] for fault in faults}
        return set()

    @classmethod
    async def count_of(cls, tenant: str, list_id: PydanticObjectId) -> int:
        criteria = cls.owned(tenant, {"listId": list_id})
        return await cls.get_motor_collection().count_documents(
            criteria, **SEARCH_TIME.of_command()
        )

    @classmethod
    async def counts_of(cls, tenant: str, list_ids: Collection[str]) -> dict[str, int]:
        """How many members these lists have, in one call; those without any are left out."""
        wanted = object_ids_of(list_ids)
        stages: list[dict[str, Any]] = [
            {"$match": cls.owned(tenant, {"listId": {"$in": list(wanted.values())}})},
            {"$group": {"_id": "$listId", "count": {"$sum": 1}}},
        ]
        cursor = cls.get_motor_collection().aggregate(stages, **SEARCH_TIME.of_command())
        found = {row["_id"]: row["count"] async for row in cursor}
        return {text: found[id_] for text, id_ in wanted.items() if id_ in found}

    @classmethod
    async def any_of(cls, tenant: str, list_id: PydanticObjectId) -> bool:
        """Whether the list has a member."""
        criteria = cls.owned(tenant, {"listId": list_id})
        return await cls.get_motor_collection().find_one(criteria, {"_id": 1}) is not None

    @classmethod
    async def laid_out(
        cls,
        tenant: str,
        list_id: PydanticObjectId,
        *,
        by: datetime,
        after: PydanticObjectId | None,
        limit: int,
    ) -> list[tuple[PydanticObjectId, str]]:
        """Ids and addresses of the members behind `after` that the list had `by` then, in order."""
        criteria: Filter = {"listId": list_id, "created": {"$lte": by}}
        if after is not None:
            criteria["_id"] = {"$gt": after}
        cursor = (
            cls.get_motor_collection()
            .find(cls.owned(tenant, criteria), {"email": 1})
            .sort("_id", ASCENDING)
            .limit(limit)
        )
        return [(row["_id"], row["email"]) async for row in cursor]

    @classmethod
    async def of_ids(
        cls, tenant: str, ids: Collection[PydanticObjectId]
    ) -> dict[PydanticObjectId, Addressee]:
        """The tenant's members with these ids, by their ids."""
        cursor = cls.get_motor_collection().find(
            cls.owned(tenant, {"_id": {"$in": list(ids)}}), {"email": 1, "name": 1, "variables": 1}
        )
        return {
            row["_id"]: Addressee(row["email"], row.get("name"), row.get("variables", {}))
            async for row in cursor
        }

    @classmethod
    async def change(
        cls, tenant: str, id_: PydanticObjectId, changes: dict[str, Any], *, now: datetime
    ) -> Self | None:
        """Set the stored fields in `changes`, null ones to nothing; None when it is gone.

        Raises ConflictError for an address that the list has already.
        """
        kept = {name: value for name, value in changes.items() if value is not None}
        update: dict[str, Any] = {"$set": {**kept, "updated": now}}
        if cleared := dict.fromkeys(changes.keys() - kept.keys(), ""):
            update["$unset"] = cleared
        try:
            return await cls.move(id_, leaving=cls.owned(tenant, {}), update=update)
        except DuplicateKeyError as error:
            fault = FieldError("email", "is another member of this list")
            raise ConflictError(f"{fault.path}: {fault.message}", fields=[fault]) from error

    @classmethod
    async def remove(
        cls, tenant: str, list_id: PydanticObjectId, ids: Collection[PydanticObjectId]
    ) -> list[PydanticObjectId]:
        """Remove those of `ids` that are members of the list; the ids of those."""
        criteria = cls.owned(tenant, {"_id": {"$in": list(ids)}, "listId": list_id})
        collection = cls.get_motor_collection()
        found = [row["_id"] async for row in collection.find(criteria, {"_id": 1})]
        await collection.delete_many(cls.owned(tenant, {"_id": {"$in": found}}))
        return found

    @classmethod
    async def remove_all(cls, list_id: PydanticObjectId) -> None:
        await cls.get_motor_collection().delete_many({"listId": list_id})


def _row(member: ListMember) -> dict[str, Any]:
    row: dict[str, Any] = member.model_dump(by_alias=True, exclude_none=True)
    return row
