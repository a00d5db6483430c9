"""Templates that were stored before there were versions: each is given its first one."""

from beanie import PydanticObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo import ReturnDocument

from app.documents.template_versions import Compiled, Form, TemplateVersion, Words
from app.documents.templates import Template
from app.documents.transactions import LostError, together
from app.documents.vocabulary import VersionState

_UNVERSIONED = {"versioned": None}


async def upgrade(template: Template) -> Template:
    """Give a template its first version, unless it has versions; the template with it.

    Of several upgraders one makes it. One that is gone meanwhile stays as it is.
    """
    if template.versioned:
        return template

    version_id = PydanticObjectId()

    async def move(session: AsyncIOMotorClientSession) -> Template:
        row = await Template.get_motor_collection().find_one_and_update(
            Template.owned(template.tenant_id, {"_id": template.id, **_UNVERSIONED}),
            {"$set": {"versioned": True, "version": 1, "versionId": version_id}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if row is None:
            raise LostError
        moved: Template = Template.model_validate(row)
        await (await _first_version(moved, version_id).outsourced()).insert(session=session)
        return moved

    moved = await together(Template, move)
    return moved or await Template.get(template.id) or template


def _first_version(template: Template, id_: PydanticObjectId) -> TemplateVersion:
    version = TemplateVersion(
        id=id_,
        tenant_id=template.tenant_id,
        template_id=template.id,
        number=1,
        state=VersionState.PUBLISHED,
        format=template.format,
        subject=template.subject,
        created=template.created,
        created_by=template.created_by,
        updated=template.updated,
        updated_by=template.updated_by,
        published_at=template.updated,
        published_by=template.updated_by,
    )
    version.say(Words(subject=template.subject, body=template.body))
    # It was sent as it is, and stays so.
    form = Form(subject=template.subject, html=template.body)
    version.compiled = Compiled(form=form).model_dump_json(by_alias=True)
    return version


async def upgrade_all() -> None:
    """Give versions to whatever an earlier release stored; nothing is found at a later start."""
    rows = Template.get_motor_collection().find({**_UNVERSIONED, **Template.visible}, {"_id": 1})
    async for row in rows:
        template = await Template.get(row["_id"])
        if template is not None:
            await upgrade(template)
