"""Deleted templates, removed for good with what they said once nothing is sent by it any more."""

from datetime import datetime, timedelta

from beanie import PydanticObjectId

from app.documents import content
from app.documents.base import Filter, TenantDocument
from app.documents.communications import Communication
from app.documents.template_versions import TemplateVersion
from app.documents.templates import Template

# Versions that mail still needs are looked at again then.
_LATER = timedelta(days=1)


async def purge(now: datetime, *, deleted_before: datetime, limit: int) -> int:
    """Remove templates that were deleted by then, and their versions; how many were looked at.

    List mail is filled in by the version that it names, also when it is sent once more: such
    versions stay until its record is purged. Other records name theirs by number for good.
    """
    collection = Template.get_motor_collection()
    due = {"deletedAt": {"$lte": deleted_before}, "purgeAt": {"$not": {"$gt": now}}}
    rows = collection.find(due, {"body": 0}).limit(limit)
    found = [Template.model_validate(row) async for row in rows]
    for template in found:
        if await _purge_versions(template):
            # Last: a crash before it leaves a template that is found again.
            await collection.delete_one({"_id": template.id})
        else:
            await collection.update_one({"_id": template.id}, {"$set": {"purgeAt": now + _LATER}})
    return len(found)


async def _purge_versions(template: Template) -> bool:
    """Remove the versions of a template that no list mail needs; whether that was all of them."""
    needed = await _needed(template)
    collection = TemplateVersion.get_motor_collection()
    of_template = _owned(TemplateVersion, template, {"templateId": template.id})
    async for row in collection.find(of_template, {"contentId": 1}):
        if row["_id"] in needed:
            continue
        if "contentId" in row:
            await content.remove(TemplateVersion, row["contentId"])
        await collection.delete_one({"_id": row["_id"]})
    return not needed


async def _needed(template: Template) -> set[PydanticObjectId]:
    """Tell which versions list mail names, deleted records too, until they are purged."""
    list_mail = {
        "templateId": str(template.id),
        "recipientListId": {"$exists": True},
        "templateVersionId": {"$exists": True},
    }
    owned = _owned(Communication, template, list_mail)
    return set(await Communication.get_motor_collection().distinct("templateVersionId", owned))


def _owned(document: type[TenantDocument], template: Template, criteria: Filter) -> Filter:
    """Match what the template's tenant has, deleted or not."""
    owned = document.owned(template.tenant_id, criteria)
    return {name: one for name, one in owned.items() if name not in document.visible}
