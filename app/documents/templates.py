from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.documents.base import Filter, HideableDocument, object_id_of
from app.documents.names import NAMES
from app.documents.vocabulary import CommunicationType, TemplateFormat, TemplateKind
from app.errors import ConflictError, FieldError

# MongoDB ends a document at 16 MB; a template's body stands inside it.
STORED_BODY_LIMIT = 15 * 1024 * 1024


class Template(HideableDocument):
    """A subject and a body to be filled in, in versions; `revision` counts its changes.

    `version` is the number of the published version that is current, and `version_id` its id, None
    before there is one; then `subject` and `body` are those of its first draft. `versioned` is
    false for one that was stored before there were versions. `format` is the current version's, and
    `uses` are its layouts and partials. A deleted one is not looked at again before `purge_at`.
    """

    # Records that name it keep its id and name.
    visible: ClassVar[Filter] = {"deletedAt": None}

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    name: str
    subject: str
    body: str = ""
    description: str | None = None
    type: CommunicationType | None = None
    kind: TemplateKind = TemplateKind.TEMPLATE
    format: TemplateFormat = TemplateFormat.HTML
    revision: int = 1
    version: int | None = None
    version_id: PydanticObjectId | None = None
    versioned: bool = False
    uses: list[PydanticObjectId] = Field(default_factory=list)
    created_by: str
    updated: datetime
    updated_by: str
    archived_at: datetime | None = None
    deleted_at: datetime | None = None
    purge_at: datetime | None = None

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
            IndexModel([("tenantId", ASCENDING), ("uses", ASCENDING)]),
            IndexModel([("deletedAt", ASCENDING)], sparse=True),
            # What was stored before there were versions is looked for at each start.
            IndexModel([("versioned", ASCENDING)]),
        ]

    @classmethod
    def of_kinds(cls, kinds: Collection[TemplateKind], *, archived: bool | None) -> Filter:
        """Select templates of these kinds; archived ones, the others, or both for None."""
        # What was stored before there were kinds is a whole mail.
        stored = [*kinds, *([None] if TemplateKind.TEMPLATE in kinds else [])]
        selected: Filter = {"kind": {"$in": stored}}
        if archived is not None:
            selected["archivedAt"] = {"$ne": None} if archived else None
        return selected

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
            raise name_taken() from error

    @classmethod
    async def archive(
        cls, tenant: str, id_: PydanticObjectId, *, now: datetime, author: str
    ) -> Self | None:
        """Put it away; None when it is away already, or gone."""
        put_away = {"archivedAt": now, "updated": now, "updatedBy": author}
        return await cls.move(
            id_,
            leaving=cls.owned(tenant, {"archivedAt": None}),
            update={"$set": put_away, "$inc": {"revision": 1}},
        )

    @classmethod
    async def unarchive(
        cls, tenant: str, id_: PydanticObjectId, *, now: datetime, author: str
    ) -> Self | None:
        """Take it out again; None when it is not put away, or gone."""
        return await cls.move(
            id_,
            leaving=cls.owned(tenant, {"archivedAt": {"$ne": None}}),
            update={
                "$set": {"updated": now, "updatedBy": author},
                "$unset": {"archivedAt": ""},
                "$inc": {"revision": 1},
            },
        )

    @classmethod
    async def named(
        cls, tenant: str, names: Collection[str], kinds: Collection[TemplateKind]
    ) -> list[Self]:
        """The tenant's templates of these kinds with these names, whatever their capitals."""
        criteria = {"name": {"$in": list(names)}, "kind": {"$in": list(kinds)}}
        rows = cls.get_motor_collection().find(cls.owned(tenant, criteria), collation=NAMES)
        return [cls.model_validate(row) async for row in rows]

    @classmethod
    async def users_of(cls, tenant: str, id_: PydanticObjectId, limit: int) -> list[str]:
        """Names of the templates whose current version was compiled with this one."""
        rows = cls.get_motor_collection().find(
            cls.owned(tenant, {"uses": id_}), {"name": 1}, limit=limit
        )
        return [row["name"] async for row in rows]


def name_taken() -> ConflictError:
    fault = FieldError("name", "is the name of another template")
    return ConflictError(f"{fault.path}: {fault.message}", fields=[fault])
