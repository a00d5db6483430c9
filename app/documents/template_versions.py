"""The versions of templates: what each of them says, and in which order they came."""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Self

from beanie import PydanticObjectId
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from app.documents import content
from app.documents.base import Filter, StoredModel, object_ids_of
from app.documents.outsourcing import OutsourcingDocument
from app.documents.vocabulary import TemplateFormat, TemplateKind, VariableType, VersionState
from app.documents.volume import counted

_OF_TEMPLATE = [("tenantId", ASCENDING), ("templateId", ASCENDING)]


class Variable(StoredModel):
    """A variable that a version declares; `default` and `example` are JSON values of its type."""

    name: str
    type: VariableType
    required: bool = False
    default: Any = None
    example: Any = None
    description: str | None = None


class LocaleWords(StoredModel):
    """What a version says in a language (BCP 47); what is None is said as without a language."""

    locale: str
    subject: str | None = None
    body: str | None = None
    text: str | None = None


class Words(StoredModel):
    """What an author wrote. `locale` is the language of what stands outside of `locales`."""

    format: TemplateFormat = TemplateFormat.HTML
    subject: str = ""
    body: str
    text: str | None = None
    layout: str | None = None
    locale: str | None = None
    locales: list[LocaleWords] = Field(default_factory=list)
    variables: list[Variable] = Field(default_factory=list)


class Use(StoredModel):
    """A layout or partial that a version was compiled with, and the number of its version then."""

    template_id: PydanticObjectId
    name: str
    kind: TemplateKind
    number: int


class Form(StoredModel):
    """What is filled in: subject, HTML, and a text part where the author wrote one.

    `lines` is where the author wrote each mark of the HTML: the field, and the line in it; nothing
    where the HTML is the body as it was written.
    """

    subject: str
    html: str
    text: str | None = None
    lines: list[tuple[str, int]] = Field(default_factory=list)


class Compiled(StoredModel):
    """What a version was compiled to, without a language and in those that it has."""

    form: Form
    locales: dict[str, Form] = Field(default_factory=dict)


