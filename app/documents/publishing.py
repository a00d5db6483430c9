"""The moves that concern a template and one of its versions: both are written, or neither."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.documents import content
from app.documents.base import Filter
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template, name_taken
from app.documents.transactions import LostError, together
from app.documents.vocabulary import VersionState


@dataclass(frozen=True)
class Author:
    """Who does it, and when."""

    name: str
    now: datetime


async def create(template: Template, version: TemplateVersion) -> None:
    """Store a new template with its first version. Raises ConflictError for a taken name."""
    stored = await version.outsourced()

    async def insert(session: AsyncIOMotorClientSession) -> None:
        await template.insert(session=session)
        await stored.insert(session=session)

    try:
        await together(Template, insert)
    except DuplicateKeyError as error:
        await stored.discard_content()
        raise name_taken() from error


async def publish(
    template: Template,
    version: TemplateVersion,
    by: Author,
    *,
    changes: Mapping[str, Any],
    revision: int | None = None,
) -> Template | None:
    """Make a new version the current one of its template, with other `changes` to the template.

    None when the template is gone or archived, its current version is not that of `template` any
    more, or `revision` is given and not its own. Raises ConflictError for a name that is taken.
    """
    stored = await version.outsourced()
    unchanged: Filter = {"archivedAt": None}
    if revision is not None:
        unchanged["revision"] = revision

    async def move(session: AsyncIOMotorClientSession) -> Template:
        leaving = Template.owned(template.tenant_id, {"version": template.version, **unchanged})
        moved = await _advance(template.id, leaving, version, by, changes, session)
        stored.number = moved.version
        await stored.insert(session=session)
        return moved

    try:
        moved = await together(Template, move)
    except DuplicateKeyError as error:
        await stored.discard_content()
        raise name_taken() from error
    if moved is None:
        await stored.discard_content()
    return moved


async def publish_draft(template: Template, draft: TemplateVersion, by: Author) -> Template | None:
    """Make a draft, compiled by now, the current version of its template.

    None when the template is gone or archived, or the draft was changed or published meanwhile.
    """
    stored = await draft.outsourced()
    stored.state = VersionState.PUBLISHED
    stored.published_at, stored.published_by = by.now, by.name
    found: Filter = {"_id": draft.id, "state": VersionState.DRAFT, "revision": draft.revision}

    async def move(session: AsyncIOMotorClientSession) -> Template:
        leaving = Template.owned(template.tenant_id, {"archivedAt": None})
        moved = await _advance(template.id, leaving, draft, by, {}, session)
        stored.number = moved.version
        published = await TemplateVersion.get_motor_collection().replace_one(
            TemplateVersion.owned(template.tenant_id, found), stored.row(), session=session
        )
        if not published.matched_count:
            raise LostError
        return moved

    moved = await together(Template, move)
    if moved is None:
        await stored.discard_content()
    elif draft.content_id is not None:
        await content.remove(TemplateVersion, draft.content_id)
    return moved


async def _advance(  # noqa: PLR0917 - all of one move
    id_: PydanticObjectId,
    leaving: Filter,
    version: TemplateVersion,
    by: Author,
    changes: Mapping[str, Any],
    session: AsyncIOMotorClientSession,
) -> Template:
    """Count one version more, and show what it says. Raises LostError."""
    words = version.said
    shown = {
        **changes,
        "format": words.format,
        "subject": words.subject,
        "body": words.body,
        "versionId": version.id,
        "uses": [use.template_id for use in version.uses],
    }
    update: dict[str, Any] = Template.setting(shown, now=by.now, author=by.name)
    update["$inc"] = {"revision": 1, "version": 1}
    row = await Template.get_motor_collection().find_one_and_update(
        {**leaving, "_id": id_}, update, return_document=ReturnDocument.AFTER, session=session
    )
    if row is None:
        raise LostError
    moved: Template = Template.model_validate(row)
    return moved


async def delete(template: Template, by: Author) -> bool:
    """Hide a template with its versions; False when it is gone already."""
    hidden = {"$set": {"deletedAt": by.now, "updated": by.now, "updatedBy": by.name}}
    tenant, id_ = template.tenant_id, template.id

    async def hide(session: AsyncIOMotorClientSession) -> bool:
        gone = await Template.get_motor_collection().update_one(
            Template.owned(tenant, {"_id": id_}), hidden, session=session
        )
        if not gone.matched_count:
            raise LostError
        await TemplateVersion.get_motor_collection().update_many(
            TemplateVersion.owned(tenant, {"templateId": id_}), hidden, session=session
        )
        return True

    return bool(await together(Template, hide))