class TemplateVersion(OutsourcingDocument):
    """One state of a template: a draft that changes, or a published one, which never does.

    `number` counts the published ones of a template from 1; a draft has none, and `revision` counts
    its changes. `words` and `compiled` are JSON: what was written, and what is filled in. `format`,
    `subject` and `layout` are those of the words. `restored_from` is the number of the version
    that a draft was made from.
    """

    visible: ClassVar[Filter] = {"deletedAt": None}

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    template_id: PydanticObjectId
    number: int | None = None
    state: VersionState
    revision: int = 1
    format: TemplateFormat
    subject: str
    layout: str | None = None
    words: str = ""
    compiled: str | None = None
    uses: list[Use] = Field(default_factory=list)
    note: str | None = None
    restored_from: int | None = None
    created_by: str
    updated: datetime
    updated_by: str
    published_at: datetime | None = None
    published_by: str | None = None
    deleted_at: datetime | None = None

    class Settings:
        name = "templateVersions"
        keep_nulls = False
        indexes: ClassVar = [
            IndexModel(
                [*_OF_TEMPLATE, ("number", DESCENDING)],
                name="one_of_each_number",
                unique=True,
                partialFilterExpression={"number": {"$exists": True}},
            ),
            IndexModel(
                _OF_TEMPLATE,
                name="one_draft",
                unique=True,
                partialFilterExpression={"state": VersionState.DRAFT},
            ),
            IndexModel([*_OF_TEMPLATE, ("created", DESCENDING), ("_id", DESCENDING)]),
        ]

    @property
    def filled(self) -> bool:
        return bool(self.words)

    def fill(self, octets: bytes) -> None:
        self.words, self.compiled = json.loads(octets)

    @property
    def said(self) -> Words:
        """What its author wrote, read."""
        return Words.model_validate_json(self.words)

    def say(self, words: Words) -> None:
        """Take on what an author wrote."""
        self.words = words.model_dump_json(by_alias=True)
        self.format, self.subject, self.layout = words.format, words.subject, words.layout

    async def outsourced(self) -> Self:
        """The version as it is to be stored: what is too large to stand in it is put aside."""
        octets = len(self.words.encode()) + len((self.compiled or "").encode())
        if octets <= content.INLINE_LIMIT:
            inline: Self = self.model_copy(update={"content_id": None})
            return inline
        content_id = await content.put(
            TemplateVersion, json.dumps([self.words, self.compiled]).encode()
        )
        outsourced: Self = self.model_copy(
            update={"words": "", "compiled": None, "content_id": content_id}
        )
        return outsourced

    async def discard_content(self) -> None:
        """Remove what was put aside for a version that was not stored, or is not any more."""
        if self.content_id is not None:
            await content.remove(TemplateVersion, self.content_id)

    def row(self) -> dict[str, Any]:
        """Give it as it is stored."""
        stored: dict[str, Any] = self.model_dump(by_alias=True, exclude_none=True)
        return stored

    @classmethod
    async def draft_of(cls, tenant: str, template_id: PydanticObjectId) -> Self | None:
        """The draft of a template in full, None when it has none."""
        return await cls._one(tenant, {"templateId": template_id, "state": VersionState.DRAFT})

    @classmethod
    async def drafts_of(
        cls, tenant: str, template_ids: Collection[str], *, without: Collection[str] = ()
    ) -> dict[str, Self]:
        """The drafts of these templates by their ids, without these stored fields."""
        wanted = object_ids_of(template_ids)
        criteria = {"templateId": {"$in": list(wanted.values())}, "state": VersionState.DRAFT}
        rows = cls.get_motor_collection().find(
            cls.owned(tenant, criteria), dict.fromkeys(without, 0), batch_size=len(wanted) + 1
        )
        found = {str(row["templateId"]): cls.model_validate(counted(row)) async for row in rows}
        whole = await cls.load_contents(found)
        return {
            text: one for text, id_ in wanted.items() if isinstance(one := whole.get(str(id_)), cls)
        }

    @classmethod
    async def numbered(cls, tenant: str, template_id: PydanticObjectId, number: int) -> Self | None:
        """The published version of a template with this number in full, None without one."""
        return await cls._one(tenant, {"templateId": template_id, "number": number})

    @classmethod
    async def whole(cls, id_: PydanticObjectId) -> Self | None:
        """The version with this id in full, even if its template was deleted."""
        row = await cls.get_motor_collection().find_one({"_id": id_})
        return await cls._whole(row)

    @classmethod
    async def _one(cls, tenant: str, criteria: Filter) -> Self | None:
        return await cls._whole(
            await cls.get_motor_collection().find_one(cls.owned(tenant, criteria))
        )

    @classmethod
    async def _whole(cls, row: dict[str, Any] | None) -> Self | None:
        if row is None:
            return None
        found: Self = cls.model_validate(row)
        await found.load_content()
        return found

    # Moves. Those to a published version stand in `publishing`.

    async def begin(self) -> bool:
        """Store a new draft; False when its template has one already."""
        stored = await self.outsourced()
        try:
            await stored.insert()
        except DuplicateKeyError:
            await stored.discard_content()
            return False
        return True

    async def keep(self, *, revision: int) -> Self | None:
        """Store a draft as it is now; None when it is a draft no more, or has another revision."""
        stored = await self.outsourced()
        fields = stored.row()
        kept = {name: one for name, one in fields.items() if name not in {"_id", "created"}}
        optional = {"contentId", "layout", "note", "restoredFrom", "compiled"} - fields.keys()
        before = await TemplateVersion.get_motor_collection().find_one_and_update(
            self.owned(
                self.tenant_id,
                {"_id": self.id, "state": VersionState.DRAFT, "revision": revision},
            ),
            {"$set": {**kept, "revision": revision + 1}, "$unset": dict.fromkeys(optional, "")},
            projection={"contentId": 1},
        )
        if before is None:
            await stored.discard_content()
            return None
        if (earlier := before.get("contentId")) is not None:
            await content.remove(TemplateVersion, earlier)
        self.revision = revision + 1
        return self

    @classmethod
    async def discard(cls, tenant: str, template_id: PydanticObjectId) -> bool:
        """Remove the draft of a template; False when it has none."""
        criteria = {"templateId": template_id, "state": VersionState.DRAFT}
        row = await cls.get_motor_collection().find_one_and_delete(
            cls.owned(tenant, criteria), projection={"contentId": 1}
        )
        if row is not None and row.get("contentId") is not None:
            await content.remove(cls, row["contentId"])
        return row is not None
